/* replay_versions.h -- one item's numbers along its versions: do they follow from each other?
 *
 * Layer: check, pure. Fed in the order of versions, a transition before the reads of its version.
 * Each transition must be the next version and leave what was there before plus its change; each
 * read must quote what the last transition left.
 *
 * One mistake is one finding: after a gap the walk goes on from what is quoted behind it. After a
 * wrong number either the number or the answer may be wrong, and of two transitions with one
 * version either may be what counts, so both numbers are kept until a later answer agrees with one.
 *
 * A restore (restored.h) takes the item back to an earlier version under a new number. It is told
 * in advance, so that the numbers of that version are still known when the walk goes on from them:
 * what was read of the versions that are to be lost need belong to nobody, since nobody was
 * promised them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum walk_found {
    WALK_FINE,
    WALK_GAP,   /* `missing` versions, up to `missing_to`, belong to nobody */
    WALK_TWICE, /* the version has a transition already */
    WALK_WRONG, /* `expected` would have been right */
};

struct walk {
    struct walk_place {
        uint64_t version;
        int64_t remaining;
        int64_t other; /* while doubted: the number that was quoted instead */
        bool doubted;
        bool adrift; /* nobody knows the numbers of that version */
    } at, kept;      /* kept: where a restore will go on from, once the walk is past it */
    bool started, past_kept;
    uint64_t kept_version;        /* of the restore ahead; 0: none */
    uint64_t missing, missing_to; /* after WALK_GAP */
    int64_t expected;             /* after WALK_WRONG */
};

struct walk_step {
    bool read, creates; /* creates: starts the item, with any version */
    bool mute;          /* a read that says nothing of what remains */
    uint64_t version;
    int64_t change, remaining;
};

enum walk_found walk_step(struct walk *w, const struct walk_step *step) MUST_CHECK;

/* A restore is ahead that brings back version `kept`; no step is past it yet. */
void walk_foresee(struct walk *w, uint64_t kept);

/* It has come: the item goes on from there, and that version is now called `version`. */
void walk_restore(struct walk *w, uint64_t version);
