/* test_buf.c -- the maximum of a buffer, and what happens at it. */
#include "buf.h"
#include "support/suite.h"

#include <inttypes.h>
#include <stdio.h>

static void assert_holds(const struct buf *b, const char *text)
{
    assert_int_equal(b->n, strlen(text));
    assert_memory_equal(buf_str(b).p, text, b->n);
    assert_true(b->n <= b->cap && b->cap <= b->max);
}

TEST(writes_of_every_kind_follow_each_other)
{
    struct buf b;
    buf_init(&b, 1000);
    assert_holds(&b, "");
    buf_put(&b, "ab", 2);
    buf_putc(&b, 'c');
    buf_puts(&b, STR("de"));
    buf_puts(&b, (struct str){NULL, 0});
    buf_printf(&b, "-%s-%d-", "x", 7);
    buf_put_i64(&b, -42);
    char *room = buf_reserve(&b, 10);
    assert_non_null(room);
    memcpy(room, "end", 3);
    buf_commit(&b, 3);
    assert_false(b.failed);
    assert_holds(&b, "abcde-x-7--42end");
    buf_free(&b);
}

TEST(numbers_match_printf_at_the_edges)
{
    static const int64_t numbers[] = {0, 1, -1, 9, 10, 99, 100, -100, INT64_MAX, INT64_MIN};
    struct buf b;
    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "%" PRId64, numbers[i]);
        buf_reset(&b);
        buf_put_i64(&b, numbers[i]);
        assert_holds(&b, text);
    }
    buf_free(&b);
}

TEST(it_grows_to_its_maximum_and_not_a_byte_further)
{
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 1000; i++)
        buf_putc(&b, (char)i);
    assert_false(b.failed);
    assert_int_equal(b.n, 1000);
    assert_int_equal(b.cap, 1000);
    buf_putc(&b, 'x');
    assert_true(b.failed);
    assert_int_equal(b.n, 1000);
    buf_free(&b);
}

TEST(a_failure_drops_that_write_and_all_after_it)
{
    struct buf b;
    buf_init(&b, 10);
    buf_puts(&b, STR("12345"));
    buf_puts(&b, STR("too long by one"));
    buf_putc(&b, '6'); /* would fit, but would leave a hole in the text */
    buf_printf(&b, "%d", 7);
    buf_put_i64(&b, 8);
    assert_null(buf_reserve(&b, 1));
    assert_true(b.failed);
    assert_holds(&b, "12345");
    buf_free(&b);
}

TEST(reset_forgets_the_failure_and_keeps_the_memory)
{
    struct buf b;
    buf_init(&b, 10);
    buf_puts(&b, STR("12345678901"));
    assert_true(b.failed);
    buf_reset(&b);
    buf_puts(&b, STR("1234567890"));
    char *p = b.p;
    buf_reset(&b);
    buf_puts(&b, STR("abc"));
    assert_false(b.failed);
    assert_ptr_equal(p, b.p);
    assert_holds(&b, "abc");
    buf_free(&b);
}

TEST(a_size_near_the_end_of_size_t_does_not_wrap)
{
    struct buf b;
    buf_init(&b, 100);
    buf_putc(&b, 'x');
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    buf_free(&b);
}

TEST(printf_fills_the_buffer_to_its_end_less_a_nul)
{
    struct buf b;
    buf_init(&b, 6);
    buf_printf(&b, "%s", "12345");
    assert_false(b.failed);
    assert_holds(&b, "12345");
    buf_printf(&b, "%s", "6");
    assert_true(b.failed);
    buf_free(&b);
}

TEST(trimming_keeps_what_was_written)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_trim(&b);
    assert_int_equal(b.cap, 0);
    buf_puts(&b, STR("abc"));
    assert_true(b.cap > 3);
    buf_trim(&b);
    assert_int_equal(b.cap, 3);
    buf_puts(&b, STR("def"));
    assert_true(str_equal(buf_str(&b), STR("abcdef")));
    char *none = buf_reserve(&b, 2000);
    assert_null(none);
    buf_reset(&b);
    buf_trim(&b);
    assert_int_equal(b.cap, 0);
    buf_free(&b);
}
