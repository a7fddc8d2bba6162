/* test_current_state.c -- what a ledger says there is, page by page, against the world it was told
 * of.
 *
 * Every test runs on SQLite and on PostgreSQL. SEED comes from the environment.
 */
#include "core/limits.h"
#include "core/record.h"
#include "ledger/query/current_state.h"
#include "support/past_ledgers.h"

#include <stdio.h>

/* Pages of these sizes: of one row, cut anywhere, and one that holds all. */
static const size_t sizes[] = {1, 7, 64, 100000};

#define ok(call) assert_int_equal((call), DB_OK)

/* --- items ------------------------------------------------------------------------------------ */

static void same_item(const struct item *a, const struct item *b)
{
    assert_int_equal(a->exists, b->exists);
    assert_int_equal(a->available, b->available);
    assert_int_equal(a->held, b->held);
    assert_int_equal(a->sold, b->sold);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->max_per_customer, b->max_per_customer);
    assert_int_equal(a->updated_ms, b->updated_ms);
}

static void is_the_worlds(const struct current_item *item)
{
    char sku[SKU_MAX_BYTES + 1];
    snprintf(sku, sizeof(sku), "%.*s", STR_ARG(item->sku));
    struct item world = world_read_item(&past.world, sku);
    same_item(&item->item, &world);
}

static void items_come_page_by_page(void **state)
{
    struct db *db = past_ledger_of(state);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct str after = {NULL, 0};
        size_t seen = 0, count = sizes[s];
        while (count == sizes[s]) {
            struct current_item *items;
            ok(current_items(db, &past_arena, 0, after, sizes[s], &items, &count));
            for (size_t i = 0; i < count; i++) {
                is_the_worlds(&items[i]);
                assert_true(str_absent(after) || !str_equal(after, items[i].sku));
                after = items[i].sku;
                seen++;
            }
        }
        assert_int_equal(seen, past.world.item_count);
    }
    size_t count;
    struct current_item *none;
    ok(current_items(db, &past_arena, 1, (struct str){NULL, 0}, 10, &none, &count));
    assert_int_equal(count, 0);
    db_rollback(db);
}

static void items_are_found_by_name(void **state)
{
    enum { NAMES = 5 }; /* one of them twice */
    const struct str names[NAMES] = {STR("pear"), STR("nobody"), STR("apple"), STR(""),
                                     STR("pear")};
    struct db *db = past_ledger_of(state);
    struct current_item *items;
    ok(current_items_named(db, &past_arena, names, NAMES, &items));
    for (size_t i = 0; i < NAMES; i++) {
        assert_int_equal(items[i].item.version > 0, i == 0 || i == 2 || i == 4);
        if (items[i].item.version == 0)
            continue;
        assert_true(str_equal(items[i].sku, names[i]));
        is_the_worlds(&items[i]);
    }
    ok(current_items_named(db, &past_arena, names, 0, &items));
    db_rollback(db);
}

struct walk {
    struct db *db;
    size_t rows;
};

/* sku, version, available, held, sold, max_per_customer, deleted, at_ms of a row in events. */
static int keep_walk(void *context, const struct db_value *row, size_t count)
{
    struct walk *walk = context;
    const struct item want = {.version = row[1].as.number,
                              .available = row[2].as.number,
                              .held = row[3].as.number,
                              .sold = row[4].as.number,
                              .max_per_customer = row[5].as.number,
                              .exists = row[6].as.number == 0,
                              .updated_ms = row[7].as.number};
    struct item item;
    ok(current_item_at(walk->db, row[0].as.text, want.version, &item));
    same_item(&item, &want);
    walk->rows++;
    return 0;
}

static void an_item_is_found_as_of_any_version(void **state)
{
    struct walk walk = {.db = past_ledger_of(state)};
    struct item item, last = world_read_item(&past.world, "apple");
    base_rows(past_url_of(state),
              "SELECT sku, version, available, held, sold, max_per_customer, CASE type WHEN "
              "'delete' THEN 1 ELSE 0 END, at_ms FROM events WHERE sku IS NOT NULL",
              keep_walk, &walk);
    assert_true(walk.rows > 300);
    ok(current_item_at(walk.db, STR("apple"), INT64_MAX, &item));
    same_item(&item, &last);
    ok(current_item_at(walk.db, STR("apple"), 0, &item));
    assert_int_equal(item.version, 0);
    ok(current_item_at(walk.db, STR("nobody"), 7, &item));
    assert_int_equal(item.version, 0);
    assert_false(item.exists);
    db_rollback(walk.db);
}

/* --- reservations ----------------------------------------------------------------------------- */

static void same_text(struct str a, struct str b)
{
    assert_true(str_equal(a, b));
}

static void same_line(const struct reservation_line *a, const struct reservation_line *b,
                      bool rereserved)
{
    same_text(a->sku, b->sku);
    assert_int_equal(a->reserved, b->reserved);
    assert_int_equal(a->quantity, b->quantity);
    assert_int_equal(a->remaining, b->remaining);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->expired_remaining, rereserved ? b->expired_remaining : 0);
    assert_int_equal(a->expired_version, rereserved ? b->expired_version : 0);
}

static void is_the_worlds_record(const struct reservation *r)
{
    const struct reservation *world = world_read_record(&past.world, &r->id);
    assert_non_null(world);
    assert_int_equal(r->state, world->state);
    assert_int_equal(r->rereserved, world->rereserved);
    assert_int_equal(r->created_ms, world->created_ms);
    assert_int_equal(r->expires_ms, world->expires_ms);
    assert_int_equal(r->ended_ms, world->ended_ms);
    same_text(r->customer, world->customer);
    same_text(r->reference, world->reference);
    same_text(r->metadata, world->metadata);
    assert_int_equal(r->line_count, world->line_count);
    for (unsigned i = 0; i < r->line_count; i++)
        same_line(&r->lines[i], &world->lines[i], r->rereserved);
}

static int64_t place_of(enum current_order order, const struct reservation *r)
{
    return order == CURRENT_HELD ? r->expires_ms : r->ended_ms;
}

/* All of a kind, in pages; each the world's, in order. How many there were. */
static size_t walk_pages(struct db *db, enum current_order order, int64_t from_ms, size_t size)
{
    struct current_place after = {.at_ms = from_ms};
    char rid[RID_TEXT_SIZE];
    size_t seen = 0, count = size;
    while (count == size) {
        struct reservation *all;
        ok(current_reservations(db, &past_arena, 0, order, after, size, &all, &count));
        for (size_t i = 0; i < count; i++, seen++) {
            is_the_worlds_record(&all[i]);
            assert_int_equal(all[i].state == RESERVATION_HELD, order == CURRENT_HELD);
            assert_true(place_of(order, &all[i]) >= after.at_ms);
            after.at_ms = place_of(order, &all[i]);
            after.rid = (struct str){rid, rid_format(&all[i].id, rid)};
        }
    }
    return seen;
}

static void reservations_come_page_by_page(void **state)
{
    struct db *db = past_ledger_of(state);
    const char *url = past_url_of(state);
    int64_t held = base_int(url, "SELECT COUNT(*) FROM reservations WHERE state = 'held'");
    int64_t ended = base_int(url, "SELECT COUNT(*) FROM reservations WHERE state <> 'held'");
    int64_t middle_ms =
        base_int(url, "SELECT ended_ms FROM reservations WHERE ended_ms IS NOT NULL "
                      "ORDER BY ended_ms LIMIT 1 OFFSET 30");
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM reservations WHERE ended_ms >= %lld",
             (long long)middle_ms);
    int64_t later = base_int(url, sql);
    assert_true(held > 0 && ended > 70 && later < ended);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        assert_int_equal(walk_pages(db, CURRENT_HELD, 0, sizes[s]), held);
        assert_int_equal(walk_pages(db, CURRENT_ENDED, 0, sizes[s]), ended);
        assert_int_equal(walk_pages(db, CURRENT_ENDED, middle_ms, sizes[s]), later);
    }
    db_rollback(db);
}

static void reservations_are_found_by_id(void **state)
{
    struct db *db = past_ledger_of(state);
    struct rid rids[65];
    struct reservation *all, *named;
    size_t count;
    ok(current_reservations(db, &past_arena, 0, CURRENT_ENDED, (struct current_place){.at_ms = 0},
                            63, &all, &count));
    assert_int_equal(count, 63);
    for (size_t i = 0; i < count; i++)
        rids[i] = all[i].id;
    rids[63] = rids[0];
    rids[63].b[13] ^= 1; /* nobody's */
    rids[64] = rids[7];  /* twice */
    ok(current_reservations_named(db, &past_arena, rids, 65, &named));
    for (size_t i = 0; i < 65; i++) {
        assert_int_equal(named[i].line_count == 0, i == 63);
        if (i == 63)
            continue;
        assert_true(rid_equal(&named[i].id, &rids[i]));
        is_the_worlds_record(&named[i]);
    }
    ok(current_reservations_named(db, &past_arena, rids + 63, 1, &named));
    assert_int_equal(named[0].line_count, 0);
    db_rollback(db);
}

/* --- operations ------------------------------------------------------------------------------- */

static void results_come_as_they_were_recorded(void **state)
{
    struct db *db = past_ledger_of(state);
    const char *url = past_url_of(state);
    int64_t since_ms =
        base_int(url, "SELECT at_ms FROM operations ORDER BY at_ms LIMIT 1 OFFSET 50");
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM operations WHERE at_ms >= %lld",
             (long long)since_ms);
    int64_t later = base_int(url, sql);
    assert_true(later > 50 && later < base_int(url, "SELECT COUNT(*) FROM operations"));
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct str after = {NULL, 0};
        size_t seen = 0, count = sizes[s];
        while (count == sizes[s]) {
            struct current_operation *operations;
            ok(current_operations(db, &past_arena, 0, since_ms, after, sizes[s], &operations,
                                  &count));
            for (size_t i = 0; i < count; i++, seen++) {
                assert_true(operations[i].at_ms >= since_ms);
                same_text(operations[i].result, past_result(&past, operations[i].key));
                after = operations[i].key;
            }
        }
        assert_int_equal(seen, later);
    }
    db_rollback(db);
}

/* --- shares ----------------------------------------------------------------------------------- */

static size_t shares_of_world(const struct world_item *item)
{
    size_t n = 0;
    for (size_t i = 0; i < item->customer_count; i++)
        n += item->customers[i].units != 0;
    return n;
}

static void is_the_worlds_share(const struct world_item *item, const struct current_usage *share)
{
    char customer[TEXT_MAX_BYTES + 1];
    snprintf(customer, sizeof(customer), "%.*s", STR_ARG(share->share));
    assert_int_equal(share->units, world_units(&past.world, item->sku, customer));
}

static void shares_are_what_is_counted_per_customer(void **state)
{
    struct db *db = past_ledger_of(state);
    size_t total = 0;
    for (size_t i = 0; i < past.world.item_count; i++) {
        const struct world_item *w = &past.world.items[i];
        struct item item = world_read_item(&past.world, w->sku);
        struct current_usage *shares;
        struct str after = {NULL, 0};
        size_t seen = 0, count = 1;
        while (item.exists && count == 1) {
            ok(current_usage(db, &past_arena, str_of(w->sku), item.version, after, 1, &shares,
                             &count));
            if (count == 1) {
                is_the_worlds_share(w, &shares[0]);
                after = shares[0].share;
                seen++;
            }
        }
        assert_int_equal(seen, item.exists ? shares_of_world(w) : 0);
        total += seen;
    }
    assert_true(total > 3);
    db_rollback(db);
}

static void shares_are_found_by_name(void **state)
{
    const struct str names[] = {STR("anna"), STR("nobody"), STR("Zo\xc3\xab")};
    struct db *db = past_ledger_of(state);
    size_t total = 0;
    for (size_t i = 0; i < past.world.item_count; i++) {
        const struct world_item *w = &past.world.items[i];
        struct item item = world_read_item(&past.world, w->sku);
        struct current_usage *shares;
        if (!item.exists)
            continue;
        ok(current_usage_named(db, &past_arena, str_of(w->sku), item.version, names, 3, &shares));
        for (size_t k = 0; k < 3; k++)
            if (shares[k].units != 0)
                is_the_worlds_share(w, &shares[k]);
        assert_int_equal(shares[0].units, world_units(&past.world, w->sku, "anna"));
        assert_int_equal(shares[1].units, 0);
        assert_int_equal(shares[2].units, world_units(&past.world, w->sku, "Zo\xc3\xab"));
        total += (size_t)(shares[0].units != 0) + (size_t)(shares[2].units != 0);
    }
    assert_true(total > 2);
    db_rollback(db);
}

#define PAST_OF_X                                                                                  \
    "INSERT INTO events (partition_no, epoch, seq, n, event_no, at_ms, type, sku, "                \
    "available_delta, held_delta, sold_delta, available, held, sold, version, "                    \
    "max_per_customer, customer, tenant, client) VALUES "

/* As of an older version the later movements do not count, nor those before the creation. */
static void shares_are_as_of_a_version(void **state)
{
    static const char *const script =
        PAST_OF_X "(9,1,1,0,0,1,'create','x',5,0,0,5,0,0,1,0,NULL,'',''),"
                  "(9,1,2,0,0,1,'decrement','x',-2,0,2,3,0,2,2,0,'bo','',''),"
                  "(9,1,3,0,0,1,'delete','x',-3,0,-2,0,0,0,3,0,NULL,'',''),"
                  "(9,1,4,0,0,1,'create','x',5,0,0,5,0,0,4,0,NULL,'',''),"
                  "(9,1,5,0,0,1,'decrement','x',-1,0,1,4,0,1,5,0,'bo','','')";
    static const struct {
        int64_t version, units;
    } rows[] = {{0, 0}, {1, 0}, {2, 2}, {4, 0}, {5, 1}, {5 + (1 << 20), 1}};
    struct db *db = past_ledger_of(state);
    db_rollback(db);
    ok(base_script(past_url_of(state), script));
    db = past_ledger_of(state);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct str bo = STR("bo");
        struct current_usage *shares;
        size_t count;
        ok(current_usage(db, &past_arena, STR("x"), rows[i].version, (struct str){NULL, 0}, 10,
                         &shares, &count));
        assert_int_equal(count, rows[i].units != 0);
        assert_int_equal(count ? shares[0].units : 0, rows[i].units);
        ok(current_usage_named(db, &past_arena, STR("x"), rows[i].version, &bo, 1, &shares));
        assert_int_equal(shares[0].units, rows[i].units);
    }
    db_rollback(db);
    ok(base_script(past_url_of(state), "DELETE FROM events WHERE partition_no = 9"));
}

/* One name in several tenants is several customers; so is one that looks like a tenant's. */
static void shares_are_of_one_tenant_each(void **state)
{
    static const char *const script =
        PAST_OF_X "(9,1,1,0,0,1,'create','x',90,0,0,90,0,0,1,0,NULL,'',''),"
                  "(9,1,2,0,0,1,'decrement','x',-1,0,1,89,0,1,2,0,'bo','',''),"
                  "(9,1,3,0,0,1,'decrement','x',-2,0,2,87,0,3,3,0,'bo','acme','shop'),"
                  "(9,1,4,0,0,1,'decrement','x',-4,0,4,83,0,7,4,0,'bo','acme','till'),"
                  "(9,1,5,0,0,1,'decrement','x',-8,0,8,75,0,15,5,0,'acme/bo','',''),"
                  "(9,1,6,0,0,1,'decrement','x',-16,0,16,59,0,31,6,0,'bo','bulk','shop')";
    static const struct {
        struct str share;
        int64_t units;
    } right[] = {{STR("acme/bo"), 8},
                 {STR("bo"), 1},
                 {STR("acme\xff"
                      "bo"),
                  6},
                 {STR("bulk\xff"
                      "bo"),
                  16},
                 {STR("cars\xff"
                      "bo"),
                  0}};
    struct db *db = past_ledger_of(state);
    struct current_usage *shares;
    struct str after = {NULL, 0}, names[5];
    size_t count;
    db_rollback(db);
    ok(base_script(past_url_of(state), script));
    db = past_ledger_of(state);
    for (size_t i = 0; i < 4; i++, after = shares[0].share) {
        ok(current_usage(db, &past_arena, STR("x"), 6, after, 1, &shares, &count));
        assert_int_equal(count, 1);
        assert_true(str_equal(shares[0].share, right[i].share));
        assert_int_equal(shares[0].units, right[i].units);
    }
    ok(current_usage(db, &past_arena, STR("x"), 6, after, 1, &shares, &count));
    assert_int_equal(count, 0);
    ok(current_usage(db, &past_arena, STR("x"), 6, (struct str){NULL, 0}, 3, &shares, &count));
    assert_int_equal(count, 3);
    assert_true(str_equal(shares[2].share, right[2].share));
    for (size_t i = 0; i < 5; i++)
        names[i] = right[(i * 2) % 5].share;
    ok(current_usage_named(db, &past_arena, STR("x"), 6, names, 5, &shares));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(shares[i].units, right[(i * 2) % 5].units);
    db_rollback(db);
    ok(base_script(past_url_of(state), "DELETE FROM events WHERE partition_no = 9"));
}

/* Out of memory is an answer, on every page. */
static void a_page_too_large_is_no_memory(void **state)
{
    struct db *db = past_ledger_of(state);
    struct arena small;
    struct reservation *all;
    struct current_item *items;
    size_t count;
    arena_init(&small, 256, 1024);
    assert_int_equal(current_items(db, &small, 0, (struct str){NULL, 0}, 100, &items, &count),
                     DB_NO_MEMORY);
    arena_reset(&small);
    assert_int_equal(current_reservations(db, &small, 0, CURRENT_ENDED,
                                          (struct current_place){.at_ms = 0}, 5, &all, &count),
                     DB_NO_MEMORY);
    arena_free(&small);
    db_rollback(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(items_come_page_by_page),
        ON_EACH(items_are_found_by_name),
        ON_EACH(an_item_is_found_as_of_any_version),
        ON_EACH(reservations_come_page_by_page),
        ON_EACH(reservations_are_found_by_id),
        ON_EACH(results_come_as_they_were_recorded),
        ON_EACH(shares_are_what_is_counted_per_customer),
        ON_EACH(shares_are_found_by_name),
        ON_EACH(shares_are_as_of_a_version),
        ON_EACH(shares_are_of_one_tenant_each),
        ON_EACH(a_page_too_large_is_no_memory),
    };
    return cmocka_run_group_tests(tests, past_ledgers_begin, past_ledgers_end);
}
