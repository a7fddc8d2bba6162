#include "http/events/request.h"
#include "support/suite.h"

#define PARTITIONS 2

/* --- Accept ----------------------------------------------------------------------------------- */

static bool is_stream(const char *first, const char *second)
{
    struct events_accept accept = {.stream = 0};
    if (first)
        events_accept_add(&accept, str_of(first));
    if (second)
        events_accept_add(&accept, str_of(second));
    return events_accept_stream(&accept);
}

TEST(a_stream_is_sent_to_who_names_it)
{
    assert_true(is_stream("text/event-stream", NULL));
    assert_true(is_stream("Text/Event-Stream", NULL));
    assert_true(is_stream(" text/event-stream ;q=0.5", NULL));
    assert_true(is_stream("application/json, text/event-stream", NULL));
    assert_true(is_stream("text/event-stream, */*;q=0.1", NULL));
    assert_true(is_stream("text/html,,text/event-stream;charset=utf-8;q=1.000", NULL));
    assert_true(is_stream("text/html", "text/event-stream"));
    assert_true(
        is_stream("application/*;q=0.9, application/json;q=0.2, text/event-stream;q=0.5", NULL));
}

TEST(json_is_sent_to_all_others)
{
    assert_false(is_stream(NULL, NULL));
    assert_false(is_stream("", NULL));
    assert_false(is_stream("*/*", NULL));
    assert_false(is_stream("text/*", NULL));
    assert_false(is_stream("application/json", NULL));
    assert_false(is_stream("text/event-stream;q=0", NULL));
    assert_false(is_stream("text/event-stream;q=0.000", NULL));
    assert_false(is_stream("text/event-stream;q=0.5, application/json", NULL));
    assert_false(is_stream("text/event-stream;q=0.5", "application/*;q=0.501"));
    assert_false(is_stream("application/json;q=0.9, */*;q=0.1, text/event-stream;q=0.5", NULL));
}

TEST(a_range_that_cannot_be_read_does_not_count)
{
    assert_false(is_stream("text/event-stream;q=1 0", NULL));
    assert_false(is_stream("text/event-stream;q=x", NULL));
    assert_false(is_stream("text/event-stream;q=1.5", NULL));
    assert_false(is_stream("text/event-stream;q=0.1234", NULL));
    assert_false(is_stream("text/event-stream;q=2", NULL));
    assert_false(is_stream("text/event-streams", NULL));
}

/* --- the query -------------------------------------------------------------------------------- */

static struct arena arena;
static struct tail_position at[PARTITIONS];
static struct refusal why;

static bool reads(struct events_request *r, bool stream, const char *query, const char *last_id)
{
    *r = (struct events_request){.stream = stream, .at = at};
    arena_reset(&arena);
    return events_request_read(r, &arena, PARTITIONS, str_of(query), str_of(last_id), &why);
}

TEST(what_is_not_said_has_defaults)
{
    struct events_request r;
    at[1].id.epoch = 7;
    assert_true(reads(&r, false, NULL, NULL));
    assert_int_equal(r.limit, 100);
    assert_int_equal(r.wait_s, 0);
    assert_false(r.latest);
    assert_int_equal(at[0].id.epoch, 0);
    assert_int_equal(at[1].id.epoch, 0);
    assert_true(reads(&r, false, "after=&limit=1000&wait=30", NULL));
    assert_int_equal(r.limit, 1000);
    assert_int_equal(r.wait_s, 30);
    assert_int_equal(at[1].id.epoch, 0);
}

TEST(a_beginning_is_a_cursor_or_latest)
{
    struct events_request r;
    assert_true(reads(&r, false, "after=1-2-3.4-5-6", NULL));
    assert_int_equal(at[0].n, 3);
    assert_int_equal(at[1].id.epoch, 4);
    assert_true(reads(&r, false, "after=latest", NULL));
    assert_true(r.latest);
}

TEST(the_last_id_of_a_stream_wins)
{
    struct events_request r;
    assert_true(reads(&r, true, "after=1-2-3.4-5-6", "7-8-9.0"));
    assert_int_equal(at[0].id.epoch, 7);
    assert_int_equal(at[1].id.epoch, 0);
    assert_true(reads(&r, true, "after=latest", "7-8-9.0"));
    assert_false(r.latest);
    assert_true(reads(&r, true, "after=latest", ""));
    assert_true(r.latest);
    assert_true(reads(&r, false, "after=1-2-3.4-5-6", "7-8-9.0"));
    assert_int_equal(at[0].id.epoch, 1);
    assert_false(reads(&r, true, NULL, "yesterday"));
    assert_string_equal(why.field, "Last-Event-ID");
}

TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *query, *field;
    } wrong[] = {
        {"after=x", "after"},   {"after=1-2-3", "after"}, {"after=0.0.0", "after"},
        {"limit=0", "limit"},   {"limit=1001", "limit"},  {"limit=", "limit"},
        {"limit=-1", "limit"},  {"limit=1e2", "limit"},   {"limit=99999999999", "limit"},
        {"wait=31", "wait"},    {"wait=1.5", "wait"},     {"wait=-1", "wait"},
        {"wait=1s", "wait"},    {"since=0", "since"},     {"limit=1&limit=2", "query"},
        {"after=%zz", "query"}, {"Limit=5", "Limit"},
    };
    struct events_request r;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (reads(&r, false, wrong[i].query, NULL))
            fail_msg("%s was read", wrong[i].query);
        assert_int_equal(why.problem, PROBLEM_INVALID_FIELD);
        assert_string_equal(why.field, wrong[i].field);
    }
}

static int begin(void **state)
{
    arena_init(&arena, 1024, 65536);
    return 0;
}

static int end(void **state)
{
    arena_free(&arena);
    return 0;
}

ALL_BETWEEN(begin, end)
