/* restore_wait.c -- what others have to do first, or leave. */
#include "clock.h"
#include "restore/restore_steps.h"
#include "restore/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OPENING_WAIT_MS 2000  /* for another restore between its commit and its end */
#define DRAIN_WAIT_MS   10000 /* for the ledger to take what open partitions have */
#define PAUSE_MS        20

static void pause_a_little(void)
{
    const struct timespec time = {.tv_nsec = PAUSE_MS * 1000000};
    nanosleep(&time, NULL);
}

static bool any_unapplied(const struct scene *scene)
{
    for (unsigned p = 0; p < scene->partitions; p++)
        if (scene->parts[p].unapplied > 0)
            return true;
    return false;
}

/* Some partitions are lost, others open: closes those, and lets a ledger process take what they
 * have. What it does not take shows in the next verdict. */
enum restore_result restore_halt(struct restore *r)
{
    struct meta *found = calloc(r->scene.partitions, sizeof(*found));
    if (!found)
        return restore_say(r, RESTORE_FAILED, "out of memory");
    for (unsigned p = 0; p < r->scene.partitions; p++)
        found[p] = r->scene.parts[p].meta;
    enum restore_result result =
        restore_from_redis(r, rebuild_halt(&r->rebuild, found, VERDICT_HALTED));
    free(found);
    int64_t end_ms = clock_mono_ms() + DRAIN_WAIT_MS;
    r->phase = "waiting for the ledger";
    while (result == RESTORE_DONE) {
        result = restore_look(r);
        if (!any_unapplied(&r->scene) || clock_mono_ms() >= end_ms || !restore_progress(r))
            break;
        pause_a_little();
    }
    return result;
}

/* SQL is sealed already, and Redis about to be opened, by somebody who lives; or who died there. */
static bool is_opening(const struct scene *scene)
{
    const struct scene_part *part = &scene->parts[0];
    return meta_restoring(&part->meta) && meta_epoch(&part->meta) == part->sql.epoch;
}

/* Nobody else moves SQL from here on, until the transaction ends. */
enum restore_result restore_lock(struct restore *r)
{
    r->phase = "waiting for the lock on the ledger";
    if (!restore_progress(r))
        return restore_say(r, RESTORE_UNSURE, "stopped");
    enum restore_result result = restore_from_db(
        r, db_begin(r->db), "the ledger can not be locked: another restore may be at work");
    if (result == RESTORE_DONE && scene_see_ledger(&r->scene, r->db, true) != SCENE_SEEN) {
        snprintf(r->why, sizeof(r->why),
                 "the checkpoints can not be locked: another restore may be at work (%s)",
                 r->scene.why);
        result = RESTORE_UNSURE;
    }
    int64_t end_ms = clock_mono_ms() + OPENING_WAIT_MS;
    while (result == RESTORE_DONE) {
        result = restore_from_scene(r, scene_see_redis(&r->scene, r->admin));
        if (!is_opening(&r->scene) || clock_mono_ms() >= end_ms)
            break;
        pause_a_little();
    }
    return result;
}
