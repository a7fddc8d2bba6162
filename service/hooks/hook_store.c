#include "hooks/hook_store.h"

/* --- hooks ------------------------------------------------------------------------------------ */

static const struct db_statement list_hooks =
    DB_ASK("", "SELECT name, owner, beat, off_ms, off_why FROM hooks ORDER BY name");
static const struct db_statement list_with_counts = DB_ASK(
    "", "SELECT name, owner, beat, off_ms, off_why, "
        "(SELECT COUNT(*) FROM hook_letters l WHERE l.hook = h.name AND l.state = 'waits') + "
        "(SELECT COUNT(*) FROM hook_letters l WHERE l.hook = h.name AND l.state = 'replay'), "
        "(SELECT COUNT(*) FROM hook_letters l WHERE l.hook = h.name AND l.state = 'dead') "
        "FROM hooks h ORDER BY name");
static const struct db_statement count_partitions =
    DB_ASK("", "SELECT MAX(partition_no) FROM checkpoints WHERE epoch > 0");
static const struct db_statement make_hook = {
    .kind = DB_INSERT,
    .types = "tti",
    .head = "hooks",
    .columns = "name, owner, beat",
    .tail = "ON CONFLICT (name) DO NOTHING",
};
static const struct db_statement take_hook =
    DB_ASK("ttti", "UPDATE hooks SET owner = $1, beat = beat + 1 "
                   "WHERE name = $2 AND owner = $3 AND beat = $4");
static const struct db_statement beat_hook =
    DB_ASK("tt", "UPDATE hooks SET beat = beat + 1 WHERE name = $1 AND owner = $2");
static const struct db_statement leave_hook =
    DB_ASK("tt", "UPDATE hooks SET owner = '', beat = beat + 1 WHERE name = $1 AND owner = $2");
static const struct db_statement switch_hook =
    DB_ASK("itt", "UPDATE hooks SET off_ms = $1, off_why = $2 WHERE name = $3");
static const struct db_statement forget_hook = DB_ASK("t", "DELETE FROM hooks WHERE name = $1");
static const struct db_statement forget_positions =
    DB_ASK("t", "DELETE FROM hook_positions WHERE hook = $1");
static const struct db_statement forget_letters =
    DB_ASK("t", "DELETE FROM hook_letters WHERE hook = $1");

struct list {
    hook_row_fn *on_row;
    void *context;
};

/* 0 and absent stand for NULL. */
static int64_t number_or_0(const struct db_value *value)
{
    return value->type == DB_INT ? value->as.number : 0;
}

static struct str text_or_absent(const struct db_value *value)
{
    return value->type == DB_TEXT ? value->as.text : (struct str){NULL, 0};
}

static int give_hook(void *context, const struct db_value *row, size_t count)
{
    const struct list *list = context;
    const bool counts = count > 5;
    const struct hook_row hook = {
        .name = row[0].as.text,
        .owner = row[1].as.text,
        .beat = row[2].as.number,
        .off_ms = number_or_0(&row[3]),
        .off_why = text_or_absent(&row[4]),
        .waiting = counts ? row[5].as.number : 0,
        .dead = counts ? row[6].as.number : 0,
    };
    return list->on_row(list->context, &hook);
}

enum db_result hook_store_list(struct db *db, bool counts, hook_row_fn *on_row, void *context)
{
    struct list list = {on_row, context};
    return db_run(db, counts ? &list_with_counts : &list_hooks, NULL, 1, give_hook, &list, NULL);
}

static int keep_count(void *context, const struct db_value *row, size_t count)
{
    if (row[0].type == DB_INT)
        *(unsigned *)context = (unsigned)row[0].as.number + 1;
    return 0;
}

enum db_result hook_store_partitions(struct db *db, unsigned *count)
{
    *count = 0;
    return db_run(db, &count_partitions, NULL, 1, keep_count, count, NULL);
}

static enum db_result run_counted(struct db *db, const struct db_statement *statement,
                                  const struct db_value *values, bool *done)
{
    size_t changed = 0;
    enum db_result result = db_run(db, statement, values, 1, NULL, NULL, &changed);
    *done = changed > 0;
    return result;
}

enum db_result hook_store_make(struct db *db, struct str name, bool *done)
{
    const struct db_value values[] = {db_text(name), db_text(STR("")), db_int(0)};
    return run_counted(db, &make_hook, values, done);
}

enum db_result hook_store_take(struct db *db, struct str name, struct str seen, int64_t beat,
                               struct str owner, bool *done)
{
    const struct db_value values[] = {db_text(owner), db_text(name), db_text(seen), db_int(beat)};
    return run_counted(db, &take_hook, values, done);
}

enum db_result hook_store_beat(struct db *db, struct str name, struct str owner, bool *done)
{
    const struct db_value values[] = {db_text(name), db_text(owner)};
    return run_counted(db, &beat_hook, values, done);
}

enum db_result hook_store_leave(struct db *db, struct str name, struct str owner, bool *done)
{
    const struct db_value values[] = {db_text(name), db_text(owner)};
    return run_counted(db, &leave_hook, values, done);
}

enum db_result hook_store_switch(struct db *db, struct str name, int64_t off_ms, struct str why,
                                 bool *done)
{
    const struct db_value values[] = {off_ms ? db_int(off_ms) : (struct db_value){DB_NULL, {0}},
                                      db_text(why), db_text(name)};
    return run_counted(db, &switch_hook, values, done);
}

enum db_result hook_store_forget(struct db *db, struct str name, bool *done)
{
    const struct db_value values[] = {db_text(name)};
    enum db_result result = db_run(db, &forget_positions, values, 1, NULL, NULL, NULL);
    if (result == DB_OK)
        result = db_run(db, &forget_letters, values, 1, NULL, NULL, NULL);
    return result == DB_OK ? run_counted(db, &forget_hook, values, done) : result;
}

/* --- how far ---------------------------------------------------------------------------------- */

static const struct db_statement read_positions =
    DB_ASK("t", "SELECT partition_no, epoch, seq, n FROM hook_positions WHERE hook = $1");
static const struct db_statement put_position = {
    .kind = DB_INSERT,
    .types = "tiiii",
    .head = "hook_positions",
    .columns = "hook, partition_no, epoch, seq, n",
    .tail = "ON CONFLICT (hook, partition_no) DO UPDATE SET epoch = excluded.epoch, "
            "seq = excluded.seq, n = excluded.n",
};

struct positions {
    struct tail_position *at;
    unsigned partitions;
};

static int keep_position(void *context, const struct db_value *row, size_t count)
{
    const struct positions *to = context;
    if (row[0].as.number < (int64_t)to->partitions)
        to->at[row[0].as.number] = (struct tail_position){
            .id = {row[1].as.number, row[2].as.number}, .n = row[3].as.number};
    return 0;
}

enum db_result hook_store_positions(struct db *db, struct str name, struct tail_position *at,
                                    unsigned partitions)
{
    struct positions to = {at, partitions};
    const struct db_value values[] = {db_text(name)};
    memset(at, 0, partitions * sizeof(*at));
    return db_run(db, &read_positions, values, 1, keep_position, &to, NULL);
}

enum db_result hook_store_put_positions(struct db *db, struct str name,
                                        const struct tail_position *at,
                                        const struct tail_position *before, unsigned partitions)
{
    enum db_result result = DB_OK;
    for (unsigned p = 0; p < partitions && result == DB_OK; p++) {
        const struct db_value values[] = {db_text(name), db_int(p), db_int(at[p].id.epoch),
                                          db_int(at[p].id.seq), db_int(at[p].n)};
        if (tail_compare(&at[p], &before[p]) != 0)
            result = db_run(db, &put_position, values, 1, NULL, NULL, NULL);
    }
    return result;
}

/* --- letters ---------------------------------------------------------------------------------- */

#define LETTER                                                                                     \
    "partition_no, epoch, seq, n, state, at_ms, type, sku, body, attempts, next_ms, tried_ms, "    \
    "status, why"
#define IN_ORDER " ORDER BY partition_no, epoch, seq, n LIMIT $3"
#define THE_DEAD "hook = $1 AND state = 'dead'"
#define THAT_ONE " AND partition_no = $2 AND epoch = $3 AND seq = $4 AND n = $5"

static const struct db_statement read_letters =
    DB_ASK("tti", "SELECT " LETTER " FROM hook_letters WHERE hook = $1 AND state = $2" IN_ORDER);
static const struct db_statement put_letter = {
    .kind = DB_INSERT,
    .types = "tiiiititttiiiit",
    .head = "hook_letters",
    .columns = "hook, " LETTER,
    .tail = "ON CONFLICT (hook, partition_no, epoch, seq, n) DO UPDATE SET state = excluded.state, "
            "attempts = excluded.attempts, next_ms = excluded.next_ms, "
            "tried_ms = excluded.tried_ms, status = excluded.status, why = excluded.why",
};
static const struct db_statement drop_letter =
    DB_ASK("tiiii", "DELETE FROM hook_letters WHERE hook = $1" THAT_ONE);
static const struct db_statement replay_all = DB_ASK(
    "t", "UPDATE hook_letters SET state = 'replay', attempts = 0, next_ms = 0 WHERE " THE_DEAD);
static const struct db_statement replay_one =
    DB_ASK("tiiii", "UPDATE hook_letters SET state = 'replay', attempts = 0, next_ms = 0 "
                    "WHERE " THE_DEAD THAT_ONE);
static const struct db_statement drop_all = DB_ASK("t", "DELETE FROM hook_letters WHERE " THE_DEAD);
static const struct db_statement drop_one =
    DB_ASK("tiiii", "DELETE FROM hook_letters WHERE " THE_DEAD THAT_ONE);

struct letters {
    letter_fn *on_letter;
    void *context;
};

static int give_letter(void *context, const struct db_value *row, size_t count)
{
    const struct letters *to = context;
    const struct letter letter = {
        .partition = (unsigned)row[0].as.number,
        .at = {.id = {row[1].as.number, row[2].as.number}, .n = row[3].as.number},
        .state = row[4].as.text,
        .at_ms = row[5].as.number,
        .type = row[6].as.text,
        .sku = row[7].as.text,
        .body = row[8].as.text,
        .attempts = row[9].as.number,
        .next_ms = row[10].as.number,
        .tried_ms = row[11].as.number,
        .status = row[12].as.number,
        .why = text_or_absent(&row[13]),
    };
    return to->on_letter(to->context, &letter);
}

enum db_result hook_store_letters(struct db *db, struct str name, struct str state, size_t max,
                                  letter_fn *on_letter, void *context)
{
    struct letters to = {on_letter, context};
    const struct db_value values[] = {db_text(name), db_text(state), db_int((int64_t)max)};
    return db_run(db, &read_letters, values, 1, give_letter, &to, NULL);
}

enum db_result hook_store_put_letter(struct db *db, struct str name, const struct letter *l)
{
    const struct db_value values[] = {
        db_text(name),       db_int(l->partition), db_int(l->at.id.epoch), db_int(l->at.id.seq),
        db_int(l->at.n),     db_text(l->state),    db_int(l->at_ms),       db_text(l->type),
        db_text(l->sku),     db_text(l->body),     db_int(l->attempts),    db_int(l->next_ms),
        db_int(l->tried_ms), db_int(l->status),    db_text(l->why)};
    return db_run(db, &put_letter, values, 1, NULL, NULL, NULL);
}

/* One letter, or all if at is NULL. */
static enum db_result run_on(struct db *db, const struct db_statement *one,
                             const struct db_statement *all, struct str name, unsigned partition,
                             const struct tail_position *at, size_t *changed)
{
    const struct tail_position none = {.n = 0};
    const struct tail_position *where = at ? at : &none;
    const struct db_value values[] = {db_text(name), db_int(partition), db_int(where->id.epoch),
                                      db_int(where->id.seq), db_int(where->n)};
    return db_run(db, at ? one : all, values, 1, NULL, NULL, changed);
}

enum db_result hook_store_drop_letter(struct db *db, struct str name, unsigned partition,
                                      const struct tail_position *at)
{
    return run_on(db, &drop_letter, NULL, name, partition, at, NULL);
}

enum db_result hook_store_replay(struct db *db, struct str name, unsigned partition,
                                 const struct tail_position *at, size_t *changed)
{
    return run_on(db, &replay_one, &replay_all, name, partition, at, changed);
}

enum db_result hook_store_drop_dead(struct db *db, struct str name, unsigned partition,
                                    const struct tail_position *at, size_t *changed)
{
    return run_on(db, &drop_one, &drop_all, name, partition, at, changed);
}
