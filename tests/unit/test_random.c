/* test_random.c -- a generator that repeats, and bytes that do not. */
#include "random.h"
#include "support/suite.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(the_same_seed_gives_the_same_numbers)
{
    struct rng a, b, c;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    rng_seed(&c, 43);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = rng_next(&a);
        assert_true(x == rng_next(&b));
        same += x == rng_next(&c);
    }
    assert_int_equal(same, 0);
}

/* The first outputs for seed 0, computed apart from this code, from the published algorithms. */
TEST(the_numbers_are_those_of_xoshiro256starstar)
{
    struct rng r;
    rng_seed(&r, 0);
    assert_true(rng_next(&r) == 0x99ec5f36cb75f2b4u);
    assert_true(rng_next(&r) == 0xbf6e1f784956452au);
}

TEST(below_n_is_below_n_and_reaches_every_number)
{
    struct rng r;
    rng_seed(&r, 1);
    unsigned seen[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t x = rng_below(&r, 7);
        assert_true(x < 7);
        seen[x]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500);
    assert_true(rng_below(&r, 1) == 0);
    assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
}

TEST(bytes_fill_exactly_what_was_asked_for)
{
    unsigned char bytes[10000 + 2];
    memset(bytes, 0xaa, sizeof bytes);
    random_bytes(bytes + 1, 10000); /* more than one block */
    assert_int_equal(bytes[0], 0xaa);
    assert_int_equal(bytes[10001], 0xaa);
    unsigned seen[256] = {0};
    for (int i = 1; i <= 10000; i++)
        seen[bytes[i]]++;
    for (int i = 0; i < 256; i++)
        assert_in_range(seen[i], 1, 120);
    random_bytes(bytes, 0);
    assert_int_equal(bytes[0], 0xaa);
}

TEST(a_child_does_not_repeat_its_parents_bytes)
{
    unsigned char ours[16], theirs[16];
    int ends[2];
    random_bytes(ours, 1); /* there is a block to inherit */
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        random_after_fork();
        random_bytes(theirs, sizeof theirs);
        _exit(write(ends[1], theirs, sizeof theirs) != (ssize_t)sizeof theirs);
    }
    int status;
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    random_bytes(ours, sizeof ours);
    assert_memory_not_equal(ours, theirs, sizeof ours);
    close(ends[0]);
    close(ends[1]);
}
