/* run.c -- the steps, in their order. */
#include "clock.h"
#include "restore/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPENING_WAIT_MS 2000  /* for another restore between its commit and its end */
#define DRAIN_WAIT_MS   10000 /* for the ledger to take what open partitions have */
#define PAUSE_MS        20

/* --- trouble ---------------------------------------------------------------------------------- */

enum restore_result restore_say(struct restore *r, enum restore_result result, const char *why)
{
    snprintf(r->why, sizeof(r->why), "%s", why);
    return result;
}

static enum restore_result no_memory(struct restore *r)
{
    return restore_say(r, RESTORE_FAILED, "out of memory");
}

enum restore_result restore_from_db(struct restore *r, enum db_result result, const char *what)
{
    if (result == DB_OK)
        return RESTORE_DONE;
    if (result == DB_NO_MEMORY)
        return no_memory(r);
    snprintf(r->why, sizeof(r->why), "%s: %s", what, db_why(r->db));
    return result == DB_WRONG ? RESTORE_FAILED : RESTORE_UNSURE;
}

enum restore_result restore_from_redis(struct restore *r, enum rebuild_result result)
{
    static const enum restore_result meanings[] = {
        [REBUILD_OK] = RESTORE_DONE,      [REBUILD_DOWN] = RESTORE_UNSURE,
        [REBUILD_TAKEN] = RESTORE_UNSURE, [REBUILD_REFUSED] = RESTORE_FAILED,
        [REBUILD_WRONG] = RESTORE_FAILED, [REBUILD_NO_MEMORY] = RESTORE_FAILED,
    };
    return result == REBUILD_OK ? RESTORE_DONE : restore_say(r, meanings[result], r->rebuild.why);
}

enum restore_result restore_progress(struct restore *r)
{
    if (!r->options->on_progress || r->options->on_progress(r->options->user, r))
        return RESTORE_DONE;
    return restore_say(r, RESTORE_UNSURE, "stopped");
}

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
    admin_have_patience(r->admin);
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

static enum restore_result judge_scene(struct restore *r, enum verdict *verdict)
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

/* Before anything is closed: a build that is refused in the middle leaves a store that is none. */
static enum restore_result try_commands(struct restore *r)
{
    enum rebuild_result tried = rebuild_try(&r->rebuild);
    enum restore_result result = restore_from_redis(r, tried);
    if (tried != REBUILD_REFUSED)
        return result;
    snprintf(r->why, sizeof(r->why), "%s; nothing was changed", r->rebuild.why);
    return RESTORE_REFUSED;
}

/* Higher than any that SQL or Redis ever saw: a store that comes back from a copy shows. */
static int64_t next_epoch(const struct scene *scene)
{
    int64_t epoch = 0;
    for (unsigned p = 0; p < scene->partitions; p++) {
        const struct scene_part *part = &scene->parts[p];
        const int64_t seen[] = {part->sql.id.epoch, meta_epoch(&part->meta), part->tail.epoch};
        for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
            epoch = seen[i] > epoch ? seen[i] : epoch;
    }
    return epoch + 1;
}

/* The store as it will be; `number`: of the restore. */
static void begin_rebuild(struct restore *r, int64_t number)
{
    rebuild_free(&r->rebuild);
    rebuild_init(&r->rebuild, r->admin, r->scene.partitions, r->scene.ledger_id, r->epoch, number);
}

/* SQL is sealed already, and Redis about to be opened, by somebody who lives; or who died there. */
static bool is_opening(const struct scene *scene)
{
    for (unsigned p = 0; p < scene->partitions; p++) {
        const struct scene_part *part = &scene->parts[p];
        if (meta_restoring(&part->meta) && meta_epoch(&part->meta) == part->sql.id.epoch)
            return true;
    }
    return false;
}

static void pause_a_little(void)
{
    const struct timespec time = {.tv_nsec = PAUSE_MS * 1000000};
    nanosleep(&time, NULL);
}

/* Where Redis is, once it is not about to be opened any more. */
static enum restore_result see_redis(struct restore *r)
{
    int64_t end_ms = clock_mono_ms() + OPENING_WAIT_MS;
    enum restore_result result = scene_see_redis(r);
    while (result == RESTORE_DONE && is_opening(&r->scene) && clock_mono_ms() < end_ms) {
        pause_a_little();
        result = scene_see_redis(r);
    }
    return result;
}

/* Where both are, outside of any transaction. */
static enum restore_result see_both(struct restore *r)
{
    enum restore_result seen = scene_see_ledger(r, false);
    return seen == RESTORE_DONE ? see_redis(r) : seen;
}

static enum restore_result begin_restore(struct restore *r, enum verdict *verdict)
{
    enum restore_result result = connect_redis(r);
    if (result == RESTORE_DONE)
        result = connect_ledger(r);
    if (result == RESTORE_DONE)
        result = scene_begin(r);
    if (result == RESTORE_DONE)
        result = see_both(r);
    if (result == RESTORE_DONE)
        result = judge_scene(r, verdict);
    if (result != RESTORE_DONE)
        return result;
    r->epoch = next_epoch(&r->scene);
    begin_rebuild(r, 0);
    return try_commands(r);
}

/* --- what others have to do first, or leave --------------------------------------------------- */

static bool any_unapplied(const struct scene *scene)
{
    for (unsigned p = 0; p < scene->partitions; p++)
        if (scene->parts[p].unapplied > 0)
            return true;
    return false;
}

/* The metas as they were found; the caller frees them. */
static struct meta *found_metas(const struct restore *r)
{
    struct meta *found = calloc(r->scene.partitions, sizeof(*found));
    for (unsigned p = 0; found && p < r->scene.partitions; p++)
        found[p] = r->scene.parts[p].meta;
    return found;
}

/* Some partitions are lost, others open: closes those, and lets a ledger process take what they
 * have. What it does not take shows in the next verdict. */
static enum restore_result halt(struct restore *r)
{
    struct meta *found = found_metas(r);
    enum restore_result result =
        found ? restore_from_redis(r, rebuild_halt(&r->rebuild, found, VERDICT_HALTED))
              : no_memory(r);
    free(found);
    int64_t end_ms = clock_mono_ms() + DRAIN_WAIT_MS;
    r->phase = "waiting for the ledger";
    while (result == RESTORE_DONE) {
        result = scene_see_ledger(r, false);
        if (result == RESTORE_DONE)
            result = scene_see_redis(r);
        if (!any_unapplied(&r->scene) || clock_mono_ms() >= end_ms)
            break;
        if (result == RESTORE_DONE)
            result = restore_progress(r);
        pause_a_little();
    }
    return result;
}

static enum restore_result lock_checkpoints(struct restore *r)
{
    char why[SCENE_WHY_SIZE];
    if (scene_see_ledger(r, true) == RESTORE_DONE)
        return RESTORE_DONE;
    snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, r->why);
    snprintf(r->why, sizeof(r->why),
             "the checkpoints can not be locked: another restore may be at work (%s)", why);
    return RESTORE_UNSURE;
}

/* Begins the transaction and looks again. Nobody else moves SQL from here on, until it ends. */
static enum restore_result lock(struct restore *r)
{
    r->phase = "waiting for the lock on the ledger";
    enum restore_result result = restore_progress(r);
    if (result == RESTORE_DONE)
        result = restore_from_db(r, db_begin(r->db),
                                 "the ledger can not be locked: another restore may be at work");
    if (result == RESTORE_DONE)
        result = lock_checkpoints(r);
    return result == RESTORE_DONE ? see_redis(r) : result;
}

/* --- building --------------------------------------------------------------------------------- */

void restore_touch(struct restore *restore)
{
    struct apply apply;
    apply_init(&apply, restore->db, 0);
    /* What fails here fails at the commit as well, and is told there. */
    (void)!apply_lock(&apply);
    apply_free(&apply);
}

/* A primary that a later promotion replaced is not to take the epoch from that one (rule TOKEN,
 * docs/model), unless a person says so: Sentinels or a cluster that were set up anew count from the
 * beginning. */
static enum restore_result check_promotion(struct restore *r, unsigned p, struct apply *apply)
{
    if (!admin_is_master_now(r->admin, p))
        return restore_no_redis(r);
    apply->opener = *admin_reign(r->admin, p);
    enum db_result read = epochs_read(r->db, p, apply->at.id.epoch, &apply->epochs);
    if (read != DB_OK)
        return restore_from_db(r, read, "the ledger");
    if (!r->options->only_lost || !admin_ranks(r->admin) ||
        apply->opener.order >= apply->epochs.opener.order)
        return RESTORE_DONE;
    return restore_say(
        r, RESTORE_REFUSED,
        "the ledger is in the epoch of a later promotion than the one that made this "
        "Redis the primary: it was replaced, and has nothing to be restored");
}

static enum restore_result seal(struct restore *r)
{
    int64_t number = 0;
    enum restore_result result = restore_from_db(
        r, epochs_restored(r->db, r->epoch, r->scene.now_ms, &number), "the ledger");
    begin_rebuild(r, number);
    for (unsigned p = 0; p < r->scene.partitions && result == RESTORE_DONE; p++) {
        struct apply apply;
        apply_init(&apply, r->db, p);
        apply.at = r->scene.parts[p].sql;
        apply.run_epoch = r->epoch;
        result = check_promotion(r, p, &apply);
        if (result == RESTORE_DONE && apply_seal(&apply, r->epoch) != APPLY_DONE) {
            snprintf(r->why, sizeof(r->why), "the ledger: %s", apply.why);
            result = RESTORE_UNSURE;
        }
        apply_free(&apply);
    }
    return result;
}

static enum restore_result claim(struct restore *r)
{
    struct meta *found = found_metas(r);
    if (!found)
        return no_memory(r);
    r->claimed = true;
    enum restore_result result = restore_from_redis(r, rebuild_claim(&r->rebuild, found));
    free(found);
    return result;
}

static enum restore_result clear(struct restore *r)
{
    struct rebuild_old old = {.cursor = "0"};
    r->phase = "clearing Redis";
    while (old.partition < r->scene.partitions) {
        enum restore_result result = restore_from_redis(r, rebuild_clear(&r->rebuild, &old));
        if (result != RESTORE_DONE)
            return result;
        restore_touch(r);
        result = restore_progress(r);
        if (result != RESTORE_DONE)
            return result;
    }
    return RESTORE_DONE;
}

/* SQL first: a Redis that is open must never be ahead of a seal that was not kept. */
static enum restore_result open_store(struct restore *r)
{
    r->phase = "opening";
    enum db_result committed = db_commit(r->db);
    if (committed == DB_UNKNOWN) {
        enum restore_result result = scene_see_ledger(r, false);
        if (result != RESTORE_DONE)
            return result;
        committed = r->scene.parts[0].sql.id.epoch == r->epoch ? DB_OK : DB_AGAIN;
    }
    enum restore_result result =
        restore_from_db(r, committed, "the ledger did not take the new epoch");
    return result == RESTORE_DONE ? restore_from_redis(r, rebuild_open(&r->rebuild)) : result;
}

/* All between BEGIN and the end. */
static enum restore_result build_all(struct restore *r)
{
    enum verdict verdict;
    enum restore_result result = lock(r);
    if (result == RESTORE_DONE)
        result = judge_scene(r, &verdict);
    if (result == RESTORE_DONE && verdict == VERDICT_HALT)
        result = restore_say(r, RESTORE_UNSURE, "a partition was opened meanwhile: try again");
    if (result == RESTORE_DONE)
        result = build_check(r);
    if (result != RESTORE_DONE)
        return result;
    r->epoch = next_epoch(&r->scene);
    result = seal(r);
    if (result == RESTORE_DONE)
        result = claim(r);
    if (result == RESTORE_DONE)
        result = clear(r);
    r->phase = "building";
    if (result == RESTORE_DONE)
        result = build_run(r);
    r->phase = "verifying";
    if (result == RESTORE_DONE)
        result = r->options->verify(r->options->user, r);
    return result == RESTORE_DONE ? open_store(r) : result;
}

/* Counts what would be built. */
static enum restore_result rehearse(struct restore *r)
{
    enum restore_result result = restore_from_db(r, db_begin_read(r->db), "the ledger");
    r->phase = "counting";
    if (result == RESTORE_DONE)
        result = build_check(r);
    if (result == RESTORE_DONE)
        result = build_run(r);
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
    enum restore_result result = begin_restore(restore, &verdict);
    if (result != RESTORE_DONE)
        return result;
    if (options->dry_run)
        return rehearse(restore);
    if (verdict == VERDICT_HALT)
        result = halt(restore);
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
    free(restore->scene.parts);
    db_close(restore->db);
    if (restore->admin)
        admin_free(restore->admin);
    *restore = (struct restore){.phase = NULL};
}
