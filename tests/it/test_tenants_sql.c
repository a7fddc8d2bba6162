/* test_tenants_sql.c -- what the ledger tells a tenant: what is its own, in as few steps as if the
 * others were not there.
 *
 * Rows are put there as the applier writes them; every test runs on SQLite and on PostgreSQL.
 */
#include "core/tenant.h"
#include "ledger/query/history.h"
#include "ledger/query/tail.h"
#include "ledger/query/usage.h"
#include "support/fixture.h"
#include "support/past.h"

#define MANY    (HISTORY_LOOK_MAX + 100)
#define HOUR_MS INT64_C(3600000)

static struct db *db;
static struct arena arena;

static const char *const tenants[] = {"", "acme", "bulk"};

/* --- the scene -------------------------------------------------------------------------------- */

#define COUNT_TO(n)                                                                                \
    "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < " #n ") "
#define RID "'r0-000000000000' || (1000000000 + i) || '0'"

static int begin(void **state)
{
    db = bases_ledger(&bases, engine_of(state));
    arena_init(&arena, 1 << 16, 64 << 20);
    return 0;
}

static int end(void **state)
{
    db_close(db);
    arena_free(&arena);
    return 0;
}

/* Reservations first to last of a tenant's client: held, or released if their number is odd. */
static void put_reservations(const char *tenant, const char *client, int first, int last)
{
    sql_run(text("INSERT INTO reservations (rid, partition_no, state, rereserved, created_ms, "
                 "expires_ms, ended_ms, line_count, customer, reference, tenant, client) " COUNT_TO(
                     20000) "SELECT " RID ", 0, CASE i %% 2 WHEN 0 THEN 'held' ELSE 'released' END,"
                            " 0, 1, 2 + i, CASE i %% 2 WHEN 0 THEN NULL ELSE 3 END, 1, 'ann', "
                            "'order', '%s', '%s' FROM k WHERE i BETWEEN %d AND %d",
                 tenant, client, first, last));
    sql_run(text("INSERT INTO reservation_lines (rid, n, sku, reserved, quantity, remaining, "
                 "version, tenant) " COUNT_TO(20000) "SELECT " RID ", 0, 'a', 1, 1, 1, 1, '%s' "
                                                     "FROM k WHERE i BETWEEN %d AND %d",
                 tenant, first, last));
}

/* Versions first to last of item `a`, sold one by one. Entry 1-<version> each. */
static void put_movements(const char *tenant, const char *client, int first, int last)
{
    sql_run(text("INSERT INTO events (partition_no, epoch, seq, n, event_no, at_ms, type, sku, "
                 "available_delta, held_delta, sold_delta, available, held, sold, version, "
                 "max_per_customer, customer, tenant, client) " COUNT_TO(
                     20000) "SELECT 0, 1, i, 0, 0, i, 'decrement', 'a', -1, 0, 1, 20000 - i, 0, i, "
                            "i, 0, 'ann', '%s', '%s' FROM k WHERE i BETWEEN %d AND %d",
                 tenant, client, first, last));
}

static void put_item(int last)
{
    sql_run(text("INSERT INTO items VALUES ('a', 0, %d, %d, 0, %d, %d, 0, 0, 1)", 20000 - last,
                 20000 - last, last, last));
    sql_run(text("INSERT INTO checkpoints VALUES (0, 1, %d, %d, %d)", last, last, last));
}

/* --- lists of reservations -------------------------------------------------------------------- */

static void find(struct history_reservations *list)
{
    arena_reset(&arena);
    assert_int_equal(db_begin_read(db), DB_OK);
    assert_int_equal(history_reservations_find(db, &arena, list), DB_OK);
    db_rollback(db);
}

/* Every way to ask for what put_reservations() has put there. */
static const struct history_reservations questions[] = {
    {.limit = 50},
    {.state = STR("held"), .limit = 50},
    {.state = STR("released"), .limit = 50},
    {.customer = STR("ann"), .limit = 50},
    {.reference = STR("order"), .limit = 50},
    {.sku = STR("a"), .limit = 50},
    {.reference = STR("order"),
     .customer = STR("ann"),
     .sku = STR("a"),
     .state = STR("held"),
     .limit = 50},
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

/* How many of so many reservations a question is about: all, or those with one of two states. */
static unsigned expected(const struct history_reservations *question, unsigned all)
{
    return str_absent(question->state) ? all : all / 2;
}

static void all_are_of(const struct history_reservations *list, const char *tenant)
{
    for (unsigned i = 0; i < list->count; i++) {
        struct str owner = list->page[i].owner;
        assert_true(str_equal(owner_tenant(owner), str_of(*tenant ? tenant : TENANT_DEFAULT)));
        assert_true(
            str_equal(owner_tenant(owner), tenant_of(list->page[i].share, TENANT_MARK_SHARE)));
    }
}

static void a_list_has_the_askers_alone(void **state)
{
    put_reservations("", "", 1, 4);
    put_reservations("acme", "shop", 5, 8);
    put_reservations("", "shop", 9, 12); /* of the default tenant, by a client with a name */
    put_reservations("bulk", "shop", 13, 20);
    put_reservations("acme", "till", 21, 24);
    for (int t = 0; t < 3; t++)
        for (size_t q = 0; q < QUESTIONS; q++) {
            struct history_reservations list = questions[q];
            list.tenant = t == 0 && q % 2 ? (struct str){NULL, 0} : str_of(tenants[t]);
            find(&list);
            assert_int_equal(list.count, expected(&list, 8));
            assert_true(str_absent(list.next));
            all_are_of(&list, tenants[t]);
        }
    struct history_reservations none = {.tenant = STR("cars"), .limit = 50};
    find(&none);
    assert_int_equal(none.count, 0);
    assert_true(str_absent(none.next));
}

/* More of another tenant's lie between than a page may look at: nobody's page is short for it. */
static void a_list_is_not_cut_by_what_others_have(void **state)
{
    put_reservations("", "", 1, 4);
    put_reservations("acme", "shop", 5, 8);
    put_reservations("bulk", "shop", 9, 9 + MANY);
    put_reservations("", "", 19001, 19004);
    put_reservations("acme", "shop", 19005, 19008);
    for (int t = 0; t < 2; t++)
        for (size_t q = 0; q < QUESTIONS; q++) {
            struct history_reservations list = questions[q];
            list.tenant = str_of(tenants[t]);
            find(&list);
            assert_int_equal(list.count, expected(&list, 8));
            assert_true(str_absent(list.next));
            all_are_of(&list, tenants[t]);
        }
}

static void pages_of_a_list_make_up_the_whole(void **state)
{
    for (int i = 0; i < 30; i += 3) {
        put_reservations("", "", i + 1, i + 1);
        put_reservations("acme", "shop", i + 2, i + 2);
        put_reservations("bulk", "shop", i + 3, i + 3);
    }
    for (size_t q = 0; q < QUESTIONS; q++) {
        struct history_reservations list = questions[q];
        unsigned seen = 0;
        char before[RID_TEXT_SIZE] = "";
        list.tenant = STR("acme");
        list.limit = 3;
        do {
            list.before = before[0] ? str_of(before) : (struct str){NULL, 0};
            find(&list);
            all_are_of(&list, "acme");
            seen += list.count;
            snprintf(before, sizeof(before), "%.*s", STR_ARG(list.next));
        } while (!str_absent(list.next));
        assert_int_equal(seen, expected(&list, 10));
    }
}

/* --- movements -------------------------------------------------------------------------------- */

static void find_movements(struct history_movements *list)
{
    arena_reset(&arena);
    assert_int_equal(db_begin_read(db), DB_OK);
    assert_int_equal(history_movements_find(db, &arena, list), DB_OK);
    db_rollback(db);
}

/* All that the tenant is told of item `a`, in pages of so many: how many movements, and their
 * versions' sum. */
static unsigned read_movements(const char *tenant, unsigned limit, int64_t *sum, unsigned *pages)
{
    struct history_movements list = {
        .tenant = str_of(tenant), .sku = STR("a"), .before = INT64_MAX, .limit = limit};
    int64_t last = INT64_MAX;
    unsigned seen = 0;
    *sum = 0;
    for (*pages = 1;; ++*pages) {
        find_movements(&list);
        assert_true(list.known);
        for (unsigned i = 0; i < list.count; i++) {
            assert_true(list.page[i].version < last);
            last = list.page[i].version;
            *sum += last;
        }
        seen += list.count;
        if (list.next == 0)
            return seen;
        assert_true(list.next <= last && list.next < list.before);
        list.before = list.next;
    }
}

static void movements_are_those_of_the_asker(void **state)
{
    int64_t sum;
    unsigned pages;
    put_movements("", "", 1, 4);
    put_movements("acme", "shop", 5, 6);
    put_movements("", "shop", 7, 7);
    put_movements("bulk", "shop", 8, 10);
    put_item(10);
    for (unsigned limit = 1; limit < 12; limit++) {
        assert_int_equal(read_movements("", limit, &sum, &pages), 5);
        assert_int_equal(sum, 1 + 2 + 3 + 4 + 7);
        assert_int_equal(read_movements("acme", limit, &sum, &pages), 2);
        assert_int_equal(sum, 5 + 6);
        assert_int_equal(read_movements("bulk", limit, &sum, &pages), 3);
        assert_int_equal(read_movements("cars", limit, &sum, &pages), 0);
        assert_int_equal(pages, 1);
    }
}

/* The default tenant's are found among them, page by page; the others have an index. */
static void movements_of_others_are_passed_over(void **state)
{
    int64_t sum;
    unsigned pages;
    put_movements("", "", 1, 1);
    put_movements("acme", "shop", 2, 2);
    put_movements("bulk", "shop", 3, 2 + MANY);
    put_movements("", "", 19000, 19000);
    put_movements("acme", "shop", 19001, 19001);
    put_item(19001);
    assert_int_equal(read_movements("", 10, &sum, &pages), 2);
    assert_int_equal(sum, 1 + 19000);
    assert_int_equal(pages, 2);
    assert_int_equal(read_movements("acme", 10, &sum, &pages), 2);
    assert_int_equal(sum, 2 + 19001);
    assert_int_equal(pages, 1);
}

/* --- the feed --------------------------------------------------------------------------------- */

static unsigned read_feed(const char *tenant, size_t max, int64_t *sum, unsigned *empty)
{
    struct tail_position at = {.n = 0}, end, before;
    struct tail_event *events;
    unsigned seen = 0;
    size_t count;
    *sum = *empty = 0;
    do {
        before = at;
        arena_reset(&arena);
        assert_int_equal(db_begin_read(db), DB_OK);
        assert_int_equal(tail_ends(db, &end, 1), DB_OK);
        assert_int_equal(tail_page(db, &arena, str_of(tenant), &at, &end, 1, max, &events, &count),
                         DB_OK);
        db_rollback(db);
        assert_true(tail_compare(&before, &at) < 0);
        for (size_t i = 0; i < count; i++)
            *sum += events[i].movement.version;
        seen += (unsigned)count;
        *empty += count == 0;
    } while (tail_compare(&at, &end) < 0);
    return seen;
}

static void the_feed_has_the_askers_alone(void **state)
{
    int64_t sum;
    unsigned empty;
    put_movements("", "", 1, 4);
    put_movements("acme", "shop", 5, 6);
    put_movements("", "shop", 7, 7);
    put_movements("bulk", "shop", 8, 10);
    put_item(10);
    for (size_t max = 1; max < 12; max++) {
        assert_int_equal(read_feed("", max, &sum, &empty), 5);
        assert_int_equal(sum, 1 + 2 + 3 + 4 + 7);
        assert_int_equal(read_feed("acme", max, &sum, &empty), 2);
        assert_int_equal(sum, 5 + 6);
        assert_int_equal(read_feed("bulk", max, &sum, &empty), 3);
        assert_int_equal(read_feed("cars", max, &sum, &empty), 0);
        assert_int_equal(empty, 1);
    }
}

/* A page that found nothing has come a part of the way. */
static void the_feed_goes_on_behind_what_others_did(void **state)
{
    int64_t sum;
    unsigned empty;
    put_movements("", "", 1, 1);
    put_movements("bulk", "shop", 2, 19000);
    put_movements("acme", "shop", 19001, 19001);
    put_movements("", "", 19002, 19002);
    put_item(19002);
    for (size_t max = 1; max < 200; max += 99) {
        assert_int_equal(read_feed("", max, &sum, &empty), 2);
        assert_int_equal(sum, 1 + 19002);
        assert_true(empty <= 19000 / TAIL_LOOK_MAX + 1);
        assert_int_equal(read_feed("acme", max, &sum, &empty), 1);
        assert_true(empty <= 1);
    }
}

/* --- usage ------------------------------------------------------------------------------------ */

static struct client_usage *read_usage(const struct usage_since *since, size_t max, size_t *count)
{
    struct client_usage *clients;
    arena_reset(&arena);
    assert_int_equal(db_begin_read(db), DB_OK);
    assert_int_equal(usage_read(db, &arena, since, max, &clients, count), DB_OK);
    db_rollback(db);
    return clients;
}

static int64_t sum_of(const struct client_usage *c, const char *sum, const char *from)
{
    int64_t is = sql_int(text("SELECT COALESCE(CAST(SUM(%s) AS bigint), 0) FROM %s AND "
                              "tenant = '%.*s' AND client = '%.*s'",
                              sum, from, tenant_is_default(c->tenant) ? 0 : (int)c->tenant.n,
                              c->tenant.p, STR_ARG(c->client)));
    return is;
}

/* The numbers kept by the applier are those of the rows. */
static void usage_is_what_the_rows_add_up_to(void **state)
{
    static const struct usage_since ever = {0, 0};
    struct past past;
    struct apply apply;
    size_t count;
    past_make(&past, seed_of_run(), 900);
    apply_init(&apply, db, 0);
    for (size_t at = 0, n; at < past.count; at += n) {
        n = past.count - at < 7 ? past.count - at : 7;
        assert_int_equal(apply_chunk(&apply, past.entries + at, n), APPLY_DONE);
    }
    apply_free(&apply);
    past_free(&past);
    const struct client_usage *clients = read_usage(&ever, USAGE_CLIENTS_MAX, &count);
    int64_t recorded = 0;
    for (size_t i = 0; i < count; i++) {
        const struct client_usage *c = &clients[i];
        assert_int_equal(c->open_holds, sum_of(c, "1", "reservations WHERE state = 'held'"));
        assert_int_equal(c->units_held,
                         sum_of(c,
                                "(SELECT SUM(quantity) FROM reservation_lines l WHERE l.rid = "
                                "reservations.rid)",
                                "reservations WHERE state = 'held'"));
        assert_int_equal(c->metadata_bytes,
                         sum_of(c, "length(metadata)", "reservations WHERE metadata IS NOT NULL"));
        assert_int_equal(c->operation_keys, sum_of(c, "1", "events WHERE op_key IS NOT NULL"));
        recorded += c->operation_keys;
    }
    assert_true(recorded > 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_usage"), 0);
}

static void what_was_kept_for_its_time_leaves(void **state)
{
    struct usage_since since = {.operations_ms = 5 * HOUR_MS, .reservations_ms = 6 * HOUR_MS};
    size_t count;
    sql_run("INSERT INTO client_usage VALUES (0, '', 'shop', 1, 2, 3), (1, '', 'shop', 10, 20, 30),"
            " (0, 'acme', 'shop', 0, 0, 0)");
    sql_run(text("INSERT INTO client_usage_hourly VALUES (%lld, 0, 'acme', 'shop', 1, 100), "
                 "(%lld, 0, 'acme', 'shop', 2, 200), (%lld, 1, 'acme', 'shop', 4, 400), "
                 "(%lld, 0, 'bulk', 'shop', 8, 0)",
                 (long long)(4 * HOUR_MS), (long long)(5 * HOUR_MS), (long long)(6 * HOUR_MS),
                 (long long)(3 * HOUR_MS)));
    const struct client_usage *clients = read_usage(&since, 10, &count);
    assert_int_equal(count, 2);
    assert_true(str_equal(clients[0].tenant, STR(TENANT_DEFAULT)));
    assert_int_equal(clients[0].open_holds, 11);
    assert_int_equal(clients[0].units_held, 22);
    assert_int_equal(clients[0].metadata_bytes, 33);
    assert_int_equal(clients[0].operation_keys, 0);
    assert_true(str_equal(clients[1].tenant, STR("acme")));
    assert_true(str_equal(clients[1].client, STR("shop")));
    assert_int_equal(clients[1].operation_keys, 2 + 4);
    assert_int_equal(clients[1].metadata_bytes, 400);
    since.operations_ms++; /* in the hour: it counts to its end */
    since.reservations_ms -= 1;
    clients = read_usage(&since, 10, &count);
    assert_int_equal(clients[1].operation_keys, 2 + 4);
    assert_int_equal(clients[1].metadata_bytes, 200 + 400);
    read_usage(&since, 1, &count);
    assert_int_equal(count, 1);
    since.operations_ms = since.reservations_ms = 8 * HOUR_MS;
    read_usage(&since, 10, &count);
    assert_int_equal(count, 1);
}

/* What is not so is shown, whichever side has more. */
static void wrong_usage_is_unbalanced(void **state)
{
    put_reservations("acme", "shop", 2, 2);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_usage"), 1);
    sql_run("INSERT INTO client_usage VALUES (0, 'acme', 'shop', 1, 1, 0)");
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_usage"), 0);
    sql_run("UPDATE client_usage SET units_held = 2");
    assert_int_equal(sql_int("SELECT units_held FROM unbalanced_usage"), 1);
}

int main(void)
{
#define SQL_TEST(test) ON_ENGINES(test, begin, end)
    const struct CMUnitTest tests[] = {
        SQL_TEST(a_list_has_the_askers_alone),
        SQL_TEST(a_list_is_not_cut_by_what_others_have),
        SQL_TEST(pages_of_a_list_make_up_the_whole),
        SQL_TEST(movements_are_those_of_the_asker),
        SQL_TEST(movements_of_others_are_passed_over),
        SQL_TEST(the_feed_has_the_askers_alone),
        SQL_TEST(the_feed_goes_on_behind_what_others_did),
        SQL_TEST(usage_is_what_the_rows_add_up_to),
        SQL_TEST(what_was_kept_for_its_time_leaves),
        SQL_TEST(wrong_usage_is_unbalanced),
    };
    return run_each("tenants sql", tests);
}
