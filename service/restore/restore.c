#include "restore/restore.h"
#include "ledger/restores.h"
#include "restore/restore_steps.h"
#include "restore/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- beginning -------------------------------------------------------------------------------- */

static enum restore_result connect_redis(struct restore *r)
{
    char err[256];
    const char *why;
    r->config =
        (struct store_config){.redis_url = r->options->redis_url, .partitions = 1, .ledger = true};
    r->admin = admin_new(&r->config, &r->shared, err, sizeof(err));
    if (!r->admin)
        return restore_say(r, RESTORE_FAILED, err);
    enum admin_result result = admin_connect(r->admin, &why);
    if (result == ADMIN_OK)
        return RESTORE_DONE;
    snprintf(r->why, sizeof(r->why), "Redis: %s", why);
    return result == ADMIN_REFUSED ? RESTORE_REFUSED : RESTORE_UNSURE;
}

static enum restore_result connect_ledger(struct restore *r)
{
    char err[DB_WHY_SIZE];
    enum db_result result = db_open(&r->db, r->options->ledger_url, err, sizeof(err));
    if (result == DB_OK)
        return RESTORE_DONE;
    snprintf(r->why, sizeof(r->why), "the ledger: %s", err);
    return result == DB_WRONG ? RESTORE_REFUSED : RESTORE_UNSURE;
}

static enum restore_result judge(struct restore *r, enum verdict *verdict)
{
    char why[SCENE_WHY_SIZE];
    *verdict = verdict_of(&r->scene, r->options->discard_unapplied, r->options->only_lost, why);
    switch (*verdict) {
    case VERDICT_RESTORE:
    case VERDICT_HALT: return RESTORE_DONE;
    case VERDICT_SOUND: return restore_say(r, RESTORE_SOUND, why);
    case VERDICT_CLOSED:
    case VERDICT_UNAPPLIED:
    case VERDICT_REFUSED: break;
    }
    return restore_say(r, RESTORE_REFUSED, why);
}

static bool after_page(void *user, const struct build_counts *counts)
{
    return restore_progress(user);
}

/* Before anything is closed: a build that is refused in the middle leaves a store that is none. */
static enum restore_result try_commands(struct restore *r)
{
    struct rebuild trial;
    enum restore_result result = RESTORE_DONE;
    rebuild_init(&trial, r->admin, r->scene.partitions, r->scene.ledger_id, r->epoch, 0);
    switch (rebuild_try(&trial)) {
    case REBUILD_OK: break;
    case REBUILD_DOWN:
    case REBUILD_TAKEN: result = restore_say(r, RESTORE_UNSURE, trial.why); break;
    case REBUILD_REFUSED:
        snprintf(r->why, sizeof(r->why), "%s; nothing was changed", trial.why);
        result = RESTORE_REFUSED;
        break;
    case REBUILD_NO_MEMORY: result = restore_say(r, RESTORE_FAILED, trial.why); break;
    }
    rebuild_free(&trial);
    return result;
}

static enum restore_result begin(struct restore *r)
{
    enum verdict verdict;
    enum restore_result result = connect_redis(r);
    if (result == RESTORE_DONE)
        result = connect_ledger(r);
    if (result == RESTORE_DONE)
        result =
            restore_from_scene(r, scene_begin(&r->scene, r->admin, r->db, r->options->partitions));
    if (result == RESTORE_DONE)
        result = restore_look(r);
    build_init(&r->build, r->db, r->scene.partitions);
    r->build.now_ms = r->scene.now_ms;
    r->build.operation_retention_ms = r->options->operation_retention_ms;
    r->build.reservation_retention_ms = r->options->reservation_retention_ms;
    r->build.go_on = after_page;
    r->build.user = r;
    if (result == RESTORE_DONE)
        result = judge(r, &verdict);
    return result == RESTORE_DONE ? try_commands(r) : result;
}

/* --- building --------------------------------------------------------------------------------- */

void restore_touch(struct restore *restore)
{
    struct apply apply;
    apply_init(&apply, restore->db, 0);
    /* What fails here fails at the commit as well, and is told there. */
    enum apply_result result = apply_lock(&apply);
    (void)result;
    apply_free(&apply);
}

/* Higher than any that SQL or Redis ever saw: a store that comes back from a copy shows. */
static int64_t next_epoch(const struct scene *scene)
{
    int64_t epoch = 0;
    for (unsigned p = 0; p < scene->partitions; p++) {
        const struct scene_part *part = &scene->parts[p];
        const int64_t seen[] = {part->sql.epoch, meta_epoch(&part->meta), part->tail.epoch};
        for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
            epoch = seen[i] > epoch ? seen[i] : epoch;
    }
    return epoch + 1;
}

static enum restore_result seal(struct restore *r)
{
    int64_t number = 0;
    enum restore_result result =
        restore_from_db(r, restores_add(r->db, r->epoch, r->scene.now_ms, &number), "the ledger");
    rebuild_init(&r->rebuild, r->admin, r->scene.partitions, r->scene.ledger_id, r->epoch, number);
    for (unsigned p = 0; p < r->scene.partitions && result == RESTORE_DONE; p++) {
        struct apply apply;
        apply_init(&apply, r->db, p);
        apply.at = r->scene.parts[p].sql;
        apply.run_id = str_of(feed_source(r->admin));
        apply.run_epoch = r->epoch;
        if (apply_seal(&apply, r->epoch) != APPLY_DONE) {
            snprintf(r->why, sizeof(r->why), "the ledger: %s", apply.why);
            result = RESTORE_UNSURE;
        }
        apply_free(&apply);
    }
    return result;
}

static enum restore_result claim(struct restore *r)
{
    struct meta *found = calloc(r->scene.partitions, sizeof(*found));
    if (!found)
        return restore_say(r, RESTORE_FAILED, "out of memory");
    for (unsigned p = 0; p < r->scene.partitions; p++)
        found[p] = r->scene.parts[p].meta;
    r->claimed = true;
    enum restore_result result = restore_from_redis(r, rebuild_claim(&r->rebuild, found));
    free(found);
    return result;
}

static enum restore_result clear(struct restore *r)
{
    char cursor[32] = "0";
    r->phase = "clearing Redis";
    do {
        enum restore_result result = restore_from_redis(r, rebuild_clear(&r->rebuild, cursor));
        if (result != RESTORE_DONE)
            return result;
        restore_touch(r);
        if (!restore_progress(r))
            return restore_say(r, RESTORE_UNSURE, "stopped");
    } while (strcmp(cursor, "0") != 0);
    return RESTORE_DONE;
}

static enum restore_result verify(struct restore *r)
{
    char why[BUILD_WHY_SIZE] = "";
    r->phase = "verifying";
    switch (r->options->verify(r->options->user, r, why, sizeof(why))) {
    case RESTORE_EQUAL: return RESTORE_DONE;
    case RESTORE_DRIFT:
        snprintf(r->why, sizeof(r->why), "what was built is not what SQL says: %s", why);
        return RESTORE_FAILED;
    case RESTORE_NOT_VERIFIED: break;
    }
    snprintf(r->why, sizeof(r->why), "what was built could not be compared with SQL: %s", why);
    return RESTORE_UNSURE;
}

/* SQL first: a Redis that is open must never be ahead of a seal that was not kept. */
static enum restore_result finish(struct restore *r)
{
    r->phase = "opening";
    enum db_result committed = db_commit(r->db);
    if (committed == DB_UNKNOWN) {
        enum restore_result result =
            restore_from_scene(r, scene_see_ledger(&r->scene, r->db, false));
        if (result != RESTORE_DONE)
            return result;
        committed = r->scene.parts[0].sql.epoch == r->epoch ? DB_OK : DB_AGAIN;
    }
    enum restore_result result =
        restore_from_db(r, committed, "the ledger did not take the new epoch");
    return result == RESTORE_DONE ? restore_from_redis(r, rebuild_open(&r->rebuild)) : result;
}

/* All between BEGIN and the end. */
static enum restore_result build_all(struct restore *r)
{
    enum verdict verdict;
    enum restore_result result = restore_lock(r);
    if (result == RESTORE_DONE)
        result = judge(r, &verdict);
    if (result == RESTORE_DONE && verdict == VERDICT_HALT)
        result = restore_say(r, RESTORE_UNSURE, "a partition was opened meanwhile: try again");
    if (result == RESTORE_DONE)
        result = restore_from_build(r, build_check(&r->build));
    if (result != RESTORE_DONE)
        return result;
    rebuild_free(&r->rebuild);
    r->epoch = next_epoch(&r->scene);
    r->build.now_ms = r->scene.now_ms;
    result = seal(r);
    if (result == RESTORE_DONE)
        result = claim(r);
    if (result == RESTORE_DONE)
        result = clear(r);
    r->phase = "building";
    if (result == RESTORE_DONE)
        result = restore_from_build(r, build_run(&r->build));
    if (result == RESTORE_DONE)
        result = verify(r);
    return result == RESTORE_DONE ? finish(r) : result;
}

/* Counts what would be built. */
static enum restore_result rehearse(struct restore *r)
{
    enum restore_result result = restore_from_db(r, db_begin_read(r->db), "the ledger");
    r->build.rebuild = NULL;
    r->phase = "counting";
    if (result == RESTORE_DONE)
        result = restore_from_build(r, build_check(&r->build));
    if (result == RESTORE_DONE)
        result = restore_from_build(r, build_run(&r->build));
    db_rollback(r->db);
    return result;
}

/* Whoever reads why it failed reads what to do. */
static void say_how_to_go_on(struct restore *r)
{
    size_t n = strlen(r->why);
    snprintf(
        r->why + n, sizeof(r->why) - n,
        ". Redis stays closed (\"closed: restore ...\") until a restore comes to its end: mend "
        "this and run it again, it begins anew");
}

enum restore_result restore_run(struct restore *restore, const struct restore_options *options)
{
    enum verdict verdict;
    *restore = (struct restore){.options = options, .phase = "looking"};
    scene_init(&restore->scene);
    enum restore_result result = begin(restore);
    if (result != RESTORE_DONE)
        return result;
    restore->epoch = next_epoch(&restore->scene);
    if (options->dry_run)
        return rehearse(restore);
    rebuild_init(&restore->rebuild, restore->admin, restore->scene.partitions,
                 restore->scene.ledger_id, restore->epoch, 0);
    restore->build.rebuild = &restore->rebuild;
    result = judge(restore, &verdict);
    if (result == RESTORE_DONE && verdict == VERDICT_HALT)
        result = restore_halt(restore);
    if (result == RESTORE_DONE)
        result = build_all(restore);
    db_rollback(restore->db);
    if (result != RESTORE_DONE && restore->claimed)
        say_how_to_go_on(restore);
    return result;
}

void restore_free(struct restore *restore)
{
    rebuild_free(&restore->rebuild);
    build_free(&restore->build);
    scene_free(&restore->scene);
    db_close(restore->db);
    if (restore->admin)
        admin_free(restore->admin);
    *restore = (struct restore){.phase = NULL};
}
