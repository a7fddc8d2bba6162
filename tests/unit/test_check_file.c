/* test_check_file.c -- what the checker makes of the file itself: cut short, damaged, empty,
 * without contention, of a run in trouble; and what the levels look at.
 *
 * SEED and STEPS come from the environment.
 */
#include "check/describe.h"
#include "history/writer.h"
#include "random.h"
#include "support/env_number.h"
#include "support/shop_verdict.h"
#include "support/suite.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct verdict v;

TEST(without_contention_nothing_is_proved)
{
    struct shop_options options = shop_of(1, SHOP_RIGHT);
    options.stock = 1000000;
    assert_true(shop_judge(&v, &options, CHECK_FULL));
    assert_int_equal(v.word, VERDICT_UNKNOWN);
    assert_non_null(strstr(v.why_unknown, "Nothing was contended"));
    options = shop_of(1, SHOP_RIGHT);
    options.clients = 1;
    assert_true(shop_judge(&v, &options, CHECK_FULL));
    assert_int_equal(v.word, VERDICT_UNKNOWN);
    assert_int_equal(v.coverage.most_in_flight, 1);
    assert_non_null(strstr(v.why_unknown, "Nothing was contended"));
}

TEST(a_lower_level_looks_at_less)
{
    struct shop_options options = shop_of(3, SHOP_STAMP_SHIFTED);
    assert_true(shop_judge(&v, &options, CHECK_COUNTS));
    assert_int_equal(v.word, VERDICT_RIGHT);
    assert_int_equal(v.property[PROPERTY_LINEARIZABLE].checked, 0);
    assert_int_equal(v.property[PROPERTY_BASKETS].checked, 0);
    assert_true(v.property[PROPERTY_VERSIONS].checked > 0);
    options = shop_of(3, SHOP_WRONG_COUNTER);
    assert_true(shop_judge(&v, &options, CHECK_COUNTS));
    assert_int_equal(v.word, VERDICT_VIOLATION);
    assert_true(shop_judge(&v, &options, CHECK_OFF));
    assert_int_equal(v.word, VERDICT_RIGHT);
    assert_true(v.coverage.successes > 0);
}

/* Whatever is cut off: what is missing was never a violation. */
TEST(a_file_cut_short_is_unknown_or_worse_never_right)
{
    struct shop_options options = shop_of(5, SHOP_RIGHT);
    options.steps = 30000; /* several chunks */
    options.stock = 400;
    shop_write(&options);
    shop_check(&v, CHECK_FULL);
    assert_int_equal(v.word, VERDICT_RIGHT);
    struct stat st;
    assert_int_equal(stat(shop_path, &st), 0);
    for (off_t size = st.st_size - 1; size > HISTORY_HEADER_BYTES; size -= 400009) {
        assert_int_equal(truncate(shop_path, size), 0);
        shop_check(&v, CHECK_FULL);
        assert_int_equal(v.word, VERDICT_UNKNOWN);
    }
    shop_remove();
}

/* Numbers that make no sense may give any verdict, but they are only numbers. */
TEST(a_damaged_file_is_checked_all_the_same)
{
    uint64_t seed = env_number("SEED", 1), steps = env_number("STEPS", 100);
    struct shop_options options = shop_of(seed, SHOP_RIGHT);
    shop_write(&options);
    for (uint64_t i = 0; i < steps; i++) {
        struct rng rng;
        rng_seed(&rng, seed + i);
        for (int n = 0; n < 20; n++) {
            /* In the slots of the first chunk, but for their types: most would only be left out. */
            uint64_t slot = HISTORY_HEADER_SLOTS + 1 + rng_below(&rng, options.steps);
            uint64_t at = slot * HISTORY_SLOT_BYTES + 1 + rng_below(&rng, HISTORY_SLOT_BYTES - 1);
            uint64_t value = rng_next(&rng) >> rng_below(&rng, 64);
            shop_overwrite(at, &value, 1 + rng_below(&rng, 4));
        }
        shop_check(&v, CHECK_FULL);
        for (unsigned w = 0; w < v.witnesses; w++)
            assert_in_range(v.witness[w].ops, 0, WITNESS_OPS_MAX);
    }
    assert_int_not_equal(v.word, VERDICT_RIGHT);
    shop_remove();
}

TEST(an_empty_history_is_unknown)
{
    struct history *history;
    struct history_facts facts = {.progress = RUN_SETTLED, .items = 3, .prefix = "x-"};
    assert_int_equal(history_create(&history, shop_path, &facts), 0);
    history_close(history);
    shop_check(&v, CHECK_FULL);
    assert_int_equal(v.word, VERDICT_UNKNOWN);
    assert_non_null(strstr(v.why_unknown, "Nothing succeeded"));
    shop_check(&v, CHECK_OFF);
    assert_int_equal(v.word, VERDICT_UNKNOWN);
    shop_remove();
}

TEST(trouble_of_the_run_makes_it_unknown)
{
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
    struct shop_options options = shop_of(1, SHOP_RIGHT);
    for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
        shop_write(&options);
        shop_overwrite(offsetof(struct history_facts, trouble), &troubles[i].bit,
                       sizeof(troubles[i].bit));
        shop_check(&v, CHECK_FULL);
        assert_int_equal(v.word, troubles[i].full);
        shop_check(&v, CHECK_OFF);
        assert_int_equal(v.word, troubles[i].off);
        shop_remove();
    }
}

TEST(operations_are_described_for_people)
{
    struct shop_options options = shop_of(1, SHOP_RIGHT);
    shop_write(&options);
    char err[HISTORY_ERR_SIZE];
    struct history_reader r;
    assert_int_equal(history_read(&r, shop_path, err, sizeof(err)), 0);
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
    shop_remove();
}

ALL_BETWEEN(shop_verdict_setup, shop_verdict_teardown)
