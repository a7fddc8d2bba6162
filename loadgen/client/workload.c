/* workload.c -- the table of scenarios, and the dice. */
#include "client/workload.h"
#include "search.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX_DEFAULT 10

#define KEPT_SHARE 10 /* what is kept to the deadline holds about one unit in so many */
#define REMOVABLE  10 /* one item in so many may be deleted, where any is */

/* Defaults that show something at any speed: what must sell out does so after a few thousand
 * requests, and what must come back does so within seconds. */
static const struct workload scenarios[] = {
    {.scenario = "flash",
     .about = "everybody wants one item at the same moment, and there is far too little of it",
     .contended = true,
     .skus = 1,
     .stock = 1000,
     .weight = {[WORK_RESERVE] = 45, [WORK_DECREMENT] = 45, [WORK_GET] = 10},
     .qty_max = 1,
     .basket_max = 1,
     .ttl_ms = 600000},
    {.scenario = "zipf",
     .about = "a shop: many items, few of them asked for all the time",
     .skus = 1000,
     .stock = 1000,
     .weight = {[WORK_RESERVE] = 70, [WORK_CONFIRM] = 15, [WORK_RELEASE] = 10, [WORK_GET] = 5},
     .qty_max = 3,
     .basket_max = 1,
     .ttl_ms = 600000,
     .theta = 0.99},
    {.scenario = "basket",
     .about = "2 to 5 items at once, in any order, all or none",
     .skus = 20,
     .stock = 5000,
     .weight = {[WORK_RESERVE] = 55, [WORK_CONFIRM] = 15, [WORK_RELEASE] = 20, [WORK_GET] = 10},
     .qty_max = 3,
     .basket_min = 2,
     .basket_max = 5,
     .ttl_ms = 600000,
     .theta = 0.5},
    {.scenario = "churn",
     .about = "hold, then confirm, give back or let it expire: stock goes around zero",
     .contended = true,
     .skus = 4,
     .stock = 40,
     .weight = {[WORK_RESERVE] = 50,
                [WORK_CONFIRM] = 15,
                [WORK_RELEASE] = 18,
                [WORK_EXTEND] = 2,
                [WORK_GET] = 8,
                [WORK_PAST] = 2,
                [WORK_ADJUST] = 5,
                [WORK_RERESERVE] = 2},
     .qty_max = 2,
     .basket_max = 1,
     .ttl_ms = 1000,
     .again = 0.05,
     .forget = 0.15,
     .late = 0.2},
    {.scenario = "restock",
     .about = "a sold-out item gets new units now and then, and everybody is waiting for them",
     .contended = true,
     .skus = 4,
     .stock = 100,
     .weight = {[WORK_DECREMENT] = 60, [WORK_RESERVE] = 20, [WORK_GET] = 10, [WORK_ADJUST] = 10},
     .qty_max = 3,
     .basket_max = 1,
     .ttl_ms = 600000},
    {.scenario = "mixed",
     .about = "every operation there is, over a few hundred items",
     .skus = 200,
     .stock = 300,
     .weight = {[WORK_RESERVE] = 36,
                [WORK_DECREMENT] = 12,
                [WORK_CONFIRM] = 11,
                [WORK_RELEASE] = 11,
                [WORK_EXTEND] = 4,
                [WORK_GET] = 10,
                [WORK_ADJUST] = 4,
                [WORK_PAST] = 2,
                [WORK_LOOKUP] = 3,
                [WORK_REUSE] = 2,
                [WORK_SET] = 3,
                [WORK_LIST] = 2,
                [WORK_BATCH] = 4,
                [WORK_RERESERVE] = 3,
                [WORK_REMOVE] = 4,
                [WORK_TRANSFER] = 4},
     .qty_max = 3,
     .basket_max = 3,
     .ttl_ms = 3000,
     .theta = 0.8,
     .again = 0.02,
     .forget = 0.05,
     .late = 0.05,
     .named = true,
     .limit = 40,
     .limited_every = 5,
     .customers = 10},
};

const struct workload *workload_scenarios(size_t *count)
{
    *count = sizeof(scenarios) / sizeof(scenarios[0]);
    return scenarios;
}

const struct workload *workload_find(const char *scenario)
{
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        if (strcmp(scenarios[i].scenario, scenario) == 0)
            return &scenarios[i];
    return NULL;
}

static int make_shares(struct workload *w)
{
    w->share = malloc(w->skus * sizeof(*w->share));
    if (!w->share)
        return -ENOMEM;
    double sum = 0;
    for (uint32_t i = 0; i < w->skus; i++)
        sum += pow(i + 1.0, -w->theta);
    double so_far = 0;
    for (uint32_t i = 0; i < w->skus; i++) {
        so_far += pow(i + 1.0, -w->theta);
        w->share[i] = (float)(so_far / sum);
    }
    return 0;
}

static const char *wrong_with(const struct workload *w)
{
    if (w->skus < 1 || w->skus > WORKLOAD_SKUS_MAX)
        return "--skus must be from 1 to 1,000,000";
    if (w->stock > WORKLOAD_STOCK_MAX)
        return "--stock must be at most 2,000,000,000";
    if (w->qty_max > 1000000)
        return "--qty must be at most 1,000,000";
    if (w->basket_max > HISTORY_LINES_MAX)
        return "--basket must be at most 100 lines";
    if (w->basket_min > w->skus)
        return "--basket asks for more different items than --skus has";
    if (w->batch_max > WORKLOAD_BATCH_MAX)
        return "--batch must be at most 100 operations";
    if (w->ttl_ms < 1000 || w->ttl_ms > 604800000 || w->ttl_ms % 1000 != 0)
        return "--ttl must be whole seconds, from 1s to 7d";
    if (!(w->theta >= 0 && w->theta <= 5))
        return "--zipf must be from 0 to 5";
    return NULL;
}

int workload_open(struct workload *w, char *err, size_t err_size)
{
    w->qty_min = w->qty_min ? w->qty_min : 1;
    w->basket_min = w->basket_min ? w->basket_min : 1;
    w->basket_max = w->basket_max < w->skus ? w->basket_max : w->skus;
    w->limited_every = w->limit > 0 && w->limited_every == 0 ? 1 : w->limited_every;
    w->named |= w->limit > 0 || w->customers > 0;
    w->batch_min = w->batch_min ? w->batch_min : 1;
    w->batch_max = w->batch_max ? w->batch_max : BATCH_MAX_DEFAULT;
    uint64_t units = (uint64_t)w->skus * w->stock / KEPT_SHARE;
    w->keeps = units < UINT32_MAX ? (uint32_t)units : UINT32_MAX;
    w->removable_every = 0;
    if (w->weight[WORK_REMOVE] > 0)
        w->removable_every = w->skus < REMOVABLE ? w->skus : REMOVABLE;
    w->weights = 0;
    for (int i = 0; i < WORKS; i++)
        w->weights += w->weight[i];
    const char *wrong = w->weights == 0 ? "--mix needs a weight above 0" : wrong_with(w);
    if (wrong) {
        snprintf(err, err_size, "%s", wrong);
        return -EINVAL;
    }
    return make_shares(w);
}

void workload_close(struct workload *w)
{
    free(w->share);
    w->share = NULL;
}

enum work workload_pick(const struct workload *w, struct rng *rng)
{
    uint64_t dice = rng_below(rng, w->weights);
    int work = 0;
    while (dice >= w->weight[work]) {
        dice -= w->weight[work++];
        assert(work < WORKS);
    }
    return (enum work)work;
}

uint32_t workload_item(const struct workload *w, struct rng *rng)
{
    if (w->skus == 1)
        return 0;
    if (w->theta == 0)
        return (uint32_t)rng_below(rng, w->skus);
    float dice = (float)(rng_next(rng) >> 40) * 0x1p-24f;
    return (uint32_t)SEARCH_FIRST(0, w->skus - 1, i, w->share[i] > dice);
}

static bool contains(const uint32_t *items, unsigned n, uint32_t item)
{
    for (unsigned i = 0; i < n; i++)
        if (items[i] == item)
            return true;
    return false;
}

unsigned workload_basket(const struct workload *w, struct rng *rng, uint32_t *items)
{
    unsigned want = w->basket_min;
    if (w->basket_max > w->basket_min)
        want += (unsigned)rng_below(rng, w->basket_max - w->basket_min + 1);
    for (unsigned n = 0; n < want; n++) {
        uint32_t item = workload_item(w, rng);
        while (contains(items, n, item)) /* the next one that is free: there are enough items */
            item = (item + 1) % w->skus;
        items[n] = item;
    }
    return want;
}

uint32_t workload_removable(const struct workload *w, struct rng *rng)
{
    assert(w->removable_every > 0 && w->removable_every <= w->skus);
    uint32_t group = (uint32_t)rng_below(rng, w->skus / w->removable_every);
    return group * w->removable_every + w->removable_every - 1;
}

uint32_t workload_keeps(const struct workload *w, uint32_t client)
{
    uint32_t clients = w->clients ? w->clients : 1;
    return w->keeps / clients + (client < w->keeps % clients);
}

unsigned workload_calls(const struct workload *w)
{
    return w->weight[WORK_BATCH] > 0 ? w->batch_max : 1;
}

unsigned workload_batch(const struct workload *w, struct rng *rng)
{
    return w->batch_min + (unsigned)rng_below(rng, w->batch_max - w->batch_min + 1);
}

uint32_t workload_quantity(const struct workload *w, struct rng *rng)
{
    return w->qty_min + (uint32_t)rng_below(rng, w->qty_max - w->qty_min + 1);
}

bool workload_chance(struct rng *rng, double probability)
{
    return probability > 0 && (double)(rng_next(rng) >> 11) * 0x1p-53 < probability;
}
