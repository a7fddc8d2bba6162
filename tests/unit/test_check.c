/* test_check.c -- the checker against whole histories: correct ones, and one fault at a time.
 *
 * SEED and STEPS (seeds tried) come from the environment; a failure prints the seed.
 */
#include "check/check.h"
#include "check/describe.h"
#include "history/writer.h"
#include "random.h"
#include "support/history_sample.h"
#include "support/shop_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_check.XXXXXX";
static char path[64];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/history", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void check_file(struct verdict *v, enum check_level level)
{
    char err[HISTORY_ERR_SIZE];
    struct history_reader r;
    assert_int_equal(history_read(&r, path, err, sizeof(err)), 0);
    assert_int_equal(check_history(v, &r, level, NULL, NULL), 0);
    history_unread(&r);
}

/* Makes and checks a history. False when the seed has no place for the fault. */
static bool try_shop(struct verdict *v, const struct shop_options *options, enum check_level level)
{
    int err = shop_history_write(path, options);
    if (err == -EAGAIN)
        return false;
    assert_int_equal(err, 0);
    check_file(v, level);
    assert_int_equal(unlink(path), 0);
    return true;
}

static struct shop_options shop(uint64_t seed, enum shop_fault fault)
{
    return (struct shop_options){.seed = seed,
                                 .steps = 600,
                                 .items = 1 + (unsigned)(seed % 4) + (fault != SHOP_RIGHT),
                                 .clients = 8,
                                 .stock = 40,
                                 .limit = seed % 3 ? (fault == SHOP_RIGHT ? 25 : 15) : 0,
                                 .fault = fault,
                                 .removes = fault == SHOP_RIGHT && seed % 2 == 0};
}

static void print_witnesses(const struct verdict *v)
{
    for (unsigned i = 0; i < v->witnesses; i++)
        print_message("  %s: %s\n", property_name(v->witness[i].property), v->witness[i].text);
}

static void correct_histories_are_right(void **state)
{
    (void)state;
    static struct verdict v;
    uint64_t seed = number_from("SEED", 1), steps = number_from("STEPS", 300);
    struct coverage sum = {0};
    for (uint64_t i = 0; i < steps; i++) {
        struct shop_options options = shop(seed + i, SHOP_RIGHT);
        assert_true(try_shop(&v, &options, CHECK_FULL));
        if (v.word != VERDICT_RIGHT) {
            print_witnesses(&v);
            fail_msg("SEED=%llu STEPS=1: %s: %s", (unsigned long long)(seed + i),
                     verdict_name(v.word), v.why_unknown);
        }
        sum.replays += v.coverage.replays;
        sum.happened += v.coverage.happened;
        sum.absent += v.coverage.absent;
        sum.expired += v.coverage.expired;
        sum.taken_again += v.coverage.taken_again;
        sum.baskets += v.coverage.baskets;
        sum.batches += v.coverage.batches;
        sum.read_back += v.coverage.read_back;
        sum.sold_out_answers += v.coverage.sold_out_answers;
        sum.limit_answers += v.coverage.limit_answers;
        assert_int_equal(v.coverage.unresolved, 0);
        assert_int_equal(v.coverage.oversold_units, 0);
        assert_int_equal(v.coverage.ok + v.coverage.fail + v.coverage.unknown,
                         v.coverage.operations);
        assert_int_equal(v.coverage.confirmed + v.coverage.released + v.coverage.expired +
                             v.coverage.held,
                         v.coverage.reservations);
    }
    /* All of it was there to be got wrong. */
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

static bool some_witness_says(const struct verdict *v, const struct expectation *e)
{
    const char *instead = seen_instead(e->fault);
    for (unsigned i = 0; i < v->witnesses; i++) {
        const struct witness *w = &v->witness[i];
        bool says = (w->property == e->property && strstr(w->text, e->says)) ||
                    (instead && strstr(w->text, instead));
        if (says && (w->ops > 0 || e->fault == SHOP_WRONG_COUNTER))
            return true;
    }
    return false;
}

static void each_planted_fault_is_a_violation_with_its_witness(void **state)
{
    (void)state;
    static struct verdict v;
    uint64_t seed = number_from("SEED", 1), steps = number_from("STEPS", 25);
    for (size_t f = 0; f < sizeof(expectations) / sizeof(*expectations); f++) {
        const struct expectation *e = &expectations[f];
        uint64_t planted = 0;
        for (uint64_t i = 0; i < steps; i++) {
            struct shop_options options = shop(seed + i, e->fault);
            if (!try_shop(&v, &options, CHECK_FULL))
                continue;
            planted++;
            if (getenv("SHOW") && planted == 1) {
                print_message("%s\n", e->name);
                print_witnesses(&v);
            }
            if (v.word == VERDICT_VIOLATION && some_witness_says(&v, e))
                continue;
            print_witnesses(&v);
            fail_msg("SEED=%llu STEPS=1: %s: %s, %s", (unsigned long long)(seed + i), e->name,
                     verdict_name(v.word), v.why_unknown);
        }
        if (planted == 0)
            fail_msg("no seed had a place for: %s", e->name);
    }
}

static bool only_violates(const struct verdict *v, enum property property)
{
    for (int p = 0; p < PROPERTIES; p++)
        if ((v->property[p].violations > 0) != (p == (int)property))
            return false;
    return true;
}

/* What the histories of a restored shop are to be called. */
static void judge_restored(enum shop_restore restore, enum verdict_word word,
                           const struct expectation *e)
{
    static struct verdict v;
    uint64_t seed = number_from("SEED", 1), steps = number_from("STEPS", 100), judged = 0;
    for (uint64_t i = 0; i < steps; i++) {
        struct shop_options options = shop(seed + i, SHOP_RIGHT);
        options.restore = restore;
        if (!try_shop(&v, &options, CHECK_FULL))
            continue;
        judged++;
        bool says = !e || (some_witness_says(&v, e) && only_violates(&v, e->property));
        if (v.word == word && says)
            continue;
        print_witnesses(&v);
        fail_msg("SEED=%llu STEPS=1: %s: %s", (unsigned long long)(seed + i), verdict_name(v.word),
                 v.why_unknown);
    }
    assert_true(judged > steps / 2);
}

static void a_restore_that_keeps_everything_is_right(void **state)
{
    (void)state;
    judge_restored(SHOP_RESTORED, VERDICT_RIGHT, NULL);
}

static void a_restore_that_nobody_speaks_of_is_a_gap(void **state)
{
    static const struct expectation e = {"unsaid", SHOP_RIGHT, PROPERTY_VERSIONS,
                                         "belongs to no request"};
    (void)state;
    judge_restored(SHOP_RESTORED_UNSAID, VERDICT_VIOLATION, &e);
}

/* Clients saw what was lost: in gets, in refusals. But nobody was promised any of it. */
static void a_restore_may_lose_what_nobody_was_told_had_happened(void **state)
{
    (void)state;
    judge_restored(SHOP_RESTORED_PROMISED, VERDICT_RIGHT, NULL);
}

static void a_restore_may_not_lose_what_was_acknowledged(void **state)
{
    static const struct expectation e = {"lost", SHOP_RIGHT, PROPERTY_LASTING,
                                         "lost when the service was restored"};
    (void)state;
    judge_restored(SHOP_RESTORED_LOSING, VERDICT_VIOLATION, &e);
}

/* A reservation that is not there any more is named by itself, not only with its item. */
static void a_reservation_that_a_restore_lost_is_named(void **state)
{
    static const struct expectation e = {"reservation", SHOP_RIGHT, PROPERTY_LASTING,
                                         "Lost: the reservation of client"};
    static struct verdict v;
    (void)state;
    unsigned named = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct shop_options options = shop(seed, SHOP_RIGHT);
        options.restore = SHOP_RESTORED_LOSING;
        named += try_shop(&v, &options, CHECK_FULL) && some_witness_says(&v, &e);
    }
    assert_in_range(named, 10, 20); /* in the others it had ended, or was no reservation */
}

/* Late in the load a hold that ran out unseen may explain what is missing: that is unknown. */
static void a_fault_behind_a_restore_is_found_all_the_same(void **state)
{
    (void)state;
    static struct verdict v;
    for (size_t f = 0; f < sizeof(expectations) / sizeof(*expectations); f++) {
        const struct expectation *e = &expectations[f];
        unsigned planted = 0, found = 0;
        for (uint64_t seed = 1; seed <= 8; seed++) {
            struct shop_options options = shop(seed, e->fault);
            options.restore = seed % 2 ? SHOP_RESTORED : SHOP_RESTORED_PROMISED;
            if (!try_shop(&v, &options, CHECK_FULL))
                continue;
            planted++;
            found += v.word == VERDICT_VIOLATION && some_witness_says(&v, e);
            if (v.word != VERDICT_RIGHT)
                continue;
            print_witnesses(&v);
            fail_msg("seed %llu: %s: right", (unsigned long long)seed, e->name);
        }
        if (planted == 0 || found + 1 < planted)
            fail_msg("%s: %u planted, %u found", e->name, planted, found);
    }
}

static void one_cause_is_not_told_many_times(void **state)
{
    (void)state;
    static const enum shop_fault faults[] = {
        SHOP_STAMP_SHIFTED, SHOP_ROW_DROPPED,    SHOP_WRONG_NUMBER,
        SHOP_WRONG_COUNTER, SHOP_REPLAY_DIFFERS, SHOP_LAST_LOST,
        SHOP_STALE_READ,    SHOP_EARLY_EXPIRY,   SHOP_RELEASED_TWICE};
    static struct verdict v;
    for (size_t f = 0; f < sizeof(faults) / sizeof(*faults); f++) {
        for (uint64_t seed = 1; seed <= 10; seed++) {
            struct shop_options options = shop(seed, faults[f]);
            if (!try_shop(&v, &options, CHECK_FULL))
                continue;
            assert_int_equal(v.word, VERDICT_VIOLATION);
            if (v.witnesses > 2) {
                print_witnesses(&v);
                fail_msg("fault %d, seed %llu: %u witnesses", (int)faults[f],
                         (unsigned long long)seed, v.witnesses);
            }
        }
    }
}

static void what_nobody_found_out_is_unknown(void **state)
{
    (void)state;
    static const enum shop_fault faults[] = {SHOP_NO_LOOKUPS, SHOP_NO_READ_BACKS, SHOP_NO_COUNTERS,
                                             SHOP_NOT_SETTLED, SHOP_NOBODY_THERE};
    static struct verdict v;
    for (size_t f = 0; f < sizeof(faults) / sizeof(*faults); f++) {
        for (uint64_t seed = 1; seed <= 30; seed++) {
            struct shop_options options = shop(seed, faults[f]);
            assert_true(try_shop(&v, &options, CHECK_FULL));
            if (v.word != VERDICT_UNKNOWN) {
                print_witnesses(&v);
                fail_msg("fault %d, seed %llu: %s", (int)faults[f], (unsigned long long)seed,
                         verdict_name(v.word));
            }
            assert_true(v.why_unknown[0] != '\0');
        }
    }
}

static void without_contention_nothing_is_proved(void **state)
{
    (void)state;
    static struct verdict v;
    struct shop_options options = shop(1, SHOP_RIGHT);
    options.stock = 1000000;
    assert_true(try_shop(&v, &options, CHECK_FULL));
    assert_int_equal(v.word, VERDICT_UNKNOWN);
    assert_non_null(strstr(v.why_unknown, "Nothing was contended"));
    options = shop(1, SHOP_RIGHT);
    options.clients = 1;
    assert_true(try_shop(&v, &options, CHECK_FULL));
    assert_int_equal(v.word, VERDICT_UNKNOWN);
    assert_int_equal(v.coverage.most_in_flight, 1);
    assert_non_null(strstr(v.why_unknown, "Nothing was contended"));
}

static void a_lower_level_looks_at_less(void **state)
{
    (void)state;
    static struct verdict v;
    struct shop_options options = shop(3, SHOP_STAMP_SHIFTED);
    assert_true(try_shop(&v, &options, CHECK_COUNTS));
    assert_int_equal(v.word, VERDICT_RIGHT);
    assert_int_equal(v.property[PROPERTY_LINEARIZABLE].checked, 0);
    assert_int_equal(v.property[PROPERTY_BASKETS].checked, 0);
    assert_true(v.property[PROPERTY_VERSIONS].checked > 0);
    options = shop(3, SHOP_WRONG_COUNTER);
    assert_true(try_shop(&v, &options, CHECK_COUNTS));
    assert_int_equal(v.word, VERDICT_VIOLATION);
    assert_true(try_shop(&v, &options, CHECK_OFF));
    assert_int_equal(v.word, VERDICT_RIGHT);
    assert_true(v.coverage.successes > 0);
}

/* Whatever is cut off: what is missing was never a violation. */
static void a_file_cut_short_is_unknown_or_worse_never_right(void **state)
{
    (void)state;
    static struct verdict v;
    struct shop_options options = shop(5, SHOP_RIGHT);
    options.steps = 30000; /* several chunks */
    options.stock = 400;
    assert_int_equal(shop_history_write(path, &options), 0);
    check_file(&v, CHECK_FULL);
    assert_int_equal(v.word, VERDICT_RIGHT);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    for (off_t size = st.st_size - 1; size > HISTORY_HEADER_BYTES; size -= 400009) {
        assert_int_equal(truncate(path, size), 0);
        check_file(&v, CHECK_FULL);
        assert_int_equal(v.word, VERDICT_UNKNOWN);
    }
    assert_int_equal(unlink(path), 0);
}

/* Numbers that make no sense may give any verdict, but they are only numbers. */
static void a_damaged_file_is_checked_all_the_same(void **state)
{
    (void)state;
    static struct verdict v;
    uint64_t seed = number_from("SEED", 1), steps = number_from("STEPS", 100);
    struct shop_options options = shop(seed, SHOP_RIGHT);
    assert_int_equal(shop_history_write(path, &options), 0);
    for (uint64_t i = 0; i < steps; i++) {
        struct rng rng;
        rng_seed(&rng, seed + i);
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        for (int n = 0; n < 20; n++) {
            /* In the slots of the first chunk, but for their types: most would only be left out. */
            uint64_t slot = HISTORY_HEADER_SLOTS + 1 + rng_below(&rng, options.steps);
            uint64_t at = slot * HISTORY_SLOT_BYTES + 1 + rng_below(&rng, HISTORY_SLOT_BYTES - 1);
            uint64_t value = rng_next(&rng) >> rng_below(&rng, 64);
            assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
            assert_int_equal(fwrite(&value, 1 + rng_below(&rng, 4), 1, file), 1);
        }
        assert_int_equal(fclose(file), 0);
        check_file(&v, CHECK_FULL);
        for (unsigned w = 0; w < v.witnesses; w++)
            assert_in_range(v.witness[w].ops, 0, WITNESS_OPS_MAX);
    }
    assert_int_not_equal(v.word, VERDICT_RIGHT);
    assert_int_equal(unlink(path), 0);
}

static void an_empty_history_is_unknown(void **state)
{
    (void)state;
    static struct verdict v;
    struct history *history;
    struct history_facts facts = {.progress = RUN_SETTLED, .items = 3, .prefix = "x-"};
    assert_int_equal(history_create(&history, path, &facts), 0);
    history_close(history);
    check_file(&v, CHECK_FULL);
    assert_int_equal(v.word, VERDICT_UNKNOWN);
    assert_non_null(strstr(v.why_unknown, "Nothing succeeded"));
    check_file(&v, CHECK_OFF);
    assert_int_equal(v.word, VERDICT_UNKNOWN);
    assert_int_equal(unlink(path), 0);
}

static void trouble_of_the_run_makes_it_unknown(void **state)
{
    (void)state;
    static const struct {
        uint32_t bit;
        enum verdict_word full, off;
    } troubles[] = {
        {TROUBLE_UNREACHABLE, VERDICT_UNKNOWN, VERDICT_UNKNOWN},
        {TROUBLE_SETUP, VERDICT_UNKNOWN, VERDICT_UNKNOWN},
        {TROUBLE_DISK, VERDICT_UNKNOWN, VERDICT_UNKNOWN},
        {TROUBLE_UNSETTLED, VERDICT_UNKNOWN, VERDICT_RIGHT},
        {TROUBLE_WORKER_DIED, VERDICT_RIGHT, VERDICT_RIGHT},
        {TROUBLE_INTERRUPTED, VERDICT_RIGHT, VERDICT_RIGHT},
    };
    static struct verdict v;
    struct shop_options options = shop(1, SHOP_RIGHT);
    for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
        assert_int_equal(shop_history_write(path, &options), 0);
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        assert_int_equal(fseek(file, offsetof(struct history_facts, trouble), SEEK_SET), 0);
        assert_int_equal(fwrite(&troubles[i].bit, sizeof(troubles[i].bit), 1, file), 1);
        assert_int_equal(fclose(file), 0);
        check_file(&v, CHECK_FULL);
        assert_int_equal(v.word, troubles[i].full);
        check_file(&v, CHECK_OFF);
        assert_int_equal(v.word, troubles[i].off);
        assert_int_equal(unlink(path), 0);
    }
}

static void operations_are_described_for_people(void **state)
{
    (void)state;
    struct shop_options options = shop(1, SHOP_RIGHT);
    assert_int_equal(shop_history_write(path, &options), 0);
    char err[HISTORY_ERR_SIZE];
    struct history_reader r;
    assert_int_equal(history_read(&r, path, err, sizeof(err)), 0);
    struct buf out;
    buf_init(&out, 4096);
    describe_op(&out, &r, HISTORY_HEADER_SLOTS + 1); /* the first item's creation */
    buf_putc(&out, '\0');
    assert_non_null(strstr(out.p, "client 0, request 1: put 40 of shop-0 (40 left at version 1) "
                                  "-> 201"));
    buf_reset(&out);
    describe_op(&out, &r, 0);
    buf_putc(&out, '\0');
    assert_non_null(strstr(out.p, "holds no operation"));
    buf_free(&out);
    history_unread(&r);
    assert_int_equal(unlink(path), 0);
}

#define LINE(item, quantity, version, remaining)                                                   \
    .line = {{(item), (quantity), (version), (remaining)}}

static void judge_sample(struct history_sample_file *s, struct verdict *v)
{
    history_sample_read(s);
    assert_int_equal(check_history(v, &s->reader, CHECK_FULL, NULL, NULL), 0);
    history_sample_end(s);
}

static uint32_t put_sample(struct history_sample_file *s)
{
    struct history_facts facts = history_sample_facts();
    facts.items = 1;
    history_sample_begin(s, &facts);
    return history_sample_add(s, &(struct history_attempt){.worker = HISTORY_SAMPLE_PARENT,
                                                           .kind = KIND_PUT,
                                                           .outcome = OUTCOME_OK,
                                                           .status = 201,
                                                           .begin_us = 10,
                                                           .end_us = 20,
                                                           LINE(0, 100, 1, 100)});
}

/* Whatever number a server may send. */
static void versions_beyond_all_bounds_are_a_violation(void **state)
{
    (void)state;
    static struct verdict v;
    struct history_sample_file s;
    put_sample(&s);
    for (uint32_t i = 0; i < 2; i++)
        history_sample_add(&s, &(struct history_attempt){.phase = PHASE_LOAD,
                                                         .kind = KIND_DECREMENT,
                                                         .outcome = OUTCOME_OK,
                                                         .status = 200,
                                                         .seq = i + 1,
                                                         .begin_us = 30 + i,
                                                         .end_us = 40 + i,
                                                         LINE(0, 1, UINT64_MAX - i, 99)});
    judge_sample(&s, &v);
    assert_int_equal(v.word, VERDICT_VIOLATION);
}

/* A reservation that is shown as confirmed was confirmed by then, whoever heard of it; so an item
 * that is looked at later must show it, too. And the other way round. */
static void items_and_their_reservations_are_of_one_time(void **state)
{
    (void)state;
    static const struct {
        uint64_t item_us, reservation_us;
        uint64_t item_version;
        enum history_detail shown;
        bool right;
    } cases[] = {
        {300, 200, 2, DETAIL_CONFIRMED, false}, {200, 200, 2, DETAIL_CONFIRMED, true},
        {300, 200, 3, DETAIL_CONFIRMED, true},  {200, 300, 3, DETAIL_HELD, false},
        {300, 200, 3, DETAIL_HELD, true},
    };
    static const struct expectation e = {"one time", SHOP_RIGHT, PROPERTY_LINEARIZABLE,
                                         "order and time disagree"};
    static struct verdict v;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct history_sample_file s;
        put_sample(&s);
        struct history_attempt a = {.phase = PHASE_LOAD,
                                    .kind = KIND_RESERVE,
                                    .outcome = OUTCOME_OK,
                                    .status = 201,
                                    .detail = DETAIL_HELD,
                                    .seq = 1,
                                    .begin_us = 30,
                                    .end_us = 40,
                                    LINE(0, 5, 2, 95)};
        uint32_t reserve = history_sample_add(&s, &a);
        a = (struct history_attempt){.phase = PHASE_LOAD,
                                     .kind = KIND_CONFIRM,
                                     .detail = DETAIL_TIMEOUT,
                                     .seq = 2,
                                     .of = reserve,
                                     .begin_us = 100,
                                     .end_us = 900,
                                     LINE(0, 5, 0, 0)};
        uint32_t confirm = history_sample_add(&s, &a);
        bool held = cases[i].shown == DETAIL_HELD;
        a = (struct history_attempt){.worker = 1,
                                     .phase = PHASE_LOAD,
                                     .kind = KIND_GET_RESERVATION,
                                     .outcome = OUTCOME_OK,
                                     .status = 200,
                                     .detail = cases[i].shown,
                                     .client = 1,
                                     .seq = 1,
                                     .of = reserve,
                                     .begin_us = cases[i].reservation_us,
                                     .end_us = cases[i].reservation_us + 20,
                                     LINE(0, 5, held ? 2 : 3, 95)};
        history_sample_add(&s, &a);
        a = (struct history_attempt){.phase = PHASE_LOAD,
                                     .kind = KIND_GET_ITEM,
                                     .outcome = OUTCOME_OK,
                                     .status = 200,
                                     .client = 2,
                                     .seq = 1,
                                     .begin_us = cases[i].item_us,
                                     .end_us = cases[i].item_us + 20,
                                     LINE(0, 0, cases[i].item_version, 95)};
        history_sample_add(&s, &a);
        a = (struct history_attempt){.worker = HISTORY_SAMPLE_PARENT,
                                     .phase = PHASE_SETTLE,
                                     .kind = KIND_CONFIRM,
                                     .outcome = OUTCOME_OK,
                                     .status = 200,
                                     .detail = DETAIL_CONFIRMED,
                                     .seq = 2,
                                     .of = confirm,
                                     .begin_us = 1000,
                                     .end_us = 1001,
                                     LINE(0, 5, 3, 95)};
        history_sample_add(&s, &a);
        judge_sample(&s, &v);
        assert_int_equal(some_witness_says(&v, &e), !cases[i].right);
        assert_int_equal(v.word == VERDICT_VIOLATION, !cases[i].right);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(correct_histories_are_right),
        cmocka_unit_test(each_planted_fault_is_a_violation_with_its_witness),
        cmocka_unit_test(a_restore_that_keeps_everything_is_right),
        cmocka_unit_test(a_restore_that_nobody_speaks_of_is_a_gap),
        cmocka_unit_test(a_restore_may_lose_what_nobody_was_told_had_happened),
        cmocka_unit_test(a_restore_may_not_lose_what_was_acknowledged),
        cmocka_unit_test(a_reservation_that_a_restore_lost_is_named),
        cmocka_unit_test(a_fault_behind_a_restore_is_found_all_the_same),
        cmocka_unit_test(one_cause_is_not_told_many_times),
        cmocka_unit_test(what_nobody_found_out_is_unknown),
        cmocka_unit_test(without_contention_nothing_is_proved),
        cmocka_unit_test(a_lower_level_looks_at_less),
        cmocka_unit_test(a_file_cut_short_is_unknown_or_worse_never_right),
        cmocka_unit_test(a_damaged_file_is_checked_all_the_same),
        cmocka_unit_test(an_empty_history_is_unknown),
        cmocka_unit_test(trouble_of_the_run_makes_it_unknown),
        cmocka_unit_test(operations_are_described_for_people),
        cmocka_unit_test(versions_beyond_all_bounds_are_a_violation),
        cmocka_unit_test(items_and_their_reservations_are_of_one_time),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
