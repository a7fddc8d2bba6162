#include "process/waiting.h"
#include "address.h"
#include "clock.h"
#include "store/redis/reply.h"

#include <string.h>

#define SAY_MS 1000 /* also before the first time: most of what is waited for comes at once */

/* What is waited for, and how it is mended. What comes by itself is no warning. */
static const struct {
    const char *what, *mend;
    enum log_level level;
} causes[WAIT_CAUSES] = {
    [WAIT_REDIS_AWAY] = {"Redis", "start it, or give its address to --redis", LOG_WARN},
    [WAIT_REDIS_HOST] = {"Redis", "correct the host in --redis, or make its name known", LOG_WARN},
    [WAIT_REDIS_NAME] = {"Redis", "correct the name in --redis, or have the Sentinels watch it",
                         LOG_WARN},
    [WAIT_REDIS_TLS] = {"Redis", "correct --redis-ca, --redis-cert, --redis-key, or TLS in Redis",
                        LOG_WARN},
    [WAIT_REDIS_LOGIN] = {"Redis", "give --redis a user that it knows, and its password", LOG_WARN},
    [WAIT_REDIS_RIGHTS] = {"Redis", "give this user the rights in docs/operations.md", LOG_WARN},
    [WAIT_REDIS_ROLE] = {"Redis", "give --redis the address of the master", LOG_WARN},
    [WAIT_REDIS_OTHER] = {"Redis", "look into the log of Redis", LOG_WARN},
    [WAIT_REDIS_OWN] = {"the embedded Redis", "if it does not come: redis/redis.log in --data-dir",
                        LOG_INFO},
    [WAIT_LOADING] = {"Redis", "nothing: it takes its time", LOG_INFO},
    [WAIT_REPLICAS] = {"replicas of Redis", "start them, or ask for fewer with --replicas",
                       LOG_WARN},
    [WAIT_SQL] = {"the ledger's database", "start it, or correct --ledger", LOG_WARN},
    [WAIT_LEDGER] = {"the ledger process",
                     "where --no-ledger-apply is given: start `stockd ledger`", LOG_INFO},
    [WAIT_CONNECT] = {"processes of the service", "nothing: they begin", LOG_INFO},
};

/* --- in a child ------------------------------------------------------------------------------- */

bool waiting_tell(const struct shared_state *shared, struct pool_child *child,
                  enum wait_cause cause, const char *why)
{
    struct wait_report report = {.cause = cause};
    if (!shared->store_shared->starting)
        return false;
    snprintf(report.why, sizeof(report.why), "%s", why);
    return pool_child_send(child, &report, sizeof(report)) == 0;
}

enum wait_cause waiting_cause(const struct admin *admin, enum admin_result result)
{
    static const enum wait_cause of_trouble[] = {
        [TROUBLE_AWAY] = WAIT_REDIS_AWAY,   [TROUBLE_HOST] = WAIT_REDIS_HOST,
        [TROUBLE_NAME] = WAIT_REDIS_NAME,   [TROUBLE_TLS] = WAIT_REDIS_TLS,
        [TROUBLE_LOGIN] = WAIT_REDIS_LOGIN, [TROUBLE_RIGHTS] = WAIT_REDIS_RIGHTS,
        [TROUBLE_ROLE] = WAIT_REDIS_ROLE,   [TROUBLE_OTHER] = WAIT_REDIS_OTHER,
    };
    switch (result) {
    case ADMIN_LOADING: return WAIT_LOADING;
    case ADMIN_MISSING:
    case ADMIN_MAKING:
    case ADMIN_RESTARTED: return WAIT_LEDGER;
    default: return of_trouble[admin_trouble(admin)];
    }
}

enum wait_cause waiting_cause_of(const char *why)
{
    struct str error = str_of(why ? why : "");
    if (reply_classify(error) != REPLY_FORBIDDEN)
        return WAIT_CONNECT;
    return reply_is_noperm(error) ? WAIT_REDIS_RIGHTS : WAIT_REDIS_LOGIN;
}

/* --- in the master ---------------------------------------------------------------------------- */

static void give_time(struct waiting *w, int64_t now_ms)
{
    int64_t limit_ms = w->shared->config->startup_timeout_ms;
    w->end_ms = limit_ms > 0 ? now_ms + limit_ms : 0;
}

void waiting_begin(struct waiting *w, const struct shared_state *shared,
                   const struct notify *notify)
{
    int64_t now_ms = clock_mono_ms();
    *w = (struct waiting){
        .shared = shared, .notify = notify, .begin_ms = now_ms, .say_ms = now_ms + SAY_MS};
    w->last = (struct wait_report){.cause = shared->config->redis ? WAIT_CONNECT : WAIT_REDIS_OWN,
                                   .why = "it has not come up yet"};
    give_time(w, now_ms);
    shared->store_shared->starting = true;
}

void waiting_end(struct waiting *w)
{
    w->shared->store_shared->starting = false;
}

/* That the ledger process has not opened the store says less than why it has not. */
void waiting_hear(struct waiting *w, const void *bytes, size_t n)
{
    struct wait_report report;
    if (n != sizeof(report))
        return;
    memcpy(&report, bytes, n);
    if ((unsigned)report.cause >= WAIT_CAUSES)
        return; /* a child can write anything */
    report.why[sizeof(report.why) - 1] = '\0';
    if (report.cause == WAIT_REDIS_AWAY && !w->shared->config->redis)
        report.cause = WAIT_REDIS_OWN;
    if (report.cause != WAIT_LEDGER || w->last.cause != WAIT_SQL)
        w->last = report;
}

/* The address without what is secret in it. */
static void describe(const struct waiting *w, char *text, size_t size)
{
    struct address a;
    char err[128];
    text[0] = '\0';
    if (address_parse(w->shared->store_config.redis_url, &a, err, sizeof(err)))
        address_text(&a, text, size);
}

static void log_wait(struct waiting *w, enum log_level level, const char *message, int64_t now_ms)
{
    char redis[ADDRESS_PART + 16], status[512];
    enum wait_cause cause = w->last.cause;
    describe(w, redis, sizeof(redis));
    log_event(level, message, LOG_STR("for", causes[cause].what), LOG_STR("redis", redis),
              LOG_STR("why", w->last.why), LOG_STR("mend", causes[cause].mend),
              LOG_INT("since_ms", now_ms - w->begin_ms),
              LOG_INT("startup_timeout_ms", w->shared->config->startup_timeout_ms));
    snprintf(status, sizeof(status), "Waiting for %s: %s", causes[cause].what, w->last.why);
    notify_working(w->notify, status);
}

static bool gets_on(struct waiting *w)
{
    int64_t loaded = w->shared->store_shared->loading_bytes, before = w->loaded_bytes;
    w->loaded_bytes = loaded;
    return w->shared->store_shared->loading && loaded > before;
}

bool waiting_goes_on(struct waiting *w)
{
    int64_t now_ms = clock_mono_ms();
    if (gets_on(w))
        give_time(w, now_ms);
    if (w->end_ms > 0 && now_ms >= w->end_ms) {
        log_wait(w, LOG_ERROR, "could not start in time: gave up waiting", now_ms);
        return false;
    }
    if (now_ms < w->say_ms)
        return true;
    w->say_ms = now_ms + SAY_MS;
    log_wait(w, causes[w->last.cause].level, "waiting", now_ms);
    return true;
}
