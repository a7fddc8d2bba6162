#include "ledger/apply/apply_open.h"

#include <stdio.h>

static enum opening_result explain_opening(struct apply *apply, enum opening_result result,
                                           const char *what, struct event_id end,
                                           struct event_id tail)
{
    snprintf(apply->why, sizeof(apply->why),
             "SQL has events up to %lld-%lld, the stream ends at %lld-%lld%s", (long long)end.epoch,
             (long long)end.seq, (long long)tail.epoch, (long long)tail.seq, what);
    return result;
}

static enum opening_result from_db(struct apply *apply, enum db_result result)
{
    apply->db_result = result;
    if (result == DB_OK)
        return OPENING_DONE;
    snprintf(apply->why, sizeof(apply->why), "%s", db_why(apply->db));
    return OPENING_DB;
}

/* Rule TOKEN (docs/model): a late opener of an earlier promotion would end its successor's epoch.
 */
static enum opening_result check_promotion(struct apply *apply, const struct apply_opening *opening)
{
    int64_t last = apply->epochs.opener.order, ours = apply->opener.order;
    if (!opening->ranked || ours >= last)
        return OPENING_DONE;
    snprintf(apply->why, sizeof(apply->why),
             "epoch %lld was opened for promotion %lld, this is promotion %lld",
             (long long)apply->at.id.epoch, (long long)last, (long long)ours);
    return OPENING_OLDER;
}

/* Where the stream ends, against where SQL is (rules APPLY and HIST, docs/model). */
static enum opening_result check_tail(struct apply *apply, struct apply_opening *opening)
{
    struct event_id at = apply->at.id, tail = opening->tail;
    bool held;
    opening->end = at;
    opening->lacks = false;
    if (at.epoch != opening->seen || event_id_compare(tail, at) > 0)
        return OPENING_ELSEWHERE;
    enum db_result result = epochs_look_up(apply->db, apply->partition, at, tail, &held);
    if (result == DB_OK && held)
        result = epochs_look_behind(apply->db, apply->partition, tail, &opening->lacks);
    if (result != DB_OK)
        return from_db(apply, result);
    if (!held)
        return explain_opening(apply, OPENING_FOREIGN, ", which SQL never was at", at, tail);
    return opening->lacks && !opening->rolls ? explain_opening(apply, OPENING_LACKS, "", at, tail)
                                             : OPENING_DONE;
}

static enum opening_result seal(struct apply *apply, int64_t epoch)
{
    apply->run_epoch = epoch;
    return apply_seal(apply, epoch) == APPLY_DONE ? OPENING_DONE : OPENING_DB;
}

/* All between BEGIN and COMMIT. The number is a new one each time (rule NEWNO, docs/model), and
 * nobody reads what is to be brought to Redis before this (rule FREEZE). */
static enum opening_result open_locked(struct apply *apply, struct apply_opening *opening)
{
    if (apply_lock(apply) != APPLY_DONE)
        return OPENING_DB;
    enum opening_result result = from_db(
        apply, epochs_read(apply->db, apply->partition, apply->at.id.epoch, &apply->epochs));
    if (result == OPENING_DONE)
        result = check_promotion(apply, opening);
    if (result == OPENING_DONE)
        result = check_tail(apply, opening);
    if (result == OPENING_DONE)
        result = seal(apply, apply->at.id.epoch + 1);
    return result == OPENING_DONE ? from_db(apply, db_commit(apply->db)) : result;
}

/* Rule SQL1 (docs/model): what SQL does not say first, an applier that still reaches the old
 * primary does not know, and goes on there. */
enum opening_result apply_open(struct apply *apply, struct apply_opening *opening)
{
    enum opening_result result = from_db(apply, db_begin(apply->db));
    if (result == OPENING_DONE)
        result = open_locked(apply, opening);
    if (result != OPENING_DONE) {
        db_rollback(apply->db);
        if (result == OPENING_DB)
            apply->epochs = (struct epochs){.before = 0}; /* ends that were not kept */
    }
    return result;
}
