/* shop_api.c -- see shop_api.h. */
#include "support/shop_api.h"

struct tshop shop_under_test;
struct api shop_client = {.conn.fd = -1};
static struct api *const a = &shop_client;

void shop_start(const char *fault, int every)
{
    assert_int_equal(tshop_start(&shop_under_test, fault, every), 0);
    api_open(a, shop_under_test.port);
}

int shop_start_honest(void **state)
{
    if (tshop_start(&shop_under_test, "none", 1) != 0)
        return -1;
    api_open(a, shop_under_test.port);
    return 0;
}

int shop_stop(void **state)
{
    api_close(a);
    return tshop_stop(&shop_under_test) ? 0 : -1;
}

void shop_put(const char *sku, int on_hand)
{
    api_call(a, 201, "PUT", text("/v1/items/%s", sku), NULL, text("{\"on_hand\":%d}", on_hand));
    check_int(a, "version", 1);
    check_int(a, "available", on_hand);
}

const char *shop_reserve(const char *body)
{
    api_call(a, 201, "POST", RESERVATIONS, NULL, body);
    check_str(a, "state", "held");
    return api_str(a, "id");
}
