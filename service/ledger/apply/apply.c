/* apply.c -- the checkpoint: which entries are next, and that they are taken once. */
#include "ledger/apply/apply.h"
#include "ledger/apply/apply_rows.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SEAL_MAX_BYTES 4096

static const struct db_statement begin_checkpoint =
    DB_PUT("iiiii", "checkpoints", "partition_no, epoch, seq, events, at_ms",
           "ON CONFLICT (partition_no) DO NOTHING");
static const struct db_statement lock_checkpoint = {
    .kind = DB_ONE,
    .types = "i",
    .head = "SELECT epoch, seq, events, at_ms FROM checkpoints WHERE partition_no = $1",
    .locks = true,
};
static const struct db_statement read_checkpoint =
    DB_ASK("i", "SELECT epoch, seq, events, at_ms FROM checkpoints WHERE partition_no = $1");
static const struct db_statement move_checkpoint =
    DB_ASK("iiiiiii", "UPDATE checkpoints SET epoch = $1, seq = $2, events = $3, at_ms = $4 "
                      "WHERE partition_no = $5 AND epoch = $6 AND seq = $7");

static const struct checkpoint nothing = {.id = {0, -1}};

void apply_init(struct apply *apply, struct db *db, unsigned partition)
{
    *apply = (struct apply){.db = db, .partition = partition, .at = nothing};
    projection_init(&apply->projection);
}

void apply_free(struct apply *apply)
{
    projection_free(&apply->projection);
}

/* --- failures --------------------------------------------------------------------------------- */

static enum apply_result no_memory(struct apply *apply)
{
    snprintf(apply->why, sizeof(apply->why), "out of memory");
    return APPLY_NO_MEMORY;
}

static enum apply_result from_db(struct apply *apply, enum db_result result)
{
    apply->db_result = result;
    if (result == DB_OK)
        return APPLY_DONE;
    if (result == DB_NO_MEMORY)
        return no_memory(apply);
    snprintf(apply->why, sizeof(apply->why), "%s", db_why(apply->db));
    return APPLY_DB;
}

static enum apply_result from_projection(struct apply *apply, enum projection_result result)
{
    if (result == PROJECTION_OK)
        return APPLY_DONE;
    if (result == PROJECTION_NO_MEMORY)
        return no_memory(apply);
    snprintf(apply->why, sizeof(apply->why), "%s", apply->projection.why);
    return result == PROJECTION_FORMAT ? APPLY_FORMAT : APPLY_FORK;
}

/* --- the checkpoint --------------------------------------------------------------------------- */

static int keep_checkpoint(void *context, const struct db_value *row, size_t count)
{
    *(struct checkpoint *)context = (struct checkpoint){.id = {row[0].as.number, row[1].as.number},
                                                        .events = row[2].as.number,
                                                        .at_ms = row[3].as.number};
    return 0;
}

/* The row of a partition that was never here is made first: only a row can be locked. */
static enum db_result lock_row(struct apply *apply)
{
    const struct db_value key = db_int(apply->partition);
    const struct db_value fresh[] = {key, db_int(nothing.id.epoch), db_int(nothing.id.seq),
                                     db_int(0), db_int(0)};
    size_t found = 0;
    enum db_result result =
        db_run(apply->db, &lock_checkpoint, &key, 1, keep_checkpoint, &apply->at, &found);
    if (result != DB_OK || found > 0)
        return result;
    result = db_run(apply->db, &begin_checkpoint, fresh, 1, NULL, NULL, NULL);
    return result == DB_OK
               ? db_run(apply->db, &lock_checkpoint, &key, 1, keep_checkpoint, &apply->at, NULL)
               : result;
}

/* The epochs that the checkpoint is about to leave have their end now. */
static enum db_result turn_epochs(struct apply *apply, const struct event_entry *entries,
                                  size_t count)
{
    const struct reign unknown = {.order = 0};
    struct event_id at = apply->at.id;
    enum db_result result = DB_OK;
    for (size_t i = 0; i < count && result == DB_OK; i++) {
        int64_t next = entries[i].id.epoch;
        if (next != at.epoch)
            result =
                epochs_turn(apply->db, apply->partition, at, next,
                            next == apply->run_epoch ? &apply->opener : &unknown, &apply->epochs);
        at = entries[i].id;
    }
    return result;
}

static enum apply_result move_row(struct apply *apply, const struct event_entry *last)
{
    const struct checkpoint *was = &apply->at;
    struct checkpoint is = {.id = last->id,
                            .events = was->events + apply->projection.event_count,
                            .at_ms =
                                apply->projection.at_ms ? apply->projection.at_ms : was->at_ms};
    const struct db_value values[] = {
        db_int(is.id.epoch),      db_int(is.id.seq),     db_int(is.events),  db_int(is.at_ms),
        db_int(apply->partition), db_int(was->id.epoch), db_int(was->id.seq)};
    size_t moved = 0;
    enum db_result result = db_run(apply->db, &move_checkpoint, values, 1, NULL, NULL, &moved);
    if (result != DB_OK)
        return from_db(apply, result);
    if (moved != 1) {
        snprintf(apply->why, sizeof(apply->why), "the checkpoint moved although it was locked");
        return APPLY_FORK;
    }
    apply->at = is;
    return APPLY_DONE;
}

enum apply_result apply_checkpoint(struct apply *apply)
{
    const struct db_value key = db_int(apply->partition);
    enum db_result result = db_begin_read(apply->db);
    apply->at = nothing;
    if (result == DB_OK)
        result = db_run(apply->db, &read_checkpoint, &key, 1, keep_checkpoint, &apply->at, NULL);
    if (result == DB_OK)
        result = epochs_read(apply->db, apply->partition, apply->at.id.epoch, &apply->epochs);
    db_rollback(apply->db);
    return from_db(apply, result);
}

/* --- the chunk -------------------------------------------------------------------------------- */

/* Behind the end of an epoch that is over (rule DISOWN, docs/model). */
static enum apply_result disown(struct apply *apply, int64_t epoch, int64_t last_seq)
{
    if (last_seq == EPOCHS_ABSENT)
        snprintf(apply->why, sizeof(apply->why),
                 "epoch %lld never had an entry in SQL, opened elsewhere", (long long)epoch);
    else
        snprintf(apply->why, sizeof(apply->why), "epoch %lld ended at %lld-%lld, opened elsewhere",
                 (long long)epoch, (long long)epoch, (long long)last_seq);
    return APPLY_DISOWNED;
}

/* Two Redis may both have opened an epoch of this number. SQL follows the one that it saw first. */
static bool is_of_another(const struct apply *apply, int64_t epoch, const char *run_id)
{
    return epoch == apply->run_epoch && *run_id && strcmp(run_id, apply->opener.run_id) != 0;
}

static enum apply_result disown_other(struct apply *apply, int64_t epoch, const char *run_id)
{
    snprintf(apply->why, sizeof(apply->why), "epoch %lld in SQL is of Redis %.8s, this is %.8s",
             (long long)epoch, run_id, apply->opener.run_id);
    return APPLY_DISOWNED;
}

/* Where an epoch ends for the applier: at the checkpoint, or where it ended. */
static enum apply_result find_end(struct apply *apply, int64_t epoch, int64_t *last_seq)
{
    const struct event_id *at = &apply->at.id;
    struct epoch_found found = {.last_seq = at->seq};
    enum db_result result = DB_OK;
    if (epoch == at->epoch)
        found.opener = apply->epochs.opener;
    else
        result = epochs_find(apply->db, apply->partition, epoch, &found);
    *last_seq = found.last_seq;
    if (result != DB_OK)
        return from_db(apply, result);
    return is_of_another(apply, epoch, found.opener.run_id)
               ? disown_other(apply, epoch, found.opener.run_id)
               : APPLY_DONE;
}

/* Skips what the database holds; *first may become `count`. */
static enum apply_result skip_there(struct apply *apply, const struct event_entry *entries,
                                    size_t count, size_t *first)
{
    int64_t now = apply->at.id.epoch;
    struct event_id end = {.epoch = 0};
    for (*first = 0; *first < count && entries[*first].id.epoch <= now; ++*first) {
        struct event_id id = entries[*first].id;
        if (id.epoch != end.epoch) {
            enum apply_result result = find_end(apply, id.epoch, &end.seq);
            if (result != APPLY_DONE)
                return result;
            end.epoch = id.epoch;
        }
        if (id.seq > end.seq)
            return id.epoch == now ? APPLY_DONE : disown(apply, id.epoch, end.seq);
    }
    return APPLY_DONE;
}

/* The first entry of an epoch says that its Redis has all that came before, and nothing more: that
 * must be what the database has. */
static bool epoch_follows(const struct apply *apply, const struct event_entry *entries,
                          size_t first, size_t count)
{
    struct event_id before = first > 0 ? entries[first - 1].id : apply->after;
    return first == count || entries[first].id.epoch == apply->at.id.epoch || before.epoch == 0 ||
           event_id_compare(before, apply->at.id) == 0;
}

static bool is_next(struct event_id at, struct event_id id)
{
    if (id.epoch == at.epoch + 1)
        return id.seq == 0;
    return at.epoch > 0 && id.epoch == at.epoch && id.seq == at.seq + 1;
}

/* Finds the first entry that is not there, and that all from it on follow one another. */
static enum apply_result find_first(struct apply *apply, const struct event_entry *entries,
                                    size_t count, size_t *first)
{
    struct event_id at = apply->at.id;
    enum apply_result result = skip_there(apply, entries, count, first);
    if (result != APPLY_DONE)
        return result;
    if (!epoch_follows(apply, entries, *first, count))
        return APPLY_ELSEWHERE;
    for (size_t i = *first; i < count; i++) {
        if (!is_next(at, entries[i].id)) {
            apply->good = i;
            snprintf(apply->why, sizeof(apply->why),
                     "partition %u: after %lld-%lld comes %lld-%lld or %lld-0, but there is "
                     "%lld-%lld",
                     apply->partition, (long long)at.epoch, (long long)at.seq, (long long)at.epoch,
                     (long long)at.seq + 1, (long long)at.epoch + 1, (long long)entries[i].id.epoch,
                     (long long)entries[i].id.seq);
            return APPLY_GAP;
        }
        at = entries[i].id;
    }
    return *first == count ? APPLY_THERE : APPLY_DONE;
}

static enum apply_result projection_entries(struct apply *apply, const struct event_entry *entries,
                                            size_t first, size_t count)
{
    struct projection *p = &apply->projection;
    projection_begin(p, apply->partition);
    for (size_t i = first; i < count; i++) {
        enum projection_result result = projection_entry(p, &entries[i]);
        if (result == PROJECTION_FORMAT)
            apply->good = i;
        if (result != PROJECTION_OK)
            return from_projection(apply, result);
    }
    return from_projection(apply, projection_known(p));
}

/* All between BEGIN and COMMIT. */
static enum apply_result take_chunk(struct apply *apply, const struct event_entry *entries,
                                    size_t count)
{
    size_t first = 0;
    enum apply_result result = from_db(apply, lock_row(apply));
    if (result == APPLY_DONE && apply->epochs.before != apply->at.id.epoch)
        result = from_db(
            apply, epochs_read(apply->db, apply->partition, apply->at.id.epoch, &apply->epochs));
    if (result == APPLY_DONE)
        result = find_first(apply, entries, count, &first);
    if (result == APPLY_DONE)
        result = projection_entries(apply, entries, first, count);
    if (result == APPLY_DONE)
        result = from_db(apply, rows_read(apply->db, &apply->projection));
    if (result == APPLY_DONE)
        result = from_projection(apply, projection_run(&apply->projection));
    if (result == APPLY_DONE)
        result = from_db(apply, rows_write(apply->db, &apply->projection));
    if (result == APPLY_DONE)
        result = from_db(apply, turn_epochs(apply, entries + first, count - first));
    if (result == APPLY_DONE)
        result = move_row(apply, &entries[count - 1]);
    return result == APPLY_DONE ? from_db(apply, db_commit(apply->db)) : result;
}

enum apply_result apply_chunk(struct apply *apply, const struct event_entry *entries, size_t count)
{
    apply->good = count;
    apply->db_result = DB_OK;
    apply->why[0] = '\0';
    apply->at = nothing;
    enum db_result begun = db_begin(apply->db);
    enum apply_result result =
        begun == DB_OK ? take_chunk(apply, entries, count) : from_db(apply, begun);
    if (result != APPLY_DONE)
        db_rollback(apply->db);
    if (result != APPLY_DONE && result != APPLY_THERE && result != APPLY_DISOWNED &&
        result != APPLY_ELSEWHERE)
        apply->epochs = (struct epochs){.before = 0}; /* ends that were not kept */
    return result;
}

/* --- for a restore ---------------------------------------------------------------------------- */

enum apply_result apply_lock(struct apply *apply)
{
    apply->db_result = DB_OK;
    apply->at = nothing;
    return from_db(apply, lock_row(apply));
}

enum apply_result apply_seal(struct apply *apply, int64_t epoch)
{
    struct buf bytes;
    assert(epoch > apply->at.id.epoch);
    buf_init(&bytes, SEAL_MAX_BYTES);
    event_put_epoch(&bytes);
    const struct event_entry entry = {{epoch, 0}, buf_str(&bytes)};
    enum apply_result result =
        bytes.failed ? no_memory(apply) : projection_entries(apply, &entry, 0, 1);
    if (result == APPLY_DONE)
        result = from_projection(apply, projection_run(&apply->projection));
    if (result == APPLY_DONE)
        result = from_db(apply, rows_write(apply->db, &apply->projection));
    if (result == APPLY_DONE)
        result = from_db(apply, turn_epochs(apply, &entry, 1));
    if (result == APPLY_DONE)
        result = move_row(apply, &entry);
    buf_free(&bytes);
    return result;
}
