/* writer.h -- writing a history, from several processes at once.
 *
 * Layer: history. The parent makes the file and maps its header, shared, before it forks; each
 * process then has a writer of its own, which claims whole chunks (one atomic addition in the
 * header) and maps them. No locks: a process that dies leaves a chunk that ends early.
 *
 * Invariant: a slot that history_begin handed out is on its way to the file from then on, whatever
 * becomes of the process, because it lies in a shared mapping of it. Slots never move: pointers
 * into them hold until history_writer_close.
 *
 * Errors: -ENOSPC, -EFBIG and -ENOMEM from any call that may claim a chunk; it may be made again.
 * Blocks are allocated before they are mapped, so a full disk is an error here and never a SIGBUS.
 * For -EFBIG instead of a deadly signal the process ignores SIGXFSZ.
 */
#pragma once

#include "history/format.h"
#include "str.h"

struct history; /* the file and its header; inherited by fork */

/* Makes path (it must not exist yet: -EEXIST) with these facts; magic, format, sizes and chunks are
 * filled in. Texts in them end in NUL. Not yet visible under another name: the caller removes it if
 * it likes. */
int history_create(struct history **history, const char *path,
                   const struct history_facts *facts) MUST_CHECK;

/* The header, shared by all processes: fields marked * in format.h may be written. */
struct history_facts *history_facts(struct history *history);

/* Unmaps and closes. NULL is fine. Does not remove the file. */
void history_close(struct history *history);

struct history_writer {
    struct history *history;
    uint32_t worker, life;
    struct history_op *chunk; /* the chunk being filled, as slots; NULL before the first */
    uint32_t chunk_slot;      /* the number of its slot 0 */
    uint32_t used;            /* slots of it that are taken */
    struct history_map *maps; /* every chunk this writer mapped, newest first */
};

/* Call after fork. worker: slot of the pool, or HISTORY_WORKERS_MAX for the parent. */
void history_writer_open(struct history_writer *w, struct history *history, uint32_t worker,
                         uint32_t life);
void history_writer_close(struct history_writer *w);

/* Makes sure that the next `slots` (<= HISTORY_CHUNK_SLOTS - 1) come from one chunk, claiming one
 * if needed. 0 or -errno. */
int history_reserve(struct history_writer *w, uint32_t slots) MUST_CHECK;

/* Takes the slots of one operation with this many lines (at least one is kept) out of what
 * history_reserve made sure of: 1 + lines / 2 slots. All zero but types, counts and first: outcome
 * is OUTCOME_UNKNOWN. The caller fills the fields, begin_ns last (while it is 0 nothing was sent);
 * the operation is seen by readers at once. */
struct history_op *history_begin(struct history_writer *w, unsigned lines);

/* The same for an expiry: it is seen by readers, whole, from history_put_expiry on. */
struct history_op *history_begin_expiry(struct history_writer *w, unsigned lines);
void history_put_expiry(struct history_op *op);

/* The number of an operation's slot. Only for operations of this writer's newest chunk: call it
 * right after history_begin. */
uint32_t history_slot(const struct history_writer *w, const struct history_op *op);

/* Line n of an operation in place; n < op->lines. */
struct history_line *history_line(struct history_op *op, unsigned n);

/* Stores status, detail, flags to be added and end; then the outcome, with release order. */
void history_finish(struct history_op *op, enum history_outcome outcome, uint16_t status,
                    enum history_detail detail, uint8_t flags, uint64_t end_ns);

/* Appends the id of the reservation made by the operation in slot op. -EINVAL: longer than
 * HISTORY_ID_MAX bytes. */
int history_put_id(struct history_writer *w, uint32_t op, struct str id) MUST_CHECK;

/* Appends a note on the answer to the operation in slot op; cut off at HISTORY_NOTE_MAX bytes. */
int history_put_note(struct history_writer *w, uint32_t op, struct str note) MUST_CHECK;

int history_put_sample(struct history_writer *w, const struct history_sample *sample) MUST_CHECK;
int history_put_counters(struct history_writer *w,
                         const struct history_counters *counters) MUST_CHECK;
