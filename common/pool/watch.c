#include "pool/slot.h"

#include "log.h"
#include "pool/child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ERRNO_MAX 4095 /* of the kernel's own */

/* --- messages --------------------------------------------------------------------------------- */

static void handle_init(struct pool *pool, struct pool_slot *s, size_t n)
{
    if (s->init_done || n != sizeof s->init_answer)
        return;
    memcpy(&s->init_answer, pool->message, n);
    s->init_done = s->init_answer == 0;
    if (s->init_done && !s->options.handshake)
        poolslot_become_ready(pool, s);
}

static void handle_message(struct pool *pool, struct pool_slot *s, unsigned char kind, size_t n)
{
    switch (kind) {
    case POOL_WIRE_INIT: handle_init(pool, s, n); break;
    case POOL_WIRE_READY: poolslot_become_ready(pool, s); break;
    case POOL_WIRE_DATA:
        if (pool->events.on_message)
            pool->events.on_message(pool->events.ctx, poolslot_number(pool, s), pool->message, n);
        break;
    default: break; /* a confused child must not take the parent down */
    }
}

void poolwatch_messages(struct pool *pool, struct pool_slot *s, int limit)
{
    for (int i = 0; s->fd >= 0 && i < limit; i++) {
        unsigned char kind;
        ssize_t n =
            poolchild_receive_packet(s->fd, &kind, pool->message, POOL_MESSAGE_MAX, MSG_DONTWAIT);
        if (n == -EAGAIN)
            return;
        if (n < 0) {
            poolslot_close(&s->fd); /* it exec'd, is about to end, or sends what is no message */
            return;
        }
        handle_message(pool, s, kind, (size_t)n);
    }
}

/* --- ends ------------------------------------------------------------------------------------- */

static void fail_pool(struct pool *pool, const struct pool_slot *s, const struct pool_exit *end)
{
    if (pool->failed)
        return;
    pool->failed = true;
    char how[80];
    if (end->signal)
        snprintf(how, sizeof how, "was killed by signal %d", end->signal);
    else if (end->init_err)
        snprintf(how, sizeof how, "failed: %s", strerror(-end->init_err));
    else
        snprintf(how, sizeof how, "failed with status %d",
                 s->init_answer ? s->init_answer : end->status);
    snprintf(pool->error, sizeof pool->error, "the initializer of %.40s (slot %d) %s",
             s->options.name, poolslot_number(pool, s), how);
}

/* When to fork again: at once after a planned leave, else later each time until a life was long. */
static int64_t next_delay(struct pool_slot *s, const struct pool_exit *end, int64_t now_ms)
{
    if (end->status == POOL_EXIT_AGAIN)
        return 0;
    if (now_ms - s->born_ms >= POOL_LIVED_MS)
        s->backoff_ms = 0;
    int64_t delay = s->backoff_ms ? s->backoff_ms : POOL_BACKOFF_FIRST_MS;
    s->backoff_ms = delay * 2 < POOL_BACKOFF_MAX_MS ? delay * 2 : POOL_BACKOFF_MAX_MS;
    return delay;
}

static void handle_end(struct pool *pool, struct pool_slot *s, struct pool_exit *end,
                       int64_t now_ms)
{
    end->stopped = s->state == POOL_STOPPING;
    end->init_failed = !s->init_done && !end->stopped;
    if (end->init_failed && s->init_answer < 0 && s->init_answer >= -ERRNO_MAX)
        end->init_err = s->init_answer;
    end->fatal = end->status == POOL_EXIT_FATAL && !end->stopped && !s->options.never_fatal;
    end->restart_in_ms = -1;
    s->pid = 0;
    if (end->init_failed)
        fail_pool(pool, s, end);

    if (end->init_failed || end->fatal) {
        poolslot_enter(s, POOL_FAILED);
    } else if (end->stopped || pool->failed || s->options.restart == POOL_NEVER) {
        poolslot_enter(s, POOL_ENDED);
    } else {
        end->restart_in_ms = next_delay(s, end, now_ms);
        s->due_ms = now_ms + end->restart_in_ms;
        s->restarts += end->status != POOL_EXIT_AGAIN;
        poolslot_enter(s, POOL_WAITING);
    }
    if (pool->events.on_exit)
        pool->events.on_exit(pool->events.ctx, poolslot_number(pool, s), end);
}

void poolwatch_end(struct pool *pool, struct pool_slot *s, int64_t now_ms)
{
    siginfo_t info = {.si_pid = 0};
    int rc;
    do {
        rc = waitid(P_PIDFD, (id_t)s->pidfd, &info, WEXITED | WNOHANG);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0)
        return; /* still there */
    /* ECHILD: a handler of SIGCHLD waited for it before us, and how it ended is lost. */
    struct pool_exit end = {.pid = s->pid, .status = -1};
    if (rc == 0 && info.si_code == CLD_EXITED)
        end.status = info.si_status;
    else if (rc == 0)
        end.signal = info.si_status;

    poolwatch_messages(pool, s, INT32_MAX); /* its last words came before its end */
    poolslot_close(&s->fd);
    poolslot_close(&s->pidfd);
    handle_end(pool, s, &end, now_ms);
}

/* --- timers ----------------------------------------------------------------------------------- */

static void restart(struct pool *pool, struct pool_slot *s, int64_t now_ms)
{
    if (pool->failed) {
        poolslot_enter(s, POOL_ENDED);
        return;
    }
    int rc = poolslot_start(pool, s, now_ms);
    if (rc == 0)
        return;
    struct pool_exit none = {.status = -1};
    s->born_ms = now_ms;
    s->due_ms = now_ms + next_delay(s, &none, now_ms);
    log_event(LOG_WARN, "cannot fork, trying again", LOG_STR("name", s->options.name),
              LOG_INT("in_ms", s->due_ms - now_ms), LOG_ERRNO(rc));
}

bool poolwatch_has_timer(const struct pool_slot *s)
{
    return s->state == POOL_WAITING || (s->state == POOL_STOPPING && !s->killed);
}

void poolwatch_timers(struct pool *pool, int64_t now_ms)
{
    for (size_t i = 0; i < pool->slots_count; i++) {
        struct pool_slot *s = &pool->slots[i];
        if (!poolwatch_has_timer(s) || s->due_ms > now_ms)
            continue;
        if (s->state == POOL_WAITING) {
            restart(pool, s, now_ms);
        } else {
            pidfd_send_signal(s->pidfd, SIGKILL, NULL, 0);
            s->killed = true;
        }
    }
}
