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

/* Whether what it says of the store is no evidence. */
static bool is_shaken(const struct unpromised *u, const struct history_op *op)
{
    if (history_phase(op) != PHASE_LOAD || index_is_told(op) ||
        history_outcome(op) == OUTCOME_UNKNOWN)
        return false;
    for (uint64_t s = op->begin_ns / SECOND_NS; s < u->seconds && s <= op->end_ns / SECOND_NS; s++)
        if (u->shaken[s])
            return true;
    return false;
}

/* An expiry is asked for by nobody: without the get that shows it there would be none. */
static bool alone_shows_expiry(const struct unpromised *u, const struct history_op *op)
{
    return op->kind == KIND_GET_RESERVATION && op->detail == DETAIL_EXPIRED &&
           history_outcome(op) == OUTCOME_OK &&
           !(op->of < u->reader.slots && u->read_back[op->of / 8] >> op->of % 8 & 1);
}

static bool is_refusal(const struct history_op *op)
{
    return history_mutates(op->kind) && history_outcome(op) == OUTCOME_FAIL && op->status >= 400 &&
           op->status < 500;
}

static void mute(struct history_op *op)
{
    op->detail = DETAIL_OTHER;
    for (unsigned n = 0; n < op->lines; n++) {
        struct history_line *line = (struct history_line *)(uintptr_t)history_line_of(op, n);
        line->version = 0;
        line->remaining = 0;
    }
}

static void note_all(struct unpromised *u, const struct history_reader *r)
{
    struct history_pass pass = history_pass(r);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        const struct history_op *op = history_op_at(r, slot);
        if (!op || !is_used(type, op))
            continue;
        if (history_phase(op) == PHASE_LOAD && tells_of_trouble(op))
            note_trouble(u, op->end_ns);
        if (history_phase(op) == PHASE_SETTLE && op->kind == KIND_GET_RESERVATION &&
            history_outcome(op) == OUTCOME_OK && op->of < r->slots)
            u->read_back[op->of / 8] |= (uint8_t)(1u << op->of % 8);
    }
}

static void mute_all(struct unpromised *u)
{
    struct history_pass pass = history_pass(&u->reader);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        const struct history_op *op = history_op_at(&u->reader, slot);
        if (!op || !is_used(type, op) || !is_refusal(op) || !is_shaken(u, op))
            continue;
        mute((struct history_op *)(uintptr_t)op);
        u->muted++;
    }
}

int unpromised_make(struct unpromised *u, const struct history_reader *r)
{
    *u = (struct unpromised){.seconds = 0};
    if (!r->facts->waits || r->facts->failovers == 0)
        return 0;
    size_t seconds = count_seconds(r);
    u->shaken = calloc(seconds, 1);
    u->read_back = calloc((size_t)r->slots / 8 + 1, 1);
    if (!u->shaken || !u->read_back)
        return -ENOMEM;
    int err = history_copy(&u->reader, r);
    if (err < 0)
        return err;
    u->seconds = seconds;
    note_all(u, r);
    mute_all(u);
    return 0;
}

void unpromised_free(struct unpromised *u)
{
    history_unread(&u->reader);
    free(u->shaken);
    free(u->read_back);
    *u = (struct unpromised){.seconds = 0};
}

bool unpromised_read(const struct unpromised *u, const struct history_op *op)
{
    return u->seconds > 0 && history_reads(op->kind) && is_shaken(u, op) &&
           !alone_shows_expiry(u, op);
}
