/* timeline.h -- one reservation from its reserve to its end, as its clients saw it.
 *
 * Layer: check. Gathers the transitions of a reservation and everything that was said about it, in
 * the order of versions. The version is that of the reservation's first item: it rises with each
 * transition of the reservation, though not only with those. A timeline is used for one reservation
 * after the other and keeps its memory.
 *
 * When the service was restored meanwhile, a part of a timeline may be undone (restored.h): such
 * transitions and reads stay in it, marked as lost, and the timeline goes on from what came before
 * them. losses.c tells of what is lost.
 */
#pragma once

#include "check/index.h"

#include <stddef.h>

enum event_what {
    EVENT_TRANSITION, /* reserve, extend, confirm, release, expiry */
    EVENT_READ,       /* a get that showed the reservation, or an answer that told of its expiry */
    EVENT_CLAIM,      /* a refusal that says what became of it, or that it is not there */
};

struct event {
    uint64_t version; /* of the first line; claims have none: UINT64_MAX */
    uint32_t slot;
    uint8_t what;  /* enum event_what */
    uint8_t state; /* enum hitimeline_detail: after a transition, or as said */
    bool lost;     /* undone by a restore; claims never are, for they quote nothing */
};

struct timeline {
    uint32_t reserve;
    size_t count, cap;
    struct event *events;
    bool gone;                 /* the reserve itself was undone */
    bool shaken;               /* something was undone, or may have been */
    unsigned unresolved;       /* confirms, releases, extends that may have happened */
    unsigned unresolved_ends;  /* the confirms and releases among them */
    unsigned unresolved_again; /* the rereserves among those */
    unsigned ends;             /* confirms and releases that took effect, rereserves too */
    uint32_t end;              /* one of them, 0 for none */
    uint32_t expiry;           /* the get over first of those that show it expired, 0 for none */
    uint32_t read_back;        /* the last get after the load that was answered, 0 for none */
};

/* 0 or -ENOMEM. Also settles which of several confirms (or releases) with the same numbers did it;
 * the others become EFFECT_AGAIN. */
int timeline_gather(struct timeline *t, struct index *index, uint32_t reserve) MUST_CHECK;
void timeline_free(struct timeline *t);

/* Puts the expiry that `expiry` shows among the transitions. */
int timeline_add_expiry(struct timeline *t, struct index *index) MUST_CHECK;

/* Whether its end is a confirm that had to take the units again, behind an expiry. */
bool timeline_took_again(const struct timeline *t, const struct index *index);

/* The transition with that version, NULL when there is none; and the last that was not undone, or,
 * when all were, the last of all. */
const struct event *timeline_transition(const struct timeline *t, uint64_t version);
const struct event *timeline_last(const struct timeline *t);
