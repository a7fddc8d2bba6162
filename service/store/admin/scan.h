/* scan.h -- what lies in Redis, page by page, for whoever compares it with something else.
 *
 * Layer: store. Works on the connections of a struct admin, and only
 * reads, but for scan_keep_audit. What is handed out lives in the caller's arena. 0, -EIO
 * (admin_why says why) or -ENOMEM. Every call is bounded by its caller's page, and what one call
 * quotes of several keys is of one instant (MULTI), so that a moving store does not look torn.
 */
#pragma once

#include "arena.h"
#include "store/admin/admin.h"
#include "store/layout.h"

#define SCAN_PAGE 512

/* --- items ------------------------------------------------------------------------------------ */

/* An item with its places in the indexes. */
struct scan_item {
    struct str sku; /* the caller's */
    enum layout_found found;
    struct item item;
    bool listed;         /* in `skus` */
    int64_t due_ms;      /* its score in `due`; 0: it is not there */
    int64_t earliest_ms; /* the first deadline among its holds; 0: there is none */
};

/* Names of items that exist, behind `after` if that is not empty. */
int scan_names(struct admin *admin, struct arena *arena, unsigned partition, struct str after,
               size_t max, struct str **names, size_t *count) MUST_CHECK;

/* The items of these names, all of one instant. At most SCAN_PAGE. */
int scan_items(struct admin *admin, struct arena *arena, unsigned partition, const struct str *skus,
               size_t count, struct scan_item **items) MUST_CHECK;

/* --- records ---------------------------------------------------------------------------------- */

struct scan_record {
    struct rid id;
    enum layout_found found;
    struct reservation r;
};

/* At most `max` buckets of records, behind `after` (-1: from the first). */
int scan_buckets(struct admin *admin, struct arena *arena, unsigned partition, int64_t after,
                 size_t max, int64_t **buckets, size_t *count) MUST_CHECK;

/* A page of a bucket from the cursor "0" on until it is "0" again. What is there all the time comes
 * at least once, what comes or goes meanwhile perhaps. An entry whose field is no id is BROKEN and
 * has an id of zeros; *strangers counts those. */
int scan_records(struct admin *admin, struct arena *arena, unsigned partition, int64_t bucket,
                 char cursor[ADMIN_CURSOR_SIZE], struct scan_record **records, size_t *count,
                 size_t *strangers) MUST_CHECK;

/* The records of these ids, each of them as of some instant. */
int scan_records_named(struct admin *admin, struct arena *arena, unsigned partition,
                       const struct rid *rids, size_t count,
                       struct scan_record **records) MUST_CHECK;

/* --- keys ------------------------------------------------------------------------------------- */

/* A page of all keys of buckets, and of what belongs to an item, of whatever partition, that lie in
 * the Redis of this one, cursor as above; a key may come twice. */
int scan_keys(struct admin *admin, struct arena *arena, unsigned partition,
              char cursor[ADMIN_CURSOR_SIZE], struct layout_key **keys, size_t *count) MUST_CHECK;

/* True in *stray if there is such a bucket and the set of buckets does not list it. */
int scan_stray_bucket(struct admin *admin, unsigned partition, struct str bucket,
                      bool *stray) MUST_CHECK;

/* A page of the names in the set `due`. */
int scan_due(struct admin *admin, struct arena *arena, unsigned partition,
             char cursor[ADMIN_CURSOR_SIZE], struct str **names, size_t *count) MUST_CHECK;

/* --- deadlines -------------------------------------------------------------------------------- */

/* What a record says and what an item's index of deadlines says, of one instant. */
struct scan_link {
    struct rid id;              /* in */
    struct str sku;             /* in */
    struct scan_record *record; /* shared by links of the same id that follow each other */
    int64_t deadline_ms;        /* the score in holds:<sku>; 0: the id is not there */
};

int scan_links(struct admin *admin, struct arena *arena, unsigned partition,
               struct scan_link *links, size_t count) MUST_CHECK;

/* A page of the ids in an item's index of deadlines; cursor and strangers as above. */
int scan_holds(struct admin *admin, struct arena *arena, unsigned partition, struct str sku,
               char cursor[ADMIN_CURSOR_SIZE], struct rid **rids, size_t *count,
               size_t *strangers) MUST_CHECK;

/* --- customers -------------------------------------------------------------------------------- */

struct scan_usage {
    struct str customer;
    int64_t units; /* 0: not there; -1: not a number */
};

/* A page of what Redis counts per customer of an item, with the item at that instant. */
int scan_usage(struct admin *admin, struct arena *arena, unsigned partition, struct str sku,
               char cursor[ADMIN_CURSOR_SIZE], struct scan_item *item, struct scan_usage **shares,
               size_t *count) MUST_CHECK;

/* The same for these customers, one share each, in their order. */
int scan_usage_named(struct admin *admin, struct arena *arena, unsigned partition, struct str sku,
                     const struct str *customers, size_t count, struct scan_item *item,
                     struct scan_usage **shares) MUST_CHECK;

/* --- counters alone --------------------------------------------------------------------------- */

/* Those of items of any partitions, at most SCAN_PAGE: all zeros for one that is not there, and
 * where its partition is not open or cannot be asked. */
void scan_counters(struct admin *admin, const struct str *skus, size_t count, struct item *items);

/* --- the last audit --------------------------------------------------------------------------- */

struct scan_audit {
    int64_t result; /* 0 equal, 1 drift, 2 could not tell; -1: there was none */
    int64_t drift, at_ms;
    int64_t items, reservations; /* compared */
};

int scan_keep_audit(struct admin *admin, const struct scan_audit *audit) MUST_CHECK;
int scan_last_audit(struct admin *admin, struct scan_audit *audit) MUST_CHECK;
