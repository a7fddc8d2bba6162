/* test_usage_change.c -- by how much a chunk moves what clients have; it/test_ledger_apply.c and
 * it/test_tenants_sql.c say the same of random pasts.
 */
#include "ledger/apply/usage_change.h"
#include "support/suite.h"

#define NOON (12 * USAGE_HOUR_MS)

static struct projection p;
static struct event_line apple = {.sku = STR("apple"), .quantity = 3};
static struct buf bytes;
static int64_t version, held, sold;

static int begin(void **state)
{
    projection_init(&p);
    projection_begin(&p, 0);
    buf_init(&bytes, 1 << 16);
    return 0;
}

static int end(void **state)
{
    projection_free(&p);
    buf_free(&bytes);
    return 0;
}

/* --- a chunk ---------------------------------------------------------------------------------- */

static struct rid rid_of(uint8_t n)
{
    struct rid rid = {.partition = 0};
    rid.b[RID_BYTES - 1] = n;
    return rid;
}

static void begin_chunk(void)
{
    projection_begin(&p, 0);
    buf_reset(&bytes);
    version = held = sold = 0;
}

/* An event about three apples, in an entry of its own. */
static void add(enum event_type type, uint8_t rid, const char *owner, const char *key,
                int64_t at_ms)
{
    static int64_t seq;
    size_t from = bytes.n;
    held += type == EVENT_RESERVE ? 3 : type == EVENT_EXTEND ? 0 : -3;
    sold += type == EVENT_CONFIRM ? 3 : 0;
    apple.version = ++version;
    apple.held = held;
    apple.sold = sold;
    apple.available = 100 - held - sold;
    apple.quantity = type == EVENT_RELEASE || type == EVENT_EXPIRE ? 0 : 3;
    struct event event = {.type = type,
                          .has_rid = true,
                          .rid = rid_of(rid),
                          .line_count = 1,
                          .lines = &apple,
                          .owner = str_of(owner)};
    if (event_trait(type)->sets_deadline)
        event.expires_ms = at_ms + 1000;
    if (type == EVENT_RESERVE)
        event.metadata = STR("{\"n\":1}");
    if (key) {
        event.key = str_of(key);
        event.result = STR("r");
    }
    event_begin(&bytes, at_ms);
    event_put(&bytes, &event, at_ms);
    char *copy = arena_copy(&p.arena, bytes.p + from, bytes.n - from);
    const struct event_entry entry = {{1, ++seq}, {copy, bytes.n - from}};
    assert_int_equal(projection_entry(&p, &entry), PROJECTION_OK);
}

/* The ledger has an item of 100, and of each reservation that does not begin in the chunk what
 * `was` says. */
static void run(const struct reservation *was)
{
    assert_int_equal(projection_known(&p), PROJECTION_OK);
    p.items[0] =
        (struct projected_item){.exists = true, .available = was ? 97 : 100, .held = was ? 3 : 0};
    for (uint32_t i = 0; i < p.rid_names.count && was; i++)
        if (!p.reservations[i].fresh)
            p.reservations[i] = (struct projected_reservation){.known = true, .r = *was};
    assert_int_equal(projection_run(&p), PROJECTION_OK);
}

static const struct usage_change *changes(size_t expected)
{
    const struct usage_change *all;
    size_t count;
    assert_true(usage_changes(&p, &all, &count));
    assert_int_equal(count, expected);
    return all;
}

static void is(const struct usage_change *c, const char *owner, int64_t hour_ms, int64_t holds,
               int64_t units, int64_t metadata_bytes, int64_t keys)
{
    assert_true(str_equal(c->owner, str_of(owner)));
    assert_int_equal(c->hour_ms, hour_ms);
    assert_int_equal(c->open_holds, holds);
    assert_int_equal(c->units_held, units);
    assert_int_equal(c->metadata_bytes, metadata_bytes);
    assert_int_equal(c->operation_keys, keys);
}

/* --- tests ------------------------------------------------------------------------------------ */

TEST(nobody_in_particular_is_counted_nowhere)
{
    begin_chunk();
    add(EVENT_RESERVE, 1, NULL, "k", NOON);
    run(NULL);
    changes(0);
}

TEST(holds_of_one_client_are_one_change)
{
    begin_chunk();
    add(EVENT_RESERVE, 1, "acme/shop", "a", NOON);
    add(EVENT_RESERVE, 2, "acme/shop", "b", NOON + 1);
    add(EVENT_RESERVE, 3, "acme/till", NULL, NOON + 2);
    run(NULL);
    const struct usage_change *all = changes(3);
    is(&all[0], "acme/shop", USAGE_HELD, 2, 6, 14, 0);
    is(&all[1], "acme/till", USAGE_HELD, 1, 3, 7, 0);
    is(&all[2], "acme/shop", NOON, 0, 0, 0, 2);
}

/* What began and ended in one chunk was never held for the tables, and is kept for its time. */
TEST(what_ends_in_its_chunk_is_kept_for_its_hour_alone)
{
    begin_chunk();
    add(EVENT_RESERVE, 1, "acme/shop", NULL, NOON);
    add(EVENT_RELEASE, 1, "acme/till", NULL, NOON + USAGE_HOUR_MS - 1);
    run(NULL);
    is(changes(1), "acme/shop", NOON, 0, 0, 7, 0);
}

/* The end of a hold is its owner's, whoever asked for it. */
TEST(what_another_client_ends_is_given_back_to_the_owner)
{
    struct reservation_line line = {.sku = STR("apple"), .quantity = 3, .reserved = 3};
    const struct reservation was = {.state = RESERVATION_HELD,
                                    .owner = STR("acme/shop"),
                                    .metadata = STR("{}"),
                                    .line_count = 1,
                                    .lines = &line};
    begin_chunk();
    held = 3;
    add(EVENT_CONFIRM, 1, "acme/till", "k", NOON);
    run(&was);
    const struct usage_change *all = changes(3);
    is(&all[0], "acme/shop", USAGE_HELD, -1, -3, -2, 0);
    is(&all[1], "acme/shop", NOON, 0, 0, 2, 0);
    is(&all[2], "acme/till", NOON, 0, 0, 0, 1);
}

/* Sold after its expiry: it is kept from its later end on. */
TEST(a_rereserve_moves_what_is_kept_to_its_hour)
{
    struct reservation_line line = {.sku = STR("apple"), .quantity = 3, .reserved = 3};
    const struct reservation was = {.state = RESERVATION_EXPIRED,
                                    .owner = STR("acme/shop"),
                                    .metadata = STR("{}"),
                                    .ended_ms = USAGE_HOUR_MS + 5,
                                    .line_count = 1,
                                    .lines = &line};
    begin_chunk();
    held = 3;
    add(EVENT_CONFIRM, 1, "acme/shop", NULL, NOON);
    run(&was);
    const struct usage_change *all = changes(2);
    is(&all[0], "acme/shop", USAGE_HOUR_MS, 0, 0, -2, 0);
    is(&all[1], "acme/shop", NOON, 0, 0, 2, 0);
}

TEST(what_moves_nothing_is_no_change)
{
    struct reservation_line line = {.sku = STR("apple"), .quantity = 3, .reserved = 3};
    const struct reservation was = {
        .state = RESERVATION_HELD, .owner = STR("acme/shop"), .line_count = 1, .lines = &line};
    begin_chunk();
    held = 3;
    add(EVENT_EXTEND, 1, "acme/shop", NULL, NOON);
    run(&was);
    changes(0);
}

/* The ledger and the stream do not agree on whose it is. */
TEST(an_event_of_another_tenant_does_not_follow)
{
    struct reservation_line line = {.sku = STR("apple"), .quantity = 3, .reserved = 3};
    const struct reservation was = {
        .state = RESERVATION_HELD, .owner = STR("acme/shop"), .line_count = 1, .lines = &line};
    begin_chunk();
    held = 3;
    add(EVENT_CONFIRM, 1, "bulk/shop", NULL, NOON);
    assert_int_equal(projection_known(&p), PROJECTION_OK);
    p.items[0] = (struct projected_item){.exists = true, .available = 97, .held = 3};
    p.reservations[0] = (struct projected_reservation){.known = true, .r = was};
    assert_int_equal(projection_run(&p), PROJECTION_FORK);
    assert_non_null(strstr(p.why, "is of another tenant"));
}

ALL_BETWEEN(begin, end)
