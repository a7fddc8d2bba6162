/* scene.h -- what a restore finds, and whether the store in Redis may be built anew from SQL.
 *
 * Layer: restore. The verdict is pure: a scene comes in, a verdict goes out
 * (tests/unit/test_rebuild.c has a row for each). How a scene is seen: see.c.
 *
 *   of a partition     meta                                  the stream's end
 *   SOUND              open                                  at SQL's checkpoint, or past it
 *   BEHIND             any                                   before SQL's checkpoint
 *   LOST               none, "lost: ...", or of a restore    any
 *   CLOSED             closed by a person or by a service    at the checkpoint, or past it
 *                      being opened, or deposed              any
 *
 * Invariant: a store whose partitions are all SOUND is never touched, nor one of another ledger;
 * and what Redis has but SQL has not is only given up by somebody who was told.
 */
#pragma once

#include "ledger/apply/apply.h"
#include "ledger/schema.h"
#include "store/admin/feed.h"
#include "store/meta.h"

#define SCENE_WHY_SIZE (DB_WHY_SIZE + 128)

/* While a restore waits for the ledger to take what open partitions have. */
#define VERDICT_HALTED "closed: waits for a restore"

struct scene_part {
    struct checkpoint sql;
    struct meta meta;
    struct event_id tail;        /* the last id that the stream ever had; epoch 0: no stream */
    int64_t unapplied;           /* entries behind SQL's checkpoint */
    struct event_id first, last; /* of those */
};

struct scene {
    char ledger_id[LEDGER_ID_SIZE];
    unsigned partitions; /* 0: neither SQL nor Redis tells */
    struct scene_part *parts;
    int64_t now_ms; /* of Redis */
};

enum verdict {
    VERDICT_RESTORE,
    VERDICT_HALT,      /* the same, once the partitions that are open were closed */
    VERDICT_SOUND,     /* the store is open: nothing to restore */
    VERDICT_CLOSED,    /* no state was lost; a person may decide to restore */
    VERDICT_UNAPPLIED, /* entries would be lost */
    VERDICT_REFUSED,   /* not this ledger, not this Redis */
};

enum verdict_part { PART_SOUND, PART_BEHIND, PART_LOST, PART_CLOSED };

enum verdict_part verdict_part(const struct scene_part *part);

/* why: of the last four, a sentence. `discard`: unapplied entries may be lost. `only_lost`: a store
 * that is merely closed is VERDICT_CLOSED. */
enum verdict verdict_of(const struct scene *scene, bool discard, bool only_lost,
                        char why[SCENE_WHY_SIZE]) MUST_CHECK;
