/* test_event.c -- brief entries of the stream: what one event is told of in terms of another comes
 * back as it was, and nothing is read out of bytes that no service wrote. */
#include "core/event.h"
#include "core/record.h"
#include "support/suite.h"

#include <stdlib.h>

#define NOW_MS INT64_C(1795231293825)
#define TRACE  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct arena arena;
static struct buf out, scratch;

static void begin(void)
{
    if (!out.max) {
        buf_init(&out, 64 * 1024);
        buf_init(&scratch, 64 * 1024);
        arena_init(&arena, 64 * 1024, 1 << 20);
    }
    arena_reset(&arena);
    buf_reset(&out);
}

static struct event_line line_of(const char *sku, int64_t available, int64_t version)
{
    return (struct event_line){.sku = str_of(sku),
                               .quantity = 3,
                               .available = available,
                               .held = version,
                               .sold = 7,
                               .version = version};
}

static struct event reserve_of(struct event_line *line, uint8_t bucket, uint8_t rest)
{
    struct event event = {.type = EVENT_RESERVE,
                          .line_count = 1,
                          .lines = line,
                          .has_rid = true,
                          .expires_ms = NOW_MS + 600000};
    memset(event.rid.b, bucket, 6);
    memset(event.rid.b + 6, rest, RID_BYTES - 6);
    return event;
}

static void check_same(const struct event *put, const struct event *back)
{
    assert_int_equal(put->type, back->type);
    assert_true(put->negative == back->negative && put->has_rid == back->has_rid);
    assert_memory_equal(put->rid.b, back->rid.b, RID_BYTES);
    assert_true(put->expires_ms == back->expires_ms);
    assert_true(str_equal(put->customer, back->customer) && str_equal(put->key, back->key));
    assert_true(str_equal(put->result, back->result) && str_equal(put->reason, back->reason));
    assert_true(str_equal(put->owner, back->owner) && str_equal(put->trace, back->trace));
    assert_true(put->result_follows == back->result_follows);
    assert_memory_equal(put->fingerprint, back->fingerprint, EVENT_FINGERPRINT_BYTES);
    assert_int_equal(put->line_count, back->line_count);
    for (unsigned i = 0; i < put->line_count; i++) {
        const struct event_line *x = &put->lines[i], *y = &back->lines[i];
        assert_true(str_equal(x->sku, y->sku) && x->quantity == y->quantity);
        assert_true(x->available == y->available && x->held == y->held && x->sold == y->sold);
        assert_true(x->version == y->version && x->max_per_customer == y->max_per_customer);
    }
}

static void check_come_back(const struct event *events, unsigned count)
{
    struct event_before before = {.line = {.version = 0}};
    struct event_reader reader;
    struct event back;
    int64_t now_ms;
    begin();
    event_begin_brief(&out, NOW_MS);
    for (unsigned i = 0; i < count; i++)
        event_put_brief(&out, &events[i], NOW_MS, &before);
    assert_int_equal(event_read(&reader, buf_str(&out), &now_ms), 0);
    assert_true(now_ms == NOW_MS);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(event_next(&reader, &arena, now_ms, &back), 1);
        check_same(&events[i], &back);
    }
    assert_int_equal(event_next(&reader, &arena, now_ms, &back), 0);
}

TEST(events_of_one_item_are_short)
{
    struct event_line lines[100];
    struct event events[100];
    for (unsigned i = 0; i < 100; i++) {
        lines[i] = line_of("hot", 900000000 - 3 * i, 100 + i);
        events[i] = reserve_of(&lines[i], 1, (uint8_t)i);
    }
    check_come_back(events, 100);
    assert_true(out.n <= 20 + 100 * 20);
}

TEST(events_of_several_items_come_back)
{
    const int64_t most = UNITS_MAX;
    struct event_line lines[] = {
        line_of("a", 0, 1), line_of("a", most, 2), line_of("b", most, most), line_of("b", 0, most),
        line_of("a", 5, 9), line_of("a", 4, 8),    line_of("b", 4, 8),       line_of("b", 4, 9),
    };
    lines[4].max_per_customer = most;
    struct event events[] = {
        reserve_of(&lines[0], 1, 1),
        reserve_of(&lines[1], 2, 1), /* another bucket */
        reserve_of(&lines[2], 2, 2),
        {.type = EVENT_ADJUST,
         .line_count = 1,
         .lines = &lines[3],
         .negative = true,
         .reason = STR("loss")},
        {.type = EVENT_TRANSFER, .line_count = 2, .lines = &lines[5]},
        {.type = EVENT_CONFIRM,
         .has_rid = true,
         .rid = {.b = {2, 2, 2, 2, 2, 2, 9}}}, /* no lines */
        {.type = EVENT_DECREMENT,
         .line_count = 1,
         .lines = &lines[7],
         .key = STR("k"),
         .result = STR("r")},
        reserve_of(&lines[4], 2, 2),
    };
    events[7].customer = STR("ann");
    events[3].owner = STR("acme/shop");
    events[5].owner = STR("acme/shop");
    events[5].trace = STR(TRACE);
    events[7].trace = STR(TRACE);
    check_come_back(events, sizeof(events) / sizeof(events[0]));
}

TEST(the_result_of_a_reserve_follows_from_its_event)
{
    struct event_line line = line_of("hot", 5, 4);
    struct event event = reserve_of(&line, 1, 1);
    uint8_t fingerprint[RECORD_FINGERPRINT_BYTES] = {1, 2, 3};
    event.customer = STR("ann");
    event.metadata = STR("{}");
    event.owner = STR("acme/shop");
    begin();
    struct reservation_line held = {
        .sku = line.sku, .quantity = 3, .reserved = 3, .remaining = 5, .version = 4};
    struct reservation r = {.id = event.rid,
                            .created_ms = NOW_MS,
                            .expires_ms = event.expires_ms,
                            .customer = event.customer,
                            .metadata = event.metadata,
                            .owner = event.owner,
                            .line_count = 1,
                            .lines = &held};
    struct op op = {.kind = OP_RESERVE, .fingerprint = {1, 2, 3}};
    struct outcome outcome = {.code = OUT_CREATED, .resv = &r};
    record_encode_result(&out, &op, &outcome);
    assert_memory_equal(out.p + RECORD_FINGERPRINT_AT, fingerprint, sizeof(fingerprint));
    assert_true(
        str_equal(record_result_of(&arena, &scratch, &event, fingerprint, NOW_MS), buf_str(&out)));

    event.key = STR("k");
    event.result_follows = true;
    memcpy(event.fingerprint, fingerprint, sizeof(fingerprint));
    check_come_back(&event, 1);
}

/* How many events are read of the bytes before they end or are none. */
static unsigned read_all(struct str bytes)
{
    struct event_reader reader;
    struct event event;
    int64_t now_ms;
    unsigned count = 0;
    arena_reset(&arena);
    if (event_read(&reader, bytes, &now_ms) == 0)
        while (event_next(&reader, &arena, now_ms, &event) > 0)
            count++;
    return count;
}

TEST(any_bytes_are_read_without_harm)
{
    struct event_line lines[] = {line_of("a", 10, 1), line_of("a", 7, 2), line_of("a", 4, 3)};
    struct event events[] = {reserve_of(&lines[0], 1, 1), reserve_of(&lines[1], 1, 2),
                             reserve_of(&lines[2], 1, 3)};
    events[1].owner = STR("acme/shop");
    events[1].trace = STR(TRACE);
    events[2].key = STR("k");
    events[2].result_follows = true;
    check_come_back(events, 3);
    size_t n = out.n;
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t cut = 0; cut < n; cut++) {
        memcpy(bytes, out.p, cut);
        char *exact = realloc(bytes, cut ? cut : 1);
        assert_non_null(exact);
        assert_true(read_all((struct str){exact, cut}) < 3);
        bytes = realloc(exact, n);
        assert_non_null(bytes);
    }
    for (size_t at = 0; at < n; at++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(bytes, out.p, n);
            bytes[at] = (char)byte;
            (void)read_all((struct str){bytes, n});
        }
    free(bytes);
}

TEST(an_owner_costs_the_default_tenant_nothing)
{
    struct event_line line = line_of("a", 1, 1);
    struct event event = reserve_of(&line, 1, 1);
    check_come_back(&event, 1);
    size_t n = out.n;
    event.owner = STR("acme/shop");
    check_come_back(&event, 1);
    assert_int_equal(out.n, n + 1 + 1 + strlen("acme/shop")); /* flags, length, text */
}

TEST(an_owner_that_is_none_is_not_read)
{
    static const char *const wrong[] = {"", "acme", "acme/", "/shop", "ACME/shop", "a b/shop"};
    struct event_line line = line_of("a", 1, 1);
    struct event event = reserve_of(&line, 1, 1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct event_before before = {.line = {.version = 0}};
        event.owner = str_of(wrong[i]);
        begin();
        event_begin_brief(&out, NOW_MS);
        event_put_brief(&out, &event, NOW_MS, &before);
        assert_int_equal(read_all(buf_str(&out)), 0);
    }
}

/* Differences from a line that was never there, or that no counter can have. */
TEST(a_difference_needs_a_line_before_it)
{
    static const char none[] = {EVENT_BRIEF, 1, EVENT_RESERVE | 1 << 4, 0, 1, 0, 0, 0, 2, 0};
    begin();
    assert_int_equal(read_all((struct str){none, sizeof(none)}), 0);
    struct event_line line = line_of("a", INT64_MAX, 1);
    struct event event = reserve_of(&line, 1, 1);
    struct event_before before = {.line = {.version = 0}};
    event_begin_brief(&out, 1);
    event_put_brief(&out, &event, 1, &before);
    buf_put(&out, none + 2, sizeof(none) - 2);
    assert_int_equal(read_all(buf_str(&out)), 1);
}

TEST(a_trace_costs_what_has_none_nothing)
{
    struct event_line line = line_of("a", 1, 1);
    struct event event = reserve_of(&line, 1, 1);
    check_come_back(&event, 1);
    size_t n = out.n;
    event.trace = STR(TRACE);
    check_come_back(&event, 1);
    assert_int_equal(out.n, n + 1 + 1 + strlen(TRACE)); /* flags, length, text */
}

TEST(a_trace_that_is_none_is_not_read)
{
    static const char *const wrong[] = {"", "00", TRACE "0",
                                        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                        "00-00000000000000000000000000000000-00f067aa0ba902b7-01"};
    struct event_line line = line_of("a", 1, 1);
    struct event event = reserve_of(&line, 1, 1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct event_before before = {.line = {.version = 0}};
        event.trace = str_of(wrong[i]);
        begin();
        event_begin_brief(&out, NOW_MS);
        event_put_brief(&out, &event, NOW_MS, &before);
        assert_int_equal(read_all(buf_str(&out)), 0);
    }
}
