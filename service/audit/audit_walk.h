/* audit_walk.h -- the one loop of an audit, and what its parts share.
 *
 * Layer: audit, private to audit*.c. Things of a kind are walked through page by page, from either
 * side: a page of names, what both sides have of each, compared at once. What differs and may only
 * have moved is kept, up to WALK_KEPT_MAX of a kind, and looked at again when the ledger has caught
 * up. A kind says how each side is asked and what makes two of it equal; a source, where names come
 * from and what else belongs to a page of them.
 *
 * Functions that read return false when the audit cannot go on: audit->why says why.
 */
#pragma once

#include "audit/audit.h"
#include "audit/compare.h"
#include "core/tenant.h"
#include "ledger/query/current_state.h"

#define WALK_KEPT_MAX    SCAN_PAGE
#define WALK_NAMED_SLOTS (1u << 16)
#define WALK_PLACE_SIZE  1024

/* One thing, as both sides have it. */
struct walk_pair {
    struct str name; /* of an item, of a share; the bytes of an id */
    struct str sku;  /* of a share: of which item */
    /* Redis */
    const struct scan_item *item;             /* of items, and of usage */
    const struct scan_record *record, *after; /* of reservations; after the ledger was asked */
    int64_t units;
    /* the ledger */
    struct item ledger_item;                 /* version 0: it has none */
    const struct reservation *ledger_record; /* NULL: it has none */
    int64_t ledger_units;
};

struct walk_page {
    struct arena *arena;
    struct walk_pair *pairs;
    size_t count;
    bool has_redis, has_ledger; /* the source has filled in this side */
};

/* Where a walk goes on. Sources use what they need of it. */
struct walk_place {
    char name[WALK_PLACE_SIZE]; /* behind this one */
    size_t n;
    char cursor[ADMIN_CURSOR_SIZE];
    int64_t at, until; /* a bucket; a partition; times */
    enum current_order order;
    struct str sku;
    size_t strangers; /* met on the way, which are no things of this kind */
    bool done;
};
#define WALK_FROM_THE_FIRST .cursor = "0"

struct walk;

enum walk_verdict {
    WALK_FINE,
    WALK_DRIFT, /* in these words */
    WALK_LATER, /* one side may be ahead: to be looked at again */
};

struct walk_kind {
    enum audit_kind kind;
    /* Things without versions: again, Redis is looked at before and after the ledger. */
    bool twice;
    bool (*ask_redis)(struct walk *walk, struct walk_page *page, bool after);
    /* Of things with versions: as of the one that Redis had, which the ledger has reached. */
    bool (*ask_ledger)(struct walk *walk, struct walk_page *page);
    enum walk_verdict (*judge)(const struct walk *walk, const struct walk_pair *pair, bool again,
                               char text[COMPARE_TEXT_SIZE]);
};
extern const struct walk_kind walk_reservation, walk_item, walk_usage;

struct walk_source {
    const struct walk_kind *kind; /* NULL: what it turns to is judged by itself */
    bool (*turn)(struct walk *walk, struct walk_place *place, struct walk_page *page);
    bool (*beside)(struct walk *walk, const struct walk_page *page); /* or NULL */
};

/* A thing that is looked at again, with its names. */
struct walk_kept {
    struct walk_pair pair;
    struct scan_item item;
    char name[SHARE_MAX_BYTES + 1], sku[SKU_STORED_MAX_BYTES + 1];
};

struct walk {
    struct audit *audit;
    unsigned partition;
    struct arena page;  /* of what is being compared; its owner resets it */
    struct arena inner; /* of what belongs to one item of that page */
    struct arena again; /* of what is compared once more */
    struct arena links; /* of one item's index */
    struct arena names; /* of what was met outside of the other walks */
    int64_t since_ms;   /* finished reservations that ended later must be in Redis */
    struct walk_kept kept[AUDIT_KINDS][WALK_KEPT_MAX];
    size_t kept_count[AUDIT_KINDS];
    /* What was named already, by hash: two walks may find the same. */
    uint64_t named[WALK_NAMED_SLOTS];
    uint32_t named_count;
};

/* --- the loop --------------------------------------------------------------------------------- */

/* All pages of a source, from a place on, in an arena that is reset for each. */
bool walk_run(struct walk *walk, const struct walk_source *source, struct arena *arena,
              struct walk_place *place) MUST_CHECK;

/* One page, by a source that has turned to it. */
bool walk_page_of(struct walk *walk, const struct walk_source *source,
                  struct walk_page *page) MUST_CHECK;

/* Looks again at what was kept of the partition. */
bool walk_settle(struct walk *walk) MUST_CHECK;

/* Room for so many pairs, of these names unless that is NULL. */
bool walk_pairs(struct walk *walk, struct walk_page *page, const struct str *names,
                size_t count) MUST_CHECK;

/* Names of a page, one str each. NULL: said why. */
struct str *walk_names(struct walk *walk, const struct walk_page *page);

/* Of a page of so many that ends with this name. */
bool walk_turned(struct walk *walk, struct walk_place *place, size_t count,
                 struct str last) MUST_CHECK;
static inline struct str walk_behind(const struct walk_place *place)
{
    return (struct str){place->name, place->n};
}

/* --- the walks -------------------------------------------------------------------------------- */

/* Of the whole partition. */
bool walk_reservations(struct walk *walk) MUST_CHECK;
bool walk_items(struct walk *walk) MUST_CHECK;
/* What customers have of one item, in both directions. */
bool walk_usage_of(struct walk *walk, struct str sku) MUST_CHECK;
/* The index of deadlines of one item. */
bool walk_holds(struct walk *walk, struct str sku) MUST_CHECK;
/* The records of one bucket. */
bool walk_bucket(struct walk *walk, int64_t bucket) MUST_CHECK;
/* Those of these names that the ledger does not know, or not yet, and that were not looked at so
 * far. The others are left to walk_items. */
bool walk_unknown_items(struct walk *walk, struct str *skus, size_t count) MUST_CHECK;
/* What the other walks do not come to, in all partitions. */
bool walk_strays(struct walk *walk) MUST_CHECK;

/* --- what all share --------------------------------------------------------------------------- */

/* Names a drift. Unprintable bytes are masked. */
void walk_drift(struct audit *audit, enum audit_kind kind, unsigned partition, struct str name,
                const char *text);

/* The same for what has an id, of these bytes. */
void walk_name(struct walk *walk, enum audit_kind kind, struct str bytes, const char *text);
struct rid walk_rid(const struct walk *walk, struct str bytes);
static inline struct str walk_bytes(const struct rid *rid)
{
    return (struct str){(const char *)rid->b, RID_BYTES};
}

/* True the first time that a thing of this kind and name is asked for. Past half of the slots it
 * may be true again. */
bool walk_first_time(struct walk *walk, struct str kind, struct str name);

void walk_progress(struct audit *audit);

/* False, for this reason. side: who it was that could not be read, or NULL. */
bool walk_unsure(struct audit *audit, const char *side, const char *why);

/* Whether a read of Redis (0 or -errno), or one of SQL, is good; if not, says why not. */
bool walk_redis(struct audit *audit, int rc) MUST_CHECK;
bool walk_sql(struct audit *audit, enum db_result result) MUST_CHECK;

/* The same for a call within a transaction of its own. */
#define WALK_READ(audit, call) (walk_begin(audit) && walk_end((audit), (call)))
bool walk_begin(struct audit *audit) MUST_CHECK;
bool walk_end(struct audit *audit, enum db_result result) MUST_CHECK;

/* Where the ledger is, and where the stream ends. */
bool walk_position(struct audit *audit, unsigned partition, struct event_id *at) MUST_CHECK;
bool walk_tail(struct audit *audit, unsigned partition, struct event_id *tail) MUST_CHECK;
