/* history_levels.c -- the stock of an item over a time: what is to be drawn.
 *
 * Times ascend with versions, which have an index; times have none. So the version in force at each
 * instant is found by halving, for sixteen instants in one statement: what a chart costs depends on
 * its points and only by a logarithm on how often the item has changed.
 */
#include "ledger/query/history.h"
#include "ledger/rows.h"

#include <assert.h>

#define LEVEL_COLUMNS "at_ms, version, available, held, sold"

static const struct db_statement first_change =
    DB_ASK("t", "SELECT 0, " LEVEL_COLUMNS " FROM events WHERE sku = $1 ORDER BY version LIMIT 1");
static const struct db_statement last_change = DB_ASK(
    "t", "SELECT 0, " LEVEL_COLUMNS " FROM events WHERE sku = $1 ORDER BY version DESC LIMIT 1");
static const struct db_statement changes_between =
    DB_ASK("tiii", "SELECT 0, " LEVEL_COLUMNS " FROM events WHERE sku = $1 AND version > $2 "
                   "AND version <= $3 ORDER BY version LIMIT $4");

/* The last change up to each of the versions, behind the number of that version in the question;
 * nothing for one that there is none for. */
#define ARMS 16
#define ARM(N, PARAMETER)                                                                          \
    "SELECT * FROM (SELECT " #N " AS arm, " LEVEL_COLUMNS " FROM events WHERE sku = $1 AND "       \
    "version <= $" #PARAMETER " ORDER BY version DESC LIMIT 1) a" #N
#define AND_ARM(N, PARAMETER) " UNION ALL " ARM(N, PARAMETER)
static const struct db_statement changes_up_to =
    DB_ASK("tiiiiiiiiiiiiiiii",
           ARM(0, 2) AND_ARM(1, 3) AND_ARM(2, 4) AND_ARM(3, 5) AND_ARM(4, 6) AND_ARM(5, 7)
               AND_ARM(6, 8) AND_ARM(7, 9) AND_ARM(8, 10) AND_ARM(9, 11) AND_ARM(10, 12)
                   AND_ARM(11, 13) AND_ARM(12, 14) AND_ARM(13, 15) AND_ARM(14, 16) AND_ARM(15, 17));

/* --- rows ------------------------------------------------------------------------------------- */

static struct history_level level_of(const struct db_value *row)
{
    return (struct history_level){.at_ms = rows_int(&row[1]),
                                  .version = rows_int(&row[2]),
                                  .available = rows_int(&row[3]),
                                  .held = rows_int(&row[4]),
                                  .sold = rows_int(&row[5])};
}

static int keep_level(void *context, const struct db_value *row, size_t count)
{
    struct rows_page *page = context;
    struct history_level *level = rows_page_next(page);
    if (!level)
        return -1;
    *level = level_of(row);
    return 0;
}

/* One row or none: its version is 0 then. */
static enum db_result one_level(struct db *db, const struct db_statement *statement, struct str sku,
                                struct history_level *level)
{
    const struct db_value value = db_text(sku);
    struct rows_page page = {.rows = level, .row_bytes = sizeof(*level), .max = 1};
    *level = (struct history_level){.version = 0};
    return db_run(db, statement, &value, 1, keep_level, &page, NULL);
}

/* --- instants --------------------------------------------------------------------------------- */

/* One instant on the way to the change that was the last up to it. Invariant: that has a version of
 * low to high, and `level` is the change that has low, or the last before. */
struct probe {
    int64_t at_ms, low, high;
    struct history_level level;
};

/* What was before the first change is its level, too, as there is no other. */
static struct probe probe_begin(int64_t at_ms, const struct history_level *first,
                                const struct history_level *last)
{
    struct probe probe = {at_ms, first->version, last->version, *first};
    if (at_ms < first->at_ms)
        probe = (struct probe){first->at_ms, first->version, first->version, *first};
    if (at_ms > last->at_ms)
        probe = (struct probe){last->at_ms, last->version, last->version, *last};
    return probe;
}

static int64_t middle_of(const struct probe *probe)
{
    return probe->low + (probe->high - probe->low + 1) / 2;
}

/* What the last change up to the middle is; version 0: there is none. */
static void narrow(struct probe *probe, const struct history_level *level)
{
    if (level->version > 0 && level->at_ms > probe->at_ms) {
        probe->high = level->version - 1;
        return;
    }
    probe->low = middle_of(probe);
    if (level->version > 0)
        probe->level = *level;
}

static int keep_arm(void *context, const struct db_value *row, size_t count)
{
    struct history_level *arms = context;
    arms[rows_int(&row[0])] = level_of(row);
    return 0;
}

/* Asks for the middle of so many. An arm that is left over asks for a version that none has. */
static enum db_result ask_middles(struct db *db, struct str sku, struct probe *const *asked,
                                  unsigned count)
{
    struct history_level arms[ARMS] = {0};
    struct db_value values[1 + ARMS] = {db_text(sku)};
    for (unsigned i = 0; i < ARMS; i++)
        values[1 + i] = db_int(i < count ? middle_of(asked[i]) : 0);
    enum db_result result = db_run(db, &changes_up_to, values, 1, keep_arm, arms, NULL);
    for (unsigned i = 0; i < count && result == DB_OK; i++)
        narrow(asked[i], &arms[i]);
    return result;
}

/* Once for each that is not at its end yet; *open becomes how many those were. */
static enum db_result ask_once(struct db *db, struct str sku, struct probe *probes, unsigned count,
                               unsigned *open)
{
    struct probe *asked[ARMS];
    unsigned n = 0;
    enum db_result result = DB_OK;
    *open = 0;
    for (unsigned i = 0; i < count && result == DB_OK; i++) {
        if (probes[i].low < probes[i].high)
            asked[n++] = &probes[i];
        if (n == 0 || (n < ARMS && i + 1 < count))
            continue;
        *open += n;
        result = ask_middles(db, sku, asked, n);
        n = 0;
    }
    return result;
}

static enum db_result find_all(struct db *db, struct str sku, struct probe *probes, unsigned count)
{
    unsigned open = count;
    enum db_result result = DB_OK;
    while (open > 0 && result == DB_OK)
        result = ask_once(db, sku, probes, count, &open);
    return result;
}

/* --- what is drawn ---------------------------------------------------------------------------- */

/* Of the instants that lie evenly between both levels, from the one's time to the other's; several
 * that nothing changed between are one. */
static enum db_result sample(struct db *db, struct arena *arena, struct history_levels *list,
                             const struct probe ends[2])
{
    struct probe *probes = arena_zalloc(arena, list->points * sizeof(*probes));
    const int64_t from_ms = ends[0].at_ms, span_ms = ends[1].at_ms - from_ms;
    if (!probes)
        return DB_NO_MEMORY;
    for (unsigned i = 0; i < list->points; i++)
        probes[i] =
            (struct probe){.at_ms = from_ms + (int64_t)((double)span_ms * i / (list->points - 1)),
                           .low = ends[0].level.version,
                           .high = ends[1].level.version,
                           .level = ends[0].level};
    probes[0] = ends[0]; /* both are found already */
    probes[list->points - 1] = ends[1];
    enum db_result result = find_all(db, list->sku, probes, list->points);
    list->count = 0;
    for (unsigned i = 0; i < list->points && result == DB_OK; i++)
        if (i == 0 || probes[i].level.version != list->levels[list->count - 1].version)
            list->levels[list->count++] = probes[i].level;
    return result;
}

/* Each change, if that many can be drawn; else those of some instants. */
static enum db_result draw(struct db *db, struct arena *arena, struct history_levels *list,
                           const struct probe ends[2])
{
    struct rows_page page = rows_page_begin(arena, sizeof(*list->levels), list->points + 1);
    const struct db_value values[] = {db_text(list->sku), db_int(ends[0].level.version),
                                      db_int(ends[1].level.version), db_int(list->points)};
    struct history_level *first = rows_page_next(&page);
    if (!first)
        return DB_NO_MEMORY;
    *first = ends[0].level;
    enum db_result result = db_run(db, &changes_between, values, 1, keep_level, &page, NULL);
    list->levels = page.rows;
    list->count = (unsigned)page.count;
    return result == DB_OK && list->count > list->points ? sample(db, arena, list, ends) : result;
}

enum db_result history_levels_find(struct db *db, struct arena *arena, struct history_levels *list)
{
    struct history_level first, last;
    assert(list->points >= 2 && list->from_ms <= list->to_ms);
    list->count = 0;
    enum db_result result = one_level(db, &first_change, list->sku, &first);
    if (result == DB_OK)
        result = one_level(db, &last_change, list->sku, &last);
    list->known = result == DB_OK && first.version > 0;
    if (!list->known || list->to_ms < first.at_ms)
        return result;
    struct probe ends[2] = {
        probe_begin(list->from_ms, &first, &last),
        probe_begin(list->to_ms, &first, &last),
    };
    result = find_all(db, list->sku, ends, 2);
    return result == DB_OK ? draw(db, arena, list, ends) : result;
}
