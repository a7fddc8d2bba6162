/* test_slot_replies.c -- whatever command of a worker a node of a cluster refuses because of its
 * slot, nothing ran: the client waits a moment, and never hears of it.
 */
#include "support/fixture.h"
#include "support/refuseproxy.h"

#include <stdio.h>
#include <string.h>

#define COMMANDS 48 /* of a round, and more */
#define STOCK    100000

static struct refuse_proxy proxy;
static char sku[64];

static void start(const enum base_engine *ledger, const char *durability)
{
    assert_int_equal(tredis_start(&stack.redis, NULL), 0);
    assert_int_equal(refuse_proxy_start(&proxy, &stack.redis), 0);
    serve(.redis_url = proxy.url, .ledger = ledger,
          .flags = {"--lanes", "1", "--durability", durability});
    await_ready();
    KEEP(sku, api_item(a, STOCK, STOCK));
}

static int end(void **state)
{
    int rc = tservice_stop(&stack.service) ? 0 : -1;
    refuse_proxy_stop(&proxy);
    return serve_end(state) < 0 ? -1 : rc;
}

/* Reads an item, its customer and a reservation, writes all of them, and repeats. */
static void go_round(const char *key)
{
    char id[64];
    for (int i = 0; i < 2; i++)
        api_call(a, 201, "POST", RESERVATIONS, text("Idempotency-Key: %s\r\n", key),
                 text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"c\"}", sku));
    KEEP(id, api_str(a, "id"));
    post(200, CONFIRM(id), "{}");
    post(200, DECREMENT(sku), "{\"quantity\":1,\"customer\":\"c\"}");
}

static void refuse_each(int *rounds)
{
    static const enum refuse_word words[] = {REFUSE_MOVED, REFUSE_ASK, REFUSE_TRYAGAIN,
                                             REFUSE_CLUSTERDOWN, REFUSE_READONLY};
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        int refused = 0;
        for (int k = 1; k <= COMMANDS; k++, ++*rounds) {
            struct refuse_rule rule = {
                .role = TSERVICE_WORKER, .word = words[w], .first = k, .count = 1};
            refuse_proxy_arm(&proxy, &rule);
            go_round(text("%s-%d", refuse_word_name(words[w]), k));
            refused += refuse_proxy_refused(&proxy);
        }
        print_message("%s: %d commands refused in turn\n", refuse_word_name(words[w]), refused);
        assert_true(refused > 3);
    }
    refuse_proxy_disarm(&proxy);
}

static void no_client_hears_of_a_slot(void **state)
{
    int rounds = 0;
    (void)state;
    start(NULL, "memory");
    refuse_each(&rounds);
    check_item(a, sku, STOCK - 3 * rounds, STOCK - 3 * rounds, 0, 3 * rounds, 1 + 3 * rounds);
}

static void nor_where_answers_wait_for_the_ledger(void **state)
{
    int rounds = 0;
    start(*state, "ledger");
    refuse_each(&rounds);
    check_item(a, sku, STOCK - 3 * rounds, STOCK - 3 * rounds, 0, 3 * rounds, 1 + 3 * rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"no_client_hears_of_a_slot", no_client_hears_of_a_slot, NULL, end, NULL},
        {"nor_where_answers_wait_for_the_ledger (sqlite)", nor_where_answers_wait_for_the_ledger,
         NULL, end, ON_SQLITE},
    };
    return run_each("slot replies", tests);
}
