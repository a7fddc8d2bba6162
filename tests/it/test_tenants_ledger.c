/* test_tenants_ledger.c -- whose things are, when Redis was lost and when something was changed by
 * hand: the ledger, a restore, a roll forward and an audit know tenants.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "core/tenant.h"
#include "keys/key_ring.h"
#include "support/api_keys.h"
#include "support/fixture.h"
#include "support/rerun.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- who asks --------------------------------------------------------------------------------- */

enum who { ACME, TILL, BULK, HERE, WHO };
static const struct {
    const char *tenant, *name;
} clients[WHO] = {{"acme", "shop"}, {"acme", "till"}, {"bulk", "store"}, {TENANT_DEFAULT, "desk"}};

static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8];

/* Fields of a request of this client; with a key unless that is NULL. */
static const char *fields(enum who who, const char *key)
{
    char text_of_key[API_KEY_SIZE];
    api_key_of((int)who + 1, text_of_key);
    return text("Authorization: Bearer %s\r\n%s%s%s", text_of_key, key ? "Idempotency-Key: " : "",
                key ? key : "", key ? "\r\n" : "");
}

static void add_client(struct key_list *list, enum who who)
{
    char text_of_key[API_KEY_SIZE];
    struct key_entry key = {.id = (uint64_t)who + 1, .role = ROLE_ADMIN, .created_ms = 1};
    snprintf(key.name, sizeof(key.name), "%s", clients[who].name);
    snprintf(key.tenant, sizeof(key.tenant), "%s", clients[who].tenant);
    api_key_of((int)who + 1, text_of_key);
    assert_true(key_hash(str_of(text_of_key), key.hash));
    assert_int_equal(key_list_add(list, &key, 0), KEY_CHANGED);
}

static void make_keys(void)
{
    static struct key_list list;
    struct stat like = {.st_mode = 0600, .st_uid = geteuid()};
    char why[KEYS_WHY_SIZE];
    struct buf bytes;
    assert_int_equal(temp_dir_make(dir), 0);
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    for (enum who who = ACME; who < WHO; who++)
        add_client(&list, who);
    buf_init(&bytes, KEY_LIST_MAX_BYTES);
    key_list_write(&list, &bytes);
    assert_true(keys_file_replace(keys, buf_str(&bytes), &like, why));
    buf_free(&bytes);
}

static void remove_keys(void)
{
    temp_dir_remove(dir);
}

/* --- the scene -------------------------------------------------------------------------------- */

#define HOLD_OF_ANN "{\"sku\":\"book\",\"quantity\":2,\"customer\":\"ann\",\"metadata\":{\"n\":1}}"
#define SALE_TO_BOB "{\"quantity\":1,\"customer\":\"bob\"}"

static char held[WHO][64]; /* each client's hold for its ann, who may have no more */

static int64_t sold_to_bob(enum who who)
{
    api_call(a, 200, "POST", "/v1/items/book/decrements", fields(who, "sale"), SALE_TO_BOB);
    return api_int(a, "version");
}

/* One item of the store, of which every client sells to an ann and a bob of its own. */
static void start_shop(void **state)
{
    serve(.workers = 2, .ledger = *state, .flags = {"--keys-file", keys});
    api_call(a, 201, "PUT", "/v1/items/book", fields(HERE, NULL),
             "{\"on_hand\":1000,\"max_per_customer\":2}");
    for (enum who who = ACME; who < WHO; who++) {
        if (who == TILL)
            continue;
        api_call(a, 201, "POST", RESERVATIONS, fields(who, "hold"), HOLD_OF_ANN);
        KEEP(held[who], api_str(a, "id"));
    }
    api_call(a, 201, "POST", RESERVATIONS, fields(TILL, NULL),
             "{\"sku\":\"book\",\"quantity\":1,\"customer\":\"tom\"}");
    KEEP(held[TILL], api_str(a, "id"));
}

static bool caught_up(void)
{
    return ledger_checkpoint(&load, 0) == ledger_stream_end(&load, 0);
}

static void await_sql(void)
{
    assert_true(await(caught_up(), RECOVERY_MS));
}

static void adds_up(void)
{
    await_sql();
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_holds"), 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_usage"), 0);
    check_audit(0);
}

/* --- what lies in SQL ------------------------------------------------------------------------- */

static int64_t usage_of(enum who who, const char *column)
{
    return sql_int(text("SELECT COALESCE(CAST(SUM(%s) AS bigint), 0) FROM client_usage "
                        "WHERE tenant = '%s' AND client = '%s'",
                        column, who == HERE ? "" : clients[who].tenant, clients[who].name));
}

static int64_t keys_of(enum who who)
{
    return sql_int(text("SELECT COALESCE(CAST(SUM(operation_keys) AS bigint), 0) FROM "
                        "client_usage_hourly WHERE tenant = '%s' AND client = '%s'",
                        clients[who].tenant, clients[who].name));
}

static void clients_are_counted_apart(void **state)
{
    start_shop(state);
    sold_to_bob(ACME);
    await_sql();
    assert_int_equal(usage_of(ACME, "open_holds"), 1);
    assert_int_equal(usage_of(ACME, "units_held"), 2);
    assert_int_equal(usage_of(ACME, "metadata_bytes"), sizeof("{\"n\":1}") - 1);
    assert_int_equal(usage_of(TILL, "open_holds"), 1);
    assert_int_equal(usage_of(TILL, "units_held"), 1);
    assert_int_equal(usage_of(BULK, "units_held"), 2);
    assert_int_equal(keys_of(ACME), 2);
    assert_int_equal(keys_of(TILL), 0);
    assert_int_equal(usage_of(HERE, "open_holds"), 0); /* of a key without such a quota */
    /* What another client of the tenant ends is given back to who had it. */
    api_call(a, 200, "POST", RELEASE(held[ACME]), fields(TILL, NULL), "{}");
    api_call(a, 200, "POST", CONFIRM(held[TILL]), fields(ACME, NULL), "{}");
    await_sql();
    assert_int_equal(usage_of(ACME, "open_holds"), 0);
    assert_int_equal(usage_of(ACME, "units_held"), 0);
    assert_int_equal(usage_of(ACME, "metadata_bytes"), 0);
    assert_int_equal(usage_of(TILL, "open_holds"), 0);
    adds_up();
}

/* An expiry is its tenant's. */
static void what_runs_out_is_given_back(void **state)
{
    start_shop(state);
    api_call(a, 201, "POST", RESERVATIONS, fields(BULK, NULL),
             "{\"sku\":\"book\",\"quantity\":2,\"customer\":\"eve\",\"ttl_seconds\":1}");
    assert_true(await(sql_int("SELECT COUNT(*) FROM events WHERE type = 'expire' AND "
                              "tenant = 'bulk' AND client = 'store'") == 1,
                      RECOVERY_MS));
    assert_int_equal(usage_of(BULK, "units_held"), 2);
    adds_up();
}

/* Without tenants the columns say nothing, and nobody is counted. */
static void the_default_tenant_writes_nothing_of_it(void **state)
{
    serve(.ledger = *state);
    const char *sku = api_item(a, 10, 0);
    api_call(a, 201, "POST", RESERVATIONS, "Idempotency-Key: k\r\n", LINE(sku, 1));
    await_sql();
    assert_int_equal(sql_int("SELECT COUNT(*) FROM events WHERE tenant <> '' OR client <> ''"), 0);
    assert_int_equal(
        sql_int("SELECT COUNT(*) FROM reservations WHERE tenant <> '' OR client <> ''"), 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM client_usage"), 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM client_usage_hourly"), 0);
}

/* --- a restore -------------------------------------------------------------------------------- */

/* Holds, results, and what each customer may still have, are whose they were. */
static void a_restore_brings_owners_back(void **state)
{
    int64_t sold[WHO];
    start_shop(state);
    for (enum who who = ACME; who < WHO; who++)
        if (who != TILL)
            sold[who] = sold_to_bob(who);
    await_sql();
    (void)redis_int("FLUSHALL");
    check_command(0, "restore", "--redis", stack.redis.url, "--ledger", ledger_url);
    await_ready();
    assert_true(
        await(http_call(&a->conn, "GET", ITEM("book"), fields(HERE, NULL), NULL, &a->resp) == 0 &&
                  a->resp.status == 200,
              RECOVERY_MS));
    for (enum who who = ACME; who < WHO; who++) {
        for (enum who other = ACME; other < WHO; other++) {
            bool ours = strcmp(clients[who].tenant, clients[other].tenant) == 0;
            if (ours)
                api_call(a, 200, "GET", RESERVATION(held[other]), fields(who, NULL), NULL);
            else
                api_problem(a, 404, "reservation-not-found", NULL, "POST", CONFIRM(held[other]),
                            fields(who, NULL), "{}");
        }
        if (who == TILL)
            continue;
        assert_int_equal(sold_to_bob(who), sold[who]);
        check_header(a, "Idempotent-Replayed", "true");
        api_problem(a, 409, "limit-exceeded", NULL, "POST", RESERVATIONS, fields(who, NULL),
                    HOLD_OF_ANN);
    }
    api_call(a, 200, "POST", RELEASE(held[BULK]), fields(BULK, NULL), "{}");
    api_call(a, 201, "POST", RESERVATIONS, fields(BULK, NULL), HOLD_OF_ANN);
    adds_up();
}

/* --- an audit --------------------------------------------------------------------------------- */

static void drift_says(const char *words)
{
    check_audit(1);
    check_said(words);
}

static void an_audit_finds_a_changed_owner(void **state)
{
    start_shop(state);
    adds_up();
    sql_run(text("UPDATE reservations SET tenant = 'bulk' WHERE rid = '%s'", held[ACME]));
    drift_says(text("drift: reservation %s: Redis has owner \"acme/shop\", the ledger "
                    "\"bulk/shop\"",
                    held[ACME]));
    sql_run(text("UPDATE reservations SET tenant = 'acme', client = 'till' WHERE rid = '%s'",
                 held[ACME]));
    drift_says("the ledger \"acme/till\"");
    check_said("drift: ledger acme/till: its holds are counted");
    sql_run(text("UPDATE reservations SET client = 'shop' WHERE rid = '%s'", held[ACME]));
    sql_run(text("UPDATE reservations SET tenant = 'acme', client = 'shop' WHERE rid = '%s'",
                 held[HERE]));
    drift_says("Redis has owner nothing, the ledger \"acme/shop\"");
    sql_run(text("UPDATE reservations SET tenant = '', client = '' WHERE rid = '%s'", held[HERE]));
    sql_run("UPDATE client_usage SET open_holds = open_holds + 1 WHERE client = 'store'");
    drift_says("drift: ledger bulk/store: its holds are counted as 1 more");
    sql_run("UPDATE client_usage SET open_holds = open_holds - 1 WHERE client = 'store'");
    check_audit(0);
}

static void an_audit_tells_the_customers_of_tenants_apart(void **state)
{
    start_shop(state);
    adds_up();
    redis_do(&stack.redis, "HSET {p0}:cust:book %s 3",
             "acme\xff"
             "ann");
    drift_says("of item book Redis counts 3 units at version");
    redis_do(&stack.redis, "HSET {p0}:cust:book %s 2",
             "acme\xff"
             "ann");
    redis_do(&stack.redis, "HSET {p0}:cust:book %s 1",
             "cars\xff"
             "ann");
    drift_says("of item book Redis counts 1 units at version");
    redis_do(&stack.redis, "HDEL {p0}:cust:book %s",
             "cars\xff"
             "ann");
    redis_do(&stack.redis, "HSET {p0}:cust:book %s 1",
             "No tenant\xff"
             "ann");
    drift_says("counts for what is no name");
    redis_do(&stack.redis, "HDEL {p0}:cust:book %s",
             "No tenant\xff"
             "ann");
    check_audit(0);
}

/* --- a roll forward --------------------------------------------------------------------------- */

/* What is brought to an older copy is compared with the newer one byte by byte. */
static void a_roll_forward_brings_owners_along(void **state)
{
    assert_int_equal(setenv("TEST_KEYS", "1", 1) | setenv("TEST_TENANT", "acme", 1), 0);
    rerun("test_roll", "test_restore");
    assert_int_equal(setenv("STOCKD_TENANT_ITEMS", "own", 1), 0);
    rerun("test_roll", "test_audit_moves");
    unsetenv("STOCKD_TENANT_ITEMS");
    unsetenv("TEST_TENANT");
    unsetenv("TEST_KEYS");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(clients_are_counted_apart),
        ON_BOTH(what_runs_out_is_given_back),
        ON_BOTH(the_default_tenant_writes_nothing_of_it),
        ON_BOTH(a_restore_brings_owners_back),
        ON_BOTH(an_audit_finds_a_changed_owner),
        ON_BOTH(an_audit_tells_the_customers_of_tenants_apart),
        PLAIN_TEST(a_roll_forward_brings_owners_along),
    };
    (void)argc;
    rerun_begin(argv[0]);
    return run_each_with("tenants ledger", tests, make_keys, remove_keys);
}
