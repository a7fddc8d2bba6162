/* hook.h -- one hook at work: what it sends next, and what follows from how that ended.
 *
 * Layer: hooks; time is an argument. Knows no SQL: hook_turn.h brings events in and writes down
 * what became of them. What a hook has in flight is the sender's until it comes back by
 * hook_ended().
 *
 * An endpoint that fails RETRY_DOUBT_RUN times in a row is taken for away: then one event at a time
 * is tried, after pauses that grow, until one is delivered.
 */
#pragma once

#include "hooks/hook_store.h"
#include "hooks/sender.h"
#include "hooks/window.h"
#include "random.h"

#define HOOK_WHY_SIZE 160

struct hook {
    const struct hook_spec *spec; /* the caller's, who may put another one in its place */

    /* Who sends. */
    bool mine;
    char seen_owner[HOOK_OWNER_SIZE]; /* of somebody else's */
    int64_t seen_beat, seen_ms;       /* since when it stands; 0: it was not seen yet */
    int64_t beat_ms;                  /* when SQL last said that it is ours */

    /* Whether it is switched off, and whether SQL is to be told. */
    bool off, off_unsaved;

    /* How far: behind what was read, what need not be read again, what SQL has of that. */
    unsigned partitions;
    struct tail_position *read, *safe, *saved; /* of PARTITIONS_MAX each */
    bool whole;                                /* there was no more to read */
    struct window window;
    int64_t save_ms; /* the last transaction */

    /* The endpoint. */
    unsigned run;       /* failures since the last success */
    unsigned throttled; /* answers 429 since then */
    int64_t pause_ms;   /* nothing is sent before */
};

/* The clocks, and chance. */
struct hook_now {
    int64_t mono_ms, wall_ms;
    struct rng *rng;
};

/* NULL: out of memory. */
struct hook *hook_new(const struct hook_spec *spec);
void hook_free(struct hook *hook);

/* It is somebody else's from now on, or nobody's: everything that was read is forgotten. Its
 * requests must have been cancelled. */
void hook_forget(struct hook *hook);

/* Sends what may be sent. */
void hook_send(struct hook *hook, struct sender *sender, const struct hook_now *now);

/* What came out of sender_take(), whose owner the hook is, and whose user the event. */
void hook_ended(struct hook *hook, const struct sender_result *result, const struct hook_now *now);

/* How long nothing will be to be sent if nothing ends meanwhile; at most most_ms. */
int64_t hook_idle_ms(const struct hook *hook, int64_t now_ms, int64_t most_ms);
