#include "ledger/apply/projection.h"
#include "ledger/query/current_state.h"
#include "restore/items.h"
#include "restore/steps.h"

#include <stdio.h>

#define PAGE            1000
#define ARENA_BLOCK     ((size_t)256 << 10)
#define ARENA_MAX_BYTES ((size_t)64 << 20)
#define NAMED_MAX       10

struct build {
    struct restore *r;
    unsigned partition;
    struct arena arena, side; /* of a page; of what belongs to one item of it */
};

static enum restore_result from_db(const struct build *b, enum db_result result)
{
    return restore_from_db(b->r, result, "the ledger");
}

static bool writes(const struct build *b)
{
    return !b->r->options->dry_run;
}

/* --- what must hold --------------------------------------------------------------------------- */

static const struct db_statement contradictions =
    DB_ASK("i", "SELECT sku, held, CAST(lines_held AS bigint) FROM unbalanced_holds "
                "ORDER BY sku LIMIT $1");

static int name_item(void *context, const struct db_value *row, size_t count)
{
    struct restore *r = context;
    size_t n = strlen(r->why);
    snprintf(r->why + n, sizeof(r->why) - n, "%s %.*s holds %lld, its reservations %lld",
             n ? "," : "SQL contradicts itself:", STR_ARG(row[0].as.text),
             (long long)row[1].as.number, (long long)row[2].as.number);
    return 0;
}

/* One page of each partition tells whether their number is right: names are spread evenly. */
static enum restore_result check_places(struct build *b)
{
    struct restore *r = b->r;
    struct current_item *items;
    size_t count;
    arena_reset(&b->arena);
    enum db_result result =
        current_items(r->db, &b->arena, b->partition, STR(""), PAGE, &items, &count);
    if (result != DB_OK)
        return from_db(b, result);
    for (size_t i = 0; i < count; i++) {
        if (layout_partition(r->scene.partitions, items[i].sku) == b->partition)
            continue;
        snprintf(r->why, sizeof(r->why),
                 "item %.*s lies in partition %u, which it would not with %u partitions: give "
                 "--partitions, as the services have it",
                 STR_ARG(items[i].sku), b->partition, r->scene.partitions);
        return RESTORE_FAILED;
    }
    return RESTORE_DONE;
}

/* --- pages ------------------------------------------------------------------------------------ */

/* Rows of one kind, and where the next page of them begins. */
struct page {
    const struct kind *kind;
    struct arena *arena;
    const struct current_item *item; /* of shares */
    enum current_order order;        /* of reservations */
    int64_t at_ms;                   /* the same */
    char after[KEY_STORED_MAX_BYTES];
    size_t after_n;
    union {
        void *all;
        struct reservation *reservations;
        struct current_operation *operations;
        struct current_item *items;
        struct current_usage *shares;
    } rows;
    size_t count;
};

struct kind {
    enum db_result (*read)(struct build *b, struct page *page);
    enum restore_result (*put)(struct build *b, struct page *page);
    /* What names row i; the page behind it begins there. */
    struct str (*name)(struct page *page, size_t i, char text[RID_TEXT_SIZE]);
};

static struct str behind(const struct page *page)
{
    return (struct str){page->after, page->after_n};
}

/* False: there is nothing behind. */
static bool next_page(struct page *page)
{
    char text[RID_TEXT_SIZE];
    if (page->count < PAGE)
        return false;
    struct str last = page->kind->name(page, page->count - 1, text);
    page->after_n = last.n;
    if (last.n <= sizeof(page->after))
        memcpy(page->after, last.p, last.n);
    return last.n <= sizeof(page->after);
}

/* All rows of a kind, page by page. */
static enum restore_result put_all(struct build *b, struct page *page)
{
    enum restore_result result;
    do {
        arena_reset(page->arena);
        result = from_db(b, page->kind->read(b, page));
        if (result == RESTORE_DONE)
            result = page->kind->put(b, page);
        if (result == RESTORE_DONE)
            result = restore_progress(b->r);
    } while (result == RESTORE_DONE && next_page(page));
    return result;
}

/* --- reservations ----------------------------------------------------------------------------- */

static enum db_result read_reservations(struct build *b, struct page *page)
{
    const struct current_place after = {page->at_ms, behind(page)};
    return current_reservations(b->r->db, page->arena, b->partition, page->order, after, PAGE,
                                &page->rows.reservations, &page->count);
}

static enum restore_result put_reservations(struct build *b, struct page *page)
{
    struct restore *r = b->r;
    enum rebuild_result result = REBUILD_OK;
    for (size_t i = 0; i < page->count && result == REBUILD_OK; i++) {
        bool held = page->rows.reservations[i].state == RESERVATION_HELD;
        ++*(held ? &r->counts.held : &r->counts.ended);
        if (writes(b))
            result = rebuild_reservation(&r->rebuild, &page->rows.reservations[i]);
    }
    return restore_from_redis(r, result);
}

static struct str name_reservation(struct page *page, size_t i, char text[RID_TEXT_SIZE])
{
    const struct reservation *one = &page->rows.reservations[i];
    page->at_ms = one->state == RESERVATION_HELD ? one->expires_ms : one->ended_ms;
    return (struct str){text, rid_format(&one->id, text)};
}

/* --- operations ------------------------------------------------------------------------------- */

static enum db_result read_operations(struct build *b, struct page *page)
{
    int64_t since_ms = b->r->scene.now_ms - b->r->options->operation_retention_ms;
    return current_operations(b->r->db, page->arena, b->partition, since_ms, behind(page), PAGE,
                              &page->rows.operations, &page->count);
}

static enum restore_result put_operations(struct build *b, struct page *page)
{
    struct restore *r = b->r;
    enum rebuild_result result = REBUILD_OK;
    for (size_t i = 0; i < page->count && result == REBUILD_OK; i++) {
        const struct current_operation *one = &page->rows.operations[i];
        int64_t until_ms = one->at_ms + r->options->operation_retention_ms;
        if (until_ms <= r->scene.now_ms)
            continue;
        r->counts.operations++;
        if (writes(b))
            result = rebuild_operation(&r->rebuild, b->partition, one->key, one->result, until_ms);
    }
    return restore_from_redis(r, result);
}

static struct str name_operation(struct page *page, size_t i, char text[RID_TEXT_SIZE])
{
    return page->rows.operations[i].key;
}

/* --- shares ----------------------------------------------------------------------------------- */

static enum db_result read_shares(struct build *b, struct page *page)
{
    return current_usage(b->r->db, page->arena, page->item->sku, page->item->item.version,
                         behind(page), PAGE, &page->rows.shares, &page->count);
}

static enum restore_result put_shares(struct build *b, struct page *page)
{
    struct restore *r = b->r;
    enum rebuild_result result = REBUILD_OK;
    for (size_t i = 0; i < page->count && result == REBUILD_OK && writes(b); i++)
        result = rebuild_share(&r->rebuild, b->partition, page->item->sku,
                               page->rows.shares[i].share, page->rows.shares[i].units);
    r->counts.shares += (int64_t)page->count;
    return restore_from_redis(r, result);
}

static struct str name_share(struct page *page, size_t i, char text[RID_TEXT_SIZE])
{
    return page->rows.shares[i].share;
}

static const struct kind shares = {read_shares, put_shares, name_share};

/* --- items ------------------------------------------------------------------------------------ */

static enum db_result read_items(struct build *b, struct page *page)
{
    return current_items(b->r->db, page->arena, b->partition, behind(page), PAGE, &page->rows.items,
                         &page->count);
}

/* Two restores of an item may find the same version in SQL, and what was answered in between may
 * have been lost: the later one goes further. */
static enum restore_result restore_items(struct build *b, const struct page *page)
{
    struct restore *r = b->r;
    struct store_listed *listed;
    int64_t step = meta_restores(&r->rebuild.meta) * PROJECTION_RESTORE_STEP;
    return restore_from_redis(r, items_put(&r->rebuild, page->arena, b->partition, page->rows.items,
                                           page->count, step, &listed));
}

/* A customer's share is of units held or sold: without any there is none to ask for. */
static enum restore_result put_items(struct build *b, struct page *page)
{
    enum restore_result result = writes(b) ? restore_items(b, page) : RESTORE_DONE;
    for (size_t i = 0; i < page->count && result == RESTORE_DONE; i++) {
        const struct current_item *one = &page->rows.items[i];
        struct page of = {.kind = &shares, .arena = &b->side, .item = one};
        if (one->item.exists && one->item.held + one->item.sold > 0)
            result = put_all(b, &of);
        b->r->counts.deleted += !one->item.exists;
        b->r->counts.items++;
    }
    return result;
}

static struct str name_of_item(struct page *page, size_t i, char text[RID_TEXT_SIZE])
{
    return page->rows.items[i].sku;
}

/* --- all -------------------------------------------------------------------------------------- */

static enum restore_result flush(struct build *b)
{
    return writes(b) ? restore_from_redis(b->r, rebuild_flush(&b->r->rebuild)) : RESTORE_DONE;
}

static enum restore_result turn_to(struct build *b)
{
    return writes(b) ? restore_from_redis(b->r, rebuild_turn(&b->r->rebuild, b->partition))
                     : RESTORE_DONE;
}

/* The items come last: what is due of them is read off the reservations. */
static enum restore_result build_partition(struct build *b)
{
    static const struct kind reservations = {read_reservations, put_reservations, name_reservation},
                             operations = {read_operations, put_operations, name_operation},
                             items = {read_items, put_items, name_of_item};
    int64_t since_ms = b->r->scene.now_ms - b->r->options->reservation_retention_ms;
    struct page pages[] = {{.kind = &reservations, .order = CURRENT_HELD},
                           {.kind = &reservations, .order = CURRENT_ENDED, .at_ms = since_ms},
                           {.kind = &operations},
                           {.kind = &items}};
    enum restore_result result = turn_to(b);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]) && result == RESTORE_DONE; i++) {
        pages[i].arena = &b->arena;
        result = put_all(b, &pages[i]);
        if (result == RESTORE_DONE)
            result = flush(b);
    }
    return result;
}

/* Runs a step for each partition. */
static enum restore_result each_partition(struct restore *r,
                                          enum restore_result (*step)(struct build *b))
{
    struct build b = {.r = r};
    enum restore_result result = RESTORE_DONE;
    arena_init(&b.arena, ARENA_BLOCK, ARENA_MAX_BYTES);
    arena_init(&b.side, ARENA_BLOCK, ARENA_MAX_BYTES);
    for (; b.partition < r->scene.partitions && result == RESTORE_DONE; b.partition++)
        result = step(&b);
    arena_free(&b.arena);
    arena_free(&b.side);
    return result;
}

enum restore_result build_check(struct restore *r)
{
    const struct db_value most = db_int(NAMED_MAX);
    r->why[0] = '\0';
    enum restore_result result = restore_from_db(
        r, db_run(r->db, &contradictions, &most, 1, name_item, r, NULL), "the ledger");
    if (result == RESTORE_DONE && r->why[0])
        result = RESTORE_FAILED;
    return result == RESTORE_DONE ? each_partition(r, check_places) : result;
}

enum restore_result build_run(struct restore *r)
{
    r->counts = (struct restore_counts){0};
    return each_partition(r, build_partition);
}
