/* test_ledger_epochs.c -- where an epoch ended: what lies behind that is nobody's, on both engines.
 *
 * SEED comes from the environment.
 */
#include "support/fixture.h"
#include "support/past.h"

#include <stdio.h>
#include <stdlib.h>

#define OPERATIONS 1500

static struct past past;

static void take(struct db *db, size_t from, size_t to)
{
    struct apply apply;
    apply_init(&apply, db, 0);
    if (apply_chunk(&apply, past.entries + from, to - from) != APPLY_DONE)
        fail_msg("%s", apply.why);
    apply_free(&apply);
}

/* Takes what comes before the first entry of that epoch, and that one. Where it is. */
static size_t apply_up_to_epoch(struct db *db, int64_t epoch)
{
    size_t count = 0;
    while (past.entries[count].id.epoch != epoch)
        count++;
    take(db, 0, count + 1);
    return count;
}

/* An entry that a Redis wrote behind the end of an epoch that SQL knows the end of. */
static struct event_entry behind(const struct event_entry *last)
{
    struct event_entry entry = *last;
    entry.id.seq++;
    return entry;
}

static void an_entry_behind_the_end_of_its_epoch_is_disowned(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    size_t next = apply_up_to_epoch(db, 2);
    struct event_entry last = past.entries[next - 1], lost = behind(&last);
    int64_t rows = sql_int("SELECT COUNT(*) FROM events");
    apply_init(&apply, db, 0);
    assert_int_equal(apply_chunk(&apply, &last, 1), APPLY_THERE);
    assert_int_equal(apply_chunk(&apply, &lost, 1), APPLY_DISOWNED);
    assert_string_equal(apply.why,
                        text("epoch 1 ended at 1-%lld, opened elsewhere", (long long)last.id.seq));
    assert_int_equal(apply.at.id.epoch, 2);
    assert_int_equal(apply.at.id.seq, 0);
    /* What comes before it in the same chunk does not carry it along, nor what comes behind it. */
    const struct event_entry among[] = {past.entries[0], last, lost, past.entries[next],
                                        past.entries[next + 1]};
    assert_int_equal(apply_chunk(&apply, among, 5), APPLY_DISOWNED);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM events"), rows);
    assert_int_equal(sql_int("SELECT epoch * 1000 + seq FROM checkpoints"), 2000);
    apply_free(&apply);
    take(db, next + 1, past.count);
    db_close(db);
    assert_int_equal(sql_int("SELECT events FROM checkpoints"), past.event_count);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_items"), 0);
}

static void an_epoch_that_sql_never_saw_is_disowned(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    struct event_entry between = past.entries[0];
    take(db, 0, 5);
    apply_init(&apply, db, 0);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(apply_lock(&apply), APPLY_DONE);
    assert_int_equal(apply_seal(&apply, 7), APPLY_DONE);
    assert_int_equal(db_commit(db), DB_OK);
    assert_int_equal(sql_int("SELECT last_seq FROM epochs WHERE epoch = 1"),
                     past.entries[4].id.seq);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM epochs WHERE epoch = 7 AND "
                             "last_seq IS NULL AND opened_ms > 0"),
                     1);
    assert_int_equal(apply_chunk(&apply, past.entries, 5), APPLY_THERE);
    assert_int_equal(apply_chunk(&apply, past.entries + 5, 1), APPLY_DISOWNED);
    between.id.epoch = 3;
    assert_int_equal(apply_chunk(&apply, &between, 1), APPLY_DISOWNED);
    assert_string_equal(apply.why, "epoch 3 never had an entry in SQL, opened elsewhere");
    apply_free(&apply);
    db_close(db);
}

/* Two Redis may both have opened epoch 2. */
static void an_epoch_of_another_redis_is_disowned(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply one, other;
    size_t next = 0;
    while (past.entries[next].id.epoch != 2)
        next++;
    apply_init(&one, db, 0);
    one.opener = (struct reign){.run_id = "run-a", .promotion = "first", .order = 3};
    one.run_epoch = 2;
    assert_int_equal(apply_chunk(&one, past.entries, next + 2), APPLY_DONE);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM epochs WHERE run_id = 'run-a' AND "
                             "promotion = 'first' AND promotion_order = 3"),
                     1);
    apply_init(&other, db, 0);
    other.opener = (struct reign){.run_id = "run-b"};
    other.run_epoch = 2;
    /* What is there already as little as what would be next. */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(apply_chunk(&other, past.entries + next + i, 1), APPLY_DISOWNED);
    assert_string_equal(other.why, "epoch 2 in SQL is of Redis run-a, this is run-b");
    assert_int_equal(apply_chunk(&other, past.entries, next), APPLY_THERE); /* of epoch 1 */
    assert_int_equal(apply_chunk(&one, past.entries + next + 2, 1), APPLY_DONE);
    apply_free(&one);
    apply_free(&other);
    db_close(db);
}

/* The stream of a Redis that lacks the last entry, where the next epoch was opened all the same. */
static void an_epoch_is_not_taken_behind_what_its_redis_lacks(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    size_t next = 0;
    while (past.entries[next].id.epoch != 2)
        next++;
    const struct event_entry *last = &past.entries[next - 1], *opening = &past.entries[next];
    take(db, 0, next);
    apply_init(&apply, db, 0);
    apply.after = (struct event_id){1, last->id.seq - 1};
    assert_int_equal(apply_chunk(&apply, opening, 1), APPLY_ELSEWHERE);
    assert_int_equal(apply.at.id.epoch, 1);
    assert_int_equal(apply.at.id.seq, last->id.seq);
    assert_int_equal(sql_int("SELECT epoch FROM checkpoints"), 1);
    /* With the entry, and from where the database is. */
    assert_int_equal(apply_chunk(&apply, last, 2), APPLY_DONE);
    assert_int_equal(apply_chunk(&apply, opening, 1), APPLY_THERE);
    apply_free(&apply);
    db_close(db);
}

/* The ends as a lane will be told them, newest first; also when nothing was applied since. */
static void ends_of_epochs_are_known_to_who_asks(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply, fresh;
    apply_init(&apply, db, 0);
    assert_int_equal(apply_chunk(&apply, past.entries, past.count), APPLY_DONE);
    apply_init(&fresh, db, 0);
    assert_int_equal(apply_checkpoint(&fresh), APPLY_DONE);
    assert_int_equal(fresh.epochs.ended.count, past.entries[past.count - 1].id.epoch - 1);
    assert_memory_equal(&apply.epochs, &fresh.epochs, sizeof(apply.epochs));
    for (size_t i = 0; i < fresh.epochs.ended.count; i++) {
        const struct event_id *end = &fresh.epochs.ended.ends[i];
        assert_int_equal(end->epoch, past.entries[past.count - 1].id.epoch - 1 - (int64_t)i);
        assert_int_equal(end->seq, sql_int(text("SELECT MAX(seq) FROM events WHERE epoch = %lld",
                                                (long long)end->epoch)));
    }
    apply_free(&apply);
    apply_free(&fresh);
    db_close(db);
}

static void begin(void)
{
    past_make(&past, seed_of_run(), OPERATIONS);
    assert_true(past.entries[past.count - 1].id.epoch > 2);
}

static void end(void)
{
    past_free(&past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_entry_behind_the_end_of_its_epoch_is_disowned),
        ON_BOTH(an_epoch_that_sql_never_saw_is_disowned),
        ON_BOTH(an_epoch_of_another_redis_is_disowned),
        ON_BOTH(an_epoch_is_not_taken_behind_what_its_redis_lacks),
        ON_BOTH(ends_of_epochs_are_known_to_who_asks),
    };
    return run_each_with("ledger epochs", tests, begin, end);
}
