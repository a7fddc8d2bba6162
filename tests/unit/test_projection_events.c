/* test_projection_events.c -- what the p of a stream says of transfers, and of types that it
 * does not know.
 */
#include "core/pack.h"
#include "ledger/apply/projection.h"
#include "support/suite.h"

/* Two items of 3 units, as an entry of their own; then an entry of the event. */
static enum projection_result projection_of(const struct event *event, struct projection *p)
{
    struct buf made, bytes;
    struct event_line items[] = {{STR("a"), 3, 3, 0, 0, 1, 0}, {STR("b"), 3, 3, 0, 0, 1, 0}};
    buf_init(&made, 4096);
    buf_init(&bytes, 4096);
    event_begin(&made, 1000);
    for (int i = 0; i < 2; i++)
        event_put(&made, &(struct event){.type = EVENT_CREATE, .line_count = 1, .lines = &items[i]},
                  1000);
    event_begin(&bytes, 2000);
    event_put(&bytes, event, 2000);
    projection_init(p);
    projection_begin(p, 0);
    assert_int_equal(projection_entry(p, &(struct event_entry){{1, 1}, buf_str(&made)}),
                     PROJECTION_OK);
    enum projection_result result =
        projection_entry(p, &(struct event_entry){{1, 2}, buf_str(&bytes)});
    if (result == PROJECTION_OK)
        result = projection_known(p);
    if (result == PROJECTION_OK)
        result = projection_run(p);
    buf_free(&made);
    buf_free(&bytes);
    return result;
}

TEST(units_that_one_item_gives_the_other_takes)
{
    static const struct {
        enum projection_result result;
        struct event_line lines[2];
    } rows[] = {
        {PROJECTION_OK, {{STR("a"), 2, 1, 0, 0, 2, 0}, {STR("b"), 2, 5, 0, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 5, 0, 0, 2, 0}, {STR("b"), 2, 1, 0, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 1, 0, 0, 2, 0}, {STR("b"), 2, 6, 0, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 2, 0, 0, 2, 0}, {STR("b"), 2, 5, 0, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 1, 0, 0, 2, 0}, {STR("b"), 3, 5, 0, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 1, 1, 0, 2, 0}, {STR("b"), 2, 5, 0, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 1, 0, 1, 2, 0}, {STR("b"), 2, 5, 0, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 1, 0, 0, 2, 0}, {STR("b"), 2, 5, 1, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 1, 0, 0, 2, 0}, {STR("b"), 2, 5, 0, 1, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 0, 3, 0, 0, 2, 0}, {STR("b"), 0, 3, 0, 0, 2, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 1, 0, 0, 2, 0}, {STR("b"), 2, 5, 0, 0, 3, 0}}},
        {PROJECTION_FORK, {{STR("a"), 2, 1, 0, 0, 2, 0}, {STR("c"), 2, 2, 0, 0, 1, 0}}},
        {PROJECTION_FORMAT, {{STR("a"), 2, 1, 0, 0, 2, 0}, {STR("a"), 2, 5, 0, 0, 3, 0}}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct projection p;
        struct event_line lines[] = {rows[i].lines[0], rows[i].lines[1]};
        struct event event = {.type = EVENT_TRANSFER, .line_count = 2, .lines = lines};
        enum projection_result result = projection_of(&event, &p);
        if (result != rows[i].result)
            fail_msg("row %zu: %d, %s", i, result, p.why);
        projection_free(&p);
    }
}

TEST(a_transfer_has_two_lines_and_no_reservation)
{
    struct event_line lines[] = {
        {STR("a"), 2, 1, 0, 0, 2, 0}, {STR("b"), 2, 5, 0, 0, 2, 0}, {STR("c"), 2, 5, 0, 0, 2, 0}};
    for (unsigned count = 0; count <= 3; count++)
        for (int with_rid = 0; with_rid < 2; with_rid++) {
            struct projection p;
            struct event event = {
                .type = EVENT_TRANSFER, .line_count = count, .lines = lines, .has_rid = with_rid};
            bool good = count == 2 && !with_rid;
            assert_int_equal(projection_of(&event, &p), good ? PROJECTION_OK : PROJECTION_FORMAT);
            projection_free(&p);
        }
}

/* The first number of an entry is its format, the third the type of its first event. */
TEST(a_type_that_is_not_known_is_no_event)
{
    struct projection p;
    struct buf bytes;
    for (int64_t type = 0; type <= EVENT_TYPES; type++) {
        if (type > EVENT_NONE && type < EVENT_TYPES)
            continue;
        buf_init(&bytes, 4096);
        event_begin(&bytes, 1000);
        pack_number(&bytes, type);
        pack_number(&bytes, 0); /* flags */
        pack_number(&bytes, 0); /* lines */
        projection_init(&p);
        projection_begin(&p, 0);
        assert_int_equal(projection_entry(&p, &(struct event_entry){{1, 1}, buf_str(&bytes)}),
                         PROJECTION_FORMAT);
        projection_free(&p);
        buf_free(&bytes);
    }
}
