/* test_memory_faults_writes.c -- the n-th allocation of a worker fails, for every n of a request
 * that changes something: it has one effect, whatever its client was told, and counts once against
 * a quota.
 */
#include "support/key_client.h"
#include "support/memory_walk.h"

#include <signal.h>
#include <stdlib.h>

#define STOCK 1000000

static char apple[32], pear[32], held[64]; /* a customer has a limit on pears */

/* --- what is asked ---------------------------------------------------------------------------- */

static struct errand post_with(int turn, const char *path, const char *body, int good)
{
    return (struct errand){.method = "POST",
                           .path = path,
                           .headers = walk_key(turn),
                           .body = body,
                           .good = good,
                           .has_effect = true};
}

static struct errand reserve(int turn)
{
    return post_with(
        turn, RESERVATIONS,
        text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":1}],"
             "\"ttl_seconds\":3600,\"customer\":\"c%d\",\"metadata\":{\"a\":[1,\"b\"]}}",
             apple, pear, turn % 3),
        201);
}

static struct errand batch(int turn)
{
    return post_with(turn, "/v1/batch",
                     text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
                          "{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1,\"customer\":\"c\"},"
                          "{\"op\":\"get\",\"id\":\"%s\"}]}",
                          apple, pear, held),
                     200);
}

/* Of a hold of its own. */
static struct errand confirm(int turn)
{
    return post_with(turn, CONFIRM(api_reserve(a, apple, 1, 3600)), "{}", 200);
}

static struct errand release(int turn)
{
    return post_with(turn, RELEASE(api_reserve(a, apple, 1, 3600)), "{}", 200);
}

static struct errand transfer(int turn)
{
    return post_with(turn, TRANSFER(apple), text("{\"to\":\"%s\",\"quantity\":1}", pear), 200);
}

static struct errand put(int turn)
{
    return (struct errand){.method = "PUT",
                           .path = ITEM(apple),
                           .headers = text("%sIf-Match: *\r\n", walk_key(turn)),
                           .body = text("{\"on_hand\":%d}", STOCK + turn),
                           .good = 200,
                           .has_effect = true};
}

/* --- what became of it ------------------------------------------------------------------------ */

/* Of each item: received, held, sold, version. */
static void check_stock(int apples, int apples_held, int apples_sold, int apple_version, int pears,
                        int pears_held, int pear_version)
{
    check_item(a, apple, apples - apples_sold, apples - apples_sold - apples_held, apples_held,
               apples_sold, apple_version);
    check_item(a, pear, pears, pears - pears_held, pears_held, 0, pear_version);
    await_in_sql(apple);
    await_in_sql(pear);
    check_audit(0);
}

static void begin(void **state)
{
    serve(.preload = memory_faults_library(), .ledger = *state);
    KEEP(apple, api_item(a, STOCK, 0));
    KEEP(pear, api_item(a, STOCK, STOCK));
    KEEP(held, api_reserve(a, apple, 1, 3600));
    walk_choose_worker();
}

static void a_write_with_a_key_has_one_effect(void **state)
{
    begin(state);
    check_walk_of(reserve);
    check_stock(STOCK, 1 + turns, 0, 2 + turns, STOCK, turns, 1 + turns);
}

static void a_batch_with_a_key_has_one_effect(void **state)
{
    begin(state);
    check_walk_of(batch);
    check_stock(STOCK, 1, turns, 2 + turns, STOCK, turns, 1 + turns);
}

static void a_confirmation_with_a_key_has_one_effect(void **state)
{
    begin(state);
    check_walk_of(confirm);
    check_stock(STOCK, 1, turns, 2 + 2 * turns, STOCK, 0, 1);
}

static void a_release_with_a_key_has_one_effect(void **state)
{
    begin(state);
    check_walk_of(release);
    check_stock(STOCK, 1, 0, 2 + 2 * turns, STOCK, 0, 1);
}

static void a_transfer_with_a_key_has_one_effect(void **state)
{
    begin(state);
    check_walk_of(transfer);
    check_stock(STOCK - turns, 1, 0, 2 + turns, STOCK + turns, 0, 1 + turns);
}

static void an_item_that_is_set_with_a_key_is_set_once(void **state)
{
    begin(state);
    check_walk_of(put);
    check_stock(STOCK + turns, 1, 0, 2 + turns, STOCK, 0, 1);
}

/* --- quotas ----------------------------------------------------------------------------------- */

static struct key_client client;

static struct errand hold_of_client(int turn)
{
    struct errand e =
        post_with(turn, RESERVATIONS, text("{\"sku\":\"%s\",\"quantity\":1}", apple), 201);
    e.headers = text("%s%s", client.header, walk_key(turn));
    return e;
}

/* Refused as it has those holds, and no more. Before its quota is in force it gets one more. */
static bool has_them(int *holds)
{
    int status = key_client_call(&client, "POST", RESERVATIONS, LINE(apple, 1));
    *holds += status == 201;
    return status == 429 && api_int(a, "used") == *holds;
}

static void what_is_held_counts_once(void **state)
{
    char key[API_KEY_SIZE];
    assert_int_equal(key_clients_begin(1), 0);
    serve(.preload = memory_faults_library(), .ledger = *state, .flags = {"--keys-file", key_file});
    client = key_client_of("seller", NULL, "holds=1000000");
    api_key_of(ROLE_ADMIN, key);
    KEEP(apple, new_sku());
    api_call(a, 201, "PUT", ITEM(apple), text("Authorization: Bearer %s\r\n", key),
             text("{\"on_hand\":%d}", STOCK));
    walk_choose_worker();
    check_walk_of(hold_of_client);
    check_command(0, "keys", "quota", "--keys-file", key_file, "--quota", text("holds=%d", turns),
                  client.id);
    int holds = turns;
    assert_true(await(has_them(&holds), RECOVERY_MS));
    key_clients_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(a_write_with_a_key_has_one_effect),
        SQLITE_TEST(a_batch_with_a_key_has_one_effect),
        SQLITE_TEST(a_confirmation_with_a_key_has_one_effect),
        SQLITE_TEST(a_release_with_a_key_has_one_effect),
        SQLITE_TEST(a_transfer_with_a_key_has_one_effect),
        SQLITE_TEST(an_item_that_is_set_with_a_key_is_set_once),
        SQLITE_TEST(what_is_held_counts_once),
    };
    signal(SIGPIPE, SIG_IGN);
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    unsetenv("TEST_TLS");
    int failed = memory_faults_library() && memory_faults_begin(&faults) == 0
                     ? run_each("memory faults, writes", tests)
                     : EXIT_FAILURE;
    memory_faults_end(&faults);
    return failed;
}
