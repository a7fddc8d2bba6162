#include "check/replay_versions.h"

#include <assert.h>

/* Quoted numbers are whatever a server said: a sum beyond all bounds wraps, and is found wrong. */
static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Goes on from what was quoted, as if everything before was as it should be. */
static void settle_step(struct walk *w, const struct walk_step *step)
{
    w->at.version = step->version;
    w->at.remaining = step->remaining;
    w->at.doubted = false;
    w->at.adrift = step->mute;
}

static enum walk_found compare_step(struct walk *w, const struct walk_step *step)
{
    int64_t quoted = step->remaining;
    if (step->mute)
        return WALK_FINE;
    if (quoted == w->at.remaining) {
        w->at.doubted = false;
        return WALK_FINE;
    }
    if (w->at.doubted && quoted == w->at.other) {
        w->at.remaining = quoted;
        w->at.doubted = false;
        return WALK_FINE;
    }
    w->expected = w->at.remaining;
    w->at.other = quoted;
    w->at.doubted = true;
    return WALK_WRONG;
}

static void remember_kept(struct walk *w, const struct walk_step *step)
{
    if (w->kept_version == 0 || w->past_kept || step->version <= w->kept_version)
        return;
    w->kept = w->at;
    w->past_kept = true;
}

/* The versions from behind the last one to `to` belong to nobody. */
static enum walk_found found_gap(struct walk *w, const struct walk_step *step, uint64_t to)
{
    if (w->kept_version > 0 && to > w->kept_version)
        to = w->kept_version > w->at.version ? w->kept_version : w->at.version;
    w->missing = to - w->at.version;
    w->missing_to = to;
    settle_step(w, step);
    return w->missing > 0 ? WALK_GAP : WALK_FINE;
}

enum walk_found walk_step(struct walk *w, const struct walk_step *step)
{
    remember_kept(w, step);
    if (!w->started && step->creates) {
        w->started = true;
        w->at.version = step->version;
        w->at.remaining = step->change;
        return compare_step(w, step);
    }
    w->started = true;
    assert(step->version >= w->at.version);
    uint64_t next = w->at.version + !step->read;
    if (step->version > next)
        return found_gap(w, step, step->version - !step->read);
    if (step->version < next) {
        w->at.other = step->remaining;
        w->at.doubted = true;
        return WALK_TWICE;
    }
    if (w->at.adrift) {
        settle_step(w, step);
        return WALK_FINE;
    }
    w->at.version = next;
    if (!step->read) {
        w->at.remaining = plus(w->at.remaining, step->change);
        w->at.other = plus(w->at.other, step->change);
    }
    return compare_step(w, step);
}

void walk_foresee(struct walk *w, uint64_t kept)
{
    assert(w->kept_version == 0);
    w->kept_version = kept;
    w->past_kept = false;
}

void walk_restore(struct walk *w, uint64_t version)
{
    if (w->past_kept)
        w->at = w->kept;
    w->at.adrift |= !w->started || w->at.version != w->kept_version;
    w->started = true;
    assert(version >= w->at.version);
    w->at.version = version;
    w->kept_version = 0;
    w->past_kept = false;
}
