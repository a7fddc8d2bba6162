/* test_ledger_opening.c -- SQL's part in the opening of an epoch, on both engines: whom it gives a
 * number, and whom not.
 *
 * SEED comes from the environment.
 */
#include "ledger/apply/apply_open.h"
#include "support/fixture.h"
#include "support/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 1500

static struct past past;
static size_t taken; /* so many entries SQL has: all of the first epoch but the last */
static struct db *db;
static struct apply apply;
static struct event_id end_of_first;

static void begin_ledger(void **state)
{
    db = bases_ledger(&bases, engine_of(state));
    apply_init(&apply, db, 0);
    assert_int_equal(apply_chunk(&apply, past.entries, taken), APPLY_DONE);
    end_of_first = past.entries[taken - 1].id;
    assert_int_equal(end_of_first.epoch, 1);
}

static void end_ledger(void)
{
    apply_free(&apply);
    db_close(db);
}

/* Of one of more Redis, whose stream ends there, by a promotion of this order. */
static enum opening_result open_at(struct event_id tail, int64_t seen, int64_t order,
                                   struct apply_opening *opening)
{
    *opening = (struct apply_opening){.tail = tail, .seen = seen, .ranked = true, .rolls = true};
    apply.opener = (struct reign){.run_id = "run", .promotion = "promotion", .order = order};
    return apply_open(&apply, opening);
}

static void the_next_epoch_is_in_sql_with_the_end_of_the_last(void **state)
{
    struct apply_opening opening;
    begin_ledger(state);
    assert_int_equal(open_at(end_of_first, 1, 5, &opening), OPENING_DONE);
    assert_false(opening.lacks);
    assert_int_equal(event_id_compare(apply.at.id, (struct event_id){2, 0}), 0);
    assert_int_equal(sql_int("SELECT epoch * 1000 + seq FROM checkpoints"), 2000);
    assert_int_equal(sql_int("SELECT last_seq FROM epochs WHERE epoch = 1"), end_of_first.seq);
    assert_int_equal(sql_int("SELECT promotion_order FROM epochs WHERE epoch = 2 AND "
                             "promotion = 'promotion' AND run_id = 'run' AND last_seq IS NULL"),
                     5);
    /* Its first event is there when Redis has it; what comes behind the end of the last is not. */
    struct event_entry first = past.entries[0];
    first.id = (struct event_id){2, 0};
    assert_int_equal(apply_chunk(&apply, &first, 1), APPLY_THERE);
    assert_int_equal(apply_chunk(&apply, &past.entries[taken], 1), APPLY_DISOWNED);
    end_ledger();
}

static void an_opening_that_was_interrupted_takes_a_new_number(void **state)
{
    struct apply_opening opening;
    begin_ledger(state);
    for (int64_t epoch = 2; epoch < 5; epoch++) {
        assert_int_equal(open_at(end_of_first, epoch - 1, 5, &opening), OPENING_DONE);
        assert_false(opening.lacks); /* nothing happened in those between */
        assert_int_equal(apply.at.id.epoch, epoch);
    }
    assert_int_equal(sql_int("SELECT COUNT(*) FROM epochs WHERE last_seq = 0"), 2);
    end_ledger();
}

static void an_older_promotion_opens_nothing(void **state)
{
    struct apply_opening opening;
    begin_ledger(state);
    assert_int_equal(open_at(end_of_first, 1, 5, &opening), OPENING_DONE);
    assert_int_equal(open_at(end_of_first, 2, 4, &opening), OPENING_OLDER);
    assert_string_equal(apply.why, "epoch 2 was opened for promotion 5, this is promotion 4");
    assert_int_equal(apply.epochs.opener.order, 5);
    assert_int_equal(sql_int("SELECT epoch FROM checkpoints"), 2);
    assert_int_equal(open_at(end_of_first, 2, 5, &opening), OPENING_DONE);
    /* There is but one Redis: its promotions have no order. */
    opening = (struct apply_opening){.tail = end_of_first, .seen = 3};
    apply.opener = (struct reign){.run_id = "run", .promotion = "another"};
    assert_int_equal(apply_open(&apply, &opening), OPENING_DONE);
    end_ledger();
}

static void who_looked_at_another_epoch_looks_again(void **state)
{
    struct apply_opening opening;
    begin_ledger(state);
    assert_int_equal(open_at(end_of_first, 1, 5, &opening), OPENING_DONE);
    assert_int_equal(open_at(end_of_first, 1, 6, &opening), OPENING_ELSEWHERE);
    assert_int_equal(apply.at.id.epoch, 2); /* where SQL is */
    assert_int_equal(sql_int("SELECT epoch FROM checkpoints"), 2);
    end_ledger();
}

static void what_the_stream_has_is_taken_first(void **state)
{
    struct apply_opening opening;
    begin_ledger(state);
    assert_int_equal(open_at(past.entries[taken].id, 1, 5, &opening), OPENING_ELSEWHERE);
    assert_int_equal(sql_int("SELECT epoch FROM checkpoints"), 1);
    end_ledger();
}

static void what_a_stream_lacks_is_named(void **state)
{
    struct apply_opening opening;
    struct event_id tail = past.entries[taken / 2].id;
    begin_ledger(state);
    opening = (struct apply_opening){.tail = tail, .seen = 1, .ranked = true};
    assert_int_equal(apply_open(&apply, &opening), OPENING_LACKS);
    assert_string_equal(apply.why, text("SQL has events up to 1-%lld, the stream ends at 1-%lld",
                                        (long long)end_of_first.seq, (long long)tail.seq));
    assert_int_equal(sql_int("SELECT epoch FROM checkpoints"), 1);
    for (int64_t seen = 1; seen < 3; seen++) { /* again, if it was interrupted */
        assert_int_equal(open_at(tail, seen, 5, &opening), OPENING_DONE);
        assert_true(opening.lacks);
    }
    assert_int_equal(event_id_compare(opening.end, (struct event_id){2, 0}), 0);
    end_ledger();
}

static void a_stream_of_another_history_opens_nothing(void **state)
{
    struct apply_opening opening;
    begin_ledger(state);
    assert_int_equal(open_at(end_of_first, 1, 5, &opening), OPENING_DONE);
    struct event_id disowned = {1, end_of_first.seq + 1};
    assert_int_equal(open_at(disowned, 2, 6, &opening), OPENING_FOREIGN);
    assert_non_null(strstr(apply.why, "which SQL never was at"));
    assert_int_equal(sql_int("SELECT epoch FROM checkpoints"), 2);
    end_ledger();
}

static void begin(void)
{
    past_make(&past, seed_of_run(), OPERATIONS);
    while (past.entries[taken + 1].id.epoch == 1)
        taken++;
    assert_true(taken > 2);
}

static void end(void)
{
    past_free(&past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(the_next_epoch_is_in_sql_with_the_end_of_the_last),
        ON_BOTH(an_opening_that_was_interrupted_takes_a_new_number),
        ON_BOTH(an_older_promotion_opens_nothing),
        ON_BOTH(who_looked_at_another_epoch_looks_again),
        ON_BOTH(what_the_stream_has_is_taken_first),
        ON_BOTH(what_a_stream_lacks_is_named),
        ON_BOTH(a_stream_of_another_history_opens_nothing),
    };
    return run_each_with("ledger opening", tests, begin, end);
}
