/* pause.h -- a one-shot timer in microseconds on the loop.
 *
 * Layer: store. libuv's timers count milliseconds; the back-off after a lost transaction is a
 * fraction of one. A timerfd under a poll handle.
 */
#ifndef STORE_PAUSE_H
#define STORE_PAUSE_H

#include <stdint.h>
#include <uv.h>

struct pause {
    uv_poll_t poll;
    int fd;
    void (*on_end)(struct pause *pause);
    void *user;
};

/* 0, or -errno. */
int pause_init(struct pause *pause, uv_loop_t *loop) __attribute__((warn_unused_result));

/* Calls on_end after delay_us (> 0); a pause under way begins anew. */
void pause_start(struct pause *pause, int64_t delay_us);
void pause_stop(struct pause *pause);
void pause_close(struct pause *pause);

#endif
