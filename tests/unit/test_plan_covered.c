/* test_plan_covered.c -- which operations may join a batch that was read before they came. */
#include "core/plan.h"
#include "support/suite.h"

#define ARENA_BYTES 65536

static struct arena arena;
static struct buf events, scratch;
static struct view view;

/* An item that was read, and one that is only wanted. */
static int setup(void **state)
{
    arena_init(&arena, ARENA_BYTES, 4 * ARENA_BYTES);
    buf_init(&events, ARENA_BYTES);
    buf_init(&scratch, ARENA_BYTES);
    view_init(&view, &arena, &events, &scratch);
    uint32_t read = view_add_item(&view, STR("read")), wanted = view_add_item(&view, STR("wanted"));
    if (read == VIEW_NONE || wanted == VIEW_NONE)
        return -1;
    view_item(&view, read)->known = true;
    return 0;
}

static int teardown(void **state)
{
    arena_free(&arena);
    buf_free(&events);
    buf_free(&scratch);
    return 0;
}

EACH_BETWEEN(setup, teardown)

static struct op_line lines[2];

static struct op decrement_of(const char *first, const char *second)
{
    lines[0].sku = str_of(first);
    lines[1].sku = str_of(second);
    return (struct op){.kind = OP_DECREMENT, .lines = lines, .line_count = second ? 2 : 1};
}

TEST(an_operation_on_items_that_were_read_is_covered)
{
    struct op op = decrement_of("read", NULL);
    assert_true(plan_is_covered(&view, &op));
    uint32_t items = view.items.count;
    assert_true(plan_collect(&view, &op)); /* which then adds nothing */
    assert_int_equal(view.items.count, items);
}

TEST(an_item_that_was_not_read_is_not_covered)
{
    struct op strange = decrement_of("strange", NULL);
    assert_false(plan_is_covered(&view, &strange));
    struct op wanted = decrement_of("wanted", NULL);
    assert_false(plan_is_covered(&view, &wanted));
    struct op both = decrement_of("read", "wanted");
    assert_false(plan_is_covered(&view, &both));
    assert_int_equal(view_find_item(&view, STR("strange")), VIEW_NONE); /* asking adds nothing */
}

TEST(keys_customers_and_reservations_are_to_be_read)
{
    struct op keyed = decrement_of("read", NULL), customer = keyed;
    keyed.key = STR("k");
    customer.customer = STR("c");
    assert_false(plan_is_covered(&view, &keyed));
    assert_false(plan_is_covered(&view, &customer));
    for (int kind = 0; kind < OP_KINDS; kind++) {
        struct op op = decrement_of("read", NULL);
        op.kind = (enum op_kind)kind;
        assert_int_equal(plan_is_covered(&view, &op), !op_trait(op.kind)->names_reservation);
    }
}
