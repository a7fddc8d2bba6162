/* test_hook.c -- what follows for a hook from how an attempt ended. */
#include "hooks/hook.h"
#include "support/suite.h"

#define NOW 1000

static struct rng rng;
static struct hook_spec spec = {
    .name = (char[]){"shop"}, .in_flight = 1, .attempts = 1, .retry_first_ms = 10};

/* One event, which flies. */
static struct window_event *begin(struct hook **hook)
{
    rng_seed(&rng, 1);
    *hook = hook_new(&spec);
    assert_non_null(*hook);
    struct window_event *event =
        window_event_new(STR("evt_0_1_1_0"), STR("adjust"), STR("a"), STR("{}"));
    assert_non_null(event);
    assert_true(window_add(&(*hook)->window, event));
    assert_ptr_equal(window_next(&(*hook)->window, NOW), event);
    return event;
}

static void end(struct hook *hook, struct window_event *event, const char *why, bool no_memory)
{
    const struct hook_now now = {NOW, NOW, &rng};
    const struct sender_result result = {
        .owner = hook, .user = event, .why = why, .no_memory = no_memory};
    hook_ended(hook, &result, &now);
}

TEST(a_failure_costs_an_attempt)
{
    struct hook *hook;
    struct window_event *event = begin(&hook);
    end(hook, event, "nothing could be connected to", false);
    assert_int_equal(event->state, WINDOW_DEAD);
    assert_int_equal(hook->run, 1);
    hook_free(hook);
}

/* The endpoint has nothing to do with it. */
TEST(a_want_of_memory_costs_none)
{
    struct hook *hook;
    struct window_event *event = begin(&hook);
    end(hook, event, "out of memory", true);
    assert_int_equal(event->state, WINDOW_WAITS);
    assert_int_equal(event->attempts, 0);
    assert_int_equal(hook->run, 0);
    assert_null(window_next(&hook->window, NOW));
    assert_ptr_equal(window_next(&hook->window, window_due_ms(&hook->window)), event);
    hook_free(hook);
}
