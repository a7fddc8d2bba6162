/* faults.h -- a Redis, a ledger and a service, and what goes wrong around them.
 *
 * Layer: tests. The test owns the struct. Only processes that were started here are killed. Every
 * fault ends by itself or with soak_mend(), so afterwards all is as it should be.
 */
#pragma once

#include "random.h"
#include "support/api.h"
#include "support/ledger_base.h"

#define SOAK_HELD_MAX 400
#define SOAK_KINDS    9

struct soak {
    struct stack stack;
    struct bases bases;
    uint64_t seed;
    struct rng rng;
    int kills;               /* processes that the master has to start again */
    int done[SOAK_KINDS];    /* faults, by kind */
    int held[SOAK_HELD_MAX]; /* sockets that stall or do not read; a new one takes the oldest's
                                place */
    int next_held;
};

/* 0, or -1 with a message. */
int soak_start(struct soak *s);
int soak_stop(struct soak *s);

/* One fault, drawn, and a pause behind it. */
void soak_fault(struct soak *s);

/* Lets go of all that is held, and gives Redis what it had. */
void soak_mend(struct soak *s);

/* How many of each there were. */
void soak_say(const struct soak *s);

/* A number of /metrics; -1: no answer. 0: not there yet. */
int64_t soak_metric(struct soak *s, const char *name);
bool soak_is_ready(struct soak *s);
