#include "ledger/query/tail_cursor.h"
#include "support/suite.h"

#define MAX 4

static struct tail_position at[MAX];

static void reads_back(const char *text, unsigned partitions)
{
    struct buf out;
    buf_init(&out, 256);
    assert_true(tail_cursor_parse(str_of(text), at, partitions));
    tail_cursor_put(&out, at, partitions);
    assert_int_equal(out.n, strlen(text));
    assert_memory_equal(out.p, text, out.n);
    buf_free(&out);
}

TEST(what_is_written_is_read)
{
    reads_back("0", 1);
    reads_back("1-0-0", 1);
    reads_back("3-1041-12", 1);
    assert_int_equal(at[0].id.epoch, 3);
    assert_int_equal(at[0].id.seq, 1041);
    assert_int_equal(at[0].n, 12);
    reads_back("0.0.0.0", 4);
    reads_back("1-7-2.0.2-19-0", 3);
    assert_int_equal(at[1].id.epoch, 0);
    assert_int_equal(at[2].id.seq, 19);
    reads_back("999999999999999999-999999999999999999-999999999999999999", 1);
}

TEST(nothing_else_is_read)
{
    static const char *const wrong[] = {
        "",
        "x",
        "1",
        "1-",
        "1-2",
        "1-2-",
        "1-2-3-",
        "1-2-3-4",
        "1-2-3.",
        "1-2-3 ",
        " 0",
        "00",
        "01-2-3",
        "1-02-3",
        "1-2--3",
        "-1-2-3",
        "+1-2-3",
        "0-0-0",
        "0.0",
        "1-2-3.0",
        "latest",
        "1.2.3",
        "1-2-3\xc3\xa9",
        "1_2_3",
        "1000000000000000000-0-0",
        "9999999999999999999-0-0",
        "1-99999999999999999999999999-0",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (tail_cursor_parse(str_of(wrong[i]), at, 1))
            fail_msg("%s was read", wrong[i]);
}

TEST(another_number_of_partitions_is_none)
{
    assert_false(tail_cursor_parse(STR("0.0"), at, 1));
    assert_false(tail_cursor_parse(STR("0.0"), at, 3));
    assert_true(tail_cursor_parse(STR("0.0"), at, 2));
    assert_false(tail_cursor_parse(STR("1-2-3.1-2-3"), at, 4));
}

TEST(positions_are_compared_by_epoch_then_seq_then_row)
{
    const struct tail_position in_order[] = {{{0, 0}, 0}, {{1, 0}, 0}, {{1, 0}, 1}, {{1, 2}, 0},
                                             {{1, 2}, 9}, {{2, 0}, 0}, {{2, 1}, 0}};
    const int count = sizeof(in_order) / sizeof(in_order[0]);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < count; k++) {
            int sign = tail_compare(&in_order[i], &in_order[k]);
            assert_int_equal((sign > 0) - (sign < 0), (i > k) - (i < k));
        }
}
