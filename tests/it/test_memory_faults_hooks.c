/* test_memory_faults_hooks.c -- the n-th allocation of `stockd hooks run` fails, until SQL knows of
 * a delivery, while a hook is taken up, while the file is read again: nothing is lost or comes out
 * of its order. EVERY=1 walks each n; without it some.
 */
#include "support/env_number.h"
#include "support/hook_case.h"
#include "support/memory_faults.h"

#include <signal.h>
#include <stdlib.h>

#define IN_A_ROW 4  /* as when memory is short for a while */
#define STEP     61 /* of those */
#define LOST_MAX 32 /* blocks */
#define NS_MAX   3000

static struct memory_faults_file faults;
static pid_t worker;
static int version; /* of the item: the last one that was made */

static void begin(void **state, const char *members)
{
    hooks_begin(*state, members);
    make_changes("a", 0);
    version = 1;
    sender_start_preloaded(memory_faults_library());
    await_taken("a", version);
    assert_true(await((worker = sender_worker(0)) > 0, RECOVERY_MS));
    memory_faults_choose(&faults, worker);
}

static void blame(long n, long in_a_row, const char *what)
{
    memory_faults_disarm(&faults);
    print_tail(text("%s/hooks0.err", hooks_dir), 40);
    fail_msg("allocation %ld and %ld behind it: %s", n, in_a_row - 1, what);
}

/* True: it came to the n-th allocation. */
static bool end_step(long n, long in_a_row)
{
    bool reached = memory_faults_disarm(&faults);
    if (sender_worker(0) != worker)
        blame(n, in_a_row, "the process has died");
    return reached;
}

typedef bool step_fn(long n, long in_a_row);

/* Until no allocation fails any more. */
static void walk(step_fn *step, long in_a_row, long every)
{
    long n = 0;
    while (n < NS_MAX && step(n, in_a_row))
        n += every;
    assert_true(n > 0 && n < NS_MAX);
}

/* Several in a row first: whatever is kept for later is there then. */
static void check_walk(step_fn *step)
{
    walk(step, IN_A_ROW, STEP);
    long before = memory_faults_live(&faults);
    walk(step, 1, (long)env_number("EVERY", 11));
    if (!await(memory_faults_live(&faults) <= before + LOST_MAX, RECOVERY_MS))
        fail_msg("%ld blocks were lost", memory_faults_live(&faults) - before);
}

/* All that was made came, and in its order. */
static void check_all(void)
{
    for (int v = 1; v <= version; v++)
        assert_true(taken("a", v) > 0);
    check_order("a");
}

/* --- a delivery ------------------------------------------------------------------------------- */

static void change(void)
{
    post(200, ADJUST("a"), "{\"delta\":1}");
    version++;
}

/* SQL knows of every delivery. */
static bool is_written_down(void)
{
    return letters() == 0 &&
           sql_int("SELECT COALESCE(MAX(epoch * 1000000 + seq), 0) FROM hook_positions") ==
               sql_int("SELECT MAX(epoch * 1000000 + seq) FROM events");
}

static bool end_delivery(long n, long in_a_row)
{
    if (!await(taken("a", version) > 0, RECOVERY_MS))
        blame(n, in_a_row, "an event does not come");
    if (!await(is_written_down(), RECOVERY_MS))
        blame(n, in_a_row, "SQL is not told");
    return end_step(n, in_a_row);
}

/* Where the library that sends takes a want of memory for something else it costs an attempt. */
static bool deliver(long n, long in_a_row)
{
    memory_faults_arm(&faults, n, in_a_row);
    change();
    return end_delivery(n, in_a_row);
}

/* Two, of which the first is refused once. */
static bool deliver_late(long n, long in_a_row)
{
    hook_rule(0, version_of("a", version + 1), 1, ANSWER("500 x"));
    memory_faults_arm(&faults, n, in_a_row);
    change();
    change();
    return end_delivery(n, in_a_row);
}

static void an_event_is_delivered_whatever_allocation_fails(void **state)
{
    begin(state, FIRST ",'attempts':2");
    check_walk(deliver);
    check_all();
}

static void one_that_was_refused_stays_before_the_next(void **state)
{
    begin(state, FIRST ",'attempts':3");
    check_walk(deliver_late);
    check_all();
}

/* --- a hook ----------------------------------------------------------------------------------- */

/* As if somebody else had had it meanwhile: what waits is read anew. */
static bool take_up(long n, long in_a_row)
{
    memory_faults_arm(&faults, n, in_a_row);
    sql_run("UPDATE hooks SET owner = ''");
    if (!await(sql_int("SELECT COUNT(*) FROM hooks WHERE owner <> ''") == 1, RECOVERY_MS))
        blame(n, in_a_row, "nobody sends the hook");
    return end_step(n, in_a_row);
}

static void a_hook_is_taken_up_with_all_that_waits(void **state)
{
    begin(state, FIRST ",'attempts':100");
    hook_rule(0, version_of("a", 2), FOR_EVER, ANSWER("500 x"));
    for (int i = 0; i < 3; i++)
        change();
    assert_true(await(letters() == 3, RECOVERY_MS));
    check_walk(take_up);
    assert_int_equal(came("a", 3), 0);
    no_rules();
    (void)take_up(NS_MAX, 1); /* from now on no attempt fails */
    sql_run("UPDATE hook_letters SET next_ms = 0");
    (void)take_up(NS_MAX, 1);
    await_taken("a", version);
    check_all();
    assert_true(await(letters() == 0, RECOVERY_MS));
}

/* --- the file --------------------------------------------------------------------------------- */

static int said(const char *what)
{
    char line[64] = "0";
    FILE *grep = popen(text("grep -c '%s' %s/hooks0.err", what, hooks_dir), "re");
    assert_non_null(grep);
    assert_non_null(fgets(line, sizeof(line), grep));
    pclose(grep);
    return atoi(line);
}

/* It is taken, or changes nothing. */
static bool read_again(long n, long in_a_row)
{
    int before = said("hooks read") + said("changes nothing");
    memory_faults_arm(&faults, n, in_a_row);
    tproc_signal(&senders[0], SIGHUP);
    if (!await(said("hooks read") + said("changes nothing") > before, RECOVERY_MS))
        blame(n, in_a_row, "the file is not read");
    return end_step(n, in_a_row);
}

static void a_file_is_read_again_or_changes_nothing(void **state)
{
    begin(state, FIRST ",'attempts':2");
    check_walk(read_again);
    assert_true(said("changes nothing") > 0);
    (void)deliver(NS_MAX, 1);
    check_all();
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        HOOK_TEST(an_event_is_delivered_whatever_allocation_fails),
        HOOK_TEST(one_that_was_refused_stays_before_the_next),
        HOOK_ONCE(a_hook_is_taken_up_with_all_that_waits),
        HOOK_ONCE(a_file_is_read_again_or_changes_nothing),
    };
    /* clang-format on */
    signal(SIGPIPE, SIG_IGN);
    int failed = memory_faults_library() && memory_faults_begin(&faults) == 0
                     ? run_each("memory faults, hooks", tests)
                     : EXIT_FAILURE;
    memory_faults_end(&faults);
    return failed;
}
