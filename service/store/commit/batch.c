/* batch.c -- the life of a batch. batch_read.c and batch_write.c speak with Redis. */
#include "store/commit/batch.h"

#include <assert.h>
#include <stdlib.h>

#define ARENA_FIRST_BYTES (256u << 10)
#define ARENA_MAX_BYTES   (256u << 20)
#define EVENTS_MAX_BYTES  (32u << 20)
#define SCRATCH_MAX_BYTES (1u << 20)

bool batch_init(struct batch *batch, unsigned partitions, uint16_t partition, unsigned cap)
{
    *batch = (struct batch){.partitions = partitions, .partition = partition, .cap = cap};
    arena_init(&batch->arena, ARENA_FIRST_BYTES, ARENA_MAX_BYTES);
    buf_init(&batch->events, EVENTS_MAX_BYTES);
    buf_init(&batch->scratch, SCRATCH_MAX_BYTES);
    batch->ops = calloc(cap, sizeof(*batch->ops));
    batch->planned = calloc(cap, sizeof(*batch->planned));
    return batch->ops && batch->planned;
}

void batch_free(struct batch *batch)
{
    arena_free(&batch->arena);
    buf_free(&batch->events);
    buf_free(&batch->scratch);
    free(batch->ops);
    free(batch->planned);
}

void batch_forget(struct batch *batch, unsigned i)
{
    assert(i < batch->count);
    batch->ops[i] = NULL;
}

void batch_compact(struct batch *batch)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < batch->count; i++)
        if (batch->ops[i])
            batch->ops[kept++] = batch->ops[i];
    batch->count = kept;
}

int batch_by_item(const void *a, const void *b)
{
    const struct view_customer *x = *(struct view_customer *const *)a;
    const struct view_customer *y = *(struct view_customer *const *)b;
    return x->item < y->item ? -1 : x->item > y->item;
}

int batch_by_bucket(const void *a, const void *b)
{
    int64_t x = rid_bucket(&(*(struct view_reservation *const *)a)->id);
    int64_t y = rid_bucket(&(*(struct view_reservation *const *)b)->id);
    return x < y ? -1 : x > y;
}

bool batch_begin(struct batch *batch)
{
    arena_reset(&batch->arena);
    view_init(&batch->view, &batch->arena, &batch->events, &batch->scratch);
    batch->rounds = 0;
    batch->now_ms = 0;
    batch->asked_time = batch->joined = false;
    batch_compact(batch);
    for (unsigned i = 0; i < batch->count; i++)
        if (!plan_collect(&batch->view, &batch->ops[i]->op))
            return false;
    return true;
}

enum plan_result batch_plan(struct batch *batch, const struct plan_limits *limits)
{
    batch_compact(batch);
    for (unsigned i = 0; i < batch->count; i++)
        batch->planned[i] = &batch->ops[i]->op;
    return plan(&batch->view, batch->planned, batch->count, batch->now_ms, limits);
}
