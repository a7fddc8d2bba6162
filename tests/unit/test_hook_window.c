/* test_hook_window.c -- which event of a hook is next, and how far the hook has come. */
#include "hooks/window.h"
#include "random.h"
#include "support/suite.h"

#include <stdlib.h>

static struct window w;
static struct tail_position at[2];

static int begin(void **state)
{
    window_init(&w);
    memset(at, 0, sizeof(at));
    return 0;
}

static int end(void **state)
{
    window_free(&w);
    return 0;
}

EACH_BETWEEN(begin, end)

/* The n-th event of partition 0, of that item. */
static struct window_event *add(int64_t n, const char *sku)
{
    struct window_event *event = window_event_new(STR("id"), STR("set"), str_of(sku), STR("{}"));
    assert_non_null(event);
    event->at = (struct tail_position){.id = {1, n}, .n = 0};
    event->at_ms = 1000 + n;
    assert_true(window_add(&w, event));
    return event;
}

static struct window_event *next_is(struct window_event *right)
{
    struct window_event *event = window_next(&w, 0);
    assert_ptr_equal(event, right);
    return event;
}

/* As a transaction does. Up to which event of partition 0 the position is. */
static int64_t save(void)
{
    (void)!window_advance(&w, at);
    window_kept(&w);
    return at[0].id.seq;
}

static size_t unsaved(void)
{
    size_t n = 0;
    for (const struct window_event *e = window_unsaved(&w, NULL); e; e = window_unsaved(&w, e))
        n++;
    return n;
}

TEST(of_an_item_one_flies_and_of_others_each)
{
    struct window_event *a1 = add(1, "a"), *a2 = add(2, "a"), *b1 = add(3, "b");
    next_is(a1);
    next_is(b1);
    next_is(NULL);
    window_delivered(&w, b1);
    next_is(NULL);
    window_delivered(&w, a1);
    window_delivered(&w, next_is(a2));
    assert_int_equal(save(), 3);
    assert_int_equal(w.count, 0);
}

TEST(the_position_stays_in_front_of_what_flies)
{
    struct window_event *a1 = add(1, "a"), *b1 = add(2, "b"), *c1 = add(3, "c");
    window_delivered(&w, next_is(a1));
    next_is(b1);
    window_delivered(&w, next_is(c1));
    assert_int_equal(save(), 1);
    assert_false(window_advance(&w, at));
    window_delivered(&w, b1);
    assert_int_equal(save(), 3);
    assert_true(window_advance(&w, at));
    assert_int_equal(w.count, 0);
}

TEST(what_failed_gets_a_letter_and_so_do_those_behind_it)
{
    struct window_event *a1 = add(1, "a"), *a2 = add(2, "a"), *b1 = add(3, "b");
    window_failed(&w, next_is(a1), 500);
    window_delivered(&w, next_is(b1));
    assert_true(window_advance(&w, at));
    assert_int_equal(at[0].id.seq, 3);
    assert_int_equal(unsaved(), 3);
    assert_true(a1->lettered && a2->lettered);
    window_kept(&w);
    assert_int_equal(w.count, 2);
    assert_int_equal(unsaved(), 0);
}

TEST(it_is_not_tried_before_its_time_and_then_first)
{
    struct window_event *a1 = add(1, "a"), *a2 = add(2, "a");
    window_failed(&w, next_is(a1), 500);
    assert_int_equal(window_due_ms(&w), 500);
    assert_null(window_next(&w, 499));
    assert_ptr_equal(window_next(&w, 500), a1);
    assert_int_equal(window_due_ms(&w), INT64_MAX);
    window_delivered(&w, a1);
    next_is(a2);
    assert_int_equal(unsaved(), 1);
}

TEST(behind_the_dead_one_flies_when_that_is_saved)
{
    struct window_event *a1 = add(1, "a"), *a2 = add(2, "a");
    window_dead(&w, next_is(a1));
    next_is(NULL);
    assert_int_equal(save(), 2);
    window_delivered(&w, next_is(a2));
    assert_int_equal(save(), 2);
    assert_int_equal(w.count, 0);
}

TEST(what_was_not_tried_is_as_it_was)
{
    struct window_event *a1 = add(1, "a"), *b1 = add(2, "b");
    window_put_back(&w, next_is(a1), 0);
    assert_int_equal(unsaved(), 0);
    next_is(a1);
    next_is(b1);
    assert_int_equal(save(), 0);
    window_put_back(&w, a1, 70);
    assert_null(window_next(&w, 69));
    assert_ptr_equal(window_next(&w, 70), a1);
}

TEST(an_event_is_found_by_its_item_and_place)
{
    const struct window_event *a1 = add(1, "a"), *a2 = add(2, "a");
    const struct tail_position none = {.id = {1, 3}};
    assert_true(window_has(&w, STR("a"), 0, &a1->at));
    assert_true(window_has(&w, STR("a"), 0, &a2->at));
    assert_false(window_has(&w, STR("a"), 1, &a1->at));
    assert_false(window_has(&w, STR("b"), 0, &a1->at));
    assert_false(window_has(&w, STR("a"), 0, &none));
    assert_int_equal(window_oldest_ms(&w), 1001);
}

TEST(letters_of_before_hold_up_their_item_and_no_position)
{
    struct window_event *letter = window_event_new(STR("id"), STR("set"), STR("a"), STR("{}"));
    letter->lettered = true;
    letter->due_ms = 50;
    letter->at = (struct tail_position){.id = {1, 1}};
    assert_true(window_add(&w, letter));
    struct window_event *a2 = add(2, "a");
    next_is(NULL);
    assert_true(window_advance(&w, at));
    assert_int_equal(at[0].id.seq, 2);
    assert_true(a2->lettered);
    assert_int_equal(unsaved(), 1);
}

TEST(a_window_is_freed_in_whatever_state)
{
    window_delivered(&w, next_is(add(1, "a")));
    window_failed(&w, next_is(add(2, "b")), 9);
    window_dead(&w, next_is(add(3, "c")));
    struct window_event *d = add(4, "d");
    next_is(d);
    (void)add(5, "d");
    window_delivered(&w, next_is(add(6, "e")));
    (void)save();
    assert_int_equal(at[0].id.seq, 3);
    window_free(&w);
    assert_int_equal(w.count, 0);
}

/* --- any sequence ------------------------------------------------------------------------------
 */

#define EVENTS 400
#define ITEMS  7

enum fate { UNKNOWN, DELIVERED, DEAD };

/* Whatever happens: events of an item are delivered in order, and what the position has passed is
 * delivered, dead or has a letter. */
TEST(order_and_position_hold_through_anything)
{
    struct rng rng;
    rng_seed(&rng, 42);
    for (int round = 0; round < 50; round++) {
        struct window_event *flying[EVENTS];
        enum fate fate[EVENTS + 1] = {UNKNOWN};
        int letter[EVENTS + 1] = {0}, item[EVENTS + 1], last[ITEMS] = {0};
        size_t flies = 0;
        int added = 0;
        int64_t now_ms = 1;
        window_init(&w);
        memset(at, 0, sizeof(at));
        while (added < EVENTS || w.count > 0) {
            now_ms++;
            if (added < EVENTS && rng_below(&rng, 2)) {
                char sku[2] = {(char)('a' + (item[added + 1] = (int)rng_below(&rng, ITEMS))), 0};
                add(++added, sku);
            }
            struct window_event *event = window_next(&w, now_ms);
            if (event)
                flying[flies++] = event;
            if (flies > 0 && rng_below(&rng, 2)) {
                size_t i = rng_below(&rng, flies);
                event = flying[i];
                flying[i] = flying[--flies];
                int n = (int)event->at.id.seq;
                uint64_t what = rng_below(&rng, 10);
                if (what < 6) {
                    assert_true(last[item[n]] < n);
                    last[item[n]] = n;
                    fate[n] = DELIVERED;
                    window_delivered(&w, event);
                } else if (what < 7) {
                    fate[n] = DEAD;
                    window_dead(&w, event);
                } else if (what < 9) {
                    window_failed(&w, event, now_ms + (int64_t)rng_below(&rng, 9));
                } else {
                    window_put_back(&w, event, now_ms + 1);
                }
            }
            if (rng_below(&rng, 5) == 0 || added == EVENTS) {
                (void)!window_advance(&w, at);
                for (const struct window_event *e = window_unsaved(&w, NULL); e;
                     e = window_unsaved(&w, e))
                    letter[e->at.id.seq] = e->lettered;
                window_kept(&w);
                for (int n = 1; n <= at[0].id.seq; n++)
                    if (fate[n] == UNKNOWN && !letter[n])
                        fail_msg("event %d is lost", n);
            }
        }
        assert_int_equal(w.count, 0);
        assert_int_equal(w.flying, 0);
    }
}
