/* test_parts.c -- parts of buckets: filled one after the other, and never too much of one. */
#include "core/parts.h"
#include "core/rid.h"
#include "support/suite.h"

#define SPAN_MS  (INT64_C(1) << RID_BUCKET_SHIFT)
#define LAST     0xffffff
#define DEADLINE (1700000 * SPAN_MS)

static struct parts parts;

static void begin_with(uint32_t random)
{
    uint32_t all[PARTS_OPEN];
    for (unsigned i = 0; i < PARTS_OPEN; i++)
        all[i] = random;
    parts_init(&parts, all);
}

static int64_t put_one(int64_t deadline_ms)
{
    int64_t part = parts_of(&parts, deadline_ms, 0);
    parts_put(&parts, part);
    return part;
}

TEST(a_part_is_filled_and_then_the_next)
{
    begin_with(7);
    for (uint32_t i = 0; i < 3 * PART_RECORDS; i++)
        assert_int_equal(put_one(DEADLINE), rid_part_of(DEADLINE, 7 + i / PART_RECORDS));
}

TEST(a_batch_is_spread_as_if_it_were_put_one_by_one)
{
    begin_with(7);
    for (int i = 0; i < 10; i++)
        put_one(DEADLINE);
    int64_t wanted[3 * PART_RECORDS];
    for (unsigned i = 0; i < 3 * PART_RECORDS; i++)
        wanted[i] = parts_of(&parts, DEADLINE, i);
    for (unsigned i = 0; i < 3 * PART_RECORDS; i++)
        assert_int_equal(put_one(DEADLINE), wanted[i]);
}

TEST(serials_begin_anew_behind_the_last)
{
    begin_with(UINT32_MAX);
    for (unsigned i = 0; i < PART_RECORDS; i++)
        assert_int_equal(put_one(DEADLINE), rid_part_of(DEADLINE, LAST));
    assert_int_equal(put_one(DEADLINE), rid_part_of(DEADLINE, 0));
    begin_with(LAST);
    assert_int_equal(parts_of(&parts, DEADLINE, PART_RECORDS), rid_part_of(DEADLINE, 0));
}

TEST(buckets_nearby_do_not_share_a_count)
{
    begin_with(1);
    for (unsigned i = 0; i < PART_RECORDS; i++)
        for (unsigned b = 0; b < PARTS_OPEN; b++)
            assert_int_equal(put_one(DEADLINE + b * SPAN_MS),
                             rid_part_of(DEADLINE + b * SPAN_MS, 1));
    assert_int_equal(put_one(DEADLINE), rid_part_of(DEADLINE, 2));
}

/* Deadlines taken in turns, so far apart that they share a serial: no part grows for ever. */
TEST(no_part_grows_beyond_what_it_is_for)
{
    const int64_t far_ms = DEADLINE + PARTS_OPEN * SPAN_MS;
    unsigned in_part = 0, in_far = 0;
    begin_with(1);
    while (parts_of(&parts, DEADLINE, 0) == rid_part_of(DEADLINE, 1)) {
        put_one(DEADLINE), in_part++;
        if (parts_of(&parts, far_ms, 0) == rid_part_of(far_ms, 1))
            put_one(far_ms), in_far++;
    }
    assert_int_equal(in_part + in_far, PART_RECORDS);
}
