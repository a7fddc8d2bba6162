/* test_op.c -- what the tables of operations and of events must have said of each row.
 *
 * A kind that is forgotten there does not compile; one that is forgotten elsewhere fails here.
 */
#include "core/record.h"
#include "core/route.h"
#include "http/answer/json_write.h"
#include "http/answer/render.h"
#include "http/request/request_op.h"
#include "support/plan_world.h"
#include "support/suite.h"

#include <stdio.h>

static const struct plan_limits limits = {.max_hold_ms = 60000, .reservation_retention_ms = 8000};
static struct reservation_line held = {
    .sku = {"a", 1}, .quantity = 1, .reserved = 1, .remaining = 7, .version = 3};
static const struct reservation resv = {.id = {.b = {1, 2, 3}},
                                        .created_ms = 1000,
                                        .expires_ms = 2000,
                                        .line_count = 1,
                                        .lines = &held};

/* A success with every member that a body may be made of. */
static struct op succeeded(enum op_kind kind)
{
    struct op op = {.kind = kind, .id = STR("k"), .key = STR("k"), .fingerprint = {1, 2, 3}};
    op.out = (struct outcome){.code = op_trait(kind)->success,
                              .now_ms = 1500,
                              .field_line = -1,
                              .sku = STR("a"),
                              .item = {.exists = true, .available = 9, .version = 4},
                              .resv = &resv,
                              .id = STR("k"),
                              .quantity = 2,
                              .remaining = 7,
                              .version = 4,
                              .to = {.sku = STR("b"), .remaining = 3, .version = 5}};
    return op;
}

static struct str rendered(const struct op *op, struct answer *answer, struct buf *body)
{
    buf_reset(body);
    render_op(op, answer, body);
    assert_false(body->failed);
    return buf_str(body);
}

TEST(every_kind_says_which_role_it_takes)
{
    for (int kind = 0; kind < OP_KINDS; kind++) {
        const struct op_trait *trait = op_trait((enum op_kind)kind);
        assert_true(trait->least >= ROLE_READER && trait->least <= ROLE_ADMIN);
        /* What changes something is not for those who only read. */
        if (trait->event != EVENT_NONE)
            assert_true(trait->least >= ROLE_SELLER);
    }
}

/* One that has a route of its own takes there what it takes in a batch. */
TEST(a_single_call_takes_the_role_that_its_operation_takes)
{
    static const struct {
        enum op_kind kind;
        enum route_id route;
        enum route_method method;
    } calls[] = {
        {OP_PUT, ROUTE_ITEM, METHOD_PUT},
        {OP_ADJUST, ROUTE_ADJUSTMENTS, METHOD_POST},
        {OP_DELETE, ROUTE_ITEM, METHOD_DELETE},
        {OP_DECREMENT, ROUTE_DECREMENTS, METHOD_POST},
        {OP_RESERVE, ROUTE_RESERVATIONS, METHOD_POST},
        {OP_CONFIRM, ROUTE_CONFIRM, METHOD_POST},
        {OP_RELEASE, ROUTE_RELEASE, METHOD_POST},
        {OP_EXTEND, ROUTE_EXTEND, METHOD_POST},
        {OP_GET, ROUTE_RESERVATION, METHOD_GET},
        {OP_TRANSFER, ROUTE_TRANSFERS, METHOD_POST},
    };
    assert_int_equal(sizeof(calls) / sizeof(calls[0]), OP_KINDS - 1); /* nobody asks for a sweep */
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        assert_int_equal(op_trait(calls[i].kind)->least,
                         route_least(calls[i].route, calls[i].method));
}

TEST(every_kind_has_a_name_of_its_own_and_a_success)
{
    for (int kind = 0; kind < OP_KINDS; kind++) {
        const struct op_trait *trait = op_trait((enum op_kind)kind);
        assert_true(outcome_succeeded(trait->success));
        assert_int_equal(trait->success == OUT_NO_CONTENT, kind == OP_DELETE);
        assert_int_equal(trait->event == EVENT_NONE, kind == OP_GET || kind == OP_SWEEP);
        if (trait->event != EVENT_NONE)
            assert_int_equal(event_trait(trait->event)->of_reservation,
                             trait->body == OP_BODY_RESERVATION);
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(trait->name, op_trait((enum op_kind)other)->name);
    }
}

TEST(every_kind_is_decided_where_there_is_nothing)
{
    for (int kind = 0; kind < OP_KINDS; kind++) {
        struct world world;
        struct op_line lines[2] = {{.sku = STR("a"), .quantity = 1},
                                   {.sku = STR("b"), .quantity = 1, .index = 1}};
        struct op op = {.kind = (enum op_kind)kind,
                        .id = STR("k"),
                        .lines = lines,
                        .line_count = op_trait((enum op_kind)kind)->names_reservation ? 0 : 2,
                        .ttl_ms = 1000};
        struct op *ops[] = {&op};
        world_init(&world, &limits, 1000);
        world_run(&world, ops, 1);
        assert_int_not_equal(op.out.code, OUT_NONE);
        world_free(&world);
    }
}

/* What a key records says as much as the first answer did. */
TEST(every_success_is_answered_alike_from_its_record)
{
    struct arena arena;
    struct buf bytes, first, again;
    arena_init(&arena, 4096, 1 << 20);
    buf_init(&bytes, 1 << 16);
    buf_init(&first, 1 << 16);
    buf_init(&again, 1 << 16);
    for (int kind = 0; kind < OP_KINDS; kind++) {
        struct op op = succeeded((enum op_kind)kind), replayed = op;
        uint8_t fingerprint[RECORD_FINGERPRINT_BYTES];
        enum op_kind recorded;
        struct answer a, b;
        buf_reset(&bytes);
        record_encode_result(&bytes, &op, &op.out);
        assert_true(
            record_decode_result(&arena, buf_str(&bytes), fingerprint, &recorded, &replayed.out));
        assert_int_equal(recorded, kind);
        replayed.out.now_ms = op.out.now_ms;
        struct str text = rendered(&op, &a, &first);
        assert_true(str_equal(text, rendered(&replayed, &b, &again)));
        assert_int_equal(a.status, b.status);
        assert_int_equal(text.n == 0, op_trait(op.kind)->success == OUT_NO_CONTENT);
        assert_int_equal(str_equal(text, STR("null")), kind == OP_SWEEP);
        assert_true(text.n <= render_op_room(&op));
    }
    buf_free(&bytes);
    buf_free(&first);
    buf_free(&again);
    arena_free(&arena);
}

TEST(a_batch_takes_every_kind_but_those_two_and_lists_them)
{
    struct arena arena;
    arena_init(&arena, 4096, 1 << 20);
    const char *list = op_schema_names(&arena);
    for (int kind = 0; kind < OP_KINDS; kind++) {
        char word[32];
        const char *name = op_trait((enum op_kind)kind)->name;
        const struct op_schema *shape = op_schema_of_name(str_of(name));
        snprintf(word, sizeof(word), " %s", name);
        assert_int_equal(shape == NULL, kind == OP_DELETE || kind == OP_SWEEP);
        assert_int_equal(strstr(list, word) == NULL, shape == NULL);
        if (!shape)
            continue;
        assert_int_equal(shape->kind, kind);
        assert_ptr_equal(op_schema_of_route(shape->route, shape->method), shape);
        assert_false(shape->of_item && op_trait(shape->kind)->names_reservation);
        assert_int_equal(shape->method == METHOD_GET, op_trait(shape->kind)->event == EVENT_NONE);
    }
    arena_free(&arena);
}

TEST(every_event_has_a_name_of_its_own_and_room_for_its_lines)
{
    for (int type = EVENT_NONE + 1; type < EVENT_TYPES; type++) {
        const struct event_trait *trait = event_trait((enum event_type)type);
        assert_true(trait->lines_least <= trait->lines_most && trait->lines_most <= LINES_MAX);
        assert_int_equal(trait->lines_most == 0, type == EVENT_EPOCH);
        assert_true(trait->of_reservation || !trait->sets_deadline);
        for (int other = EVENT_NONE + 1; other < type; other++)
            assert_string_not_equal(trait->name, event_trait((enum event_type)other)->name);
    }
}
