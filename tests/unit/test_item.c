/* test_item.c -- counters as text, names of items, ids and states of reservations. */
#include "core/item.h"
#include "core/reservation.h"
#include "core/rid.h"
#include "support/suite.h"

static const struct item sample = {.exists = true,
                                   .available = 98,
                                   .held = 2,
                                   .sold = 7,
                                   .version = 12,
                                   .max_per_customer = 3,
                                   .updated_ms = 1763688697123,
                                   .due_ms = 1763689297123,
                                   .due_exact = true};

TEST(an_item_comes_back_as_it_was)
{
    char text[ITEM_TEXT_SIZE];
    struct item back;
    size_t n = item_encode(&sample, text);
    assert_string_equal(text, "1 98 2 7 12 3 1763688697123 1763689297123 3");
    assert_true(item_decode((struct str){text, n}, &back));
    char again[ITEM_TEXT_SIZE];
    item_encode(&back, again);
    assert_string_equal(again, text);
    assert_true(back.exists && back.due_exact && back.sold == 7 && back.max_per_customer == 3);
    assert_true(item_on_hand(&back) == 100);
}

TEST(what_is_no_item_is_refused)
{
    static const char *const wrong[] = {
        "",
        "1",
        "2 98 2 7 12 3 1 1 3",                   /* another format */
        "1 98 2 7 12 3 1 1 4",                   /* unknown flags */
        "1 98 2 7 12 3 1 1 3 ",                  /* something behind it */
        "1 098 2 7 12 3 1 1 3",                  /* a second text of one item */
        "1 -98 2 7 12 3 1 1 3",                  /* a negative counter */
        "1 98 0 7 12 3 1 1 3",                   /* due, but nothing is held */
        "1 98 2 7 12 3 1 0 3",                   /* held, but never due */
        "1 98 0 7 12 0 1 0 2",                   /* deleted, but there are units */
        "1 9007199254740992 0 7 12 0 1 0 3",     /* beyond 2^53 - 1 */
        "1 99999999999999999999 0 7 12 0 1 0 3", /* beyond 64 bits */
    };
    struct item item;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (item_decode(str_of(wrong[i]), &item))
            fail_msg("\"%s\" was taken", wrong[i]);
}

TEST(names_have_1_to_64_known_characters)
{
    char longest[66];
    memset(longest, 'a', sizeof(longest));
    assert_true(sku_valid(STR("aZ09._:-")));
    assert_true(sku_valid((struct str){longest, 64}));
    assert_false(sku_valid((struct str){longest, 65}));
    assert_false(sku_valid(STR("")));
    assert_false(sku_valid(STR("a b")));
    assert_false(sku_valid(STR("{a}")));
    assert_false(sku_valid(STR("\xc3\xa4")));
}

TEST(an_id_has_one_text)
{
    struct rid id = {.partition = 1023}, back;
    char text[RID_TEXT_SIZE];
    for (size_t i = 0; i < RID_BYTES; i++)
        id.b[i] = (uint8_t)(i * 37 + 200);
    size_t n = rid_format(&id, text);
    assert_int_equal(n, strlen(text));
    assert_true(rid_parse((struct str){text, n}, &back));
    assert_true(rid_equal(&id, &back));
    for (size_t cut = 0; cut < n; cut++)
        assert_false(rid_parse((struct str){text, cut}, &back));
    text[n - 1] = 'v'; /* the last digit has bits that no byte of the id has */
    assert_false(rid_parse((struct str){text, n}, &back));
    assert_false(rid_parse(STR("r01-38fs5alvl7ftma4qtjoc5jg"), &back));
    assert_false(rid_parse(STR("r0-38FS5ALVL7FTMA4QTJOC5JG"), &back));
    assert_false(rid_parse(STR("r70000-38fs5alvl7ftma4qtjoc5jg"), &back));
}

TEST(an_id_carries_the_bucket_of_its_deadline)
{
    struct rid id = {0};
    rid_set_bucket(&id, rid_bucket_of(1763689297123));
    assert_int_equal(rid_bucket(&id), 1763689297123 >> RID_BUCKET_SHIFT);
    assert_int_equal(rid_bucket_of((INT64_C(1) << 20) - 1), 0);
    assert_int_equal(rid_bucket_of(INT64_C(1) << 20), 1);
}

TEST(an_id_carries_a_part_of_that_bucket)
{
    const int64_t at_ms = 1763689297123, bucket = at_ms >> RID_BUCKET_SHIFT;
    struct rid id = {0};
    memset(id.b + 6, 0xff, RID_BYTES - 6);
    rid_set_bucket(&id, rid_part_of(at_ms, 0xfffffe));
    assert_int_equal(rid_bucket(&id), ((bucket | 1 << 23) << 24) + 0xfffffe);
    rid_set_bucket(&id, rid_part_of(at_ms, 1));
    assert_int_equal(rid_bucket(&id), ((bucket | 1 << 23) << 24) + 1);
    for (size_t i = 6; i < RID_BYTES; i++)
        assert_int_equal(id.b[i], 0xff);
}

TEST(parts_lie_behind_whole_buckets_and_in_the_order_of_deadlines)
{
    const int64_t last_ms = INT64_C(1) << 42; /* in 2109 */
    assert_true(rid_bucket_of(last_ms) < RID_PARTS_FIRST);
    assert_true(rid_part_of(0, 0) == RID_PARTS_FIRST);
    assert_true(rid_part_of(0, 0xffffff) < rid_part_of(1 << RID_BUCKET_SHIFT, 0));
    assert_true(rid_part_of(last_ms, 0xffffff) < INT64_C(1) << 53); /* as a score, exactly */
}

TEST(every_event_has_its_verdict_in_every_state)
{
    static const enum reservation_verdict before[RESERVATION_STATES][RESERVATION_EVENTS] = {
        {RESERVATION_MOVED, RESERVATION_MOVED, RESERVATION_MOVED},
        {RESERVATION_REPEATED, RESERVATION_REFUSED, RESERVATION_REFUSED},
        {RESERVATION_REFUSED, RESERVATION_REPEATED, RESERVATION_REFUSED},
        {RESERVATION_REFUSED, RESERVATION_REFUSED, RESERVATION_REFUSED},
    };
    for (int s = 0; s < RESERVATION_STATES; s++)
        for (int e = 0; e < RESERVATION_EVENTS; e++) {
            struct reservation r = {.state = (enum reservation_state)s, .expires_ms = 1000};
            enum reservation_event event = (enum reservation_event)e;
            assert_int_equal(reservation_judge(&r, event, 999), before[s][e]);
            /* At the deadline a hold is over, whatever is asked of it. */
            assert_int_equal(reservation_judge(&r, event, 1000),
                             s == RESERVATION_HELD ? RESERVATION_LATE : before[s][e]);
        }
}
