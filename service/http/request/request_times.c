#include "http/request/request_times.h"

void request_times_begin(struct request_times *times)
{
    times->arrived_us = times->taken_us = times->kept_us = times->answered_us = 0;
    times->queues = times->asks_sql = times->lasts = times->traced = false;
    times->client_n = 0;
}

void request_times_op(struct request_times *times, int64_t taken_us, int64_t kept_us)
{
    if (taken_us > 0 && (times->taken_us == 0 || taken_us < times->taken_us))
        times->taken_us = taken_us;
    if (kept_us > times->kept_us)
        times->kept_us = kept_us;
}

struct str request_times_trace(const struct request_times *times)
{
    return times->traced ? (struct str){times->trace, TRACEPARENT_BYTES} : (struct str){NULL, 0};
}

/* From *at to the moment, if it came and lies between *at and the end; *at is then there. */
static int64_t until(int64_t *at, int64_t moment_us, int64_t ended_us)
{
    int64_t to = moment_us > ended_us ? ended_us : moment_us;
    int64_t part = moment_us > 0 && to > *at ? to - *at : 0;
    *at += part;
    return part;
}

struct request_parts request_times_parts(const struct request_times *times, int64_t started_us,
                                         int64_t ended_us)
{
    int64_t at = started_us, end = ended_us > started_us ? ended_us : started_us;
    int64_t answered_us = times->answered_us > 0 ? times->answered_us : end;
    struct request_parts parts = {.total = end - started_us};
    parts.body = until(&at, times->arrived_us > 0 ? times->arrived_us : answered_us, end);
    if (times->asks_sql) {
        parts.sql = until(&at, answered_us, end);
    } else {
        if (times->queues)
            parts.queue = until(&at, times->taken_us > 0 ? times->taken_us : answered_us, end);
        parts.redis = until(&at, times->kept_us > 0 ? times->kept_us : answered_us, end);
        parts.durability = until(&at, answered_us, end);
    }
    parts.write = end - at;
    return parts;
}
