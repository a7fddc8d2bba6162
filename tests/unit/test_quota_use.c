/* test_quota_use.c -- buckets that several processes take from at once. */
#include "keys/quota_use.h"
#include "support/suite.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 4
#define TRIES     20000

static struct quota_use *use;

static int begin(void **state)
{
    use = quota_use_new();
    return use ? 0 : -1;
}

static int end(void **state)
{
    quota_use_free(use);
    return 0;
}

EACH_BETWEEN(begin, end)

TEST(a_client_has_one_slot_whoever_looks)
{
    struct quota_use_slot *shop = quota_use_slot(use, STR("shop"));
    assert_ptr_not_equal(quota_use_slot(use, STR("ops")), shop);
    assert_ptr_equal(quota_use_slot(use, STR("shop")), shop);
}

TEST(clients_that_find_no_slot_share_one)
{
    char name[16];
    for (int i = 0; i < QUOTA_USE_SLOTS; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        assert_non_null(quota_use_slot(use, str_of(name)));
    }
    struct quota_use_slot *late = quota_use_slot(use, STR("late"));
    assert_non_null(late);
    assert_ptr_equal(quota_use_slot(use, STR("late")), late);
}

/* Of the burst alone, as no time goes by: each token is taken by one of them. */
static int take_all(struct quota_use_slot *slot, const struct bucket_limit *limit)
{
    int taken = 0;
    for (int i = 0; i < TRIES; i++)
        taken += quota_use_take(slot, limit, 1, 1).taken;
    return taken;
}

TEST(processes_at_once_get_no_token_twice)
{
    const struct bucket_limit limit = {.step_ns = 1000, .burst = TRIES};
    struct quota_use_slot *slot = quota_use_slot(use, STR("shop"));
    int ends[2], taken = 0, one;
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            one = take_all(slot, &limit);
            _exit(write(ends[1], &one, sizeof(one)) == sizeof(one) ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(read(ends[0], &one, sizeof(one)), sizeof(one));
        taken += one;
    }
    while (wait(NULL) > 0)
        ;
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(taken, TRIES);
}
