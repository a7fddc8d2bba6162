/* test_kept.c -- what operations add to what their clients keep, and what a limit lets through. */
#include "core/access/kept.h"
#include "support/suite.h"

TEST(each_kind_adds_what_it_leaves_behind)
{
    static const struct {
        enum op_kind kind;
        int64_t weight[KEPTS]; /* of one with a key, 7 units and 5 bytes */
    } rows[OP_KINDS] = {
        {OP_PUT, {0, 0, 0, 1}},       {OP_ADJUST, {0, 0, 0, 1}},   {OP_DELETE, {0, 0, 0, 1}},
        {OP_DECREMENT, {0, 0, 0, 1}}, {OP_RESERVE, {1, 7, 5, 1}},  {OP_CONFIRM, {0, 0, 0, 1}},
        {OP_RELEASE, {0, 0, 0, 1}},   {OP_EXTEND, {0, 0, 0, 1}},   {OP_GET, {0, 0, 0, 0}},
        {OP_SWEEP, {0, 0, 0, 0}},     {OP_TRANSFER, {0, 0, 0, 1}},
    };
    for (size_t i = 0; i < OP_KINDS; i++) {
        struct op_line lines[] = {{.sku = STR("a"), .quantity = 3},
                                  {.sku = STR("b"), .quantity = 4}};
        struct op op = {.kind = rows[i].kind,
                        .key = STR("k"),
                        .lines = lines,
                        .line_count = 2,
                        .metadata = STR("{\"a\"}")};
        int64_t weight[KEPTS];
        kept_weigh(&op, weight);
        assert_memory_equal(weight, rows[i].weight, sizeof(weight));
        op.key = (struct str){NULL, 0};
        kept_weigh(&op, weight);
        assert_int_equal(weight[KEPT_OPERATIONS], 0);
        assert_int_equal(weight[KEPT_UNITS], rows[i].weight[KEPT_UNITS]);
    }
}

TEST(a_limit_is_reached_and_not_passed)
{
    static const struct {
        int64_t limit;
        double share;
        int64_t known, since, weight;
        bool fits;
    } rows[] = {
        {1, 1, 0, 0, 1, true},
        {1, 1, 1, 0, 1, false},
        {1, 1, 0, 1, 1, false},
        {1, 1, 0, 0, 2, false},
        {100, 1, 40, 59, 1, true},
        {100, 1, 40, 60, 1, false},
        {100, 1, 40, 0, 60, true},
        {100, 1, 40, 0, 61, false},
        {100, 1, 140, 0, 1, false}, /* it was lowered */
        {KEPT_MAX, 1, 0, KEPT_MAX - 1, 1, true},
        {KEPT_MAX, 1, KEPT_MAX, KEPT_MAX, INT64_C(100000000000), false},
        /* A host of four: a quarter of what is left, ... */
        {100, 0.25, 60, 9, 1, true},
        {100, 0.25, 60, 10, 1, false},
        {100, 0.25, 60, 1, 9, true},
        {100, 0.25, 60, 1, 10, false},
        /* ... and one of any size that is left, or the last would be nobody's. */
        {100, 0.25, 60, 0, 40, true},
        {100, 0.25, 60, 0, 41, false},
        {100, 0.25, 99, 0, 1, true},
        {100, 0.25, 98, 1, 1, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (kept_fits(rows[i].limit, rows[i].share, rows[i].known, rows[i].since, rows[i].weight) !=
            rows[i].fits)
            fail_msg("row %zu", i);
}
