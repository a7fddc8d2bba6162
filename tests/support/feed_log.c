/* feed_log.c -- see feed_log.h. */
#include "support/feed_log.h"
#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>

#define SKUS_MAX (2 * LEDGER_LOAD_ITEMS)

int64_t feed_log_rows(void)
{
    return sql_int("SELECT COUNT(*) FROM events WHERE sku IS NOT NULL");
}

void feed_log_await_rows(int64_t count)
{
    assert_true(await(feed_log_rows() >= count, RECOVERY_MS));
    assert_int_equal(feed_log_rows(), count);
}

static const char *const number_names[] = {
    "available_delta", "held_delta", "sold_delta", "available", "held", "sold", "on_hand"};

void feed_log_add(struct feed_log *log, json_t *event)
{
    if (log->count == log->room) {
        log->room = log->room ? 2 * log->room : 256;
        log->events = realloc(log->events, log->room * sizeof(*log->events));
        assert_non_null(log->events);
    }
    struct feed_event *s = &log->events[log->count++];
    memset(s, 0, sizeof(*s)); /* so that two can be compared as bytes */
    KEEP(s->cursor, json_string_value(json_object_get(event, "cursor")));
    KEEP(s->type, json_string_value(json_object_get(event, "type")));
    KEEP(s->sku, json_string_value(json_object_get(event, "sku")));
    s->version = json_integer_value(json_object_get(event, "version"));
    for (int i = 0; i < 7; i++)
        s->numbers[i] = json_integer_value(json_object_get(event, number_names[i]));
    KEEP(log->cursor, s->cursor);
}

void feed_log_free(struct feed_log *log)
{
    free(log->events);
    *log = (struct feed_log){.events = NULL};
}

size_t feed_log_page(struct feed_log *log, unsigned limit, unsigned wait_s)
{
    json_t *page = get(text("/v1/events?after=%s&limit=%u&wait=%u", log->cursor, limit, wait_s));
    json_t *events = json_object_get(page, "events"), *event;
    size_t i;
    assert_true(json_is_integer(json_at(page, "ledger.lag_events")));
    assert_true(json_array_size(events) <= limit);
    json_array_foreach(events, i, event) feed_log_add(log, event);
    KEEP(log->cursor, json_string_value(json_object_get(page, "next_cursor")));
    return json_array_size(events);
}

void feed_log_pages_to(struct feed_log *log, int64_t count)
{
    int64_t until = test_now_ms() + RECOVERY_MS;
    while ((int64_t)log->count < count && test_now_ms() < until)
        feed_log_page(log, 100, 1);
    assert_int_equal(log->count, count);
    assert_int_equal(feed_log_page(log, 100, 0), 0);
}

void feed_log_check_whole(struct feed_log *log)
{
    assert_int_equal(log->count, feed_log_rows());
    char sku[SKUS_MAX][32] = {""};
    int64_t version[SKUS_MAX] = {0};
    for (size_t i = 0; i < log->count; i++) {
        size_t k = 0;
        while (k < SKUS_MAX && sku[k][0] && strcmp(sku[k], log->events[i].sku) != 0)
            k++;
        assert_true(k < SKUS_MAX);
        KEEP(sku[k], log->events[i].sku);
        assert_int_equal(log->events[i].version, ++version[k]);
    }
    for (size_t k = 0; k < SKUS_MAX && sku[k][0]; k++)
        assert_int_equal(sql_int(text("SELECT version FROM items WHERE sku = '%s'", sku[k])),
                         version[k]);
}

void feed_log_stream_to(struct sse *s, struct feed_log *log, size_t count)
{
    char type[16];
    while (log->count < count) {
        json_t *json = sse_next(s, type, RECOVERY_MS);
        assert_non_null(json);
        if (strcmp(type, "lag") != 0) {
            feed_log_add(log, json);
            assert_string_equal(type, log->events[log->count - 1].type);
            assert_string_equal(s->id, log->cursor);
        }
        json_decref(json);
    }
}
