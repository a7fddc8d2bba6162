/* test_replay_versions.c -- one item's numbers along its versions. */
#include "check/replay_versions.h"
#include "support/suite.h"

static enum walk_found change(struct walk *w, uint64_t version, int64_t by, int64_t remaining)
{
    struct walk_step step = {.version = version, .change = by, .remaining = remaining};
    return walk_step(w, &step);
}

static enum walk_found see(struct walk *w, uint64_t version, int64_t remaining)
{
    struct walk_step step = {.read = true, .version = version, .remaining = remaining};
    return walk_step(w, &step);
}

static struct walk created(uint64_t version, int64_t units)
{
    struct walk w = {0};
    struct walk_step step = {
        .creates = true, .version = version, .change = units, .remaining = units};
    assert_int_equal(walk_step(&w, &step), WALK_FINE);
    return w;
}

TEST(numbers_that_follow_are_fine)
{
    struct walk w = created(7, 10);
    assert_int_equal(see(&w, 7, 10), WALK_FINE);
    assert_int_equal(change(&w, 8, -3, 7), WALK_FINE);
    assert_int_equal(see(&w, 8, 7), WALK_FINE);
    assert_int_equal(see(&w, 8, 7), WALK_FINE);
    assert_int_equal(change(&w, 9, 0, 7), WALK_FINE);
}

TEST(a_gap_is_found_once)
{
    struct walk w = created(1, 10);
    assert_int_equal(change(&w, 4, -1, 5), WALK_GAP);
    assert_int_equal(w.missing, 2);
    assert_int_equal(change(&w, 5, -1, 4), WALK_FINE);
}

TEST(a_read_of_a_version_nobody_made_is_a_gap)
{
    struct walk w = created(1, 10);
    assert_int_equal(see(&w, 2, 9), WALK_GAP);
    assert_int_equal(w.missing, 1);
    assert_int_equal(change(&w, 3, -1, 8), WALK_FINE);
}

TEST(an_item_begins_with_its_creation)
{
    struct walk w = {0};
    assert_int_equal(change(&w, 2, -1, 9), WALK_GAP);
    assert_int_equal(w.missing, 1);
}

TEST(a_version_can_be_given_once)
{
    struct walk w = created(1, 10);
    assert_int_equal(change(&w, 2, -1, 9), WALK_FINE);
    assert_int_equal(change(&w, 2, -2, 8), WALK_TWICE);
    struct walk second = w;
    assert_int_equal(change(&w, 3, -1, 8), WALK_FINE); /* the first counted */
    assert_int_equal(change(&second, 3, -1, 7), WALK_FINE);
}

TEST(one_wrong_answer_is_one_finding)
{
    struct walk w = created(1, 10);
    assert_int_equal(change(&w, 2, -1, 8), WALK_WRONG);
    assert_int_equal(w.expected, 9);
    assert_int_equal(change(&w, 3, -1, 8), WALK_FINE); /* only the answer was wrong */
    assert_int_equal(change(&w, 4, -1, 7), WALK_FINE);
}

TEST(one_wrong_change_is_one_finding)
{
    struct walk w = created(1, 10);
    assert_int_equal(change(&w, 2, -1, 8), WALK_WRONG);
    assert_int_equal(change(&w, 3, -1, 7), WALK_FINE); /* the units are gone */
    assert_int_equal(see(&w, 3, 8), WALK_WRONG);       /* and stay so */
}

TEST(a_restored_item_goes_on_under_another_number)
{
    struct walk w = created(1, 10);
    walk_foresee(&w, 2);
    assert_int_equal(change(&w, 2, -1, 9), WALK_FINE);
    walk_restore(&w, 1002);
    assert_int_equal(see(&w, 1002, 9), WALK_FINE);
    assert_int_equal(change(&w, 1003, -1, 8), WALK_FINE);
    assert_int_equal(change(&w, 1005, -1, 6), WALK_GAP);
    assert_int_equal(w.missing, 1);
    assert_int_equal(w.missing_to, 1004);
}

TEST(a_restored_number_must_follow_from_what_was_kept)
{
    struct walk w = created(1, 10);
    walk_foresee(&w, 2);
    assert_int_equal(change(&w, 2, -1, 9), WALK_FINE);
    assert_int_equal(change(&w, 3, -4, 5), WALK_FINE); /* lost; but until then it was so */
    assert_int_equal(change(&w, 4, -1, 5), WALK_WRONG);
    walk_restore(&w, 1002);
    struct walk other = w;
    assert_int_equal(change(&w, 1003, -1, 8), WALK_FINE);
    assert_int_equal(change(&other, 1003, -1, 4), WALK_WRONG);
    assert_int_equal(other.expected, 8);
}

TEST(what_is_lost_may_have_been_seen_and_belong_to_nobody)
{
    struct walk w = created(1, 10);
    walk_foresee(&w, 3);
    assert_int_equal(change(&w, 2, -1, 9), WALK_FINE);
    assert_int_equal(see(&w, 6, 4), WALK_GAP); /* version 3 was kept, so somebody made it */
    assert_int_equal(w.missing, 1);
    assert_int_equal(w.missing_to, 3);
    assert_int_equal(see(&w, 8, 2), WALK_FINE);
    walk_restore(&w, 1003);
    assert_true(w.at.adrift); /* nobody said what was left at version 3 */
    assert_int_equal(change(&w, 1004, -1, 7), WALK_FINE);
    assert_int_equal(change(&w, 1005, -1, 7), WALK_WRONG);
}

TEST(an_item_can_be_restored_more_than_once)
{
    struct walk w = created(1, 10);
    walk_foresee(&w, 1);
    walk_restore(&w, 1001);
    walk_foresee(&w, 1001);
    assert_int_equal(change(&w, 1002, -3, 7), WALK_FINE);
    walk_restore(&w, 2001);
    assert_int_equal(see(&w, 2001, 10), WALK_FINE);
    assert_int_equal(change(&w, 2002, -1, 9), WALK_FINE);
}

TEST(a_read_without_a_number_has_its_place_all_the_same)
{
    struct walk w = created(1, 10);
    const struct walk_step at_1 = {.read = true, .mute = true, .version = 1, .remaining = 77};
    const struct walk_step at_3 = {.read = true, .mute = true, .version = 3, .remaining = 77};
    assert_int_equal(walk_step(&w, &at_1), WALK_FINE);
    assert_int_equal(change(&w, 2, -1, 9), WALK_FINE);
    assert_int_equal(walk_step(&w, &at_3), WALK_GAP); /* nobody knows what was left then */
    assert_int_equal(change(&w, 4, -1, 5), WALK_FINE);
    assert_int_equal(change(&w, 5, -1, 5), WALK_WRONG);
}
