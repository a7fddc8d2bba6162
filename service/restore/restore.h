/* restore.h -- Redis built anew from SQL: the order of things.
 *
 * Layer: restore. The caller fills the options, which outlive the run, and calls restore_free
 * behind restore_run, whatever came of it. Connections are the restore's own.
 *
 *   look -> may it be? -> would Redis take it? -> lock SQL -> look again -> seal SQL's old epoch ->
 * claim Redis -> clear it
 *        -> build -> verify -> commit SQL -> open Redis
 *
 * Invariant: one SQL transaction holds every checkpoint from the second look to the commit, so
 * nobody brings anything to SQL meanwhile, nor restores. Whenever it dies, Redis is closed or was
 * not touched, and the next restore begins anew with a higher epoch.
 */
#pragma once

#include "ledger/db.h"
#include "restore/scene.h"
#include "store/admin/rebuild.h"

#include <stdio.h>

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

enum restore_result restore_run(struct restore *restore,
                                const struct restore_options *options) MUST_CHECK;
void restore_free(struct restore *restore);

/* Shows SQL that we are there, since it ends transactions that stand still for a minute. */
void restore_touch(struct restore *restore);

/* --- for people: report.c, which decides nothing ------------------------------------------------
 */

/* Behind a restore_run that said RESTORE_DONE. */
void restore_print(FILE *out, const struct restore *restore);

/* One line on how far it is. */
void restore_print_progress(FILE *out, const struct restore *restore, const char *end);

/* Redis time of the last event that SQL has, of any partition; 0: none. */
int64_t restore_known_ms(const struct restore *restore);
