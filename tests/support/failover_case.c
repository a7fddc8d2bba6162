/* failover_case.c -- see failover_case.h. */
#include "support/failover_case.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#define CASES_MAX 16

static struct shaken world;

static void goes_through(void **state)
{
    const struct failover_case *c = *state;
    struct shaken_opts opts = c->opts;
    opts.seed = opts.seed ? opts.seed : 1;
    int err = shaken_start(&world, &opts);
    if (err == -ENOSYS)
        skip();
    assert_int_equal(err, 0);
    shaken_load(&world);
    for (const char *const *name = c->faults; *name; name++) {
        const struct redis_fault *fault = redis_fault_named(*name);
        assert_non_null(fault);
        assert_true(redis_fault_fits(fault, &opts));
        assert_true(redis_fault_go_through(fault, &world));
    }
    c->judge ? c->judge(&world) : shaken_judge(&world);
}

static int end(void **state)
{
    return shaken_stop(&world);
}

int run_failover_cases_of(const char *name, const struct failover_case *cases, size_t count)
{
    static struct CMUnitTest tests[CASES_MAX];
    assert(count <= CASES_MAX);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, goes_through, NULL, end, (void *)&cases[i]};
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}
