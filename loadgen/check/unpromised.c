#include "check/unpromised.h"
#include "check/role.h"

#include <errno.h>
#include <stdlib.h>

#define SECOND_NS   UINT64_C(1000000000)
#define SLOW_NS     (SECOND_NS / 4) /* no failover is quicker */
#define NEAR_S      60
#define SECONDS_MAX (UINT64_C(8) * 24 * 3600) /* longer than a load may take */

/* Answered, that it can not be written, or that nobody knows; or not answered at all, or so late
 * that another primary may have been found meanwhile. */
static bool tells_of_trouble(const struct history_op *op)
{
    return op->status == 503 || op->status == 504 || op->detail == DETAIL_TIMEOUT ||
           op->end_ns - op->begin_ns >= SLOW_NS;
}

static bool is_used(enum history_type type, const struct history_op *op)
{
    return type == SLOT_OP && op->kind < KINDS && op->begin_ns <= op->end_ns &&
           op->end_ns / SECOND_NS < SECONDS_MAX;
}

static void note_trouble(struct unpromised *u, uint64_t end_ns)
{
    size_t second = (size_t)(end_ns / SECOND_NS);
    size_t last = second + NEAR_S < u->seconds ? second + NEAR_S : u->seconds - 1;
    for (size_t i = second > NEAR_S ? second - NEAR_S : 0; i <= last; i++)
        u->shaken[i] = 1;
}

static size_t count_seconds(const struct history_reader *r)
{
    struct history_pass pass = history_pass(r);
    uint64_t last_ns = 0;
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        const struct history_op *op = history_op_at(r, slot);
        if (op && is_used(type, op) && op->end_ns > last_ns)
            last_ns = op->end_ns;
    }
    return (size_t)(last_ns / SECOND_NS) + 1;
}

static void note_attempt(struct unpromised *u, const struct history_reader *r,
                         const struct history_op *op)
{
    enum index_role role = index_role(op);
    if ((role == ROLE_ATTEMPT || role == ROLE_LOOKUP) && op->of < r->slots)
        u->tried_again[op->of / 8] |= (uint8_t)(1u << op->of % 8);
}

int unpromised_make(struct unpromised *u, const struct history_reader *r)
{
    *u = (struct unpromised){.seconds = 0};
    if (!r->facts->waits)
        return 0;
    size_t seconds = count_seconds(r);
    u->shaken = calloc(seconds, 1);
    u->tried_again = calloc((size_t)r->slots / 8 + 1, 1);
    if (!u->shaken || !u->tried_again)
        return -ENOMEM;
    u->seconds = seconds;
    struct history_pass pass = history_pass(r);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        const struct history_op *op = history_op_at(r, slot);
        if (!op || !is_used(type, op))
            continue;
        if (history_phase(op) == PHASE_LOAD && tells_of_trouble(op))
            note_trouble(u, op->end_ns);
        note_attempt(u, r, op);
    }
    return 0;
}

void unpromised_free(struct unpromised *u)
{
    free(u->shaken);
    free(u->tried_again);
    *u = (struct unpromised){.seconds = 0};
}

bool unpromised_time(const struct unpromised *u, const struct history_op *op)
{
    for (uint64_t s = op->begin_ns / SECOND_NS; s < u->seconds && s <= op->end_ns / SECOND_NS; s++)
        if (u->shaken[s])
            return true;
    return false;
}

/* A refusal that was not sent again: what a key was refused for does not matter if it was. */
static bool is_refusal(const struct unpromised *u, const struct history_op *op, uint32_t slot)
{
    return index_role(op) == ROLE_FIRST && history_outcome(op) == OUTCOME_FAIL &&
           op->status >= 400 && op->status < 500 && !(u->tried_again[slot / 8] >> slot % 8 & 1);
}

bool unpromised_answer(const struct unpromised *u, const struct history_op *op, uint32_t slot)
{
    /* An expiry that only a get or a refusal shows is asked for by nobody else. */
    if (u->seconds == 0 || history_phase(op) != PHASE_LOAD || index_is_told(op) ||
        op->detail == DETAIL_EXPIRED || history_outcome(op) == OUTCOME_UNKNOWN)
        return false;
    return (history_reads(op->kind) || is_refusal(u, op, slot)) && unpromised_time(u, op);
}
