/* test_arena.c -- alignment, the maximum, and what a reset keeps. */
#include "arena.h"
#include "support/suite.h"

TEST(every_allocation_is_aligned_and_its_own)
{
    struct arena a;
    arena_init(&a, 256, 1 << 20);
    unsigned char *all[200];
    for (size_t i = 0; i < 200; i++) {
        all[i] = arena_alloc(&a, i);
        assert_non_null(all[i]);
        assert_int_equal((uintptr_t)all[i] % ARENA_ALIGN, 0);
        memset(all[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_equal(all[i][j], i);
    arena_free(&a);
}

TEST(one_past_the_maximum_is_null_and_less_still_fits)
{
    struct arena a;
    arena_init(&a, 1024, 4096);
    assert_null(arena_alloc(&a, 4097));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    size_t got = 0;
    while (arena_alloc(&a, 256))
        got += 256;
    assert_int_equal(got, 4096);
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 2048));
    assert_non_null(arena_alloc(&a, 1));
    assert_null(arena_alloc(&a, 2048)); /* a block for one byte counts as a block */
    assert_non_null(arena_alloc(&a, 1024));
    arena_free(&a);
}

static size_t allocations_until_full(struct arena *a, size_t n)
{
    size_t count = 0;
    while (arena_alloc(a, n))
        count++;
    return count;
}

TEST(what_fits_does_not_depend_on_what_came_before_the_reset)
{
    static const size_t sizes[] = {1, 16, 100, 1024, 1500, 5000, 60000};
    size_t count = sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; i < count; i++) {
        struct arena fresh, used;
        arena_init(&fresh, 1024, 65536);
        arena_init(&used, 1024, 65536);
        for (size_t j = 0; j < count; j++) {
            allocations_until_full(&used, sizes[j]);
            arena_reset(&used);
        }
        arena_reset(&fresh);
        assert_int_equal(allocations_until_full(&fresh, sizes[i]) > 0, 1);
        arena_reset(&fresh);
        assert_int_equal(allocations_until_full(&fresh, sizes[i]),
                         allocations_until_full(&used, sizes[i]));
        arena_free(&fresh);
        arena_free(&used);
    }
}

TEST(a_round_like_the_last_one_reuses_the_same_memory)
{
    struct arena a;
    arena_init(&a, 1024, 65536);
    void *first[12];
    for (int i = 0; i < 12; i++)
        first[i] = arena_alloc(&a, 500);
    arena_reset(&a);
    for (int i = 0; i < 12; i++)
        assert_ptr_equal(arena_alloc(&a, 500), first[i]);
    arena_free(&a);
}

TEST(text_is_copied_with_a_nul_and_absence_stays_absence)
{
    struct arena a;
    arena_init(&a, 64, 64);
    char text[] = "hello";
    struct str copy = arena_str(&a, str_of(text));
    text[0] = 'j';
    assert_string_equal(copy.p, "hello");
    assert_int_equal(copy.n, 5);
    assert_true(str_absent(arena_str(&a, (struct str){NULL, 0})));
    assert_string_equal(arena_str(&a, STR("")).p, "");
    assert_memory_equal(arena_copy(&a, "abc", 3), "abc", 3);
    assert_true(str_absent(arena_str(&a, STR("more than the sixteen bytes that are left"))));
    arena_free(&a);
}

TEST(zalloc_clears_memory_that_was_used_before)
{
    struct arena a;
    arena_init(&a, 128, 1024);
    char *p = arena_alloc(&a, 100);
    memset(p, 0xff, 100);
    arena_reset(&a);
    char *q = arena_zalloc(&a, 100);
    assert_ptr_equal(p, q);
    for (int i = 0; i < 100; i++)
        assert_int_equal(q[i], 0);
    assert_null(arena_zalloc(&a, 2000));
    assert_null(arena_copy(&a, "x", 2000));
    arena_free(&a);
}

TEST(free_leaves_an_arena_that_works_again)
{
    struct arena a;
    arena_init(&a, 128, 1024);
    arena_free(&a);
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 10));
    arena_free(&a);
}
