/* test_feed_id.c -- ids of the stream as text, and the list of where epochs ended. */
#include "store/feed_id.h"
#include "support/suite.h"

#include <string.h>

static redisReply string(const char *text)
{
    return (redisReply){
        .type = REDIS_REPLY_STRING, .str = (char *)(uintptr_t)text, .len = strlen(text)};
}

TEST(ids_are_taken_as_written)
{
    static const struct {
        const char *text;
        bool good;
        struct event_id id;
    } rows[] = {
        {"1-7", true, {1, 7}},   {"3-0", true, {3, 0}},   {"12", true, {12, 0}},
        {"1-7x", false, {0, 0}}, {"1 -7", false, {0, 0}}, {"1-7 2-9", false, {0, 0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        redisReply reply = string(rows[i].text);
        struct event_id id;
        assert_int_equal(feed_id_take(&reply, &id), rows[i].good);
        if (rows[i].good)
            assert_int_equal(event_id_compare(id, rows[i].id), 0);
    }
}

TEST(an_end_is_found_by_its_epoch)
{
    char list[FEED_ENDS_SIZE];
    const struct event_ends ends = {.count = 3, .ends = {{7, 90}, {3, 0}, {1, 12}}};
    struct event_id end;
    feed_ends_put(list, &ends);
    assert_string_equal(list, "7-90 3-0 1-12");
    redisReply reply = string(list);
    for (size_t i = 0; i < ends.count; i++) {
        assert_true(feed_ends_find(&reply, ends.ends[i].epoch, &end));
        assert_int_equal(event_id_compare(end, ends.ends[i]), 0);
    }
    assert_false(feed_ends_find(&reply, 2, &end));
    assert_false(feed_ends_find(&reply, 0, &end));
    assert_false(feed_ends_find(&reply, 90, &end));
}

TEST(the_longest_list_has_its_room)
{
    char list[FEED_ENDS_SIZE];
    struct event_ends ends = {.count = EVENT_ENDS_MAX};
    struct event_id end;
    for (size_t i = 0; i < EVENT_ENDS_MAX; i++)
        ends.ends[i] = (struct event_id){INT64_MAX - (int64_t)i, INT64_MAX};
    feed_ends_put(list, &ends);
    redisReply reply = string(list);
    assert_true(feed_ends_find(&reply, INT64_MAX - EVENT_ENDS_MAX + 1, &end));
    assert_int_equal(end.seq, INT64_MAX);
}

TEST(what_is_no_list_has_no_end)
{
    static const char *const rows[] = {"", " ", "x", "1-7x", "9-1,1-7", "-"};
    struct event_id end;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        redisReply reply = string(rows[i]);
        assert_false(feed_ends_find(&reply, 1, &end));
    }
    redisReply nil = {.type = REDIS_REPLY_NIL};
    assert_false(feed_ends_find(&nil, 1, &end));
    feed_ends_put((char[FEED_ENDS_SIZE]){0}, &(struct event_ends){.count = 0});
}
