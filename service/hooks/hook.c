#include "hooks/hook.h"
#include "core/limits.h"
#include "hooks/retry.h"
#include "log.h"
#include "stats.h"

#include <assert.h>
#include <stdlib.h>

#define AGAIN_MS 100 /* after an attempt that was none, for want of memory here */
#define GONE     410
#define THROTTLE 429

/* --- life ------------------------------------------------------------------------------------- */

struct hook *hook_new(const struct hook_spec *spec)
{
    struct hook *hook = calloc(1, sizeof(*hook));
    struct tail_position *positions = calloc((size_t)3 * PARTITIONS_MAX, sizeof(*positions));
    if (!hook || !positions) {
        free(hook);
        free(positions);
        return NULL;
    }
    hook->spec = spec;
    hook->read = positions;
    hook->safe = positions + PARTITIONS_MAX;
    hook->saved = positions + (size_t)2 * PARTITIONS_MAX;
    window_init(&hook->window);
    return hook;
}

void hook_free(struct hook *hook)
{
    window_free(&hook->window);
    free(hook->read); /* and the two behind it */
    free(hook);
}

void hook_forget(struct hook *hook)
{
    window_free(&hook->window);
    hook->mine = hook->whole = hook->off_unsaved = false;
    hook->run = hook->throttled = 0;
    hook->pause_ms = 0;
    hook->seen_ms = 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static size_t at_a_time(const struct hook *hook)
{
    return hook->run >= RETRY_DOUBT_RUN ? 1 : (size_t)hook->spec->in_flight;
}

void hook_send(struct hook *hook, struct sender *sender, const struct hook_now *now)
{
    struct window_event *event;
    while (hook->mine && !hook->off && now->mono_ms >= hook->pause_ms &&
           hook->window.flying < at_a_time(hook) &&
           (event = window_next(&hook->window, now->mono_ms))) {
        const struct sender_request request = {.hook = hook->spec,
                                               .id = event->id,
                                               .body = event->body,
                                               .timestamp_s = now->wall_ms / 1000,
                                               .owner = hook,
                                               .user = event};
        if (sender_post(sender, &request))
            continue;
        window_put_back(&hook->window, event, now->mono_ms + AGAIN_MS);
        return;
    }
}

int64_t hook_idle_ms(const struct hook *hook, int64_t now_ms, int64_t most_ms)
{
    if (!hook->mine || hook->off || hook->window.flying >= at_a_time(hook))
        return most_ms;
    int64_t due_ms = window_due_ms(&hook->window);
    due_ms = due_ms > hook->pause_ms ? due_ms : hook->pause_ms;
    if (due_ms <= now_ms)
        return 0;
    return due_ms - now_ms < most_ms ? due_ms - now_ms : most_ms;
}

/* --- what came of it -------------------------------------------------------------------------- */

static void pause_until(struct hook *hook, int64_t until_ms)
{
    if (until_ms > hook->pause_ms)
        hook->pause_ms = until_ms;
}

static int64_t asked_for(const struct sender_result *result)
{
    return result->retry_after_ms < RETRY_ASKED_MS ? result->retry_after_ms : RETRY_ASKED_MS;
}

static void switch_off(struct hook *hook, struct window_event *event)
{
    window_put_back(&hook->window, event, 0);
    if (hook->off)
        return;
    hook->off = hook->off_unsaved = true;
    log_event(LOG_ERROR, "a hook is switched off: its endpoint answered 410",
              LOG_STR("hook", hook->spec->name), LOG_STR("right", "stockd hooks on"));
}

/* It is no failure of the event: it has not been looked at. */
static void throttle(struct hook *hook, struct window_event *event,
                     const struct sender_result *result, const struct hook_now *now)
{
    int64_t pause_ms = retry_pause_ms(hook->spec->retry_first_ms,
                                      RETRY_DOUBT_RUN + hook->throttled++, rng_next(now->rng));
    int64_t asked_ms = asked_for(result);
    window_put_back(&hook->window, event, 0);
    pause_until(hook, now->mono_ms + (asked_ms > 0 ? asked_ms : pause_ms));
    stats_count(STATS_HOOKS_FAILED, 1);
}

static void fail_event(struct hook *hook, struct window_event *event,
                       const struct sender_result *result, const struct hook_now *now)
{
    static struct log_gate gate;
    const struct hook_spec *spec = hook->spec;
    int64_t asked_ms = asked_for(result);
    event->attempts++;
    hook->run++;
    pause_until(hook,
                now->mono_ms + retry_pause_ms(spec->retry_first_ms, hook->run, rng_next(now->rng)));
    if (asked_ms > 0)
        pause_until(hook, now->mono_ms + asked_ms);
    stats_count(STATS_HOOKS_FAILED, 1);
    if (event->attempts < (unsigned)spec->attempts) {
        window_failed(&hook->window, event,
                      now->mono_ms + retry_wait_ms(spec->retry_first_ms, event->attempts, asked_ms,
                                                   rng_next(now->rng)));
    } else {
        window_dead(&hook->window, event);
        stats_count(STATS_HOOKS_DEAD, 1);
    }
    if (event->state == WINDOW_DEAD || log_allowed(&gate, now->mono_ms))
        log_event(LOG_WARN,
                  event->state == WINDOW_DEAD ? "an event is given up"
                                              : "an event is not delivered",
                  LOG_STR("hook", spec->name), LOG_TEXT("id", event->id),
                  LOG_INT("attempts", event->attempts), LOG_INT("status", result->status),
                  LOG_STR("why", result->why));
}

void hook_ended(struct hook *hook, const struct sender_result *result, const struct hook_now *now)
{
    struct window_event *event = result->user;
    assert(result->owner == hook);
    if (result->no_memory) {
        window_put_back(&hook->window, event, now->mono_ms + AGAIN_MS);
        return;
    }
    event->tried_ms = now->wall_ms;
    event->status = result->status;
    event->why = result->why;
    if (!result->why) {
        hook->run = hook->throttled = 0;
        window_delivered(&hook->window, event);
        stats_count(STATS_HOOKS_DELIVERED, 1);
    } else if (result->status == GONE) {
        switch_off(hook, event);
    } else if (result->status == THROTTLE) {
        throttle(hook, event, result, now);
    } else {
        fail_event(hook, event, result, now);
    }
}
