/* reader.h -- reading a history: one pass over its slots, and slots by number.
 *
 * Layer: history. A read-only mapping of the file. It may be read while it is written (the parent
 * does, to settle) and after a crash. Everything that a broken or foreign file can hold is checked
 * when it is opened or passed over: no number in it can make a reader touch memory outside.
 */
#pragma once

#include "history/format.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>

#define HISTORY_ERR_SIZE 256

struct history_reader {
    const unsigned char *map;
    size_t bytes;
    uint32_t slots; /* one past the highest slot number in the file */
    const struct history_facts *facts;
    int fd;    /* of the file, while there is a map */
    bool copy; /* see history_copy */
};

/* Maps a file. -errno, with err saying which file, what is wrong with it and what would be right
 * (not a history: -EINVAL; a newer format: -EPROTO); the reader is then all zero. */
int history_read(struct history_reader *r, const char *path, char *err, size_t err_size) MUST_CHECK;

/* Maps what was appended since: the same file has grown (-ESTALE: it has not, it is another one).
 * Pointers got before are gone; after an error they and the reader are as they were. */
int history_refresh(struct history_reader *r, const char *path) MUST_CHECK;

/* The same history in memory that is its owner's alone: what is written there is in no file, and in
 * no other reader. 0 or -errno; then the copy is all zero. */
int history_copy(struct history_reader *copy, const struct history_reader *r) MUST_CHECK;

/* An all zero reader is fine. */
void history_unread(struct history_reader *r);

/* Gives back the memory that the pages read so far take; they are read again when needed. Of a
 * large history they would be most of what a process takes. Not of a copy: there it would be lost.
 */
void history_relax(const struct history_reader *r);

/* So many slots of a pass, or looks at operations out of their order, until that is worth it. */
#define HISTORY_LOOKS (UINT32_C(1) << 20)

/* A pass in the order of the file. Each call gives the next slot that is an operation, an expiry,
 * an id, a note, a sample or counters (lines slots belong to their operation and are passed over;
 * what makes no sense ends its chunk and counts in `broken`). The pages of what it has passed are
 * given back. */
struct history_pass {
    const struct history_reader *reader;
    uint32_t next, relaxed;            /* up to where they were given back */
    const struct history_chunk *chunk; /* of the slot given last */
    uint64_t broken; /* slots that were no slots: 0 in every file that stockload wrote */
};

struct history_pass history_pass(const struct history_reader *r);

/* The type of the next slot and its number, or SLOT_EMPTY at the end. */
enum history_type history_next(struct history_pass *pass, uint32_t *slot);

/* The slot of that number, whatever it is; NULL outside of the file. */
const void *history_at(const struct history_reader *r, uint32_t slot);

/* The operation or expiry in that slot, or NULL when there is none. */
const struct history_op *history_op_at(const struct history_reader *r, uint32_t slot);

/* Line n of the operation, n < op->lines. Valid for operations that a pass or history_op_at gave.
 */
const struct history_line *history_line_of(const struct history_op *op, unsigned n);

/* Its line about that item, NULL when it has none. */
const struct history_line *history_line_about(const struct history_op *op, int64_t item);

static inline enum history_phase history_phase(const struct history_op *op)
{
    return (enum history_phase)(op->flags & FLAG_PHASE);
}

static inline enum history_outcome history_outcome(const struct history_op *op)
{
    return (enum history_outcome)atomic_load_explicit(&op->outcome, memory_order_acquire);
}

/* Whether such a request ends a reservation when it succeeds, and whether that is by selling it. */
static inline bool history_confirms(enum history_kind kind)
{
    return kind == KIND_CONFIRM || kind == KIND_RERESERVE;
}

static inline bool history_ends(enum history_kind kind)
{
    return history_confirms(kind) || kind == KIND_RELEASE;
}

/* Whether such a request changes nothing, whatever it is answered: of KIND_REUSE that is what is to
 * be shown. */
static inline bool history_reads(enum history_kind kind)
{
    return kind == KIND_GET_ITEM || kind == KIND_GET_RESERVATION || kind == KIND_LIST ||
           kind == KIND_LOOKUP;
}

/* Whether such a request is to change something, so that it has a key of its own. */
static inline bool history_mutates(enum history_kind kind)
{
    return !history_reads(kind) && kind != KIND_REUSE;
}

/* Whether the run deletes and creates that item again and again: one in so many. */
static inline bool history_removable(const struct history_facts *facts, uint32_t item)
{
    return facts->removable_every > 0 &&
           item % facts->removable_every == facts->removable_every - 1;
}

/* What `of` of an operation means:
 *   FLAG_RESENT (any phase)           the first attempt with the same key
 *   PHASE_SETTLE, not a get           the operation (first attempt) that was looked up by its key:
 *                                     OUTCOME_OK it happened, and the lines say what it answered;
 *                                     OUTCOME_FAIL it did not (asked twice); UNKNOWN nobody said
 *   KIND_CONFIRM, RELEASE, EXTEND,    the reserve (its first attempt) of the reservation
 *   RERESERVE, GET_RESERVATION
 *   KIND_LOOKUP, REUSE                the first attempt with the key that is asked about, used
 *   otherwise                         0
 * A FLAG_RESENT confirm, release or extend therefore finds its reservation through the `of` of its
 * first attempt. */
