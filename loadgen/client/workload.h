/* workload.h -- what a simulated client does next: the scenarios, as tables and dice.
 *
 * Layer: client, pure: the randomness is the client's own stream, passed in. The workload is made
 * once, before the fork, and only read afterwards.
 */
#pragma once

#include "history/format.h"
#include "random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_STOCK_MAX 2000000000 /* units an item: what a history line holds */
#define WORKLOAD_SKUS_MAX  1000000
#define WORKLOAD_BATCH_MAX 100 /* operations: a batch fits into TARGET_REQUEST_MAX */
#define WORKLOAD_ERR_SIZE  200

enum work {
    WORK_RESERVE,
    WORK_DECREMENT,
    WORK_CONFIRM,
    WORK_RELEASE,
    WORK_EXTEND,
    WORK_GET, /* half items, half reservations */
    WORK_ADJUST,
    WORK_PAST,      /* a get of a reservation that has ended, or was left to expire */
    WORK_LOOKUP,    /* what was recorded for an answered key */
    WORK_REUSE,     /* an answered key with another body, which must be refused */
    WORK_SET,       /* a PUT on an item as it was read last, with If-Match */
    WORK_LIST,      /* some of the run's items */
    WORK_BATCH,     /* some of the others in one request */
    WORK_RERESERVE, /* a confirm, of what may have expired, that takes the units again then */
    WORK_REMOVE,    /* a delete of an item, or the creation of one that was deleted */
    WORK_TRANSFER,  /* units of an item become another's */
    WORKS
};

struct workload {
    const char *scenario;
    const char *about; /* one line for `stockload list` */
    bool contended;    /* a run that was not contended, or never sold out, proves nothing */
    uint32_t skus;
    uint32_t stock; /* units of each */
    uint32_t weight[WORKS];
    uint32_t qty_min, qty_max;
    uint32_t basket_min, basket_max; /* lines of a reservation */
    uint32_t batch_min, batch_max;   /* operations of a batch */
    uint32_t ttl_ms;                 /* whole seconds */
    double theta;                    /* of Zipf's law; 0: every item is as likely as the next */
    double again;                    /* share of confirms and releases that two clients try */
    double forget;                   /* share of reservations that are left to expire at once */
    double late; /* share of reservations that are kept until about their deadline */
    bool named; /* reservations carry a customer, a reference and metadata, decrements a customer */
    uint32_t limit;           /* max_per_customer of limited items; 0: none is limited */
    uint32_t limited_every;   /* item i is, if i is a multiple; 0: each is, if there is a limit */
    uint32_t customers;       /* that clients share; 0: each has its own */
    uint32_t clients;         /* among whom that is shared out; 0 counts as one */
    uint32_t keeps;           /* so many of them at a time; from workload_open */
    uint32_t removable_every; /* as in the history's facts; from workload_open */
    float *share;             /* cumulative, one per item; from workload_open */
    uint32_t weights;         /* sum; from workload_open */
};

/* The scenarios' defaults, `count` of them. */
const struct workload *workload_scenarios(size_t *count);

/* The defaults of one, or NULL. */
const struct workload *workload_find(const char *scenario);

/* Checks what the user changed and makes the tables. -EINVAL with err, -ENOMEM. */
int workload_open(struct workload *w, char *err, size_t err_size) MUST_CHECK;
void workload_close(struct workload *w);

/* A kind of work, as likely as its weight says. */
enum work workload_pick(const struct workload *w, struct rng *rng);

/* An item, the hottest first: item 0 is the most likely. */
uint32_t workload_item(const struct workload *w, struct rng *rng);

/* `count` different items (fewer when there are not as many), in random order; returns how many. */
unsigned workload_basket(const struct workload *w, struct rng *rng, uint32_t *items);

/* An item that may be deleted, each as likely as the next: of hot ones something is held most of
 * the time. There must be some: of a workload that removes. */
uint32_t workload_removable(const struct workload *w, struct rng *rng);

/* Whether that one may be. */
static inline bool workload_removes(const struct workload *w, uint32_t item)
{
    return w->removable_every > 0 && item % w->removable_every == w->removable_every - 1;
}

/* How many reservations that client may keep at a time, until about their deadline. */
uint32_t workload_keeps(const struct workload *w, uint32_t client);

/* The most operations that go out in one request. */
unsigned workload_calls(const struct workload *w);

/* How many go out in a batch. */
unsigned workload_batch(const struct workload *w, struct rng *rng);

uint32_t workload_quantity(const struct workload *w, struct rng *rng);

/* True with this probability. */
bool workload_chance(struct rng *rng, double probability);
