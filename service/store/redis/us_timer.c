#include "store/redis/us_timer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct us_timer *pause = poll->data;
    uint64_t count;
    (void)status, (void)events;
    if (read(pause->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        pause->on_end(pause);
}

int us_timer_init(struct us_timer *pause, uv_loop_t *loop)
{
    pause->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (pause->fd < 0)
        return -errno;
    int rc = uv_poll_init(loop, &pause->poll, pause->fd);
    if (rc == 0) {
        pause->poll.data = pause;
        rc = uv_poll_start(&pause->poll, UV_READABLE, on_readable);
    }
    if (rc != 0)
        close(pause->fd);
    return rc;
}

static void arm_timer(struct us_timer *pause, int64_t delay_us)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = delay_us / 1000000, .tv_nsec = delay_us % 1000000 * 1000}};
    if (timerfd_settime(pause->fd, 0, &when, NULL) < 0)
        abort(); /* a valid descriptor and a valid time: cannot fail */
}

void us_timer_start(struct us_timer *pause, int64_t delay_us)
{
    assert(delay_us > 0);
    arm_timer(pause, delay_us);
}

void us_timer_stop(struct us_timer *pause)
{
    arm_timer(pause, 0);
}

void us_timer_close(struct us_timer *pause)
{
    uv_poll_stop(&pause->poll);
    uv_close((uv_handle_t *)&pause->poll, NULL);
    close(pause->fd);
}
