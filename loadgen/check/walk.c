/* walk.c -- see walk.h. */
#include "check/walk.h"

#include <assert.h>

/* Quoted numbers are whatever a server said: a sum beyond all bounds wraps, and is found wrong. */
static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Goes on from what was quoted, as if everything before was as it should be. */
static void settle(struct walk *w, const struct walk_step *step)
{
    w->version = step->version;
    w->remaining = step->remaining;
    w->doubted = false;
}

static enum walk_found compare(struct walk *w, int64_t quoted)
{
    if (quoted == w->remaining) {
        w->doubted = false;
        return WALK_FINE;
    }
    if (w->doubted && quoted == w->other) {
        w->remaining = quoted;
        w->doubted = false;
        return WALK_FINE;
    }
    w->expected = w->remaining;
    w->other = quoted;
    w->doubted = true;
    return WALK_WRONG;
}

enum walk_found walk_step(struct walk *w, const struct walk_step *step)
{
    if (!w->started && step->creates) {
        w->started = true;
        w->version = step->version;
        w->remaining = step->change;
        return compare(w, step->remaining);
    }
    w->started = true;
    assert(step->version >= w->version);
    uint64_t next = w->version + !step->read;
    if (step->version > next) {
        w->missing = step->version - next;
        settle(w, step);
        return WALK_GAP;
    }
    if (step->version < next) {
        w->other = step->remaining;
        w->doubted = true;
        return WALK_TWICE;
    }
    w->version = next;
    if (!step->read) {
        w->remaining = plus(w->remaining, step->change);
        w->other = plus(w->other, step->change);
    }
    return compare(w, step->remaining);
}
