#include "ledger/query/tail.h"
#include "ledger/owner.h"
#include "ledger/rows.h"

#include <assert.h>

static const struct db_statement read_ends =
    DB_ASK("", "SELECT c.partition_no, c.epoch, c.seq, (SELECT MAX(e.n) FROM events e "
               "WHERE e.partition_no = c.partition_no AND e.epoch = c.epoch AND e.seq = c.seq) "
               "FROM checkpoints c WHERE c.epoch > 0");
#define WINDOW_GROWTH 4

/* A window of rows, and whether each is an event of the tenant. Both comparisons of rows are ranges
 * of an index. The limit stands inside, so that reservations are looked up for a window only,
 * whatever a planner may think. */
#define WINDOW(MINE, WHERE)                                                                        \
    "SELECT e.epoch, e.seq, e.n, " MINE ", " MOVEMENT_COLUMNS                                      \
    " FROM (SELECT epoch, seq, n, " MOVEMENT_OF_EVENTS " FROM events WHERE " WHERE                 \
    " partition_no = $2 AND (epoch, seq, n) > ($3, $4, $5) AND (epoch, seq, n) <= ($6, $7, $8) "   \
    "ORDER BY epoch, seq, n LIMIT $9) e LEFT JOIN reservations r ON r.rid = e.rid "                \
    "ORDER BY e.epoch, e.seq, e.n"

/* The default tenant's rows are among those of others in the primary key; the others have an index
 * of their own. */
static const struct db_statement of_default = DB_ASK(
    "tiiiiiiii", WINDOW("CASE WHEN e.tenant = $1 AND e.sku IS NOT NULL THEN 1 ELSE 0 END", ""));
static const struct db_statement of_tenant =
    DB_ASK("tiiiiiiii", WINDOW("1", "tenant <> '' AND tenant = $1 AND"));
#define MINE_COLUMN 3

/* The rows of one partition that were read and not given out yet. */
struct run {
    struct tail_event *events;
    size_t next, count, room;
    size_t window; /* rows to look at next; more where nothing was found */
    unsigned partition;
    struct tail_position looked; /* the last row that was looked at */
    bool whole;                  /* there are no others up to the end */
};

struct reading {
    struct db *db;
    struct arena *arena;
    struct tail_position *at;
    const struct tail_position *ends;
    struct str tenant; /* as its column has it */
    struct run *runs;
    size_t run_count;
    size_t passed; /* rows that were none of the tenant's events */
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
    size_t looked;
};

static int keep_row(void *context, const struct db_value *row, size_t count)
{
    struct rows *rows = context;
    struct run *run = rows->run;
    if (run->count == run->room)
        return 0;
    rows->looked++;
    run->looked = (struct tail_position){{row[0].as.number, row[1].as.number}, row[2].as.number};
    if (row[MINE_COLUMN].as.number == 0)
        return 0;
    struct tail_event *event = &run->events[run->count++];
    *event = (struct tail_event){.partition = run->partition, .at = run->looked};
    return movement_take(rows->arena, &row[MINE_COLUMN + 1], &event->movement) ? 0 : -1;
}

/* Reads the next rows of a partition. That they end at the checkpoint of the same snapshot costs
 * nothing, as no others are visible, and keeps a row out that somebody else might ever put there:
 * what is in front of the checkpoint now may still get neighbours, and a position behind it would
 * pass over them. */
static enum db_result read_window(struct reading *reading, struct run *run)
{
    const struct tail_position at = run->looked;
    const struct tail_position *end = &reading->ends[run->partition];
    const struct db_value values[] = {
        db_text(reading->tenant), db_int(run->partition), db_int(at.id.epoch),
        db_int(at.id.seq),        db_int(at.n),           db_int(end->id.epoch),
        db_int(end->id.seq),      db_int(end->n),         db_int((int64_t)run->window)};
    struct rows rows = {.run = run, .arena = reading->arena};
    run->next = run->count = 0;
    enum db_result result = db_run(reading->db, reading->tenant.n > 0 ? &of_tenant : &of_default,
                                   values, 1, keep_row, &rows, NULL);
    run->whole = rows.looked < run->window && run->count < run->room;
    reading->passed += rows.looked - run->count;
    return result;
}

/* Until there is an event, or no more, or enough was looked at. */
static enum db_result fill_run(struct reading *reading, struct run *run)
{
    enum db_result result = DB_OK;
    bool goes_on = true;
    for (run->window = run->room; result == DB_OK && goes_on;) {
        result = read_window(reading, run);
        goes_on = run->count == 0 && !run->whole && reading->passed < TAIL_LOOK_MAX;
        run->window *= run->window < TAIL_LOOK_MAX / WINDOW_GROWTH ? WINDOW_GROWTH : 1;
    }
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
        run->looked = reading->at[p];
        run->room = max / behind + 1;
        run->events = arena_alloc(reading->arena, run->room * sizeof(*run->events));
        result = run->events ? fill_run(reading, run) : DB_NO_MEMORY;
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

/* A partition of which all was given out is behind what was passed over as well. */
static void skip_passed(const struct reading *reading)
{
    for (size_t i = 0; i < reading->run_count; i++) {
        const struct run *run = &reading->runs[i];
        if (run->next == run->count)
            reading->at[run->partition] = run->whole ? reading->ends[run->partition] : run->looked;
    }
}

/* One that has nothing to give out, though there may be more, keeps the order of times unknown. */
static bool is_short(const struct reading *reading)
{
    for (size_t i = 0; i < reading->run_count; i++)
        if (reading->runs[i].next == reading->runs[i].count && !reading->runs[i].whole)
            return true;
    return false;
}

enum db_result tail_page(struct db *db, struct arena *arena, struct str tenant,
                         struct tail_position *at, const struct tail_position *ends,
                         unsigned partitions, size_t max, struct tail_event **events, size_t *count)
{
    struct reading reading = {
        .db = db, .arena = arena, .at = at, .ends = ends, .tenant = owner_tenant_column(tenant)};
    struct run *run;
    assert(max > 0);
    *count = 0;
    *events = arena_alloc(arena, max * sizeof(**events));
    enum db_result result = *events ? open_runs(&reading, partitions, max) : DB_NO_MEMORY;
    while (result == DB_OK && *count < max && !is_short(&reading) && (run = oldest(&reading))) {
        struct tail_event *event = &run->events[run->next++];
        (*events)[(*count)++] = *event;
        at[run->partition] = event->at;
        if (run->next == run->count && !run->whole)
            result = fill_run(&reading, run);
    }
    if (result == DB_OK)
        skip_passed(&reading);
    return result;
}
