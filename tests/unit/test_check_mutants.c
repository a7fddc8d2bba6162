/* test_check_mutants.c -- small histories, right ones and with one thing changed, against a search.
 *
 * Whatever the checker calls right, some right server must be able to answer; whatever it calls a
 * violation, none. SEED and STEPS (histories) come from the environment; a failure prints the seed.
 */
#include "check/describe.h"
#include "random.h"
#include "support/env_number.h"
#include "support/history_explain.h"
#include "support/history_mutate.h"
#include "support/shop_verdict.h"
#include "support/suite.h"

/* A dozen requests are no contention. */
static void ask_for_no_contention(void)
{
    const uint32_t no = 0;
    shop_overwrite(offsetof(struct history_facts, contended), &no, sizeof(no));
}

static void make(struct history_mutant *m, uint64_t seed, struct rng *rng)
{
    struct shop_options options = {.seed = seed,
                                   .steps = 4 + (unsigned)rng_below(rng, 9),
                                   .items = 1 + (unsigned)rng_below(rng, 2),
                                   .clients = 2 + (unsigned)rng_below(rng, 3),
                                   .stock = 2 + (int64_t)rng_below(rng, 4),
                                   .ttl_ms = 12 + rng_below(rng, 20),
                                   .limit = (int64_t)rng_below(rng, 4),
                                   .removes = seed % 2 == 0};
    shop_write(&options);
    ask_for_no_contention();
    assert_int_equal(history_mutant_open(m, shop_path), 0);
}

static void show(const struct history_mutant *m, const struct verdict *v)
{
    shop_print_witnesses(v);
    struct buf out;
    buf_init(&out, 4096);
    for (uint32_t i = 0; i < m->ops; i++) {
        buf_reset(&out);
        describe_op(&out, &m->reader, m->op[i]);
        buf_putc(&out, '\0');
        print_message("  %c %u %s\n", m->op[i] == m->slot ? '*' : ' ', m->op[i], out.p);
    }
    buf_free(&out);
}

/* How often what was tried ended in which verdict. */
struct counters {
    uint64_t word[VERDICT_VIOLATION + 1];
};

static void judge(const struct history_mutant *m, uint64_t seed, const char *what,
                  struct counters *t)
{
    static struct verdict v;
    assert_int_equal(check_history(&v, &m->reader, &(struct check_options){.level = CHECK_FULL}),
                     0);
    t->word[v.word]++;
    if (v.word == VERDICT_UNKNOWN)
        return;
    enum explained wrong = v.word == VERDICT_RIGHT ? EXPLAIN_NO : EXPLAIN_YES;
    if (history_explain(&m->reader) != wrong)
        return;
    show(m, &v);
    fail_msg("SEED=%llu STEPS=1: %s: %s, but the search says %s", (unsigned long long)seed, what,
             verdict_name(v.word), wrong == EXPLAIN_NO ? "wrong" : "right");
}

TEST(right_histories_are_right)
{
    uint64_t seed = env_number("SEED", 1), steps = env_number("STEPS", 800);
    struct counters tally = {0};
    for (uint64_t i = 0; i < steps; i++) {
        struct rng rng;
        rng_seed(&rng, seed + i);
        struct history_mutant m;
        make(&m, seed + i, &rng);
        if (history_explain(&m.reader) == EXPLAIN_NO)
            fail_msg("SEED=%llu STEPS=1: the search is wrong", (unsigned long long)(seed + i));
        judge(&m, seed + i, "nothing changed", &tally);
        history_mutant_close(&m);
        shop_remove();
    }
    assert_int_equal(tally.word[VERDICT_VIOLATION], 0);
    if (steps >= 100)
        assert_in_range(tally.word[VERDICT_RIGHT], steps * 9 / 10, steps);
}

/* Which phase it was, and what was asked for, is the record's word alone: no answer belies it. */
static bool is_about_answers(enum mutation mutation)
{
    return mutation != MUTATE_PHASE && mutation != MUTATE_KIND;
}

TEST(one_thing_changed_is_judged_as_a_search_judges_it)
{
    uint64_t seed = env_number("SEED", 1), steps = env_number("STEPS", 120);
    struct counters tally[MUTATIONS] = {0};
    for (uint64_t i = 0; i < steps; i++) {
        struct rng rng;
        rng_seed(&rng, seed + i);
        struct history_mutant m;
        make(&m, seed + i, &rng);
        for (enum mutation mutation = 0; mutation < MUTATIONS; mutation++) {
            for (int n = 0; n < 4 && is_about_answers(mutation); n++) {
                if (!history_mutate(&m, mutation, &rng))
                    continue;
                judge(&m, seed + i, history_mutation_name(mutation), &tally[mutation]);
                history_mutate_back(&m);
            }
        }
        history_mutant_close(&m);
        shop_remove();
    }
    for (enum mutation mutation = 0; mutation < MUTATIONS && steps >= 100; mutation++)
        if (is_about_answers(mutation))
            assert_true(tally[mutation].word[VERDICT_VIOLATION] +
                            tally[mutation].word[VERDICT_UNKNOWN] >
                        0);
}

ALL_BETWEEN(shop_verdict_setup, shop_verdict_teardown)
