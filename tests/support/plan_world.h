/* plan_world.h -- a Redis in memory, and the store's part in a plan.
 *
 * Layer: tests. The world keeps what Redis keeps (items and records as the bytes that the core
 * encodes, deadline indexes, counters of customers, results of keys) and plays the store around
 * plan(): it reads what the view wants, plans until nothing is wanted, and applies the overlay at
 * once. Every attempt asserts that each round read something new, that rounds are bounded, that
 * what is not marked dirty did not change, and that the same input gives the same plan.
 *
 * One partition. Outcomes and events live until the next world_begin().
 */
#pragma once

#include "core/event.h"
#include "core/plan.h"
#include "core/tenant.h"

#define WORLD_ROUNDS_MAX 12
#define WORLD_BUCKETS    4096

struct world_customer {
    char name[SHARE_MAX_BYTES + 1];
    int64_t units;
};

struct world_item {
    char sku[SKU_STORED_MAX_BYTES + 1];
    char text[ITEM_TEXT_SIZE]; /* "": there is no such key */
    struct view_due *index;    /* earliest first, ties by id, as a sorted set of Redis has them */
    size_t due_count, due_cap;
    struct world_customer *customers;
    size_t customer_count, customer_cap;
};

struct world_record {
    struct world_record *next;
    struct rid id;
    size_t n;
    char bytes[];
};

struct world_key {
    char *name, *bytes;
    size_t name_n, n;
};

struct world {
    struct plan_limits limits;
    int64_t now_ms;
    struct world_item *items;
    size_t item_count, item_cap;
    struct world_record *records[WORLD_BUCKETS];
    size_t record_count;
    struct world_key *keys;
    size_t key_count, key_cap;
    bool slow;  /* what a round finds to be wanted is read by the next one only */
    bool again; /* every plan is made twice, to the same bytes */
    /* Of the attempts since world_begin(). */
    struct arena arena;
    struct event *events;
    size_t event_count, event_cap;
    unsigned attempts, rounds;
    bool wrote; /* the last attempt had something to write */
    struct buf entry, scratch;
};

void world_init(struct world *w, const struct plan_limits *limits, int64_t now_ms);
void world_free(struct world *w);

/* Forgets the outcomes and the events of the attempts before. */
void world_begin(struct world *w);

/* One batch: ops[0..count) are planned and the effects applied. Deferred ones stay OUT_NONE. */
void world_attempt(struct world *w, struct op *const *ops, unsigned count);

/* world_begin(), then attempts until every operation has an outcome. */
void world_run(struct world *w, struct op *const *ops, unsigned count);

/* What is stored. An item that never was has version 0. */
struct item world_read_item(struct world *w, const char *sku);
const struct world_item *world_find_item(const struct world *w, struct str sku);
int64_t world_units(const struct world *w, const char *sku, const char *customer);
/* NULL: no such record. In the arena of the attempts. */
const struct reservation *world_read_record(struct world *w, const struct rid *id);

/* Puts another value there. The item, and the customer's units, must be there already. */
void world_write_item(struct world *w, const char *sku, const struct item *item);
void world_write_units(struct world *w, const char *sku, const char *customer, int64_t units);

/* What time does in Redis: old records and keys go. */
void world_drop_record(struct world *w, const struct rid *id);
void world_drop_key(struct world *w, struct str key);
