/* slow_request.c -- requests that took longer than --slow-request: a line in the log.
 *
 * At most a line a second and process is written; it says how many others there were since the last
 * one. All are counted. What lasts by itself, as a stream of events, is none.
 */
#include "clock.h"
#include "http/exchange.h"
#include "log.h"
#include "stats.h"

#define MS(us) ((us) / 1000)

static const char *method_of(const struct exchange *x)
{
    static const char *const names[] = {
        [METHOD_OTHER] = "other", [METHOD_GET] = "GET", [METHOD_HEAD] = "HEAD",
        [METHOD_POST] = "POST",   [METHOD_PUT] = "PUT", [METHOD_DELETE] = "DELETE",
    };
    return names[x->match.method];
}

static void log_it(const struct exchange *x, const struct request_parts *parts, int64_t others)
{
    char address[IP_TEXT_SIZE];
    const struct request_times *spent = &x->spent;
    ip_format(&x->from, address);
    log_event(LOG_WARN, "slow request", LOG_STR("method", method_of(x)),
              LOG_STR("route", route_names()[x->match.id]),
              LOG_INT("status", spent->answered_us > 0 ? x->answer.status : 0),
              LOG_INT("total_ms", MS(parts->total)), LOG_INT("body_ms", MS(parts->body)),
              LOG_INT("queue_ms", MS(parts->queue)), LOG_INT("redis_ms", MS(parts->redis)),
              LOG_INT("sql_ms", MS(parts->sql)), LOG_INT("durability_ms", MS(parts->durability)),
              LOG_INT("write_ms", MS(parts->write)), LOG_STR("address", address),
              LOG_TEXT("client", ((struct str){spent->client, spent->client_n})),
              LOG_TEXT("traceparent", request_times_trace(spent)), LOG_INT("others", others));
}

/* The loop's time is as good as the clock, and costs nothing; only that it may be of before the
 * answer was made. */
static int64_t ended_us(const struct exchange *x)
{
    int64_t now_us = (int64_t)uv_now(x->server->loop) * 1000;
    return now_us > x->spent.answered_us ? now_us : x->spent.answered_us;
}

void exchange_note_slow(const struct exchange *x)
{
    static struct log_gate gate;
    static int64_t others;
    int64_t least_us = x->server->slow_us;
    bool begun = x->state != EXCHANGE_NEW; /* else its times are those of another */
    if (least_us == 0 || !begun || x->spent.lasts || ended_us(x) - x->started_us < least_us)
        return;
    int64_t now_us = clock_mono_us();
    struct request_parts parts = request_times_parts(&x->spent, x->started_us, now_us);
    stats_count(STATS_SLOW_REQUESTS, 1);
    if (!log_allowed(&gate, now_us / 1000)) {
        others++;
        return;
    }
    log_it(x, &parts, others);
    others = 0;
}
