#include "process/keeper/live_round.h"
#include "clock.h"
#include "core/op.h"
#include "core/tenant.h"
#include "log.h"
#include "process/audit_desk.h"
#include "store/admin/scan.h"
#include "store/admin/share.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define REST_MS 10000  /* after Redis did not take it */
#define SAY_MS  600000 /* from one line in the log to the next */

bool live_round_begin(struct live_round *round, const struct shared_state *shared,
                      struct admin *admin)
{
    *round = (struct live_round){.shared = shared, .admin = admin};
    round->room = calloc((size_t)shared->workers * HOT_ENTRIES, sizeof(*round->room));
    round->peers = calloc(1, sizeof(*round->peers));
    snprintf(round->service, sizeof(round->service), "%016" PRIx64, stats_service(shared->stats));
    buf_init(&round->bytes, LIVE_SAMPLE_BYTES);
    return round->room && round->peers;
}

void live_round_end(struct live_round *round)
{
    if (round->before.at_ms > 0)
        admin_share_end(round->admin, str_of(round->service));
    buf_free(&round->bytes);
    free(round->peers);
    free(round->room);
}

/* --- what was done ---------------------------------------------------------------------------- */

static int64_t done(const struct stats *stats, enum op_kind kind)
{
    return (int64_t)stats_operations(stats, kind, STATS_DONE);
}

static int64_t all_kinds(const struct stats *stats, enum stats_outcome outcome)
{
    int64_t n = 0;
    for (unsigned kind = 0; kind < OP_KINDS; kind++)
        n += (int64_t)stats_operations(stats, kind, outcome);
    return n;
}

static void count(const struct stats *stats, struct live_counted *now)
{
    now->at_ms = clock_mono_ms();
    now->counts[LIVE_REQUESTS] = (int64_t)stats_requests(stats);
    now->counts[LIVE_SOLD] = done(stats, OP_DECREMENT) + done(stats, OP_CONFIRM);
    now->counts[LIVE_HELD] = done(stats, OP_RESERVE);
    now->counts[LIVE_CONFIRMED] = done(stats, OP_CONFIRM);
    now->counts[LIVE_RELEASED] = done(stats, OP_RELEASE);
    now->counts[LIVE_EXPIRED] = (int64_t)stats_counted(stats, STATS_EXPIRED);
    now->counts[LIVE_INSUFFICIENT] = all_kinds(stats, STATS_INSUFFICIENT);
    now->counts[LIVE_LIMITED] = all_kinds(stats, STATS_LIMITED);
    now->counts[LIVE_REFUSED] = all_kinds(stats, STATS_REFUSED);
    now->counts[LIVE_FAILED] = all_kinds(stats, STATS_FAILED);
    now->counts[LIVE_COMMITS] = (int64_t)stats_counted(stats, STATS_BATCHES);
    now->counts[LIVE_CONFLICTS] = (int64_t)stats_counted(stats, STATS_CONFLICTS);
    now->counts[LIVE_BATCHED] = (int64_t)stats_counted(stats, STATS_BATCH_OPS);
    stats_times(stats, STATS_TOTAL_US, now->took);
}

/* A service whose keeper stood still does not divide by a minute what it has done since. */
static int64_t interval(const struct live_counted *before, const struct live_counted *now)
{
    int64_t ms = now->at_ms - before->at_ms;
    return ms < 1 ? 1 : ms > LIVE_INTERVAL_MAX_MS ? LIVE_INTERVAL_MAX_MS : ms;
}

static void put_counts(struct live_round *round, const struct live_counted *now)
{
    struct live_sample *s = &round->sample;
    s->interval_ms = interval(&round->before, now);
    for (unsigned i = 0; i < LIVE_COUNTS; i++)
        s->counts[i] = now->counts[i] - round->before.counts[i];
    for (unsigned i = 0; i < STATS_TIME_BUCKETS; i++)
        s->took[i] = (int64_t)(now->took[i] - round->before.took[i]);
}

/* --- how it is -------------------------------------------------------------------------------- */

/* When nobody has looked for a while, the time since counts as lag: it may be that. */
static void sample_gauges(struct live_round *round)
{
    const struct stats *stats = round->shared->stats;
    struct live_sample *s = &round->sample;
    s->at_ms = clock_wall_ms();
    s->queue_depth = stats_gauge(stats, STATS_QUEUE_DEPTH);
    s->expiry_lag_ms = stats_gauge(stats, STATS_EXPIRY_LAG_MS);
    s->audit = audit_desk_progress(round->shared->audit_desk);
    s->ledger_lag_ms = s->ledger_lag_events = -1;
    if (!round->shared->store_config.ledger)
        return;
    int64_t age_ms = clock_wall_ms() - stats_gauge(stats, STATS_LEDGER_LOOK_AT_MS);
    bool stale = age_ms >= STATS_STALE_MS;
    s->ledger_lag_ms = stats_gauge(stats, STATS_LEDGER_LAG_MS) + (stale ? age_ms : 0);
    s->ledger_lag_events = stale ? -1 : stats_gauge(stats, STATS_LEDGER_LAG);
}

static void put_partitions(struct live_round *round)
{
    struct live_view *view = &round->view;
    view->partitions = round->shared->store_config.partitions;
    for (unsigned p = 0; p < view->partitions; p++) {
        if (admin_is_open(round->admin, p)) {
            view->open++;
        } else if (view->shut_count < LIVE_SHUT_MAX) {
            struct live_shut *shut = &view->shut[view->shut_count++];
            shut->partition = p;
            snprintf(shut->why, sizeof(shut->why), "%s", admin_shut_why(round->admin, p));
        }
    }
}

static void put_own(struct live_round *round)
{
    const struct stats *stats = round->shared->stats;
    struct live_view *view = &round->view;
    view->at_ms = round->sample.at_ms;
    view->mono_ms = round->before.at_ms;
    view->interval_ms = round->sample.interval_ms;
    view->memory_used_bytes = stats_gauge(stats, STATS_MEMORY_USED_BYTES);
    view->memory_used_percent = stats_gauge(stats, STATS_MEMORY_USED_PERCENT);
    view->audit_result = stats_gauge(stats, STATS_AUDIT_RESULT);
    view->audit_drift = stats_gauge(stats, STATS_AUDIT_DRIFT);
    view->audit_at_ms = stats_gauge(stats, STATS_AUDIT_AT_MS);
    put_partitions(round);
}

/* --- items ------------------------------------------------------------------------------------ */

static struct str hot_name(const struct hot_item *item)
{
    return (struct str){item->name, item->n};
}

/* Whether as many of its tenant as may be are among those that were taken before it. */
static bool is_beyond(const struct live_sample *s, struct str name)
{
    struct str tenant = tenant_of(name, TENANT_MARK_ITEM);
    unsigned count = 0;
    for (unsigned i = 0; i < s->item_count; i++)
        count += str_equal(
            tenant_of((struct str){s->items[i].name, s->items[i].n}, TENANT_MARK_ITEM), tenant);
    return count >= LIVE_TENANT_ITEMS;
}

static void take_names(struct live_round *round)
{
    struct live_sample *s = &round->sample;
    unsigned workers = round->shared->workers;
    unsigned found =
        hot_read(round->shared->hot, workers, clock_mono_ms(), round->room, workers * HOT_ENTRIES);
    s->item_count = 0;
    for (unsigned i = 0; i < found && s->item_count < LIVE_SAMPLE_ITEMS; i++) {
        const struct hot_item *hot = &round->room[i];
        if (!item_name_valid(hot_name(hot)) || is_beyond(s, hot_name(hot)))
            continue;
        struct live_item *item = &s->items[s->item_count++];
        *item = (struct live_item){.rate = hot->rate, .n = hot->n};
        memcpy(item->name, hot->name, hot->n);
    }
}

/* Those that are not there any more, or that cannot be asked for now, are left out. */
static void take_counters(struct live_round *round)
{
    struct live_sample *s = &round->sample;
    struct str names[LIVE_SAMPLE_ITEMS];
    struct item items[LIVE_SAMPLE_ITEMS];
    unsigned kept = 0;
    for (unsigned i = 0; i < s->item_count; i++)
        names[i] = (struct str){s->items[i].name, s->items[i].n};
    scan_counters(round->admin, names, s->item_count, items);
    for (unsigned i = 0; i < s->item_count; i++) {
        struct live_item item = s->items[i];
        if (!items[i].exists)
            continue;
        item.available = items[i].available;
        item.held = items[i].held;
        item.sold = items[i].sold;
        item.version = items[i].version;
        s->items[kept++] = item;
    }
    s->item_count = kept;
}

/* --- the others ------------------------------------------------------------------------------- */

static void note_peer(void *user, struct str name, struct str value)
{
    struct live_round *round = user;
    if (!str_equal(name, str_of(round->service)))
        live_peers_note(round->peers, name, value, round->before.at_ms);
}

static void say_failed(struct live_round *round)
{
    int64_t now_ms = clock_mono_ms();
    if (round->anew) /* to drop what lies there was of no use, either */
        round->ask_ms = now_ms + REST_MS;
    if (now_ms < round->say_ms)
        return;
    round->say_ms = now_ms + SAY_MS;
    log_event(LOG_WARN, "services do not see each other's live numbers",
              LOG_STR("why", admin_why(round->admin)));
}

static void exchange(struct live_round *round)
{
    if (clock_mono_ms() < round->ask_ms)
        return;
    buf_reset(&round->bytes);
    live_encode(&round->sample, &round->bytes);
    live_peers_begin(round->peers);
    enum share_result result =
        round->bytes.failed
            ? SHARE_AWAY
            : admin_share(round->admin, str_of(round->service), buf_str(&round->bytes), round->anew,
                          LIVE_SAMPLE_BYTES, note_peer, round);
    live_peers_end(round->peers);
    if (result == SHARE_AWAY)
        return;
    if (result == SHARE_FAILED)
        say_failed(round);
    round->anew = result != SHARE_OK;
    const char *gone = live_peers_gone(round->peers, round->before.at_ms);
    if (result == SHARE_OK && gone)
        admin_share_end(round->admin, str_of(gone));
}

/* --- a round ---------------------------------------------------------------------------------- */

void live_round_do(struct live_round *round)
{
    struct live_counted now;
    count(round->shared->stats, &now);
    bool first = round->before.at_ms == 0;
    if (first)
        round->sample.interval_ms = LIVE_ROUND_MS;
    else
        put_counts(round, &now);
    round->before = now;
    /* Of a service that begins nothing was done yet; of a keeper in the place of one that died it
     * is not known what was. */
    if (first && live_board_turn(round->shared->live) > 0)
        return;
    sample_gauges(round);
    take_names(round);
    take_counters(round);
    round->view = (struct live_view){.ledger_lag_ms = -1, .ledger_lag_events = -1};
    live_add(&round->view, &round->sample);
    exchange(round);
    live_peers_add(round->peers, round->before.at_ms, &round->view);
    live_sort(&round->view);
    put_own(round);
    live_board_put(round->shared->live, &round->view);
}
