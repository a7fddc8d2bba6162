/* settle.h -- after the load: what became of the operations that nobody answered, and what is left.
 *
 * Layer: loadgen. Three things are asked of the server and added to the history:
 *   lookup.c    each mutation without an answer, by its key, and a sample of those with one; two
 *               looks, a second apart, must agree that it is not there before that counts as "did
 *               not happen"
 *   readback.c  each reservation that was not seen to end, and a sample of the others; then every
 *               item's counters. Repeated until no item moved in between, so that the reservations
 *               and the counters are of one moment.
 *   probe.c     how often the service was restored, or failed over, since the set-up
 *
 * Invariant: nothing here changes stock.
 */
#pragma once

#include "client/intent.h"
#include "history/reader.h"
#include "run/caller.h"
#include "run/probe.h"
#include "run/setup.h"

struct settle_options {
    const char *path;         /* of the history */
    uint64_t settle_ms;       /* to wait before the first look, if there is anything to wait for */
    uint64_t stopped_ns;      /* CLOCK_MONOTONIC: when the last client stopped */
    struct probe_ready ready; /* the service, before the set-up */
};

/* 0, also when the server did not answer everything: that is noted in facts.trouble. -EINTR,
 * -ENOSPC, -ENOMEM. */
int settle(const struct load *load, struct history_writer *w, const struct settle_options *options,
           step_progress_fn *progress, void *ctx) MUST_CHECK;

/* --- between the files of settle --- */

#define SETTLE_TIMEOUT_NS UINT64_C(5000000000)
#define SETTLE_TRIES      10 /* of one question that gets no useful answer */

/* What is known of an operation, by its slot. */
enum settle_mark {
    MARK_MUTATION = 0x01, /* first attempt of one */
    MARK_OK = 0x02,       /* one of its attempts was answered with 2xx */
    MARK_UNKNOWN = 0x04,  /* one was not answered */
    MARK_ENDED = 0x08,    /* a reserve: its reservation was seen to be confirmed or released */
    MARK_FIRST = 0x10,    /* one of the 2xx was no replay: so its key must have been recorded */
};

struct settle {
    const struct load *load;
    struct history_writer *w;
    struct history_facts *facts;
    struct history_reader reader;
    step_progress_fn *progress;
    void *ctx;
    uint8_t *mark;        /* by slot */
    uint32_t *id_slot;    /* by slot of the reserve: where its id is; 0: unknown */
    struct buf id;        /* scratch */
    uint64_t unknowns;    /* mutations to look up */
    bool unsettled;       /* a question stayed without an answer */
    unsigned silence;     /* questions in a row without an answer */
    unsigned connections; /* about as many as the load had */
    int rc;
};

/* The id of the reservation made in that slot; absent when none is known. Valid until the next
 * call. */
struct str settle_id(struct settle *s, uint32_t slot);

/* Notes whether the server answered; gives the status, 0 for no answer. */
unsigned settle_heard(struct settle *s, const struct call_end *end);

/* Begins an operation of the settling, the same as `root` was: its kind, client, seq and lines; it
 * is about `of`. NULL when it could not be written: s->rc says why. */
struct history_op *settle_begin(struct settle *s, const struct history_op *root, uint32_t of,
                                const struct call_end *end);

/* Completes it with what the answer to it says; reserve: the slot of what made the reservation that
 * it is about, 0 for none. */
struct lesson settle_finish(struct settle *s, struct history_op *op,
                            const struct mismatch_request *request, const struct response *response,
                            uint32_t reserve, const struct call_end *end);

/* True when nothing more should be asked. */
bool settle_is_over(const struct settle *s);

int settle_lookup(struct settle *s) MUST_CHECK;
/* Until nothing moves in between, and nothing is held before overdue_ns; no longer than until_ns.
 */
int settle_readback(struct settle *s, uint64_t overdue_ns, uint64_t until_ns) MUST_CHECK;
