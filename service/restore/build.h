/* build.h -- from the tables of the present to Redis, page by page.
 *
 * Layer: restore. Runs in the transaction that its caller has begun, and reads everything once.
 * Without a rebuild (a dry run) it counts only. Memory is bounded by a page.
 *
 * Invariant: what a build has put is what SQL says, but for versions: the n-th restore of a ledger
 * adds n * FOLD_RESTORE_STEP to each, so that no (sku, version) that was answered before can come
 * twice, not even where SQL learnt of nothing between two restores.
 */
#ifndef RESTORE_BUILD_H
#define RESTORE_BUILD_H

#include "arena.h"
#include "ledger/db.h"
#include "store/rebuild.h"

#define BUILD_WHY_SIZE (DB_WHY_SIZE + 128)

struct build_counts {
    int64_t items, deleted, held, ended, operations, shares;
};

enum build_result {
    BUILD_DONE,
    BUILD_LEDGER,  /* SQL is in trouble */
    BUILD_REDIS,   /* Redis cannot be reached */
    BUILD_TAKEN,   /* another restore has the store */
    BUILD_WRONG,   /* SQL contradicts itself, or Redis refused */
    BUILD_STOPPED, /* go_on said no */
    BUILD_NO_MEMORY,
};

struct build {
    struct db *db;
    struct rebuild *rebuild; /* NULL: count only */
    unsigned partitions;
    int64_t now_ms, operation_retention_ms, reservation_retention_ms;
    bool (*go_on)(void *user, const struct build_counts *counts); /* after every page */
    void *user;
    struct build_counts counts;
    struct arena arena, side;
    char why[BUILD_WHY_SIZE];
};

void build_init(struct build *build, struct db *db, unsigned partitions);
void build_free(struct build *build);

/* What no restore can mend: items whose holds do not add up, or that lie in another partition than
 * their name says. Reads SQL only. */
enum build_result build_check(struct build *build) __attribute__((warn_unused_result));

/* All that SQL says there is. */
enum build_result build_run(struct build *build) __attribute__((warn_unused_result));

/* What another part of the restore met with Redis, in the words of this one. */
enum build_result build_from_redis(struct build *build, enum rebuild_result result);

#endif
