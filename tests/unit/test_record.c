/* test_record.c -- reservations, results and events as bytes: round trips, and every cut of them.
 */
#include "core/event.h"
#include "core/pack.h"
#include "core/record.h"
#include "support/suite.h"

#include <stdlib.h>

static struct arena arena;
static struct buf out;

static struct reservation_line lines[2] = {{.sku = {"apple", 5},
                                            .quantity = 2,
                                            .reserved = 3,
                                            .remaining = 97,
                                            .version = 6,
                                            .expired_remaining = 100,
                                            .expired_version = 5},
                                           {.sku = {"pear", 4},
                                            .quantity = 0,
                                            .reserved = 1,
                                            .remaining = 4,
                                            .version = 1000000,
                                            .expired_remaining = 4,
                                            .expired_version = 999999}};

static struct reservation full(void)
{
    return (struct reservation){.id = {.partition = 3, .b = {1, 2, 3}},
                                .state = RESERVATION_CONFIRMED,
                                .rereserved = true,
                                .created_ms = 1763688697123,
                                .expires_ms = 1763689297123,
                                .ended_ms = 1763689300000,
                                .customer = STR("c-1"),
                                .reference = STR(""),
                                .metadata = STR("{\"a\":1}"),
                                .owner = STR("acme/shop"),
                                .line_count = 2,
                                .lines = lines};
}

static int setup(void **state)
{
    arena_init(&arena, 4096, 1 << 20);
    buf_init(&out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    arena_free(&arena);
    buf_free(&out);
    return 0;
}

/* A copy of the first n bytes at the end of an allocation, so that a read past them is seen. */
static struct str exact(size_t n)
{
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, out.p, n);
    return (struct str){copy, n};
}

static void assert_same(const struct reservation *a, const struct reservation *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->rereserved, b->rereserved);
    assert_true(a->created_ms == b->created_ms && a->expires_ms == b->expires_ms);
    assert_true(a->ended_ms == b->ended_ms);
    assert_true(str_equal(a->customer, b->customer) && str_equal(a->reference, b->reference));
    assert_true(str_equal(a->metadata, b->metadata) && str_equal(a->owner, b->owner));
    assert_int_equal(a->line_count, b->line_count);
    for (unsigned i = 0; i < a->line_count; i++) {
        const struct reservation_line *x = &a->lines[i], *y = &b->lines[i];
        assert_true(str_equal(x->sku, y->sku));
        assert_true(x->quantity == y->quantity && x->reserved == y->reserved);
        assert_true(x->remaining == y->remaining && x->version == y->version);
        assert_true(x->expired_remaining == y->expired_remaining);
        assert_true(x->expired_version == y->expired_version);
    }
}

TEST(a_reservation_comes_back_and_no_part_of_it_does)
{
    struct reservation r = full(), back;
    buf_reset(&out);
    record_encode(&out, &r);
    assert_true(record_decode(&arena, &r.id, buf_str(&out), &back));
    assert_same(&r, &back);
    for (size_t n = 0; n < out.n; n++) {
        struct str cut = exact(n);
        assert_false(record_decode(&arena, &r.id, cut, &back));
        free((char *)(uintptr_t)cut.p);
    }
    buf_putc(&out, 0);
    assert_false(record_decode(&arena, &r.id, buf_str(&out), &back));
}

TEST(the_share_of_a_customer_is_its_tenants)
{
    struct reservation r = full(), back;
    buf_reset(&out);
    record_encode(&out, &r);
    assert_true(record_decode(&arena, &r.id, buf_str(&out), &back));
    assert_true(str_equal(back.share, STR("acme\xff"
                                          "c-1")));
    r.owner = STR("default/shop");
    buf_reset(&out);
    record_encode(&out, &r);
    assert_true(record_decode(&arena, &r.id, buf_str(&out), &back));
    assert_true(str_equal(back.share, STR("c-1")) && str_equal(back.owner, r.owner));
}

TEST(an_owner_that_is_none_is_no_record)
{
    struct reservation r = full(), back;
    r.owner = STR("acme shop");
    buf_reset(&out);
    record_encode(&out, &r);
    assert_false(record_decode(&arena, &r.id, buf_str(&out), &back));
}

TEST(a_plain_hold_is_small)
{
    struct reservation_line line = {
        .sku = STR("sku-1234"), .quantity = 1, .reserved = 1, .remaining = 900, .version = 1000};
    struct reservation r = {
        .created_ms = 1763688697123, .expires_ms = 1763689297123, .line_count = 1, .lines = &line};
    struct reservation back;
    buf_reset(&out);
    record_encode(&out, &r);
    assert_true(out.n <= 30);
    assert_true(record_decode(&arena, &r.id, buf_str(&out), &back));
    assert_same(&r, &back);
}

static void assert_result_comes_back(const struct op *op, const struct outcome *result)
{
    uint8_t fingerprint[RECORD_FINGERPRINT_BYTES];
    enum op_kind kind;
    struct outcome back;
    buf_reset(&out);
    record_encode_result(&out, op, result);
    assert_true(record_decode_result(&arena, buf_str(&out), fingerprint, &kind, &back));
    assert_memory_equal(fingerprint, op->fingerprint, sizeof(fingerprint));
    assert_int_equal(kind, op->kind);
    assert_int_equal(back.code, result->code);
    assert_true(str_equal(back.sku, result->sku));
    assert_true(back.quantity == result->quantity && back.version == result->version);
    assert_memory_equal(&back.item, &result->item, sizeof(back.item));
    assert_true(str_equal(back.to.sku, result->to.sku));
    assert_true(back.to.remaining == result->to.remaining && back.to.version == result->to.version);
    if (result->resv)
        assert_same(back.resv, result->resv);
    for (size_t n = 0; n < out.n; n++) {
        struct str cut = exact(n);
        assert_false(record_decode_result(&arena, cut, fingerprint, &kind, &back));
        free((char *)(uintptr_t)cut.p);
    }
}

TEST(results_of_every_kind_come_back)
{
    struct reservation r = full();
    struct op op = {.kind = OP_CONFIRM, .id = STR("k"), .fingerprint = {1, 2, 3}};
    struct outcome result = {.code = OUT_OK, .resv = &r};
    assert_result_comes_back(&op, &result);
    op.kind = OP_DECREMENT;
    result = (struct outcome){
        .code = OUT_OK, .sku = STR("a"), .quantity = 3, .remaining = 4, .version = 5};
    assert_result_comes_back(&op, &result);
    op.kind = OP_TRANSFER;
    result.to = (struct outcome_to){.sku = STR("b"), .remaining = 6, .version = 7};
    assert_result_comes_back(&op, &result);
    op.kind = OP_PUT;
    result = (struct outcome){.code = OUT_CREATED,
                              .sku = STR("a"),
                              .item = {.exists = true, .available = 9, .version = 1}};
    assert_result_comes_back(&op, &result);
    op.kind = OP_DELETE;
    result = (struct outcome){.code = OUT_NO_CONTENT};
    assert_result_comes_back(&op, &result);
}

TEST(events_of_a_batch_come_back_in_order)
{
    struct event_line line = {.sku = STR("a"),
                              .quantity = 5,
                              .available = 1,
                              .held = 2,
                              .sold = 3,
                              .version = 4,
                              .max_per_customer = 9};
    struct event adjust = {.type = EVENT_ADJUST,
                           .line_count = 1,
                           .lines = &line,
                           .negative = true,
                           .reason = STR("loss"),
                           .reference = STR("")};
    struct event reserve = {.type = EVENT_RESERVE,
                            .line_count = 1,
                            .lines = &line,
                            .has_rid = true,
                            .rid = {.b = {7}},
                            .expires_ms = 1600,
                            .customer = STR("c"),
                            .key = STR("k"),
                            .result = STR("r")};
    struct event back;
    struct event_reader reader;
    int64_t now_ms;
    buf_reset(&out);
    event_begin(&out, 1000);
    event_put(&out, &adjust, 1000);
    event_put(&out, &reserve, 1000);
    assert_int_equal(event_read(&reader, buf_str(&out), &now_ms), 0);
    assert_true(now_ms == 1000);
    assert_int_equal(event_next(&reader, &arena, now_ms, &back), 1);
    assert_true(back.type == EVENT_ADJUST && back.negative && back.lines[0].quantity == 5);
    assert_true(str_equal(back.reason, adjust.reason) && str_equal(back.reference, STR("")));
    assert_true(back.lines[0].version == 4 && back.lines[0].max_per_customer == 9);
    assert_int_equal(event_next(&reader, &arena, now_ms, &back), 1);
    assert_true(back.type == EVENT_RESERVE && back.expires_ms == 1600 && back.has_rid);
    assert_true(str_equal(back.key, STR("k")) && str_equal(back.result, STR("r")));
    assert_int_equal(event_next(&reader, &arena, now_ms, &back), 0);
}

TEST(numbers_of_every_length_come_back)
{
    for (int bits = 0; bits < 63; bits++) {
        int64_t value = (INT64_C(1) << bits) - (bits & 1);
        buf_reset(&out);
        pack_number(&out, value);
        struct unpack in = unpack_begin(buf_str(&out));
        assert_true(unpack_number(&in) == value && unpack_done(&in));
    }
    struct unpack endless = unpack_begin(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert_true(unpack_number(&endless) == 0 && endless.bad);
}

ALL_BETWEEN(setup, teardown)
