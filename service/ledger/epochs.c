#include "ledger/epochs.h"
#include "clock.h"
#include "ledger/rows.h"

#include <assert.h>
#include <string.h>

static_assert(EVENT_ENDS_MAX == 8, "as many as read_ends has");

static const struct db_statement read_ends =
    DB_ASK("ii", "SELECT epoch, last_seq FROM epochs WHERE partition_no = $1 AND epoch < $2 "
                 "AND last_seq IS NOT NULL ORDER BY epoch DESC LIMIT 8");
static const struct db_statement find_end =
    DB_ASK("ii", "SELECT last_seq, run_id, promotion, promotion_order FROM epochs "
                 "WHERE partition_no = $1 AND epoch = $2");
static const struct db_statement find_behind =
    DB_ASK("iii", "SELECT 1 FROM events WHERE partition_no = $1 AND (epoch, seq) > ($2, $3) "
                  "AND type <> 'epoch' LIMIT 1");
static const struct db_statement put_epoch =
    DB_PUT("iiititi", "epochs",
           "partition_no, epoch, last_seq, run_id, opened_ms, promotion, promotion_order",
           "ON CONFLICT (partition_no, epoch) DO UPDATE SET last_seq = excluded.last_seq");
static const struct db_statement count_restores =
    DB_ASK("", "SELECT COALESCE(MAX(number), 0) FROM restores");
static const struct db_statement last_restored =
    DB_ASK("", "SELECT COALESCE(MAX(epoch), 0) FROM restores");
static const struct db_statement put_restore = DB_ADD("iii", "restores", "number, epoch, at_ms");

static int keep_end(void *context, const struct db_value *row, size_t count)
{
    struct event_ends *ended = context;
    assert(ended->count < EVENT_ENDS_MAX);
    ended->ends[ended->count++] = (struct event_id){row[0].as.number, row[1].as.number};
    return 0;
}

static void keep_run_id(char run_id[REIGN_ID_SIZE], const struct db_value *value)
{
    struct str text = value->as.text;
    memset(run_id, 0, REIGN_ID_SIZE);
    if (value->type == DB_TEXT)
        memcpy(run_id, text.p, text.n < REIGN_ID_SIZE ? text.n : REIGN_ID_SIZE - 1);
}

static int keep_found(void *context, const struct db_value *row, size_t count)
{
    struct epoch_found *found = context;
    if (row[0].type == DB_INT)
        found->last_seq = row[0].as.number;
    keep_run_id(found->opener.run_id, &row[1]);
    keep_run_id(found->opener.promotion, &row[2]);
    found->opener.order = row[3].as.number;
    return 0;
}

enum db_result epochs_find(struct db *db, unsigned partition, int64_t epoch,
                           struct epoch_found *found)
{
    const struct db_value key[] = {db_int(partition), db_int(epoch)};
    *found = (struct epoch_found){.last_seq = EPOCHS_ABSENT};
    return db_run(db, &find_end, key, 1, keep_found, found, NULL);
}

enum db_result epochs_read(struct db *db, unsigned partition, int64_t epoch, struct epochs *epochs)
{
    const struct db_value key[] = {db_int(partition), db_int(epoch)};
    struct epoch_found present;
    *epochs = (struct epochs){.before = 0};
    enum db_result result = db_run(db, &read_ends, key, 1, keep_end, &epochs->ended, NULL);
    if (result == DB_OK)
        result = epochs_find(db, partition, epoch, &present);
    if (result != DB_OK)
        return result;
    epochs->opener = present.opener;
    epochs->before = epoch;
    return DB_OK;
}

/* Rule HIST. */
bool epochs_hold(struct event_id at, struct event_id id, int64_t last_seq, int64_t restored)
{
    if (id.epoch <= 0 || id.epoch < restored)
        return false;
    return id.epoch == at.epoch ? id.seq <= at.seq : id.epoch < at.epoch && id.seq <= last_seq;
}

enum db_result epochs_look_up(struct db *db, unsigned partition, struct event_id at,
                              struct event_id id, bool *held)
{
    struct epoch_found found = {.last_seq = EPOCHS_ABSENT};
    int64_t restored = 0;
    enum db_result result = db_run(db, &last_restored, NULL, 1, rows_number, &restored, NULL);
    if (result == DB_OK)
        result = epochs_find(db, partition, id.epoch, &found);
    *held = result == DB_OK && epochs_hold(at, id, found.last_seq, restored);
    return result;
}

static void push(struct event_ends *ended, struct event_id end)
{
    size_t kept = ended->count < EVENT_ENDS_MAX ? ended->count : EVENT_ENDS_MAX - 1;
    memmove(ended->ends + 1, ended->ends, kept * sizeof(end));
    ended->ends[0] = end;
    ended->count = kept + 1;
}

static int note_any(void *context, const struct db_value *row, size_t count)
{
    *(bool *)context = true;
    return 0;
}

enum db_result epochs_look_behind(struct db *db, unsigned partition, struct event_id id, bool *any)
{
    const struct db_value key[] = {db_int(partition), db_int(id.epoch), db_int(id.seq)};
    *any = false;
    return db_run(db, &find_behind, key, 1, note_any, any, NULL);
}

static struct db_value text_or_null(const char *text)
{
    return db_text(*text ? str_of(text) : (struct str){NULL, 0});
}

enum db_result epochs_turn(struct db *db, unsigned partition, struct event_id end, int64_t next,
                           const struct reign *opener, struct epochs *epochs)
{
    const struct db_value none = {.type = DB_NULL}, nobody = db_text((struct str){NULL, 0});
    const struct db_value ended[] = {
        db_int(partition), db_int(end.epoch), db_int(end.seq), nobody, db_int(0), nobody,
        db_int(0)};
    const struct db_value begun[] = {db_int(partition),
                                     db_int(next),
                                     none,
                                     text_or_null(opener->run_id),
                                     db_int(clock_wall_ms()),
                                     text_or_null(opener->promotion),
                                     db_int(opener->order)};
    enum db_result result = DB_OK;
    assert(next > end.epoch);
    if (end.epoch > 0)
        result = db_run(db, &put_epoch, ended, 1, NULL, NULL, NULL);
    if (result == DB_OK)
        result = db_run(db, &put_epoch, begun, 1, NULL, NULL, NULL);
    if (result == DB_OK && end.epoch > 0)
        push(&epochs->ended, end);
    if (result != DB_OK)
        return result;
    epochs->opener = *opener;
    epochs->before = next;
    return DB_OK;
}

enum db_result epochs_restored(struct db *db, int64_t epoch, int64_t at_ms, int64_t *number)
{
    enum db_result result = db_run(db, &count_restores, NULL, 1, rows_number, number, NULL);
    if (result != DB_OK)
        return result;
    ++*number;
    const struct db_value row[] = {db_int(*number), db_int(epoch), db_int(at_ms)};
    return db_run(db, &put_restore, row, 1, NULL, NULL, NULL);
}
