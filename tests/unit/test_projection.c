/* test_projection.c -- an event moves an item only the ways that its type goes.
 *
 * SQL need not know a type (sql/0011_event_types.sql): what an event of one may do is judged here.
 */
#include "ledger/apply/projection.h"
#include "support/suite.h"

#include <stdio.h>

/* Of an item with 10 available, 4 held and 6 sold; for create: of one that was deleted. */
static const struct {
    enum event_type type;
    int64_t available, held, sold; /* right after it */
    enum projection_result result;
} moves[] = {
    {EVENT_CREATE, 5, 0, 0, PROJECTION_OK},
    {EVENT_CREATE, 0, 0, 0, PROJECTION_OK},
    {EVENT_CREATE, 5, 1, 0, PROJECTION_FORK},
    {EVENT_CREATE, 5, 0, 1, PROJECTION_FORK},
    {EVENT_SET, 0, 4, 6, PROJECTION_OK},
    {EVENT_SET, 11, 4, 6, PROJECTION_OK},
    {EVENT_SET, 10, 5, 6, PROJECTION_FORK},
    {EVENT_SET, 10, 4, 7, PROJECTION_FORK},
    {EVENT_ADJUST, 11, 4, 6, PROJECTION_OK},
    {EVENT_ADJUST, 9, 4, 6, PROJECTION_OK},
    {EVENT_ADJUST, 9, 5, 6, PROJECTION_FORK},
    {EVENT_ADJUST, 9, 4, 7, PROJECTION_FORK},
    {EVENT_DELETE, 0, 4, 0, PROJECTION_FORK},
    {EVENT_DELETE, 0, 0, 0, PROJECTION_FORK}, /* held */
    {EVENT_DECREMENT, 8, 4, 8, PROJECTION_OK},
    {EVENT_DECREMENT, 10, 4, 6, PROJECTION_FORK},
    {EVENT_DECREMENT, 12, 4, 4, PROJECTION_FORK},
    {EVENT_DECREMENT, 9, 4, 8, PROJECTION_FORK},
    {EVENT_DECREMENT, 10, 2, 8, PROJECTION_FORK},
    {EVENT_RESERVE, 7, 7, 6, PROJECTION_OK},
    {EVENT_RESERVE, 10, 4, 6, PROJECTION_FORK},
    {EVENT_RESERVE, 7, 8, 6, PROJECTION_FORK},
    {EVENT_RESERVE, 12, 2, 6, PROJECTION_FORK},
    {EVENT_RESERVE, 7, 6, 7, PROJECTION_FORK},
    {EVENT_CONFIRM, 11, 0, 9, PROJECTION_OK},
    {EVENT_CONFIRM, 10, 0, 10, PROJECTION_OK},
    {EVENT_CONFIRM, 8, 4, 8, PROJECTION_OK}, /* sold after all, from units taken again */
    {EVENT_CONFIRM, 11, 0, 10, PROJECTION_FORK},
    {EVENT_CONFIRM, 9, 5, 6, PROJECTION_FORK},
    {EVENT_CONFIRM, 12, 4, 4, PROJECTION_FORK},
    {EVENT_RELEASE, 12, 2, 6, PROJECTION_OK},
    {EVENT_RELEASE, 11, 2, 6, PROJECTION_FORK},
    {EVENT_RELEASE, 8, 6, 6, PROJECTION_FORK},
    {EVENT_RELEASE, 11, 2, 7, PROJECTION_FORK},
    {EVENT_RELEASE, 10, 4, 6, PROJECTION_FORK},
    {EVENT_EXPIRE, 12, 2, 6, PROJECTION_OK},
    {EVENT_EXPIRE, 12, 1, 6, PROJECTION_FORK},
    {EVENT_EXPIRE, 10, 2, 8, PROJECTION_FORK},
    {EVENT_EXPIRE, 8, 6, 6, PROJECTION_FORK},
    {EVENT_EXTEND, 10, 4, 6, PROJECTION_OK},
    {EVENT_EXTEND, 11, 3, 6, PROJECTION_FORK},
    {EVENT_EXTEND, 9, 5, 6, PROJECTION_FORK},
};

static const struct rid rid = {.partition = 0};

/* What the ledger holds before it: the item, and what the event is about. */
static void fill_in(struct projection *p, const struct projected_item *item, enum event_type type,
                    struct reservation_line *line)
{
    p->items[0] = *item;
    if (type < EVENT_CONFIRM || type > EVENT_EXPIRE)
        return;
    p->reservations[0] = (struct projected_reservation){
        .known = true, .r = {.id = rid, .state = RESERVATION_HELD, .lines = line, .line_count = 1}};
}

static enum projection_result projection_one(struct projection *p,
                                             const struct projected_item *item,
                                             enum event_type type, const struct event_line *after)
{
    struct event_line lines[] = {*after};
    struct reservation_line line = {.sku = after->sku, .quantity = 4, .reserved = 4};
    struct event event = {.type = type,
                          .line_count = 1,
                          .lines = lines,
                          .has_rid = type >= EVENT_RESERVE && type <= EVENT_EXPIRE,
                          .rid = rid,
                          .expires_ms = type == EVENT_RESERVE || type == EVENT_EXTEND ? 2000 : 0};
    struct buf bytes;
    buf_init(&bytes, 4096);
    event_begin(&bytes, 1000);
    event_put(&bytes, &event, 1000);
    projection_begin(p, 0);
    assert_int_equal(projection_entry(p, &(struct event_entry){{1, 1}, buf_str(&bytes)}),
                     PROJECTION_OK);
    assert_int_equal(projection_known(p), PROJECTION_OK);
    fill_in(p, item, type, &line);
    enum projection_result result = projection_run(p);
    buf_free(&bytes);
    return result;
}

TEST(an_item_moves_as_the_type_of_the_event_says)
{
    static const struct projected_item there = {
        .exists = true, .available = 10, .held = 4, .sold = 6, .version = 7};
    static const struct projected_item gone = {.version = 7};
    struct projection p;
    /* Without items; of two: test_projection_events.c. */
    bool seen[EVENT_TYPES] = {[EVENT_EPOCH] = true, [EVENT_TRANSFER] = true};
    projection_init(&p);
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        const struct event_line after = {
            STR("one"), 4, moves[i].available, moves[i].held, moves[i].sold, 8, 0};
        enum projection_result result = projection_one(
            &p, moves[i].type == EVENT_CREATE ? &gone : &there, moves[i].type, &after);
        if (result != moves[i].result)
            fail_msg("row %zu, type %d: %d: %s", i, moves[i].type, result, p.why);
        if (result == PROJECTION_FORK)
            assert_non_null(strstr(p.why, "one moves as in no event of this type"));
        seen[moves[i].type] = true;
    }
    for (int type = EVENT_CREATE; type < EVENT_TYPES; type++)
        assert_true(seen[type]);
    projection_free(&p);
}

/* A deleted item owns nothing: what was available and sold goes with it, and nothing was held. */
TEST(what_is_deleted_leaves_empty)
{
    static const struct projected_item free_item = {
        .exists = true, .available = 10, .sold = 6, .version = 7};
    struct projection p;
    projection_init(&p);
    struct event_line after = {STR("one"), 0, 0, 0, 0, 8, 0};
    assert_int_equal(projection_one(&p, &free_item, EVENT_DELETE, &after), PROJECTION_OK);
    after.sold = 6;
    assert_int_equal(projection_one(&p, &free_item, EVENT_DELETE, &after), PROJECTION_FORK);
    after = (struct event_line){STR("one"), 0, 1, 0, 0, 8, 0};
    assert_int_equal(projection_one(&p, &free_item, EVENT_DELETE, &after), PROJECTION_FORK);
    projection_free(&p);
}
