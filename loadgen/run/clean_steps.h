/* clean_steps.h -- what removing a run's items asks of the service, step by step.
 *
 * Layer: loadgen, for clean.c only. Each step asks for all that is left of its kind, once; what was
 * not answered, or with 503, is left for another round. Nothing here touches an item or a
 * reservation of anybody else: a name decides (run_name.h), and a reservation goes only if all of
 * its lines are about such items.
 */
#pragma once

#include "client/run_name.h"
#include "client/target.h"
#include "history/format.h"

#define CLEAN_ERR_SIZE 512

enum clean_state {
    CLEAN_THERE,
    CLEAN_IN_USE, /* units of it are held */
    CLEAN_GONE,
};

struct clean_item {
    char sku[RUN_SKU_SIZE];
    enum clean_state state;
    int64_t held; /* when it was listed */
};

struct clean_hold {
    char id[HISTORY_ID_MAX + 1];
    bool done;
};

struct clean {
    struct target target;
    const char *run; /* NULL: of all runs */
    bool (*stop)(void *ctx);

    struct clean_item *items;
    size_t item_count, item_room;
    struct clean_hold *holds; /* to be released */
    size_t hold_count, hold_room;
    size_t next;     /* of a step */
    size_t removed;  /* items */
    size_t released; /* reservations */
    size_t foreign;  /* reservations that hold units of other items, too */
    bool ledgerless; /* reservations cannot be listed */
    int rc;          /* ends a step */
    char err[CLEAN_ERR_SIZE];
};

/* Each: 0; -EINTR when it was stopped; otherwise -errno with c->err: it cannot go on. */
int clean_list_items(struct clean *c) MUST_CHECK;
int clean_delete_items(struct clean *c) MUST_CHECK;
int clean_list_holds(struct clean *c) MUST_CHECK; /* of items in use */
int clean_release_holds(struct clean *c) MUST_CHECK;

/* One more to release. */
int clean_add_hold(struct clean *c, struct str id) MUST_CHECK;
