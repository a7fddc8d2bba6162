/* restore_state.h -- a restore in hand: its options, what it has found, what it has built.
 *
 * Layer: restore; the words that restore.h and steps.h share.
 */
#ifndef RESTORE_RESTORE_STATE_H
#define RESTORE_RESTORE_STATE_H

#include "ledger/db.h"
#include "restore/scene.h"
#include "store/admin/rebuild.h"

#define RESTORE_RETENTION_MS (INT64_C(24) * 3600 * 1000) /* the service's defaults */

struct restore;

enum restore_result {
    RESTORE_DONE,
    RESTORE_SOUND,   /* the store is open: nothing to restore */
    RESTORE_REFUSED, /* nothing was built; `why` says what would be right */
    RESTORE_FAILED,  /* the store stays closed */
    RESTORE_UNSURE,  /* Redis or SQL can not be reached, or somebody else is at work: try again */
};

struct restore_options {
    const char *redis_url, *ledger_url;
    unsigned partitions; /* 0: as SQL and Redis say */
    int64_t operation_retention_ms, reservation_retention_ms;
    bool dry_run;           /* look and count; nothing is written anywhere */
    bool discard_unapplied; /* entries that SQL has not may be lost */
    bool only_lost;         /* never a store that was closed for another reason */
    /* Compares what was built with SQL, over restore->admin and a connection of its own to SQL;
     * calls restore_touch now and then. What it comes to stands in restore->why as well. */
    enum restore_result (*verify)(void *user, struct restore *restore);
    bool (*on_progress)(void *user, const struct restore *restore); /* false: stop. May be NULL */
    void *user;
};

struct restore_counts {
    int64_t items, deleted, held, ended, operations, shares;
};

struct restore {
    const struct restore_options *options;
    struct store_config config;
    struct store_shared shared;
    struct admin *admin;
    struct db *db;
    struct scene scene;           /* what was found */
    struct restore_counts counts; /* what was built */
    struct rebuild rebuild;
    int64_t epoch;     /* the store's new one */
    bool claimed;      /* Redis is closed for it, or may be */
    const char *phase; /* for people: "building" */
    char why[SCENE_WHY_SIZE + 512];
};

#endif
