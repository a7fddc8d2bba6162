/* test_check_workers.c -- a check is the same for any number of workers, and no check without all
 * of them.
 *
 * SEED and STEPS (seeds tried) come from the environment; a failure prints the seed.
 */
#include "check/groups.h"
#include "random.h"
#include "shared.h"
#include "support/env_number.h"
#include "support/history_mutate.h"
#include "support/leftover.h"
#include "support/shop_verdict.h"
#include "support/suite.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define WORKERS_MAX  8
#define TRIES        1000
#define LIVES        50
#define LIFE_STEP_US 200

static pid_t parent;
static suseconds_t life_us; /* of a fork; 0: until its end */

static void shorten_life(void)
{
    const struct itimerval few = {.it_value.tv_usec = life_us};
    if (life_us > 0)
        setitimer(ITIMER_REAL, &few, NULL);
}

static int setup(void **state)
{
    parent = getpid();
    return pthread_atfork(NULL, NULL, shorten_life) ? -1 : shop_verdict_setup(state);
}

/* --- the same verdict --- */

static int check_with(struct verdict *v, const struct history_reader *r, unsigned workers)
{
    int err = check_history(v, r, &(struct check_options){.level = CHECK_FULL, .workers = workers});
    v->took_ms = 0;
    return err;
}

static bool same_witness(const struct witness *a, const struct witness *b)
{
    return a->property == b->property && strcmp(a->text, b->text) == 0 && a->ops == b->ops &&
           memcmp(a->op, b->op, a->ops * sizeof(*a->op)) == 0 && a->also == b->also &&
           a->alike == b->alike;
}

/* What differs first; NULL: nothing that anybody is told. */
static const char *difference(const struct verdict *a, const struct verdict *b)
{
    if (a->word != b->word || strcmp(a->why_unknown, b->why_unknown) != 0)
        return "the word";
    for (int i = 0; i < PROPERTIES; i++) {
        const struct property_result *p = &a->property[i], *q = &b->property[i];
        if (p->word != q->word || p->checked != q->checked || p->violations != q->violations ||
            strcmp(p->why, q->why) != 0)
            return property_name((enum property)i);
    }
    if (memcmp(&a->coverage, &b->coverage, sizeof(a->coverage)) != 0)
        return "the coverage";
    if (a->witnesses != b->witnesses)
        return "how many witnesses there are";
    for (unsigned i = 0; i < a->witnesses; i++)
        if (!same_witness(&a->witness[i], &b->witness[i]))
            return "a witness";
    return NULL;
}

/* Gives the verdict of one process. */
static enum verdict_word compare(const struct history_reader *r, uint64_t seed, const char *what)
{
    static struct verdict one, several;
    static unsigned others = 2; /* all numbers of workers in turn: forks take their time */
    const unsigned workers[] = {2, others};
    others = others < WORKERS_MAX ? others + 1 : 3;
    assert_int_equal(check_with(&one, r, 1), 0);
    for (size_t i = 0; i < sizeof(workers) / sizeof(*workers); i++) {
        assert_int_equal(check_with(&several, r, workers[i]), 0);
        const char *differs = difference(&one, &several);
        if (differs)
            fail_msg("SEED=%llu STEPS=1: %s: %s differs with %u workers", (unsigned long long)seed,
                     what, differs, workers[i]);
    }
    return one.word;
}

static struct shop_options shop(uint64_t seed, enum shop_fault fault)
{
    return (struct shop_options){.seed = seed,
                                 .steps = 300,
                                 .items = 2 + (unsigned)(seed % 5),
                                 .clients = 8,
                                 .stock = 30,
                                 .limit = seed % 3 ? 15 : 0,
                                 .fault = fault,
                                 .removes = seed % 2 == 0};
}

static void open_history(struct history_reader *r)
{
    char err[HISTORY_ERR_SIZE];
    assert_int_equal(history_read(r, shop_path, err, sizeof(err)), 0);
}

/* With seed 53, what is told of one fault would depend on which items are a group. */
TEST(every_fault_is_told_alike)
{
    uint64_t seed = env_number("SEED", 51), steps = env_number("STEPS", 3);
    uint64_t violations = 0, rights = 0;
    for (enum shop_fault fault = SHOP_RIGHT; fault < SHOP_NOBODY_THERE; fault++) {
        for (uint64_t i = 0; i < steps; i++) {
            struct shop_options options = shop(seed + i, fault);
            char what[32];
            struct history_reader r;
            if (shop_history_write(shop_path, &options) < 0)
                continue; /* this seed has no place for it */
            snprintf(what, sizeof(what), "fault %d", (int)fault);
            open_history(&r);
            enum verdict_word word = compare(&r, seed + i, what);
            violations += word == VERDICT_VIOLATION;
            rights += word == VERDICT_RIGHT;
            history_unread(&r);
            shop_remove();
        }
    }
    assert_true(violations > 0 && (rights > 0 || steps < 3));
}

/* Many things wrong at once, on all items: witnesses are dropped, joined and counted. */
TEST(many_faults_are_told_alike)
{
    uint64_t seed = env_number("SEED", 1), steps = env_number("STEPS", 8);
    for (uint64_t i = 0; i < steps; i++) {
        struct shop_options options = shop(seed + i, SHOP_RIGHT);
        struct history_mutant m;
        struct rng rng;
        rng_seed(&rng, seed + i);
        shop_write(&options);
        assert_int_equal(history_mutant_open(&m, shop_path), 0);
        for (uint64_t changes = 10 + rng_below(&rng, 90); changes > 0; changes--)
            (void)history_mutate(&m, (enum mutation)rng_below(&rng, MUTATIONS), &rng);
        assert_int_not_equal(compare(&m.reader, seed + i, "many things changed"), VERDICT_RIGHT);
        history_mutant_close(&m);
        shop_remove();
    }
}

/* --- what befalls workers --- */

static void make_history(struct history_reader *r, unsigned steps)
{
    struct shop_options options = shop(7, SHOP_RIGHT);
    options.steps = steps;
    shop_write(&options);
    open_history(r);
}

static void end_history(struct history_reader *r)
{
    history_unread(r);
    shop_remove();
}

TEST_BETWEEN(a_worker_that_dies_makes_it_no_verdict, leftover_before, leftover_after)
{
    static struct verdict v;
    struct history_reader r;
    make_history(&r, 20000);
    int err = 0;
    /* Some die before they have begun, and some do their work before. */
    for (int i = 0; i < TRIES && err != -ECHILD; i++) {
        life_us = i % LIVES * LIFE_STEP_US;
        err = check_with(&v, &r, 2);
        life_us = 0;
        assert_int_equal(v.word, err == 0 ? VERDICT_RIGHT : VERDICT_UNKNOWN);
    }
    assert_int_equal(err, -ECHILD);
    char how[64];
    snprintf(how, sizeof(how), "was killed by signal %d", SIGALRM);
    assert_non_null(strstr(v.why_unknown, how));
    end_history(&r);
}

TEST(one_processor_is_enough)
{
    cpu_set_t before, one;
    struct history_reader r;
    CPU_ZERO(&one);
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    make_history(&r, 2000);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(compare(&r, 7, "one processor"), VERDICT_RIGHT);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
    end_history(&r);
}

/* --- groups --- */

struct seen {
    uint32_t bad;   /* the group that begins there goes wrong */
    uint32_t taken; /* groups up to here, in their order */
    pid_t *by;      /* shared: who found the first */
};

static int find(void *ctx, struct group group, struct buf *out)
{
    const struct seen *seen = ctx;
    if (group.first == 0)
        *seen->by = getpid();
    if (group.first == seen->bad && getpid() != parent)
        raise(SIGKILL);
    buf_put(out, &group, sizeof(group));
    return group.first == seen->bad ? -ENOMEM : 0;
}

static void take(void *ctx, struct group group, struct str found)
{
    struct seen *seen = ctx;
    assert_int_equal(group.first, seen->taken);
    assert_int_equal(found.n, sizeof(group));
    assert_memory_equal(found.p, &group, sizeof(group));
    seen->taken = group.end;
}

/* Of ten items. */
static int run_groups(struct seen *seen, unsigned workers, char why[WITNESS_TEXT_SIZE])
{
    static const size_t start[] = {0, 5, 5, 6, 9, 20, 21, 21, 22, 30, 30};
    struct groups groups;
    groups_cut(&groups, start, 10, 6);
    assert_in_range(groups.count, 3, 6);
    return groups_run(&groups, &(struct groups_work){seen, find, take}, workers, why);
}

TEST_BETWEEN(results_are_taken_in_order_and_all_or_none, leftover_before, leftover_after)
{
    char why[WITNESS_TEXT_SIZE];
    struct seen seen = {.by = shared_alloc(sizeof(pid_t))};
    assert_non_null(seen.by);
    for (unsigned workers = 0; workers <= WORKERS_MAX; workers++) {
        seen.bad = UINT32_MAX;
        seen.taken = 0;
        assert_int_equal(run_groups(&seen, workers, why), 0);
        assert_int_equal(seen.taken, 10);
        assert_true((*seen.by == parent) == (workers < 2));
    }
    seen.bad = 5;
    seen.taken = 0;
    assert_int_equal(run_groups(&seen, 3, why), -ECHILD);
    assert_int_equal(seen.taken, 0);
    assert_non_null(strstr(why, "was killed by signal 9"));
    assert_int_equal(run_groups(&seen, 1, why), -ENOMEM);
    shared_free(seen.by, sizeof(pid_t));
}

TEST_BETWEEN(whoever_cannot_fork_works_alone, leftover_before, leftover_after)
{
    char why[WITNESS_TEXT_SIZE];
    struct seen seen = {.bad = UINT32_MAX, .by = shared_alloc(sizeof(pid_t))};
    struct rlimit before, none;
    assert_non_null(seen.by);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)leftover_count_fds() - 1; /* for sockets there are no more */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int err = run_groups(&seen, 3, why);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(err, 0);
    assert_int_equal(seen.taken, 10);
    assert_int_equal(*seen.by, parent);
    shared_free(seen.by, sizeof(pid_t));
}

TEST(groups_are_a_partition)
{
    struct rng rng;
    rng_seed(&rng, env_number("SEED", 1));
    for (int i = 0; i < 2000; i++) {
        size_t start[201] = {0};
        uint32_t n = (uint32_t)rng_below(&rng, 201);
        size_t most = 1 + (size_t)rng_below(&rng, 100);
        for (uint32_t k = 0; k < n; k++)
            start[k + 1] = start[k] + (size_t)rng_below(&rng, rng_below(&rng, 4) ? 3 : 500);
        struct groups groups;
        groups_cut(&groups, start, n, most);
        assert_true(groups.count <= most && groups.count <= GROUPS_MAX);
        uint32_t next = 0;
        for (size_t g = 0; g < groups.count; g++) {
            assert_int_equal(groups.all[g].first, next);
            assert_true(groups.all[g].end > next);
            next = groups.all[g].end;
        }
        assert_int_equal(next, n);
    }
}

ALL_BETWEEN(setup, shop_verdict_teardown)
