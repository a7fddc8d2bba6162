#include "support/rerun.h"
#include "support/api.h"

#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SUITE_MS 1200000

static char folder[PATH_MAX];

struct suite_run {
    const char *name;
    struct tproc proc;
    char dir[TEST_PATH_MAX], log[TEST_PATH_MAX + 8];
};

void rerun_begin(const char *self)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", self);
    snprintf(folder, sizeof(folder), "%s", dirname(path));
}

static void suite_start(struct suite_run *run, const char *name)
{
    const char *const argv[] = {text("%s/%s", folder, name), NULL};
    *run = (struct suite_run){.name = name};
    assert_int_equal(temp_dir_make(run->dir), 0);
    snprintf(run->log, sizeof(run->log), "%s/log", run->dir);
    assert_int_equal(tproc_start(&run->proc, argv, run->log), 0);
}

static bool suite_passes(struct suite_run *run)
{
    assert_int_equal(tproc_wait(&run->proc, SUITE_MS), 0);
    bool passed = WIFEXITED(run->proc.status) && WEXITSTATUS(run->proc.status) == 0;
    if (!passed)
        print_tail(run->log, 40);
    temp_dir_remove(run->dir);
    return passed;
}

void rerun(const char *first, const char *second)
{
    struct suite_run a, b;
    suite_start(&a, first);
    suite_start(&b, second);
    bool a_passed = suite_passes(&a), b_passed = suite_passes(&b);
    if (!a_passed || !b_passed)
        fail_msg("%s fails with this environment", a_passed ? second : first);
}
