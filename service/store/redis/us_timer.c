#include "store/redis/us_timer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct us_timer *timer = poll->data;
    uint64_t count;
    (void)status, (void)events;
    if (read(timer->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        timer->on_end(timer);
}

int us_timer_init(struct us_timer *timer, uv_loop_t *loop)
{
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer->fd < 0)
        return -errno;
    int rc = uv_poll_init(loop, &timer->poll, timer->fd);
    if (rc == 0) {
        timer->poll.data = timer;
        rc = uv_poll_start(&timer->poll, UV_READABLE, on_readable);
    }
    if (rc != 0)
        close(timer->fd);
    return rc;
}

void us_timer_start(struct us_timer *timer, int64_t delay_us)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = delay_us / 1000000, .tv_nsec = delay_us % 1000000 * 1000}};
    assert(delay_us > 0);
    if (timerfd_settime(timer->fd, 0, &when, NULL) < 0)
        abort(); /* a valid descriptor and a valid time: cannot fail */
}

void us_timer_close(struct us_timer *timer)
{
    uv_poll_stop(&timer->poll);
    uv_close((uv_handle_t *)&timer->poll, NULL);
    close(timer->fd);
}
