/* restore_steps.c -- what went wrong, in the words of a restore; looking. */
#include "restore/restore_steps.h"

#include <stdio.h>

/* --- trouble ---------------------------------------------------------------------------------- */

enum restore_result restore_say(struct restore *r, enum restore_result result, const char *why)
{
    snprintf(r->why, sizeof(r->why), "%s", why);
    return result;
}

enum restore_result restore_from_scene(struct restore *r, enum scene_result result)
{
    switch (result) {
    case SCENE_SEEN: return RESTORE_DONE;
    case SCENE_LEDGER_AWAY:
    case SCENE_REDIS_AWAY: return restore_say(r, RESTORE_UNSURE, r->scene.why);
    case SCENE_REFUSED: return restore_say(r, RESTORE_REFUSED, r->scene.why);
    case SCENE_NO_MEMORY: break;
    }
    return restore_say(r, RESTORE_FAILED, "out of memory");
}

enum restore_result restore_from_build(struct restore *r, enum build_result result)
{
    switch (result) {
    case BUILD_DONE: return RESTORE_DONE;
    case BUILD_LEDGER:
    case BUILD_REDIS:
    case BUILD_TAKEN:
    case BUILD_STOPPED: return restore_say(r, RESTORE_UNSURE, r->build.why);
    case BUILD_WRONG:
    case BUILD_NO_MEMORY: break;
    }
    return restore_say(r, RESTORE_FAILED, r->build.why);
}

enum restore_result restore_from_redis(struct restore *r, enum rebuild_result result)
{
    return restore_from_build(r, build_from_redis(&r->build, result));
}

enum restore_result restore_from_db(struct restore *r, enum db_result result, const char *what)
{
    if (result == DB_OK)
        return RESTORE_DONE;
    snprintf(r->why, sizeof(r->why), "%s: %s", what, db_why(r->db));
    return result == DB_NO_MEMORY || result == DB_WRONG ? RESTORE_FAILED : RESTORE_UNSURE;
}

/* --- looking ---------------------------------------------------------------------------------- */

enum restore_result restore_look(struct restore *r)
{
    enum scene_result seen = scene_see_ledger(&r->scene, r->db, false);
    if (seen == SCENE_SEEN)
        seen = scene_see_redis(&r->scene, r->admin);
    return restore_from_scene(r, seen);
}

bool restore_progress(struct restore *r)
{
    return !r->options->on_progress || r->options->on_progress(r->options->user, r);
}
