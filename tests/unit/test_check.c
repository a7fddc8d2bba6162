/* test_check.c -- the checker against whole histories: correct ones, and one fault at a time.
 *
 * SEED and STEPS (seeds tried) come from the environment; a failure prints the seed.
 */
#include "support/env_number.h"
#include "support/shop_verdict.h"
#include "support/suite.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static struct verdict v;

/* What was there to be got wrong, in all histories together. */
static void add_up(struct coverage *sum, const struct coverage *c)
{
    sum->replays += c->replays;
    sum->happened += c->happened;
    sum->absent += c->absent;
    sum->expired += c->expired;
    sum->taken_again += c->taken_again;
    sum->baskets += c->baskets;
    sum->batches += c->batches;
    sum->read_back += c->read_back;
    sum->sold_out_answers += c->sold_out_answers;
    sum->limit_answers += c->limit_answers;
}

TEST(correct_histories_are_right)
{
    uint64_t seed = env_number("SEED", 1), steps = env_number("STEPS", 300);
    struct coverage sum = {0};
    const struct coverage *c = &v.coverage;
    for (uint64_t i = 0; i < steps; i++) {
        struct shop_options options = shop_of(seed + i, SHOP_RIGHT);
        assert_true(shop_judge(&v, &options, CHECK_FULL));
        if (v.word != VERDICT_RIGHT)
            shop_fail(seed + i, "right", &v);
        add_up(&sum, c);
        assert_int_equal(c->unresolved, 0);
        assert_int_equal(c->oversold_units, 0);
        assert_int_equal(c->ok + c->fail + c->unknown, c->operations);
        assert_int_equal(c->confirmed + c->released + c->expired + c->held, c->reservations);
    }
    assert_true(sum.replays && sum.happened && sum.absent && sum.expired && sum.taken_again &&
                sum.baskets && sum.batches && sum.read_back && sum.sold_out_answers &&
                sum.limit_answers);
}

struct expectation {
    const char *name;
    enum shop_fault fault;
    enum property property;
    const char *says; /* in one of the witnesses */
};

static const struct expectation expectations[] = {
    {"version twice", SHOP_VERSION_TWICE, PROPERTY_VERSIONS, "was given twice"},
    {"partial basket", SHOP_PARTIAL_BASKET, PROPERTY_VERSIONS, "was given twice"},
    {"transfer lost", SHOP_TRANSFER_LOST, PROPERTY_SUMS, ""},
    {"transfer twice", SHOP_TRANSFER_TWICE, PROPERTY_SUMS, ""},
    {"not stored", SHOP_NOT_STORED, PROPERTY_LASTING, "Lost: the reservation of client"},
    {"behind a refusal", SHOP_BEHIND_REFUSAL, PROPERTY_VERSIONS, "belongs to no request"},
    {"found after all", SHOP_FOUND_AFTER_ALL, PROPERTY_ANSWERS, "its key was found after the load"},
    {"released twice", SHOP_RELEASED_TWICE, PROPERTY_ENDED_ONCE, "was released and then released"},
    {"early expiry", SHOP_EARLY_EXPIRY, PROPERTY_ENDED_ONCE, "xpired too early"},
    {"stale read", SHOP_STALE_READ, PROPERTY_LINEARIZABLE, "order and time disagree"},
    {"stale reservation", SHOP_STALE_RESERVATION, PROPERTY_LINEARIZABLE, "Out of date"},
    {"refused wrongly", SHOP_REFUSED_WRONGLY, PROPERTY_ANSWERS, "although there was enough"},
    {"crossed baskets", SHOP_CROSSED_BASKETS, PROPERTY_BASKETS, "No one order fits all items"},
    {"key twice", SHOP_KEY_TWICE, PROPERTY_VERSIONS, "One key took effect twice"},
    {"ends differ", SHOP_ENDS_DIFFER, PROPERTY_ANSWERS, "What has ended never changes"},
    {"revived", SHOP_REVIVED, PROPERTY_ENDED_ONCE, "Extended after its end"},
    {"wrong state", SHOP_WRONG_STATE, PROPERTY_ANSWERS, "but the answer says that it is confirmed"},
    {"taken unasked", SHOP_TAKEN_UNASKED, PROPERTY_ENDED_ONCE, "Taken again unasked"},
    {"not taken", SHOP_NOT_TAKEN, PROPERTY_ANSWERS, "right would have been"},
    {"told wrongly", SHOP_TOLD_WRONGLY, PROPERTY_VERSIONS, "belongs to no request"},
    {"not told", SHOP_NOT_TOLD, PROPERTY_ANSWERS, "where its operations make it confirmed"},
    {"batch reversed", SHOP_BATCH_REVERSED, PROPERTY_LINEARIZABLE,
     "not applied in the given order"},
    {"refused again", SHOP_REFUSED_AGAIN, PROPERTY_ANSWERS, "once more, marked as replayed"},
    {"limit ignored", SHOP_LIMIT_IGNORED, PROPERTY_SUMS, "nobody may have more than 15"},
    {"limited wrongly", SHOP_LIMITED_WRONGLY, PROPERTY_ANSWERS, "a limit that allows it"},
    {"wrong use", SHOP_WRONG_USE, PROPERTY_ANSWERS, "of its limit at version"},
    {"counts on", SHOP_COUNTS_ON, PROPERTY_ANSWERS, "of its limit at version"},
    {"stock first", SHOP_STOCK_FIRST, PROPERTY_ANSWERS, "had to be refused because of that limit"},
    {"stamp shifted", SHOP_STAMP_SHIFTED, PROPERTY_LINEARIZABLE, "order and time disagree"},
    {"versions swapped", SHOP_VERSIONS_SWAPPED, PROPERTY_LINEARIZABLE, "order and time disagree"},
    {"row dropped", SHOP_ROW_DROPPED, PROPERTY_VERSIONS, "belongs to no request"},
    {"sold twice", SHOP_SOLD_TWICE, PROPERTY_VERSIONS, "was given twice"},
    {"wrong number", SHOP_WRONG_NUMBER, PROPERTY_ANSWERS, "right would have been"},
    {"replay differs", SHOP_REPLAY_DIFFERS, PROPERTY_ANSWERS, "two answers that differ"},
    {"replay of nothing", SHOP_REPLAY_OF_NOTHING, PROPERTY_ANSWERS, "nobody was given before"},
    {"wrong counter", SHOP_WRONG_COUNTER, PROPERTY_SUMS, "are sold"},
    {"item lost", SHOP_ITEM_LOST, PROPERTY_LASTING, "is gone"},
    {"last lost", SHOP_LAST_LOST, PROPERTY_LASTING, "was acknowledged before"},
    {"key forgotten", SHOP_KEY_FORGOTTEN, PROPERTY_LASTING, "knew nothing of its key"},
    {"no item", SHOP_NO_ITEM, PROPERTY_LASTING, "no such item"},
};

/* What is seen of some in place of that, of whichever property, when other clients hide it. */
static const char *seen_instead(enum shop_fault fault)
{
    if (fault == SHOP_TOLD_WRONGLY)
        return "where its operations make it confirmed";
    return fault == SHOP_VERSIONS_SWAPPED ? "of its limit at version" : NULL;
}

static bool some_witness_says(const struct expectation *e)
{
    const char *instead = seen_instead(e->fault);
    for (unsigned i = 0; i < v.witnesses; i++) {
        const struct witness *w = &v.witness[i];
        bool says = (w->property == e->property && strstr(w->text, e->says)) ||
                    (instead && strstr(w->text, instead));
        if (says && (w->ops > 0 || e->fault == SHOP_WRONG_COUNTER))
            return true;
    }
    return false;
}

TEST(each_planted_fault_is_a_violation_with_its_witness)
{
    uint64_t seed = env_number("SEED", 1), steps = env_number("STEPS", 25);
    for (size_t f = 0; f < COUNT(expectations); f++) {
        const struct expectation *e = &expectations[f];
        uint64_t planted = 0;
        for (uint64_t i = 0; i < steps; i++) {
            struct shop_options options = shop_of(seed + i, e->fault);
            if (!shop_judge(&v, &options, CHECK_FULL))
                continue;
            planted++;
            if (env_number("SHOW", 0) && planted == 1) {
                print_message("%s\n", e->name);
                shop_print_witnesses(&v);
            }
            if (v.word != VERDICT_VIOLATION || !some_witness_says(e))
                shop_fail(seed + i, e->name, &v);
        }
        if (planted == 0)
            fail_msg("no seed had a place for: %s", e->name);
    }
}

static bool only_violates(enum property property)
{
    for (int p = 0; p < PROPERTIES; p++)
        if ((v.property[p].violations > 0) != (p == (int)property))
            return false;
    return true;
}

/* Clients saw what was lost: in gets, in refusals. That is right as long as nobody was promised any
 * of it. */
TEST(a_restore_may_lose_only_what_nobody_was_told_had_happened)
{
    static const struct {
        enum shop_restore restore;
        struct expectation e; /* without what is said: it is right */
    } rows[] = {
        {SHOP_RESTORED, {.name = "everything kept"}},
        {SHOP_RESTORED_PROMISED, {.name = "nobody had been answered"}},
        {SHOP_RESTORED_UNSAID, {"unsaid", SHOP_RIGHT, PROPERTY_VERSIONS, "belongs to no request"}},
        {SHOP_RESTORED_LOSING,
         {"lost", SHOP_RIGHT, PROPERTY_LASTING, "lost when the service was restored"}},
    };
    uint64_t seed = env_number("SEED", 1), steps = env_number("STEPS", 100);
    for (size_t n = 0; n < COUNT(rows); n++) {
        const struct expectation *e = &rows[n].e;
        uint64_t judged = 0;
        for (uint64_t i = 0; i < steps; i++) {
            struct shop_options options = shop_of(seed + i, SHOP_RIGHT);
            options.restore = rows[n].restore;
            if (!shop_judge(&v, &options, CHECK_FULL))
                continue;
            judged++;
            bool as_said = e->says ? v.word == VERDICT_VIOLATION && some_witness_says(e) &&
                                         only_violates(e->property)
                                   : v.word == VERDICT_RIGHT;
            if (!as_said)
                shop_fail(seed + i, e->name, &v);
        }
        assert_true(judged > steps / 2);
    }
}

/* How often so many shops whose replica took over are judged so; `lost`: and something is told to
 * be lost. */
static unsigned judged_so(enum shop_restore how, enum verdict_word word, bool lost,
                          unsigned *judged)
{
    unsigned so = 0;
    *judged = 0;
    for (uint64_t i = 0; i < env_number("STEPS", 60); i++) {
        struct shop_options options = shop_of(env_number("SEED", 1) + i, SHOP_RIGHT);
        options.removes = false;
        options.restore = how;
        if (!shop_judge(&v, &options, CHECK_FULL))
            continue;
        ++*judged;
        so += v.word == word && (v.lost_count > 0) == lost;
    }
    return so;
}

/* A replica that took over lacked what its primary had done last. A third of what is asked in these
 * shops gets no answer: where that was so just behind the failover, what was lost may not show. */
TEST(a_failover_may_lose_what_was_answered_only_where_durability_lets_it)
{
    unsigned judged;
    unsigned right = judged_so(SHOP_FAILED_OVER, VERDICT_RIGHT, false, &judged);
    assert_true(judged > 30 && right == judged);
    right = judged_so(SHOP_FAILED_PROMISED, VERDICT_RIGHT, false, &judged);
    assert_true(judged > 30 && right * 10 >= judged * 9);
    right = judged_so(SHOP_FAILED_LOSING, VERDICT_RIGHT, true, &judged);
    assert_true(judged > 30 && right * 10 >= judged * 8);
    right = judged_so(SHOP_FAILED_LOSING_MORE, VERDICT_VIOLATION, false, &judged);
    assert_true(judged > 30 && right == judged);
}

/* Without it nothing may be lost at any level. */
TEST(what_is_lost_without_a_failover_is_a_violation)
{
    unsigned judged = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct shop_options options = shop_of(seed, SHOP_RIGHT);
        options.removes = false;
        options.restore = SHOP_FAILED_UNSAID;
        if (!shop_judge(&v, &options, CHECK_FULL))
            continue;
        judged++;
        if (v.word != VERDICT_VIOLATION || v.lost_count > 0)
            shop_fail(seed, "lost without a failover", &v);
    }
    assert_true(judged > 10);
}

TEST(a_fault_behind_a_failover_is_found_all_the_same)
{
    for (size_t f = 0; f < COUNT(expectations); f++) {
        const struct expectation *e = &expectations[f];
        unsigned planted = 0, found = 0;
        for (uint64_t seed = 1; seed <= 8; seed++) {
            struct shop_options options = shop_of(seed, e->fault);
            options.removes = false;
            options.restore = seed % 2 ? SHOP_FAILED_LOSING : SHOP_FAILED_PROMISED;
            if (!shop_judge(&v, &options, CHECK_FULL))
                continue;
            planted++;
            found += v.word == VERDICT_VIOLATION;
            if (v.word == VERDICT_RIGHT)
                shop_fail(seed, e->name, &v);
        }
        if (planted == 0 || found + 1 < planted)
            fail_msg("%s: %u planted, %u found", e->name, planted, found);
    }
}

/* A reservation that is not there any more is named by itself, not only with its item. */
TEST(a_reservation_that_a_restore_lost_is_named)
{
    static const struct expectation e = {"reservation", SHOP_RIGHT, PROPERTY_LASTING,
                                         "Lost: the reservation of client"};
    unsigned named = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct shop_options options = shop_of(seed, SHOP_RIGHT);
        options.restore = SHOP_RESTORED_LOSING;
        named += shop_judge(&v, &options, CHECK_FULL) && some_witness_says(&e);
    }
    assert_in_range(named, 10, 20); /* in the others it had ended, or was no reservation */
}

/* Late in the load a hold that ran out unseen may explain what is missing: that is unknown. */
TEST(a_fault_behind_a_restore_is_found_all_the_same)
{
    for (size_t f = 0; f < COUNT(expectations); f++) {
        const struct expectation *e = &expectations[f];
        unsigned planted = 0, found = 0;
        for (uint64_t seed = 1; seed <= 8; seed++) {
            struct shop_options options = shop_of(seed, e->fault);
            options.restore = seed % 2 ? SHOP_RESTORED : SHOP_RESTORED_PROMISED;
            if (!shop_judge(&v, &options, CHECK_FULL))
                continue;
            planted++;
            found += v.word == VERDICT_VIOLATION && some_witness_says(e);
            if (v.word == VERDICT_RIGHT)
                shop_fail(seed, e->name, &v);
        }
        if (planted == 0 || found + 1 < planted)
            fail_msg("%s: %u planted, %u found", e->name, planted, found);
    }
}

TEST(one_cause_is_not_told_many_times)
{
    static const enum shop_fault faults[] = {
        SHOP_STAMP_SHIFTED, SHOP_ROW_DROPPED,    SHOP_WRONG_NUMBER,
        SHOP_WRONG_COUNTER, SHOP_REPLAY_DIFFERS, SHOP_LAST_LOST,
        SHOP_STALE_READ,    SHOP_EARLY_EXPIRY,   SHOP_RELEASED_TWICE};
    for (size_t f = 0; f < COUNT(faults); f++) {
        for (uint64_t seed = 1; seed <= 10; seed++) {
            struct shop_options options = shop_of(seed, faults[f]);
            if (!shop_judge(&v, &options, CHECK_FULL))
                continue;
            assert_int_equal(v.word, VERDICT_VIOLATION);
            if (v.witnesses > 2)
                shop_fail(seed, "told more than twice", &v);
        }
    }
}

TEST(what_nobody_found_out_is_unknown)
{
    static const enum shop_fault faults[] = {SHOP_NO_LOOKUPS, SHOP_NO_READ_BACKS, SHOP_NO_COUNTERS,
                                             SHOP_NOT_SETTLED, SHOP_NOBODY_THERE};
    for (size_t f = 0; f < COUNT(faults); f++) {
        for (uint64_t seed = 1; seed <= 30; seed++) {
            struct shop_options options = shop_of(seed, faults[f]);
            assert_true(shop_judge(&v, &options, CHECK_FULL));
            if (v.word != VERDICT_UNKNOWN || v.why_unknown[0] == '\0')
                shop_fail(seed, "nobody found out", &v);
        }
    }
}

ALL_BETWEEN(shop_verdict_setup, shop_verdict_teardown)
