/* test_kept_use.c -- what clients keep: let through by several processes at once, while windows
 * begin and go and SQL is told of.
 */
#include "keys/quota_use.h"
#include "support/suite.h"

#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 4
#define LATER   1000 /* SQL has all */

static struct quota_use *quotas;
static struct kept_use *use;
static struct kept_slot *slot;
static struct kept_turner turner;

static int begin(void **state)
{
    quotas = quota_use_new();
    if (!quotas)
        return -1;
    use = &quotas->kept;
    slot = &quota_use_slot(quotas, STR("shop"))->kept;
    turner = (struct kept_turner){{0}};
    kept_use_tell(slot, (int64_t[KEPTS]){0});
    kept_use_publish(use, 0);
    return 0;
}

static int end(void **state)
{
    quota_use_free(quotas);
    return 0;
}

EACH_BETWEEN(begin, end)

static const struct quota ten = {.limits = {[QUOTA_HOLDS] = 10, [QUOTA_UNITS] = 100}};

static struct kept_ticket take_of(const struct quota *quota, int64_t holds, int64_t units)
{
    struct kept_ticket ticket;
    kept_use_take(use, 0, slot, quota, 1, (int64_t[KEPTS]){holds, units, 8, 1}, &ticket);
    return ticket;
}

static struct kept_ticket take(void)
{
    return take_of(&ten, 1, 1);
}

static void settle(struct kept_ticket *ticket, enum kept_end end)
{
    kept_use_settle(use, 0, ticket, end);
}

static int fill(void)
{
    int taken = 0;
    for (struct kept_ticket one = take(); one.verdict == KEPT_TAKEN; one = take(), taken++)
        settle(&one, KEPT_CAME);
    return taken;
}

static void sql_has(int64_t holds, int64_t until_ms)
{
    uint64_t first = kept_use_proven(use, &turner, WORKERS, 1, until_ms);
    kept_use_tell(slot, (int64_t[KEPTS]){holds, holds, 0, 0});
    kept_use_publish(use, first);
}

TEST(a_quota_is_used_up_and_says_so)
{
    assert_int_equal(fill(), 10);
    struct kept_ticket one = take();
    assert_int_equal(one.verdict, KEPT_FULL);
    assert_int_equal(one.which, KEPT_HOLDS);
    assert_int_equal(one.limit, 10);
    assert_int_equal(one.used, 10);
}

TEST(one_limit_that_is_passed_leaves_the_others_as_they_were)
{
    struct kept_ticket large = take_of(&ten, 1, 101);
    assert_int_equal(large.verdict, KEPT_FULL);
    assert_int_equal(large.which, KEPT_UNITS);
    assert_int_equal(large.used, 0);
    assert_int_equal(fill(), 10);
}

TEST(what_is_not_limited_is_free)
{
    static const struct quota none = {.limits = {[QUOTA_RPS] = 1}};
    assert_int_equal(take_of(&none, 1, 1).verdict, KEPT_FREE);
    assert_int_equal(fill(), 10);
    assert_int_equal(take_of(&ten, 0, 0).verdict, KEPT_FREE); /* a release */
}

TEST(what_did_not_come_about_is_given_back)
{
    struct kept_ticket tickets[10];
    for (int i = 0; i < 10; i++)
        tickets[i] = take();
    assert_int_equal(take().verdict, KEPT_FULL);
    kept_use_turn(use, &turner);
    for (int i = 0; i < 10; i++) {
        settle(&tickets[i], KEPT_NOTHING);
        settle(&tickets[i], KEPT_NOTHING); /* is settled */
    }
    assert_int_equal(fill(), 10);
}

TEST(nothing_is_let_through_before_sql_was_read)
{
    kept_use_forget(use);
    assert_int_equal(take().verdict, KEPT_UNKNOWN);
    assert_int_equal(take_of(&ten, 0, 0).verdict, KEPT_FREE);
    sql_has(4, 0);
    assert_int_equal(fill(), 6);
}

TEST(nor_is_a_client_that_came_since)
{
    struct kept_ticket one;
    struct kept_slot *other = &quota_use_slot(quotas, STR("other"))->kept;
    kept_use_take(use, 0, other, &ten, 1, (int64_t[KEPTS]){1}, &one);
    assert_int_equal(one.verdict, KEPT_UNKNOWN);
    kept_use_tell(other, (int64_t[KEPTS]){9});
    kept_use_take(use, 0, other, &ten, 1, (int64_t[KEPTS]){1}, &one);
    assert_int_equal(one.verdict, KEPT_TAKEN);
}

TEST(a_window_goes_when_sql_has_all_of_it)
{
    assert_int_equal(fill(), 10);
    kept_use_turn(use, &turner);
    sql_has(10, 0); /* and perhaps more: counted twice */
    assert_int_equal(take().used, 20);
    sql_has(10, LATER);
    assert_int_equal(take().used, 10);
    sql_has(3, LATER);
    assert_int_equal(fill(), 7);
}

TEST(a_window_does_not_go_while_it_counts)
{
    assert_int_equal(fill(), 10);
    sql_has(0, LATER);
    assert_int_equal(fill(), 0);
}

TEST(a_window_does_not_go_while_something_of_it_is_under_way)
{
    struct kept_ticket one = take();
    kept_use_turn(use, &turner);
    sql_has(0, LATER);
    sql_has(0, LATER);
    assert_int_equal(fill(), 9);
    settle(&one, KEPT_CAME);
    kept_use_turn(use, &turner);
    sql_has(0, LATER);
    assert_int_equal(fill(), 10);
}

/* It may come about when its window has gone. */
TEST(what_may_come_about_yet_counts_from_now_on)
{
    struct kept_ticket one = take();
    kept_use_turn(use, &turner);
    settle(&one, KEPT_DOUBT);
    sql_has(0, LATER);
    assert_int_equal(fill(), 9);
}

TEST(what_a_worker_has_left_under_way_keeps_its_window_until_the_next_one_begins)
{
    assert_int_equal(take().verdict, KEPT_TAKEN);
    kept_use_turn(use, &turner);
    sql_has(0, LATER);
    assert_int_equal(fill(), 9);
    kept_use_begin(use, 0);
    sql_has(1, LATER);
    assert_int_equal(fill(), 0); /* those nine are of the window that counts */
    kept_use_turn(use, &turner);
    sql_has(1, LATER);
    assert_int_equal(fill(), 9);
}

/* As long as it likes: there is no end of windows. */
TEST(while_sql_is_behind_nothing_is_forgotten)
{
    for (int i = 0; i < 10; i++) {
        struct kept_ticket one = take();
        assert_int_equal(one.verdict, KEPT_TAKEN);
        settle(&one, KEPT_CAME);
        for (int turns = 0; turns < KEPT_WINDOWS / 2; turns++)
            kept_use_turn(use, &turner);
    }
    assert_int_equal(fill(), 0);
    sql_has(0, LATER);
    assert_int_equal(fill(), 2); /* the last one got all that came then */
    kept_use_turn(use, &turner);
    sql_has(0, LATER);
    assert_int_equal(fill(), 10);
}

TEST(windows_of_long_ago_are_not_counted_again)
{
    for (int i = 0; i < 5 * KEPT_WINDOWS; i++) {
        assert_int_equal(fill(), 10);
        kept_use_turn(use, &turner);
        sql_has(0, LATER);
    }
}

/* --- at once ---------------------------------------------------------------------------------- */

#define LIMIT 20000
static const struct quota many = {.limits = {[QUOTA_HOLDS] = LIMIT}};

/* Every other one comes about. */
static int take_until_full(unsigned worker)
{
    struct kept_ticket one;
    int taken = 0;
    for (bool came = false;; came = !came) {
        kept_use_take(use, worker, slot, &many, 1, (int64_t[KEPTS]){1}, &one);
        if (one.verdict == KEPT_FULL)
            return taken;
        kept_use_settle(use, worker, &one, came ? KEPT_CAME : KEPT_NOTHING);
        taken += came;
    }
}

/* What comes about without being given back between. */
static int take_the_rest(void)
{
    int taken = 0;
    for (struct kept_ticket one = take_of(&many, 1, 0); one.verdict == KEPT_TAKEN;
         one = take_of(&many, 1, 0), taken++)
        settle(&one, KEPT_CAME);
    return taken;
}

TEST(processes_at_once_never_pass_a_limit_while_windows_turn)
{
    int ends[2], taken = 0, one;
    assert_int_equal(pipe(ends), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            one = take_until_full(i);
            _exit(write(ends[1], &one, sizeof(one)) == sizeof(one) ? 0 : 1);
        }
    }
    for (int gone = 0; gone<WORKERS; gone += waitpid(-1, NULL, WNOHANG)> 0) {
        kept_use_turn(use, &turner);
        usleep(1000);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(read(ends[0], &one, sizeof(one)), sizeof(one));
        taken += one;
    }
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(taken + take_the_rest(), LIMIT);
}
