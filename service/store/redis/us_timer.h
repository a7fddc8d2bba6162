/* us_timer.h -- a one-shot timer in microseconds on the loop.
 *
 * Layer: store. libuv's timers count milliseconds; the back-off after a lost transaction is a
 * fraction of one. A timerfd under a poll handle.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

struct us_timer {
    uv_poll_t poll;
    int fd;
    void (*on_end)(struct us_timer *timer);
    void *user;
};

/* 0, or -errno. */
int us_timer_init(struct us_timer *timer, uv_loop_t *loop) MUST_CHECK;

/* Calls on_end after delay_us (> 0); one that runs begins anew. */
void us_timer_start(struct us_timer *timer, int64_t delay_us);
void us_timer_close(struct us_timer *timer);
