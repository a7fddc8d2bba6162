#include "process/ledger/applier_partition.h"
#include "log.h"
#include "process/ledger/applier_steps.h"
#include "stats.h"
#include "store/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST     64
#define CHUNK_MAX       4096 /* entries */
#define CHUNK_LOW_BYTES ((size_t)1 << 20)
#define CHUNK_MAX_BYTES ((size_t)4 << 20)
#define GATHER_SHARE    4   /* of the time that a pass took */
#define GATHER_LEAST_MS 10  /* also after a few entries */
#define GATHER_MOST_MS  100 /* readers of the history are told what is new as often as that */
#define STATE_SIZE      192

void carry_init(struct carry *carry, unsigned partition)
{
    *carry = (struct carry){.partition = partition, .chunk = CHUNK_FIRST};
}

void carry_forget(struct carry *carry)
{
    const struct opening opening = carry->opening;
    carry_init(carry, carry->partition);
    carry->opening = opening;
}

/* --- trouble ---------------------------------------------------------------------------------- */

enum carry_result carry_from_redis(struct carrier *carrier)
{
    snprintf(carrier->why, sizeof(carrier->why), "%s", admin_why(carrier->admin));
    admin_hang_up(carrier->admin);
    return CARRY_REDIS;
}

enum carry_result carry_from_sql(struct carrier *carrier)
{
    snprintf(carrier->why, sizeof(carrier->why), "%s", carrier->apply->why);
    return CARRY_SQL;
}

/* The epoch that the Redis process of this connection opened; 0: not known. */
static int64_t reign(const struct carrier *carrier, const struct carry *carry)
{
    return strcmp(carry->run_here, feed_source(carrier->admin)) == 0 ? carry->run_epoch : 0;
}

struct apply *carry_apply(struct carrier *carrier, const struct carry *carry)
{
    struct apply *apply = carrier->apply;
    if (apply->partition != carry->partition) {
        struct db *db = apply->db;
        apply_free(apply);
        apply_init(apply, db, carry->partition);
    }
    apply->opener = *admin_reign(carrier->admin, carry->partition);
    apply->run_epoch = reign(carrier, carry);
    apply->after = carry->at;
    return apply;
}

/* Tells everybody, in meta: "closed: ledger ..." or "lost: ...". */
enum carry_result carry_shut(struct carrier *carrier, struct carry *carry, enum carry_state to,
                             const char *what, const char *detail)
{
    char state[STATE_SIZE];
    const char *why;
    snprintf(state, sizeof(state), "%s: %.140s", what, detail);
    if (carry->state != to)
        log_event(LOG_ERROR,
                  to == CARRY_LOST      ? "the state of a partition is lost"
                  : to == CARRY_DEPOSED ? "a later promotion goes on elsewhere"
                                        : "closing a partition",
                  LOG_INT("partition", carry->partition), LOG_STR("why", what),
                  LOG_STR("detail", detail));
    carry->state = to;
    switch (admin_close_partition(carrier->admin, carry->partition, state, &why)) {
    case ADMIN_OK:
    case ADMIN_CLOSED: /* by somebody else: that will do */
    case ADMIN_LOST:
    case ADMIN_MISSING:
    case ADMIN_MAKING:
    case ADMIN_RESTARTED: return CARRY_IDLE;
    case ADMIN_REFUSED: return carry_from_redis(carrier), CARRY_REFUSED;
    case ADMIN_LOADING:
    case ADMIN_DOWN: break;
    }
    return carry_from_redis(carrier);
}

/* What was promised at a primary that a later promotion replaced is in SQL, and lives on there: it
 * is not lost, and a restore would take the epoch from who has it. */
enum carry_result carry_depose(struct carrier *carrier, struct carry *carry, const char *detail)
{
    admin_doubt(carrier->admin, carry->partition);
    return carry_shut(carrier, carry, CARRY_DEPOSED, META_DEPOSED, detail);
}

bool carry_is_older(const struct carrier *carrier, const struct carry *carry)
{
    return admin_ranks(carrier->admin) &&
           admin_reign(carrier->admin, carry->partition)->order < carry->opener.order;
}

/* SQL went on without this Redis. Where orders tell, a later promotion's did. */
static enum carry_result carry_over(struct carrier *carrier, struct carry *carry,
                                    const char *detail)
{
    if (!admin_is_master_now(carrier->admin, carry->partition))
        return carry_from_redis(carrier);
    if (carry_is_older(carrier, carry))
        return carry_depose(carrier, carry, detail);
    return carry_shut(carrier, carry, CARRY_LOST, "lost", detail);
}

static enum carry_result get_stuck(struct carrier *carrier, struct carry *carry, const char *detail)
{
    stats_count(STATS_LEDGER_ERRORS, 1);
    return carry_shut(carrier, carry, CARRY_STUCK, "closed: ledger", detail);
}

/* Where SQL is, and where the epochs before that ended. */
void carry_keep_place(struct carry *carry, const struct apply *apply)
{
    carry->at = apply->at.id;
    carry->opener = apply->epochs.opener;
    carry->ended = apply->epochs.ended;
}

/* --- looking ---------------------------------------------------------------------------------- */

enum carry_result carry_begin(struct carrier *carrier, struct carry *carry)
{
    struct apply *apply = carry_apply(carrier, carry);
    if (carry->state != CARRY_UNSEEN)
        return CARRY_IDLE;
    if (apply_checkpoint(apply) != APPLY_DONE)
        return carry_from_sql(carrier);
    carry_keep_place(carry, apply);
    carry->state = CARRY_SEEN;
    return CARRY_IDLE;
}

/* Open, and for this Redis. */
void carry_flow(struct carrier *carrier, struct carry *carry)
{
    carry->state = CARRY_FLOWING;
    carry->run_epoch = feed_epoch(carrier->admin);
    snprintf(carry->run_here, sizeof(carry->run_here), "%s", feed_source(carrier->admin));
}

static enum carry_result make(struct carrier *carrier, struct carry *carry, unsigned may)
{
    const char *why;
    enum admin_result result = admin_open_partition(carrier->admin, carry->partition, may, &why);
    if (result == ADMIN_OK)
        carry_flow(carrier, carry);
    return result == ADMIN_DOWN ? carry_from_redis(carrier) : CARRY_IDLE;
}

/* The store is not there. Made, if there never was one. */
static enum carry_result make_store(struct carrier *carrier, struct carry *carry, bool has_past)
{
    if (has_past) {
        if (carry->state != CARRY_LOST)
            log_event(LOG_ERROR, "the state of a partition is lost",
                      LOG_INT("partition", carry->partition),
                      LOG_STR("why", "SQL has events, but Redis has no store"));
        carry->state = CARRY_LOST;
        return CARRY_IDLE;
    }
    return make(carrier, carry, ADMIN_CREATE);
}

/* What meta says. */
static enum carry_result look_at_meta(struct carrier *carrier, struct carry *carry, bool has_past)
{
    const char *why;
    enum admin_result result =
        admin_open_partition(carrier->admin, carry->partition, ADMIN_LOOK, &why);
    switch (result) {
    case ADMIN_OK: carry_flow(carrier, carry); break;
    case ADMIN_RESTARTED: carry->state = CARRY_BEHIND; break;
    case ADMIN_CLOSED:
        if (carry->state == CARRY_SEEN || carry->state == CARRY_LOST)
            carry->state = CARRY_FLOWING;
        break;
    case ADMIN_LOST:
        if (carry->state != CARRY_LOST)
            log_event(LOG_ERROR, "the state of a partition is lost",
                      LOG_INT("partition", carry->partition), LOG_STR("why", why));
        carry->state = CARRY_LOST;
        break;
    case ADMIN_MISSING: return make_store(carrier, carry, has_past);
    /* Other partitions may have a past by now. */
    case ADMIN_MAKING: return make(carrier, carry, has_past ? ADMIN_COMPLETE : ADMIN_CREATE);
    case ADMIN_REFUSED: return carry_from_redis(carrier), CARRY_REFUSED;
    case ADMIN_LOADING:
    case ADMIN_DOWN: return carry_from_redis(carrier);
    }
    return CARRY_IDLE;
}

/* Two Redis have opened an epoch of this number, and SQL is in the other one's. */
static enum carry_result check_reign(struct carrier *carrier, struct carry *carry)
{
    char detail[128];
    const char *here = feed_source(carrier->admin);
    if (reign(carrier, carry) != carry->at.epoch || !*carry->opener.run_id ||
        strcmp(carry->opener.run_id, here) == 0)
        return CARRY_IDLE;
    snprintf(detail, sizeof(detail), "epoch %lld in SQL is of Redis %.8s, this is %.8s",
             (long long)carry->at.epoch, carry->opener.run_id, here);
    return carry_over(carrier, carry, detail);
}

enum carry_result carry_look(struct carrier *carrier, struct carry *carry, bool has_past,
                             int64_t now_ms)
{
    bool urgent = carry->state == CARRY_SEEN || carry->state == CARRY_BEHIND;
    carry->tail = (struct event_id){0, 0};
    if (!urgent && now_ms < carry->look_ms)
        return CARRY_IDLE;
    carry->look_ms = now_ms + carrier->look_ms;
    enum carry_result result = look_at_meta(carrier, carry, has_past);
    if (result != CARRY_IDLE || carry->state == CARRY_LOST || carry->state == CARRY_STUCK)
        return result;
    if (feed_tail(carrier->admin, carry->partition, &carry->tail) < 0)
        return carry_from_redis(carrier);
    bool opens = carry->state == CARRY_BEHIND && carry->tail.epoch > 0;
    if (carry->at.epoch == 0 || opens || event_id_compare(carry->tail, carry->at) >= 0)
        return check_reign(carrier, carry);
    char detail[128];
    snprintf(detail, sizeof(detail), "SQL has events up to %lld-%lld, the stream ends at %lld-%lld",
             (long long)carry->at.epoch, (long long)carry->at.seq, (long long)carry->tail.epoch,
             (long long)carry->tail.seq);
    return carry_over(carrier, carry, detail);
}

/* --- carrying --------------------------------------------------------------------------------- */

/* Committed, or found there: the last of it stays, so that the stream keeps an end. */
static enum carry_result took(struct carrier *carrier, struct carry *carry, size_t count)
{
    const struct apply *apply = carrier->apply;
    struct event_id last = carrier->feed.entries[count - 1].id;
    bool all = carrier->feed.count < carry->chunk;
    carry_keep_place(carry, apply);
    if (carrier->feed.bytes > CHUNK_MAX_BYTES && carry->chunk > 1)
        carry->chunk /= 2;
    else if (!all && carrier->feed.bytes < CHUNK_LOW_BYTES && carry->chunk < CHUNK_MAX)
        carry->chunk *= 2;
    if (feed_applied(carrier->admin, carry->partition, carry->at, &carry->ended) < 0 ||
        feed_trim(carrier->admin, carry->partition, last) < 0)
        return carry_from_redis(carrier);
    carry->told = true;
    return all ? CARRY_SHORT : CARRY_FULL;
}

/* The chunk as a whole is refused: a smaller one tells which entry it is. */
static enum carry_result halve_refused(struct carrier *carrier, struct carry *carry, size_t count)
{
    if (count == 1)
        return get_stuck(carrier, carry, carrier->apply->why);
    carry->chunk = (unsigned)count / 2;
    return CARRY_FULL;
}

/* SQL is in a later epoch, which another Redis opened without what this one has: nobody may wait
 * for it here, nor write on (rule DISOWN, docs/model). */
static enum carry_result disowned(struct carrier *carrier, struct carry *carry)
{
    carry_keep_place(carry, carrier->apply);
    stats_count(STATS_LEDGER_ERRORS, 1);
    return carry_over(carrier, carry, carrier->apply->why);
}

static enum carry_result halve_for_memory(struct carrier *carrier, struct carry *carry,
                                          size_t count)
{
    if (count == 1)
        return carry_from_sql(carrier);
    carry->chunk = (unsigned)count / 2;
    return CARRY_FULL;
}

static enum carry_result apply_some(struct carrier *carrier, struct carry *carry, size_t count)
{
    struct apply *apply = carry_apply(carrier, carry);
    enum apply_result result = apply_chunk(apply, carrier->feed.entries, count);
    switch (result) {
    case APPLY_DONE:
        stats_count(STATS_LEDGER_COMMITS, 1);
        stats_count(STATS_LEDGER_EVENTS, apply->projection.event_count);
        stats_observe(STATS_LEDGER_CHUNK, apply->projection.event_count);
        return took(carrier, carry, count);
    case APPLY_THERE: return took(carrier, carry, count);
    case APPLY_GAP:
    case APPLY_FORMAT:
        if (apply->good == 0)
            return get_stuck(carrier, carry, apply->why);
        carry->chunk = (unsigned)apply->good;
        return CARRY_FULL;
    case APPLY_FORK: return halve_refused(carrier, carry, count);
    case APPLY_DISOWNED: return disowned(carrier, carry);
    case APPLY_ELSEWHERE: carry_keep_place(carry, apply); return CARRY_FULL;
    case APPLY_NO_MEMORY: return halve_for_memory(carrier, carry, count);
    case APPLY_DB:
        if (apply->db_result == DB_CONSTRAINT)
            return halve_refused(carrier, carry, count);
        return carry_from_sql(carrier);
    }
    abort();
}

/* Answers may wait for what was taken before this process or this connection began. */
static enum carry_result tell_where(struct carrier *carrier, struct carry *carry)
{
    if (!carry->told &&
        feed_applied(carrier->admin, carry->partition, carry->at, &carry->ended) < 0)
        return carry_from_redis(carrier);
    carry->told = true;
    return CARRY_IDLE;
}

/* Nothing is left behind the checkpoint. What the stream once had there was deleted. What it has
 * there is taken before its epoch ends (rule APPLY, docs/model). */
static enum carry_result handle_stream_end(struct carrier *carrier, struct carry *carry)
{
    bool ends_later = carry->tail.epoch > 0 && event_id_compare(carry->tail, carry->at) > 0;
    if (ends_later || (carry->state == CARRY_BEHIND && carry->tail.epoch == 0)) {
        char detail[128];
        snprintf(detail, sizeof(detail),
                 "the stream went up to %lld-%lld, but has nothing behind %lld-%lld",
                 (long long)carry->tail.epoch, (long long)carry->tail.seq,
                 (long long)carry->at.epoch, (long long)carry->at.seq);
        return get_stuck(carrier, carry, detail);
    }
    if (carry->state != CARRY_BEHIND)
        return tell_where(carrier, carry);
    return opening_step(carrier, carry);
}

/* The entry at the checkpoint is not in the stream, or SQL is not there any more: then another
 * applier has taken more, and dropped it. */
static enum carry_result check_missing(struct carrier *carrier, struct carry *carry,
                                       struct event_id first)
{
    char detail[160];
    struct event_id was = carry->at;
    struct apply *apply = carry_apply(carrier, carry);
    if (apply_checkpoint(apply) != APPLY_DONE)
        return carry_from_sql(carrier);
    carry_keep_place(carry, apply);
    if (event_id_compare(was, carry->at) != 0)
        return CARRY_FULL;
    snprintf(detail, sizeof(detail),
             "SQL has events up to %lld-%lld, which the stream has not: it goes on with %lld-%lld",
             (long long)carry->at.epoch, (long long)carry->at.seq, (long long)first.epoch,
             (long long)first.seq);
    return carry_over(carrier, carry, detail);
}

/* An epoch begins in what was read. Only a Redis that has all that SQL has may begin one: the entry
 * at the checkpoint stays in its stream. And whose epoch it is must be known. */
static enum carry_result check_turn(struct carrier *carrier, struct carry *carry)
{
    const struct feed *feed = &carrier->feed;
    struct event_id first = feed->entries[0].id, last = feed->entries[feed->count - 1].id;
    if (last.epoch != reign(carrier, carry) && carry->state == CARRY_FLOWING) {
        enum carry_result result = look_at_meta(carrier, carry, true);
        if (result != CARRY_IDLE || carry->state == CARRY_LOST)
            return result;
    }
    if (first.epoch == carry->at.epoch || carry->at.epoch == 0)
        return CARRY_IDLE;
    int has = feed_has(carrier->admin, carry->partition, carry->at);
    if (has < 0)
        return carry_from_redis(carrier);
    return has ? CARRY_IDLE : check_missing(carrier, carry, first);
}

enum carry_result carry_step(struct carrier *carrier, struct carry *carry)
{
    if (carry->state != CARRY_FLOWING && carry->state != CARRY_BEHIND)
        return CARRY_IDLE;
    if (feed_read(&carrier->feed, carry->partition, carry->at, carry->chunk) < 0)
        return carry_from_redis(carrier);
    if (carrier->feed.count == 0)
        return handle_stream_end(carrier, carry);
    enum carry_result result = check_turn(carrier, carry);
    if (result != CARRY_IDLE || carry->state == CARRY_LOST)
        return result;
    return apply_some(carrier, carry, carrier->feed.count);
}

int64_t carry_gather_ms(int64_t busy_ms)
{
    int64_t ms = busy_ms * GATHER_SHARE;
    return ms < GATHER_LEAST_MS ? GATHER_LEAST_MS : ms > GATHER_MOST_MS ? GATHER_MOST_MS : ms;
}
