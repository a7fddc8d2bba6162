/* audit_walk.h -- what the parts of an audit share while they walk through a partition.
 *
 * Layer: audit, private to audit*.c. A page is compared at once; what differs because Redis was
 * ahead is kept, up to WALK_KEPT_MAX of it, and compared again when the ledger has caught up.
 *
 * Functions that read return false when the audit cannot go on: audit->why says why.
 */
#ifndef AUDIT_AUDIT_WALK_H
#define AUDIT_AUDIT_WALK_H

#include "audit/audit.h"
#include "audit/compare.h"
#include "core/limits.h"
#include "ledger/present.h"

#define WALK_KEPT_MAX    SCAN_PAGE
#define WALK_NAMED_SLOTS (1u << 16)
#define WALK_PLACE_SIZE  1024

/* An item as Redis had it, ahead of the ledger. */
struct walk_item {
    char sku[SKU_MAX_BYTES + 1];
    struct item item;
};

/* A customer's share as Redis had it, at a version that the ledger may not have yet. */
struct walk_share {
    char sku[SKU_MAX_BYTES + 1], customer[TEXT_MAX_BYTES + 1];
    int64_t version, units;
};

struct walk {
    struct audit *audit;
    unsigned partition;
    struct arena page;  /* of what is being compared; its owner resets it */
    struct arena inner; /* of what belongs to one item of that page */
    struct arena again; /* of what is compared once more */
    struct arena names; /* of what was met outside of the other walks */
    struct walk_item items[WALK_KEPT_MAX];
    struct rid rids[WALK_KEPT_MAX];
    struct walk_share shares[WALK_KEPT_MAX];
    size_t item_count, rid_count, share_count;
    /* What was named already, by hash: two walks may find the same. */
    uint64_t named[WALK_NAMED_SLOTS];
    uint32_t named_count;
};

/* Where a walk over names goes on: behind this one. */
struct walk_place {
    char bytes[WALK_PLACE_SIZE];
    size_t n;
};
bool walk_remember(struct audit *audit, struct walk_place *place, struct str name)
    __attribute__((warn_unused_result));
static inline struct str walk_behind(const struct walk_place *place)
{
    return (struct str){place->bytes, place->n};
}

/* Of the whole partition. */
bool walk_reservations(struct walk *walk) __attribute__((warn_unused_result));
bool walk_items(struct walk *walk) __attribute__((warn_unused_result));
/* Each line of each held one of these, against the index of its item. */
bool walk_links(struct walk *walk, const struct scan_record *records, size_t count)
    __attribute__((warn_unused_result));
/* The index of deadlines of one item. */
bool walk_holds(struct walk *walk, struct str sku) __attribute__((warn_unused_result));
/* What customers have of one item, in both directions. */
bool walk_shares(struct walk *walk, struct str sku) __attribute__((warn_unused_result));
/* What was kept of them. */
bool walk_kept_shares(struct walk *walk) __attribute__((warn_unused_result));
/* What the other walks do not come to, in all partitions. */
bool walk_strays(struct walk *walk) __attribute__((warn_unused_result));
/* The records of one bucket. */
bool walk_bucket(struct walk *walk, int64_t bucket) __attribute__((warn_unused_result));
/* Drops from skus[] what cannot be an item's name, and what the ledger knows. */
bool walk_only_unknown(struct walk *walk, struct str *skus, size_t *count)
    __attribute__((warn_unused_result));
/* Items that the ledger did not know a moment ago. */
bool walk_unknown_items(struct walk *walk, const struct str *skus, size_t count)
    __attribute__((warn_unused_result));
/* What was kept of reservations, and of items and shares. */
bool walk_kept_reservations(struct walk *walk) __attribute__((warn_unused_result));
bool walk_kept_items(struct walk *walk) __attribute__((warn_unused_result));
/* Within SQL. */
bool walk_balance(struct audit *audit) __attribute__((warn_unused_result));

/* Names a drift. Unprintable bytes are masked. */
void walk_drift(struct audit *audit, enum audit_kind kind, unsigned partition, struct str name,
                const char *text);

/* The same for what has an id. */
void walk_name(struct walk *walk, enum audit_kind kind, const struct rid *rid, const char *text);

/* True the first time that a thing of this kind and name is asked for. Past half of the slots it
 * may be true again. */
bool walk_first_time(struct walk *walk, struct str kind, struct str name);

void walk_progress(struct audit *audit);

/* Whether a read of Redis (0 or -errno), or one of SQL, is good; if not, says why not. */
bool walk_redis(struct audit *audit, int rc) __attribute__((warn_unused_result));
bool walk_sql(struct audit *audit, enum db_result result) __attribute__((warn_unused_result));

/* Waits until the ledger is where the stream ends now. */
bool walk_catch_up(struct walk *walk) __attribute__((warn_unused_result));

#endif
