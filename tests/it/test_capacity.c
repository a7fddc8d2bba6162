/* test_capacity.c -- `stockload capacity` against the service and against servers that lie, are
 * away, or too slow to tell: bounds that agree with the steps, verdicts, exit statuses.
 *
 * No rate is expected: what a machine can do is its own affair.
 */
#include "support/fixture.h"
#include "support/shop_server.h"

#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOUND_MS   300000
#define INTERRUPTS 12
#define ARGS_MAX   48
#define STEP       "--warmup 100ms --settle 1s --ttl 60s -c 32 -p 2 --tries 1 --precision 0.5 "
#define SHORT      "-d 1s " STEP

static struct search {
    char dir[TEST_PATH_MAX];
    char report[TEST_PATH_MAX + 16], page[TEST_PATH_MAX + 16], err[TEST_PATH_MAX + 16];
    struct tproc proc;
    json_t *json, *capacity, *steps; /* of the report; the last two belong to the first */
} search;

static void search_start(int port, const char *flags)
{
    char url[64], words[512];
    search = (struct search){.json = NULL};
    assert_int_equal(temp_dir_make(search.dir), 0);
    snprintf(search.report, sizeof(search.report), "%s/report", search.dir);
    snprintf(search.page, sizeof(search.page), "%s/page", search.dir);
    snprintf(search.err, sizeof(search.err), "%s/err", search.dir);
    setenv("TMPDIR", search.dir, 1); /* of the histories */
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    snprintf(words, sizeof(words), "%s", flags);
    const char *argv[ARGS_MAX] = {
        getenv("STOCKLOAD"), "capacity", url,        "--no-tui", "--output-format", "json", "-o",
        search.report,       "--html",   search.page};
    size_t n = 10;
    char *rest = words;
    for (char *word; (word = strtok_r(rest, " ", &rest)) && n < ARGS_MAX - 1;)
        argv[n++] = word;
    assert_non_null(argv[0]);
    assert_int_equal(tproc_start(&search.proc, argv, search.err), 0);
}

static int search_finish(void)
{
    int late = tproc_wait(&search.proc, BOUND_MS);
    unsetenv("TMPDIR");
    if (late)
        tproc_kill9(&search.proc);
    search.json = json_load_file(search.report, JSON_REJECT_DUPLICATES, NULL);
    search.capacity = json_object_get(search.json, "capacity");
    search.steps = json_object_get(search.capacity, "steps");
    assert_int_equal(late, 0);
    return WIFEXITED(search.proc.status) ? WEXITSTATUS(search.proc.status) : -1;
}

static int histories(void)
{
    int n = 0;
    DIR *dir = opendir(search.dir);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += strstr(e->d_name, ".history") != NULL;
    if (dir)
        closedir(dir);
    return n;
}

static void search_end(void)
{
    json_decref(search.json);
    temp_dir_remove(search.dir);
}

static int64_t number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static const char *word(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* The answer is what the steps say: the rate was held, nothing that held lies at or above the
 * missed one, and each step was checked. */
static void assert_consistent(int64_t goal_ns)
{
    int64_t rate = number(search.capacity, "rate");
    int64_t missed = number(search.capacity, "missed_rate");
    bool seen_rate = rate < 0, seen_missed = missed < 0;
    json_t *step;
    size_t i;
    assert_true(json_array_size(search.steps) > 0);
    assert_int_equal(json_array_size(search.steps),
                     json_array_size(json_object_get(search.json, "runs")));
    assert_true(missed < 0 || rate < missed);
    json_array_foreach(search.steps, i, step)
    {
        bool held = strcmp(word(step, "word"), "held") == 0;
        int64_t at = number(step, "rate");
        /* On a busy machine nothing may be answered in a step's second. */
        bool empty = !held && number(step, "p99_ns") < 0;
        if (!empty || strcmp(word(step, "verdict"), "unknown") != 0)
            assert_string_equal(word(step, "verdict"), "right");
        assert_true(!held || number(step, "p99_ns") <= goal_ns);
        assert_true(!held || (number(step, "errors") == 0 && at <= rate));
        assert_true(held || missed < 0 || at >= missed);
        seen_rate = seen_rate || (held && at == rate);
        seen_missed = seen_missed || (!held && at == missed);
    }
    assert_true(seen_rate && seen_missed);
    assert_int_equal(histories(), 0);
}

static bool exists(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file)
        fclose(file);
    return file != NULL;
}

/* --- against the service ---------------------------------------------------------------------- */

/* Each outcome has its status. */
static void assert_status(int status)
{
    static const struct {
        const char *outcome;
        int status;
    } all[] = {{"known", 0}, {"ceiling", 0}, {"open", 2}, {"none", 99}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(word(search.capacity, "outcome"), all[i].outcome) == 0)
            assert_int_equal(status, all[i].status);
    if (status != 0 && status != 2 && status != 99)
        print_tail(search.err, 20);
    assert_true(status == 0 || status == 2 || status == 99);
}

static void the_answer_is_what_the_steps_show(void **state)
{
    search_start(stack.service.port, SHORT "--p99 30s -R 250 --rate-max 1000");
    int status = search_finish();
    assert_status(status);
    assert_consistent(INT64_C(30000000000));
    assert_true(exists(search.page));
    search_end();
}

static void a_goal_that_nobody_meets_ends_at_the_lowest_rate(void **state)
{
    search_start(stack.service.port, SHORT "--p99 1us -R 400 --arrival const");
    int status = search_finish();
    assert_status(status);
    assert_consistent(1000);
    assert_int_equal(number(search.capacity, "rate"), -1);
    assert_int_equal(number(search.capacity, "missed_rate"), 200);
    assert_true(status == 99 || status == 2);
    search_end();
}

static void an_operation_of_ones_own_and_poor_evidence_are_said(void **state)
{
    search_start(stack.service.port,
                 SHORT "--p99 30s -R 200 --rate-max 200 --mix decrement=1 --verify off");
    int status = search_finish();
    assert_status(status);
    assert_string_equal(word(search.capacity, "verify"), "off");
    assert_string_equal(word(json_array_get(search.steps, 0), "verdict"), "unchecked");
    search_end();
}

static void an_interrupt_ends_it_with_a_report(void **state)
{
    int64_t before = metric("stockd_batch_operations_total");
    search_start(stack.service.port, "-d 10m --settle 1s -R 200 --skus 5");
    assert_true(await(metric("stockd_batch_operations_total") >= before + 50, BOUND_MS));
    tproc_signal(&search.proc, SIGINT);
    assert_int_equal(search_finish(), 105);
    assert_string_equal(word(search.capacity, "limit"), "broken");
    assert_string_equal(word(search.capacity, "outcome"), "open");
    assert_int_equal(json_array_size(search.steps), 1);
    search_end();
}

/* Whether it comes before the program listens to it, while items are created, or between two steps.
 */
static void an_interrupt_at_any_time_ends_it(void **state)
{
    (void)state;
    for (int i = 0; i < INTERRUPTS; i++) {
        search_start(stack.service.port, "-d 10m --settle 1s -R 200 --skus 5");
        usleep((useconds_t)i * 15000);
        tproc_signal(&search.proc, SIGINT);
        int status = search_finish();
        assert_true(status == 105 || status == 2 || WIFSIGNALED(search.proc.status));
        search_end();
    }
}

/* --- against others --------------------------------------------------------------------------- */

static void a_wrong_answer_ends_it_and_keeps_its_history(void **state)
{
    struct tshop shop;
    assert_int_equal(tshop_start(&shop, "version-jump", 50), 0);
    int status = 0;
    for (int seconds = 1; status != 1 && seconds <= 32; seconds *= 2) { /* for a lie to be told */
        char flags[256];
        if (seconds > 1)
            search_end();
        snprintf(flags, sizeof(flags), STEP "-d %ds --p99 30s -R 400 --rate-max 4k", seconds);
        search_start(shop.port, flags);
        status = search_finish();
    }
    assert_int_equal(status, 1);
    assert_string_equal(word(search.capacity, "limit"), "broken");
    size_t last = json_array_size(search.steps) - 1;
    assert_string_equal(word(json_array_get(search.steps, last), "verdict"), "violation");
    assert_int_equal(histories(), 1);
    assert_true(tshop_stop(&shop));
    search_end();
}

static void nobody_there_is_no_capacity(void **state)
{
    search_start(tproc_free_port(), SHORT);
    assert_int_equal(search_finish(), 255);
    assert_string_equal(word(search.capacity, "limit"), "broken");
    assert_int_equal(number(search.capacity, "rate"), -1);
    assert_int_equal(histories(), 0);
    search_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_what_the_steps_show),
        cmocka_unit_test(a_goal_that_nobody_meets_ends_at_the_lowest_rate),
        cmocka_unit_test(an_operation_of_ones_own_and_poor_evidence_are_said),
        cmocka_unit_test(an_interrupt_ends_it_with_a_report),
        cmocka_unit_test(an_interrupt_at_any_time_ends_it),
        cmocka_unit_test(a_wrong_answer_ends_it_and_keeps_its_history),
        cmocka_unit_test(nobody_there_is_no_capacity),
    };
    return run_suite("capacity", tests, .workers = 1);
}
