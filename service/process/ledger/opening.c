/* opening.c -- the next epoch of a partition, in the order that docs/model shows to be right:
 *
 *   claim meta -> nothing is left behind SQL's checkpoint -> SQL has the end of the last epoch and
 *   the next one -> what the stream lacks is brought to Redis -> meta is open, with the first event
 *
 * Whatever is interrupted is not completed: the next to come claims anew, and takes a new number.
 */
#include "clock.h"
#include "ledger/apply/apply_open.h"
#include "log.h"
#include "process/ledger/applier_steps.h"
#include "restore/roll.h"
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_FIRST_MS 1000 /* with somebody else's claim; who died leaves it behind */
#define PATIENCE_MAX_MS   64000

/* --- the claim -------------------------------------------------------------------------------- */

/* Two that live must not take it from one another for ever: each that is seen has longer. */
static void begin_waiting(struct opening *opening)
{
    int64_t ms = opening->patience_ms ? opening->patience_ms * 2 : PATIENCE_FIRST_MS;
    opening->patience_ms = ms < PATIENCE_MAX_MS ? ms : PATIENCE_MAX_MS;
    opening->take_ms = clock_mono_ms() + opening->patience_ms;
}

/* CARRY_IDLE and *ours: it is. */
static enum carry_result claim(struct carrier *carrier, struct carry *carry, bool *ours)
{
    struct opening *opening = &carry->opening;
    char seen[ADMIN_CLAIM_SIZE];
    memcpy(seen, opening->claim.other, sizeof(seen));
    bool take = *seen && clock_mono_ms() >= opening->take_ms;
    enum admin_claimed claimed =
        admin_claim(carrier->admin, carry->partition, &opening->claim, take);
    if (claimed == CLAIM_DOWN)
        return carry_from_redis(carrier);
    if (claimed == CLAIM_OTHERS && strcmp(seen, opening->claim.other) != 0)
        begin_waiting(opening);
    *ours = claimed == CLAIM_OURS;
    return CARRY_IDLE;
}

/* --- SQL -------------------------------------------------------------------------------------- */

/* CARRY_IDLE, and carry->at is the new epoch's first entry: SQL has it. */
static enum carry_result write_sql(struct carrier *carrier, struct carry *carry,
                                   struct apply_opening *found)
{
    struct apply *apply = carry_apply(carrier, carry);
    apply->opener = carry->opening.claim.reign;
    enum opening_result result = apply_open(apply, found);
    if (result != OPENING_DB)
        carry_keep_place(carry, apply);
    switch (result) {
    case OPENING_DONE: return CARRY_IDLE;
    case OPENING_ELSEWHERE: return CARRY_FULL;
    case OPENING_OLDER: return carry_depose(carrier, carry, apply->why);
    case OPENING_LACKS:
    case OPENING_FOREIGN: return carry_shut(carrier, carry, CARRY_LOST, "lost", apply->why);
    case OPENING_DB: return carry_from_sql(carrier);
    }
    abort();
}

/* --- Redis ------------------------------------------------------------------------------------ */

/* Rule ROLL (docs/model). */
static enum carry_result roll(struct carrier *carrier, struct carry *carry,
                              const struct apply_opening *found)
{
    struct roll_report report;
    const struct roll_job job = {.partition = carry->partition,
                                 .from = found->tail,
                                 .to = found->end,
                                 .state = carry->opening.claim.state,
                                 .operation_retention_ms = carrier->operation_retention_ms};
    int64_t begin_ms = clock_mono_ms();
    enum roll_result result = roll_forward(carrier->admin, carrier->apply->db, &job, &report);
    if (result != ROLL_DONE)
        snprintf(carrier->why, sizeof(carrier->why), "%s", report.why);
    switch (result) {
    case ROLL_DONE: break;
    case ROLL_TAKEN: return CARRY_FULL;
    case ROLL_STOPPED:
    case ROLL_SQL: return CARRY_SQL;
    case ROLL_REDIS: admin_hang_up(carrier->admin); return CARRY_REDIS;
    case ROLL_WRONG: return carry_shut(carrier, carry, CARRY_LOST, "lost", report.why);
    }
    stats_count(STATS_ROLLED_FORWARD, 1);
    log_event(LOG_WARN, "what a promoted replica lacked was brought to it from SQL",
              LOG_INT("partition", carry->partition), LOG_INT("epoch", found->tail.epoch),
              LOG_INT("from_seq", found->tail.seq), LOG_INT("to_epoch", found->end.epoch),
              LOG_INT("to_seq", found->end.seq), LOG_INT("rows", report.total),
              LOG_INT("ms", clock_mono_ms() - begin_ms));
    return CARRY_IDLE;
}

static enum carry_result open_redis(struct carrier *carrier, struct carry *carry, bool rolled)
{
    struct opening *opening = &carry->opening;
    enum admin_claimed opened = admin_open_claimed(
        carrier->admin, carry->partition, &opening->claim, carry->at.epoch, &carry->ended, rolled);
    if (opened == CLAIM_DOWN)
        return carry_from_redis(carrier);
    if (opened != CLAIM_OURS)
        return CARRY_FULL;
    carry_flow(carrier, carry);
    carry->told = true;
    stats_observe(STATS_OPENING_US, (uint64_t)(clock_mono_ms() - opening->begun_ms) * 1000);
    *opening = (struct opening){.begun_ms = 0};
    /* SQL has all before the first event: nothing is carried that would drop it. */
    if (feed_trim(carrier->admin, carry->partition, carry->at) < 0)
        return carry_from_redis(carrier);
    return CARRY_SHORT;
}

/* --- all of it -------------------------------------------------------------------------------- */

static enum carry_result open_claimed(struct carrier *carrier, struct carry *carry)
{
    struct apply_opening found = {.seen = carry->at.epoch,
                                  .ranked = admin_ranks(carrier->admin),
                                  .rolls = admin_ranks(carrier->admin)};
    uint64_t connection = admin_connection(carrier->admin);
    if (feed_tail(carrier->admin, carry->partition, &found.tail) < 0)
        return carry_from_redis(carrier);
    if (admin_connection(carrier->admin) != connection)
        return CARRY_FULL; /* the primary is elsewhere by now */
    enum carry_result result = write_sql(carrier, carry, &found);
    if (result == CARRY_IDLE && carry->state == CARRY_BEHIND && found.lacks)
        result = roll(carrier, carry, &found);
    if (result == CARRY_IDLE && carry->state == CARRY_BEHIND)
        result = open_redis(carrier, carry, found.lacks);
    return result;
}

/* Whose promotion is older is told before it claims, so that it does not do so again and again
 * (rule TOKEN, docs/model; SQL says it under its lock, too). */
enum carry_result opening_step(struct carrier *carrier, struct carry *carry)
{
    char detail[96];
    bool ours = false;
    if (carry->opening.begun_ms == 0)
        carry->opening.begun_ms = clock_mono_ms();
    if (!admin_is_master_now(carrier->admin, carry->partition))
        return carry_from_redis(carrier);
    if (carry_is_older(carrier, carry)) {
        snprintf(detail, sizeof(detail), "epoch %lld in SQL is of promotion %lld",
                 (long long)carry->at.epoch, (long long)carry->opener.order);
        return carry_depose(carrier, carry, detail);
    }
    enum carry_result result = claim(carrier, carry, &ours);
    return result == CARRY_IDLE && ours ? open_claimed(carrier, carry) : result;
}
