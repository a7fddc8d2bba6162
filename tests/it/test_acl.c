/* test_acl.c -- a Redis user with the rights of docker/redis.acl and no other: they are enough for
 * every process. Other suites run again as that user, and nothing is refused to it.
 */
#include "support/api.h"

#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SUITE_MS 1500000

static const char *self; /* argv[0] */
static char acl_path[PATH_MAX];
static char dir[TEST_PATH_MAX];

/* The whole contract, and what needs more. Between them they have every command but EXISTS of the
 * keeper's trimming; test_acl_restore.c has the audit and the restore. Two run at a time. */
static const char *const suites[] = {
    "test_contract_items",       "test_contract_stock",  "test_contract_reservations",
    "test_contract_ends",        "test_contract_batch",  "test_contract_http",
    "test_contract_idempotency", "test_contract_limits", "test_contract_transfers",
    "test_durability",
};
#define SUITES (sizeof(suites) / sizeof(suites[0]))

static void suite_start(struct tproc *p, const char *suite)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", self);
    const char *program = text("%s/%s", dirname(path), suite);
    const char *const argv[] = {program, NULL};
    assert_int_equal(tproc_start(p, argv, text("%s/%s.err", dir, suite)), 0);
}

static void suite_end(struct tproc *p, const char *suite)
{
    const char *path = text("%s/%s.err", dir, suite);
    assert_int_equal(tproc_wait(p, SUITE_MS), 0);
    if (!WIFEXITED(p->status) || WEXITSTATUS(p->status) != 0) {
        print_tail(path, 40);
        fail_msg("%s fails with the rights of %s", suite, acl_path);
    }
}

static void every_process_has_the_rights_that_it_needs(void **state)
{
    struct tproc p[SUITES];
    struct stat st;
    const char *denied = text("%s/denied", dir);
    assert_int_equal(setenv("TEST_REDIS_DENIED", denied, 1), 0);
    for (size_t i = 0; i < SUITES; i += 2) {
        suite_start(&p[i], suites[i]);
        suite_start(&p[i + 1], suites[i + 1]);
        suite_end(&p[i], suites[i]);
        suite_end(&p[i + 1], suites[i + 1]);
    }
    if (stat(denied, &st) == 0 && st.st_size > 0) {
        print_tail(denied, 20);
        fail_msg("Redis refused what the lines above say");
    }
    unsetenv("TEST_REDIS_DENIED");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_process_has_the_rights_that_it_needs),
    };
    (void)argc;
    self = argv[0];
    if (!realpath("docker/redis.acl", acl_path) || setenv("TEST_REDIS_ACL", acl_path, 1) < 0) {
        fprintf(stderr, "no docker/redis.acl: this runs in the root of the repository\n");
        return EXIT_FAILURE;
    }
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    int failed = cmocka_run_group_tests_name("acl", tests, NULL, NULL);
    temp_dir_remove(dir);
    return failed;
}
