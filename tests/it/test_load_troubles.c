/* test_load_troubles.c -- a server that tells no lie is not accused of one, whatever trouble there
 * is with it, and one that does not serve is never called right.
 *
 * What was done but not answered must be settled in the end: no row with an exit status of 0 leaves
 * anything unresolved.
 */
#include "support/load_ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COMMON                 "-c 20 -p 2 --ttl 1s --settle 500ms "
#define LENGTH                 " -n 20k" /* unless a row has its own: as many chances on any machine */
#define LIMITED_COMES_AND_GOES "--limit 10 --customers 6 --mix decrement=70,remove=30"
#define ROWS                   (sizeof(rows) / sizeof(rows[0]))
#define RIGHT                  0
#define UNKNOWN                2
#define INTERNAL               255

/* What a run must have met, so that its verdict is worth something. */
enum meets {
    MEETS_NOTHING,
    MEETS_UNKNOWNS,
    MEETS_REPLAYS,
    MEETS_RESTORES,
    MEETS_LIMITS,
    MEETS_RERESERVES
};

static const struct row {
    const char *fault;
    int every;
    const char *scenario, *flags;
    int status, or_status;
    enum meets meets;
} rows[] = {
    {"none", 1, "flash", "", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "zipf", "", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "basket", "", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "churn", "--ttl 1s", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "restock", "", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "mixed", "--ttl 1s", RIGHT, RIGHT, MEETS_LIMITS},
    {"none", 1, "flash", "-R 5k -n 5k", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "zipf", "-R 2k -n 2k", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "basket", "-R 2k --arrival const -n 2k", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "churn", "--ttl 1s -R 5k -n 5k", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "restock", "-R 5k --arrival const -n 5k", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "mixed", "--ttl 1s -R 2k -n 2k", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "churn", "--ttl 1s --abort 0.02 --dup 0.05", RIGHT, RIGHT, MEETS_UNKNOWNS},
    {"none", 1, "mixed", "--ttl 1s --abort 0.02 --dup 0.05", RIGHT, RIGHT, MEETS_REPLAYS},
    {"none", 1, "mixed", "--ttl 1s --abort 0.02 --dup 0.05 -d 3s", RIGHT, RIGHT, MEETS_RERESERVES},
    {"none", 1, "basket", "--no-keepalive", RIGHT, RIGHT, MEETS_NOTHING},
    {"restore", 700, "flash", "", RIGHT, RIGHT, MEETS_RESTORES},
    {"restore", 2500, "zipf", "", RIGHT, RIGHT, MEETS_RESTORES},
    {"restore", 1000, "churn", "--ttl 1s --abort 0.02", RIGHT, RIGHT, MEETS_RESTORES},
    {"restore", 1000, "basket", "--dup 0.1", RIGHT, RIGHT, MEETS_RESTORES},
    {"restore", 1500, "mixed", "--ttl 1s", RIGHT, RIGHT, MEETS_RESTORES},
    {"lazy-expiry", 700, "churn", "-d 3s --stock 1000", RIGHT, UNKNOWN, MEETS_NOTHING},
    {"lazy-expiry", 700, "mixed", "-d 3s", RIGHT, RIGHT, MEETS_NOTHING},
    {"none", 1, "churn", "--limit 10 --customers 6 --dup 0.05", RIGHT, RIGHT, MEETS_LIMITS},
    {"restore", 1000, "churn", "--limit 10 --customers 6 --abort 0.02", RIGHT, RIGHT, MEETS_LIMITS},
    {"none", 1, "churn", LIMITED_COMES_AND_GOES " --dup 0.05", RIGHT, RIGHT, MEETS_LIMITS},
    {"restore", 1000, "churn", LIMITED_COMES_AND_GOES " --abort 0.02", RIGHT, RIGHT, MEETS_LIMITS},
    {"slow", 500, "mixed", "--ttl 1s", RIGHT, RIGHT, MEETS_NOTHING},
    {"slow", 500, "zipf", "--timeout 300ms", RIGHT, RIGHT, MEETS_UNKNOWNS},
    {"reset-some", 300, "churn", "--ttl 1s", RIGHT, RIGHT, MEETS_UNKNOWNS},
    {"reset-some", 300, "basket", "--dup 0.5", RIGHT, RIGHT, MEETS_REPLAYS},
    {"hang-some", 500, "mixed", "--ttl 1s --timeout 300ms", RIGHT, RIGHT, MEETS_UNKNOWNS},
    {"hang-some", 300, "restock", "--timeout 300ms", RIGHT, RIGHT, MEETS_UNKNOWNS},
    {"garbled", 500, "restock", "", RIGHT, RIGHT, MEETS_UNKNOWNS},
    {"garbled", 500, "zipf", "", RIGHT, RIGHT, MEETS_UNKNOWNS},
    {"garbled", 1, "flash", "", UNKNOWN, INTERNAL, MEETS_NOTHING},
    {"refuses-html", 300, "zipf", "", UNKNOWN, UNKNOWN, MEETS_NOTHING},
    {"refuses-html", 1, "flash", "", UNKNOWN, UNKNOWN, MEETS_NOTHING},
    {"hang", 1, "flash", "--timeout 300ms -d 3s", UNKNOWN, INTERNAL, MEETS_NOTHING},
    {"hang", 2000, "flash", "--timeout 300ms -d 3s", UNKNOWN, INTERNAL, MEETS_NOTHING},
    {"error-500", 1, "flash", "", UNKNOWN, INTERNAL, MEETS_NOTHING},
    {"error-500-load", 1, "flash", "-R 1k -n 1k", UNKNOWN, INTERNAL, MEETS_NOTHING},
    {"die", 1, "flash", "-d 3s", UNKNOWN, INTERNAL, MEETS_NOTHING},
    {"die", 2000, "flash", "-d 3s", UNKNOWN, INTERNAL, MEETS_NOTHING},
    {"die", 2000, "mixed", "-R 4k -d 3s", UNKNOWN, INTERNAL, MEETS_NOTHING},
};

/* NULL, or what did not come about in a load that was right. */
static const char *not_met(const struct row *row, const struct tload *load)
{
    if (tload_coverage(load, "successes") < 100)
        return "too little happened";
    if (row->meets == MEETS_UNKNOWNS && tload_coverage(load, "happened") < 1)
        return "no operation without an answer was found to have happened";
    if (row->meets == MEETS_REPLAYS && tload_coverage(load, "replays") < 1)
        return "nothing was replayed";
    if (row->meets == MEETS_RESTORES && tload_fact(load, "restores") < 1)
        return "the report does not say that the service was restored";
    if (row->meets == MEETS_LIMITS && tload_coverage(load, "limit_answers") < 1)
        return "nobody was refused because of a limit";
    if (row->meets == MEETS_RERESERVES && tload_coverage(load, "taken_again") < 1)
        return "no reservation was taken again after it had expired";
    return NULL;
}

/* On a machine that is too busy a load may come to nothing: that is no trouble of the server's. */
static bool says_nothing(const struct row *row, const struct tload *load, int status)
{
    if (row->status != RIGHT || tload_coverage(load, "unresolved") != 0)
        return false;
    return status == UNKNOWN ? row->or_status != UNKNOWN : status == RIGHT && not_met(row, load);
}

/* NULL, or what is missing. */
static const char *complaint(const struct row *row, const struct tload *load, int status)
{
    if (status != row->status && status != row->or_status)
        return "another exit status was due";
    if (strcmp(tload_word(load), "violation") == 0)
        return "the report accuses a server that told no lie";
    if (status != RIGHT)
        return NULL;
    if (strcmp(tload_word(load), "right") != 0)
        return "the report does not say right";
    if (tload_coverage(load, "unresolved") != 0)
        return "something was left unresolved";
    if (not_met(row, load))
        return not_met(row, load);
    return tload_check(load) == RIGHT ? NULL : "the history alone is judged otherwise";
}

/* True when all is as it should be, otherwise it says what is not. */
static bool judge(const struct row *row, struct tload *load, int status)
{
    const char *wrong = complaint(row, load, status);
    if (wrong) {
        tload_print(load);
        print_error("%s in %s %s: %s (exit status %d)\n", row->fault, row->scenario, row->flags,
                    wrong, status);
    }
    tload_free(load);
    return !wrong;
}

static struct load_case cases[ROWS];

static void row_at(size_t i, struct load_row *row)
{
    *row = (struct load_row){rows[i].fault, rows[i].every, rows[i].scenario, COMMON};
    strncat(row->flags, rows[i].flags, sizeof(row->flags) - sizeof(COMMON));
    if (!strstr(row->flags, "-d ") && !strstr(row->flags, "-n "))
        strncat(row->flags, LENGTH, sizeof(row->flags) - strlen(row->flags) - 1);
}

static int end_all(void **state)
{
    (void)state;
    load_ahead_end(cases, ROWS);
    return 0;
}

static bool end_shop(const struct row *row, struct tshop *shop)
{
    return strcmp(row->fault, "die") == 0 ? tshop_bury(shop) : tshop_stop(shop);
}

static void trouble_is_no_lie(void **state)
{
    const struct row *row = *state;
    size_t at = (size_t)(row - rows);
    struct load_case *c = load_ahead(cases, ROWS, at, row_at);
    assert_int_equal(c->err, 0);
    int status = tload_finish(&c->load);
    while (c->tries < LOAD_TRIES && says_nothing(row, &c->load, status)) {
        tload_free(&c->load);
        assert_true(end_shop(row, &c->shop));
        load_again(c, at, row_at);
        assert_int_equal(c->err, 0);
        status = tload_finish(&c->load);
    }
    bool right = judge(row, &c->load, status);
    bool ended = end_shop(row, &c->shop);
    assert_true(right);
    assert_true(ended);
}

static void nobody_there_is_no_success(void **state)
{
    static const struct row row = {"nobody", 1, "flash", "", INTERNAL, INTERNAL, MEETS_NOTHING};
    struct tload load;
    (void)state;
    int status = tload_run(&load, tproc_free_port(), row.scenario, COMMON);
    assert_true(judge(&row, &load, status));
}

int main(void)
{
    static struct CMUnitTest tests[ROWS + 1];
    static char names[ROWS][128];
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        snprintf(names[i], sizeof(names[i]), "%s_in_%s %s", row->fault, row->scenario, row->flags);
        tests[i] = (struct CMUnitTest){.name = names[i],
                                       .test_func = trouble_is_no_lie,
                                       .initial_state = (void *)(uintptr_t)row};
    }
    tests[ROWS] = (struct CMUnitTest)cmocka_unit_test(nobody_there_is_no_success);
    return cmocka_run_group_tests(tests, NULL, end_all);
}
