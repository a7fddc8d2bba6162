/* test_relay_copy.c -- an operation and its outcome in a cell: nothing is lost, nothing points out
 * of it, and the largest outcome fits behind the largest request.
 */
#include "core/tenant.h"
#include "store/relay/relay_copy.h"
#include "support/suite.h"

#include <stdlib.h>

static struct relay_cell *cell;
static char full[METADATA_MAX_BYTES + 1];

static int setup(void **state)
{
    cell = calloc(1, RELAY_CELL_BYTES);
    memset(full, 'x', sizeof(full) - 1);
    return cell ? 0 : -1;
}

static int teardown(void **state)
{
    free(cell);
    return 0;
}

EACH_BETWEEN(setup, teardown)

static struct str of_length(size_t n)
{
    assert_true(n < sizeof(full));
    return (struct str){full, n};
}

static bool lies_within(const void *p)
{
    return (const char *)p >= cell->bytes &&
           (const char *)p < (const char *)cell + RELAY_CELL_BYTES;
}

static void same_text(struct str copy, struct str text)
{
    assert_true(str_equal(copy, text));
    if (str_absent(text))
        return;
    assert_true(lies_within(copy.p));
    assert_int_equal(copy.p[copy.n], '\0');
}

TEST(a_request_arrives_whole)
{
    struct op_line lines[2] = {{.sku = STR("apple"), .quantity = 2, .index = 1},
                               {.sku = STR("pear"), .quantity = 3}};
    struct op op = {.kind = OP_RESERVE,
                    .partition = 7,
                    .key = STR("k-1"),
                    .fingerprint = {1, 2, 3},
                    .id = STR("k-1"),
                    .rid = {.b = {9, 8, 7}},
                    .lines = lines,
                    .line_count = 2,
                    .ttl_ms = 1000,
                    .overload = "no room",
                    .over_quota = true,
                    .customer = STR(""),
                    .owner = STR("acme/shop"),
                    .trace = STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
                    .metadata = STR("{\"a\":1}")};
    assert_true(relay_copy_request(cell, &op));
    const struct op *copy = &cell->op;
    same_text(copy->key, op.key);
    same_text(copy->id, op.id);
    same_text(copy->customer, op.customer);
    same_text(copy->reference, op.reference);
    same_text(copy->metadata, op.metadata);
    same_text(copy->owner, op.owner);
    same_text(copy->trace, op.trace);
    assert_true(lies_within(copy->lines));
    for (unsigned i = 0; i < 2; i++) {
        same_text(copy->lines[i].sku, lines[i].sku);
        assert_int_equal(copy->lines[i].quantity, lines[i].quantity);
        assert_int_equal(copy->lines[i].index, lines[i].index);
    }
    assert_int_equal(copy->kind, OP_RESERVE);
    assert_int_equal(copy->partition, 7);
    assert_int_equal(copy->ttl_ms, 1000);
    assert_memory_equal(copy->fingerprint, op.fingerprint, sizeof(op.fingerprint));
    assert_true(rid_equal(&copy->rid, &op.rid));
    assert_null(copy->overload); /* who commits judges that */
    assert_true(copy->over_quota);
    assert_int_equal(copy->out.field_line, -1);
}

static struct op_line *lines_of(unsigned count, size_t sku_bytes)
{
    struct op_line *lines = calloc(count, sizeof(*lines));
    assert_non_null(lines);
    for (unsigned i = 0; i < count; i++)
        lines[i] = (struct op_line){.sku = of_length(sku_bytes), .quantity = 1};
    return lines;
}

TEST(a_request_that_is_too_large_is_refused)
{
    struct op op = {.kind = OP_RESERVE, .lines = lines_of(LINES_MAX, SKU_STORED_MAX_BYTES)};
    op.line_count = LINES_MAX;
    assert_false(relay_copy_request(cell, &op));
    op.line_count = 10;
    op.metadata = of_length(METADATA_MAX_BYTES);
    assert_true(relay_copy_request(cell, &op));
    op.line_count = 0;
    assert_true(relay_copy_request(cell, &op)); /* the cell is begun anew */
    free(op.lines);
}

/* As many lines as are taken beside the largest texts. */
static void largest_request(void)
{
    struct op op = {.kind = OP_RESERVE,
                    .key = of_length(KEY_STORED_MAX_BYTES),
                    .id = of_length(KEY_STORED_MAX_BYTES),
                    .customer = of_length(TEXT_MAX_BYTES),
                    .owner = of_length(OWNER_MAX_BYTES),
                    .metadata = of_length(METADATA_MAX_BYTES),
                    .lines = lines_of(LINES_MAX, SKU_STORED_MAX_BYTES),
                    .line_count = LINES_MAX};
    while (!relay_copy_request(cell, &op))
        op.line_count--;
    assert_true(op.line_count > 0 && op.line_count < LINES_MAX);
    free(op.lines);
}

TEST(the_largest_reservation_fits_behind_the_largest_request)
{
    struct reservation_line lines[LINES_MAX];
    struct reservation r = {.line_count = LINES_MAX,
                            .lines = lines,
                            .customer = of_length(TEXT_MAX_BYTES),
                            .reference = of_length(TEXT_MAX_BYTES),
                            .metadata = of_length(METADATA_MAX_BYTES),
                            .owner = of_length(OWNER_MAX_BYTES)};
    struct outcome out = {.code = OUT_CREATED,
                          .resv = &r,
                          .sku = of_length(SKU_STORED_MAX_BYTES),
                          .to.sku = of_length(SKU_STORED_MAX_BYTES),
                          .id = of_length(KEY_STORED_MAX_BYTES),
                          .why = full};
    for (unsigned i = 0; i < LINES_MAX; i++)
        lines[i] = (struct reservation_line){.sku = of_length(SKU_STORED_MAX_BYTES), .version = i};
    largest_request();
    assert_true(relay_copy_outcome(cell, &out));
    const struct reservation *copy = cell->op.out.resv;
    assert_true(lies_within(copy) && lies_within(copy->lines));
    same_text(copy->metadata, r.metadata);
    same_text(copy->owner, r.owner);
    same_text(copy->lines[99].sku, lines[99].sku);
    assert_int_equal(copy->lines[99].version, 99);
    same_text(cell->op.out.id, out.id);
    same_text(cell->op.out.to.sku, out.to.sku);
    assert_true(lies_within(cell->op.out.why)); /* cut, not lost */
}

TEST(all_lines_that_stand_in_the_way_fit)
{
    struct outcome_short shorts[LINES_MAX];
    static const char field[] = "lines[0].quantity";
    struct outcome out = {.code = OUT_INSUFFICIENT_STOCK,
                          .shorts = shorts,
                          .short_count = LINES_MAX,
                          .earliest_release_ms = 12,
                          .field = field,
                          .field_line = 3};
    for (unsigned i = 0; i < LINES_MAX; i++)
        shorts[i] = (struct outcome_short){.sku = of_length(SKU_STORED_MAX_BYTES), .available = i};
    largest_request();
    assert_true(relay_copy_outcome(cell, &out));
    const struct outcome *copy = &cell->op.out;
    assert_int_equal(copy->short_count, LINES_MAX);
    assert_true(lies_within(copy->shorts));
    same_text(copy->shorts[99].sku, shorts[99].sku);
    assert_int_equal(copy->shorts[99].available, 99);
    assert_int_equal(copy->earliest_release_ms, 12);
    assert_ptr_equal(copy->field, field); /* static: it stays where it is */
    assert_int_equal(copy->field_line, 3);
    assert_null(copy->resv);
    assert_null(copy->why);
}

/* As only a record can be that another program wrote. */
TEST(what_is_larger_than_any_can_be_is_said_to_be)
{
    struct str huge = {calloc(1, RELAY_CELL_BYTES), RELAY_CELL_BYTES - 1};
    struct reservation r = {.metadata = huge};
    struct outcome out = {.code = OUT_OK, .resv = &r};
    struct op op = {.kind = OP_GET};
    assert_true(relay_copy_request(cell, &op));
    assert_false(relay_copy_outcome(cell, &out));
    free((char *)huge.p);
}
