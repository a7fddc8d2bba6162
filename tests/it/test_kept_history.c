/* test_kept_history.c -- histories of each format, as the program that wrote them left them
 * (tests/kept/history): `stockload check` of today counts in them what that program counted. */
#include "support/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char dir[TEST_PATH_MAX];

/* The report of today's program. */
static json_t *check(const char *name)
{
    const char *history = text("%s/%s", dir, name), *report = text("%s.json", history);
    kept_unpack(text("history/%s", name), history);
    const char *command =
        text("%s check %s --output-format json -o %s 2>&1", getenv("STOCKLOAD"), history, report);
    assert_int_equal(system(command), 0);
    json_t *json = json_load_file(report, 0, NULL);
    assert_non_null(json);
    return json;
}

/* New figures may have come since; none may have gone. */
static void check_figures(json_t *was, json_t *is)
{
    const char *name;
    json_t *value;
    assert_true(json_object_size(was) > 0);
    json_object_foreach(was, name, value) if (!json_equal(value, json_object_get(is, name)))
        fail_msg("%s was %s, is %s", name, json_dumps(value, JSON_ENCODE_ANY),
                 json_dumps(json_object_get(is, name), JSON_ENCODE_ANY | JSON_COMPACT));
}

static void is_right_and_counts_what_it_did(void **state)
{
    const char *name = *state;
    json_t *was = kept_json(text("history/%s.json", name)), *is = check(name);
    json_t *run = json_at(is, "runs[0]");
    assert_string_equal(json_string_value(json_at(run, "verdict.word")), "right");
    check_figures(json_object_get(was, "coverage"), json_object_get(run, "coverage"));
    check_figures(json_object_get(was, "outcomes"), json_object_get(run, "outcomes"));
    json_decref(was);
    json_decref(is);
}

static int group_setup(void **state)
{
    return temp_dir_make(dir);
}

static int group_teardown(void **state)
{
    temp_dir_remove(dir);
    return 0;
}

#define KEPT(name)                                                                                 \
    {                                                                                              \
        name " is right, and counts what it did", is_right_and_counts_what_it_did, NULL, NULL,     \
            (void *)(uintptr_t)(name)                                                              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT("format-1"), KEPT("format-2"), KEPT("format-3"), KEPT("format-4"), KEPT("format-5"),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
