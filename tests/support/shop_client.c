/* shop_client.c -- see shop_client.h. */
#include "support/shop_client.h"
#include "support/fixture.h"

struct tshop shop;

void shop_start(const char *fault, int every)
{
    assert_int_equal(tshop_start(&shop, fault, every), 0);
    api_open(a, shop.port);
}

int shop_start_honest(void **state)
{
    (void)state;
    shop_start("none", 1);
    return 0;
}

int shop_end(void **state)
{
    (void)state;
    api_close(a);
    return tshop_stop(&shop) ? 0 : -1;
}

void shop_put(const char *sku, int on_hand)
{
    api_call(a, 201, "PUT", ITEM(sku), NULL, text("{\"on_hand\":%d}", on_hand));
    check_like(a, "{'version':1,'available':%d}", on_hand);
}

const char *shop_reserve(const char *body)
{
    post(201, RESERVATIONS, body);
    check_str(a, "state", "held");
    return api_str(a, "id");
}
