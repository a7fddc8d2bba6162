#include "ledger/query/tail.h"
#include "ledger/rows.h"

#include <assert.h>

static const struct db_statement read_ends =
    DB_ASK("", "SELECT c.partition_no, c.epoch, c.seq, (SELECT MAX(e.n) FROM events e "
               "WHERE e.partition_no = c.partition_no AND e.epoch = c.epoch AND e.seq = c.seq) "
               "FROM checkpoints c WHERE c.epoch > 0");
/* Both comparisons of rows are ranges of the primary key. The limit stands inside, so that
 * reservations are looked up for a page only, whatever a planner may think. */
static const struct db_statement read_rows = DB_ASK(
    "iiiiiiii", "SELECT e.epoch, e.seq, e.n, " MOVEMENT_COLUMNS " FROM ("
                "SELECT epoch, seq, n, at_ms, type, sku, version, available_delta, held_delta, "
                "sold_delta, available, held, sold, rid, customer, reference, reason, expires_ms "
                "FROM events WHERE partition_no = $1 AND (epoch, seq, n) > ($2, $3, $4) "
                "AND (epoch, seq, n) <= ($5, $6, $7) AND sku IS NOT NULL "
                "ORDER BY epoch, seq, n LIMIT $8"
                ") e LEFT JOIN reservations r ON r.rid = e.rid ORDER BY e.epoch, e.seq, e.n");

/* The rows of one partition that were read and not given out yet. */
struct run {
    struct tail_event *events;
    size_t next, count, room;
    unsigned partition;
    bool whole; /* there are no others up to the end */
};

struct reading {
    struct db *db;
    struct arena *arena;
    struct tail_position *at;
    const struct tail_position *ends;
    struct run *runs;
    size_t run_count;
};

int tail_compare(const struct tail_position *a, const struct tail_position *b)
{
    int order = event_id_compare(a->id, b->id);
    return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

/* --- ends ------------------------------------------------------------------------------------- */

struct ends {
    struct tail_position *at;
    unsigned partitions;
};

static int keep_end(void *context, const struct db_value *row, size_t count)
{
    const struct ends *ends = context;
    if (row[0].as.number < (int64_t)ends->partitions)
        ends->at[row[0].as.number] = (struct tail_position){
            .id = {row[1].as.number, row[2].as.number}, .n = rows_int(&row[3])};
    return 0;
}

enum db_result tail_ends(struct db *db, struct tail_position *ends, unsigned partitions)
{
    struct ends context = {.at = ends, .partitions = partitions};
    memset(ends, 0, partitions * sizeof(*ends));
    return db_run(db, &read_ends, NULL, 1, keep_end, &context, NULL);
}

/* --- rows ------------------------------------------------------------------------------------- */

struct rows {
    struct run *run;
    struct arena *arena;
};

static int keep_row(void *context, const struct db_value *row, size_t count)
{
    const struct rows *rows = context;
    struct run *run = rows->run;
    assert(run->count < run->room);
    struct tail_event *event = &run->events[run->count++];
    *event = (struct tail_event){.partition = run->partition,
                                 .at = {{row[0].as.number, row[1].as.number}, row[2].as.number}};
    return movement_take(rows->arena, &row[3], &event->movement) ? 0 : -1;
}

/* Reads the next rows of a partition. That they end at the checkpoint of the same snapshot costs
 * nothing, as no others are visible, and keeps a row out that somebody else might ever put there:
 * what is in front of the checkpoint now may still get neighbours, and a position behind it would
 * pass over them. */
static enum db_result fill(const struct reading *reading, struct run *run)
{
    const struct tail_position *at = &reading->at[run->partition];
    const struct tail_position *end = &reading->ends[run->partition];
    const struct db_value values[] = {db_int(run->partition), db_int(at->id.epoch),
                                      db_int(at->id.seq),     db_int(at->n),
                                      db_int(end->id.epoch),  db_int(end->id.seq),
                                      db_int(end->n),         db_int((int64_t)run->room)};
    struct rows rows = {.run = run, .arena = reading->arena};
    run->next = run->count = 0;
    enum db_result result = db_run(reading->db, &read_rows, values, 1, keep_row, &rows, NULL);
    run->whole = run->count < run->room;
    return result;
}

/* --- the page --------------------------------------------------------------------------------- */

/* A run for each partition that has something new. */
static enum db_result open_runs(struct reading *reading, unsigned partitions, size_t max)
{
    size_t behind = 0;
    for (unsigned p = 0; p < partitions; p++)
        behind += tail_compare(&reading->at[p], &reading->ends[p]) < 0;
    if (behind == 0)
        return DB_OK;
    reading->run_count = behind;
    reading->runs = arena_zalloc(reading->arena, behind * sizeof(*reading->runs));
    if (!reading->runs)
        return DB_NO_MEMORY;
    enum db_result result = DB_OK;
    size_t i = 0;
    for (unsigned p = 0; p < partitions && result == DB_OK; p++) {
        if (tail_compare(&reading->at[p], &reading->ends[p]) >= 0)
            continue;
        struct run *run = &reading->runs[i++];
        run->partition = p;
        run->room = max / behind + 1;
        run->events = arena_alloc(reading->arena, run->room * sizeof(*run->events));
        result = run->events ? fill(reading, run) : DB_NO_MEMORY;
    }
    return result;
}

/* The run whose next event is the oldest; NULL: there are none left. */
static struct run *oldest(const struct reading *reading)
{
    struct run *found = NULL;
    for (size_t i = 0; i < reading->run_count; i++) {
        struct run *run = &reading->runs[i];
        if (run->next < run->count && (!found || run->events[run->next].movement.at_ms <
                                                     found->events[found->next].movement.at_ms))
            found = run;
    }
    return found;
}

/* A partition of which all was given out is at its end, behind rows that are passed over too. */
static void skip_to_ends(const struct reading *reading)
{
    for (size_t i = 0; i < reading->run_count; i++) {
        const struct run *run = &reading->runs[i];
        if (run->whole && run->next == run->count)
            reading->at[run->partition] = reading->ends[run->partition];
    }
}

enum db_result tail_page(struct db *db, struct arena *arena, struct tail_position *at,
                         const struct tail_position *ends, unsigned partitions, size_t max,
                         struct tail_event **events, size_t *count)
{
    struct reading reading = {.db = db, .arena = arena, .at = at, .ends = ends};
    struct run *run;
    assert(max > 0);
    *count = 0;
    *events = arena_alloc(arena, max * sizeof(**events));
    enum db_result result = *events ? open_runs(&reading, partitions, max) : DB_NO_MEMORY;
    while (result == DB_OK && *count < max && (run = oldest(&reading))) {
        struct tail_event *event = &run->events[run->next++];
        (*events)[(*count)++] = *event;
        at[run->partition] = event->at;
        if (run->next == run->count && !run->whole)
            result = fill(&reading, run);
    }
    if (result == DB_OK)
        skip_to_ends(&reading);
    return result;
}
