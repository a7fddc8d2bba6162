/* test_check_batches.c -- the order of one batch's operations, by what its answer says of them. */
#include "support/check_case.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

#define ITEMS 3
#define SOLD(item, version, remaining)                                                             \
    {                                                                                              \
        .kind = KIND_DECREMENT, .line = LINE(item, 1, version, remaining)                          \
    }

static uint32_t seq;

/* One operation of a batch. It was refused when it has no version, or for want of stock; with
 * DETAIL_TIMEOUT nobody answered. */
struct part {
    enum history_kind kind;
    struct history_line line;
    enum history_detail detail;
    uint32_t of;
    uint8_t flags;
};

/* Three items of 100 units. */
static void begin(void)
{
    struct history_facts facts = history_sample_facts();
    facts.items = ITEMS;
    facts.ttl_ms = 400;
    seq = ITEMS;
    case_begin(&facts, 100);
}

static struct history_attempt attempt_of(const struct part *p, uint64_t at_us)
{
    struct history_attempt a = {.phase = PHASE_LOAD,
                                .kind = p->kind,
                                .outcome = OUTCOME_OK,
                                .status = p->kind == KIND_RESERVE ? 201 : 200,
                                .detail = p->detail ? p->detail : state_after(p->kind),
                                .of = p->of,
                                .seq = ++seq,
                                .begin_us = at_us,
                                .end_us = at_us + 20,
                                .line = {p->line}};
    if (p->line.version == 0 || p->detail == DETAIL_NO_STOCK) {
        a.outcome = p->detail == DETAIL_TIMEOUT ? OUTCOME_UNKNOWN : OUTCOME_FAIL;
        a.status = p->detail == DETAIL_TIMEOUT ? 0 : 409;
    }
    return a;
}

/* Sends them together; the slot of the first, those of the others follow. */
static uint32_t send(const struct part *parts, unsigned count, uint64_t at_us)
{
    uint32_t first = 0;
    for (unsigned n = 0; n < count; n++) {
        struct history_attempt a = attempt_of(&parts[n], at_us);
        a.flags = (uint8_t)(parts[n].flags | (n > 0 ? FLAG_BATCHED : 0));
        uint32_t slot = history_sample_add(&sample, &a);
        first = n == 0 ? slot : first;
    }
    return first;
}

/* A reservation of one unit of item 0, which is version 2. */
static uint32_t reserve(void)
{
    return send(&(struct part){.kind = KIND_RESERVE, .line = LINE(0, 1, 2, 99)}, 1, 100);
}

static bool is_disorder(const struct verdict *v)
{
    for (unsigned i = 0; i < v->witnesses; i++)
        if (strstr(v->witness[i].text, "not applied in the given order")) {
            assert_int_equal(v->witness[i].property, PROPERTY_LINEARIZABLE);
            assert_int_equal(v->witness[i].ops, 2);
            return true;
        }
    for (unsigned i = 0; i < v->witnesses; i++)
        fail_msg("%s", v->witness[i].text);
    return false;
}

/* Whether operations that went out together are found in the wrong order, and nothing else. */
static bool disordered(const struct part *parts, unsigned count)
{
    send(parts, count, 200);
    return is_disorder(case_verdict());
}
#define DISORDERED(...)                                                                            \
    disordered((const struct part[]){__VA_ARGS__},                                                 \
               sizeof((const struct part[]){__VA_ARGS__}) / sizeof(struct part))

TEST(versions_rise_in_the_given_order)
{
    begin();
    assert_false(DISORDERED(SOLD(0, 2, 99), SOLD(1, 2, 99), SOLD(0, 3, 98)));
    begin();
    assert_true(DISORDERED(SOLD(0, 3, 98), SOLD(1, 2, 99), SOLD(0, 2, 99)));
}

TEST(operations_of_different_items_are_not_compared)
{
    begin();
    send((const struct part[]){SOLD(0, 2, 99)}, 1, 100);
    assert_false(DISORDERED(SOLD(0, 3, 98), SOLD(1, 2, 99)));
}

TEST(the_witness_names_both_and_the_batch)
{
    begin();
    seq = 70;
    send((const struct part[]){SOLD(1, 3, 98), SOLD(0, 2, 99), SOLD(1, 2, 99)}, 3, 200);
    const struct verdict *v = case_verdict();
    assert_int_equal(v->witnesses, 1);
    assert_string_equal(v->witness[0].text,
                        "Operations 1 and 3 of one batch of 3 were not applied in the given order: "
                        "the decrement of client 0, request 71 made version 3 of it-1, and the "
                        "decrement of client 0, request 73, which stands behind it, made version "
                        "2.");
    assert_int_equal(v->coverage.batches, 1);
}

static struct part refused_at(uint64_t version)
{
    return (struct part){.kind = KIND_DECREMENT,
                         .line = LINE(0, 500, version, (int64_t)(101 - version)),
                         .detail = DETAIL_NO_STOCK};
}

/* It comes behind what made its version, and before what makes the next. */
TEST(a_refusal_for_want_of_stock_has_its_place_too)
{
    static const struct {
        uint64_t version;
        bool behind, wrong;
    } rows[] = {{2, false, false}, {2, true, true}, {3, false, true}, {3, true, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct part refused = refused_at(rows[i].version), sold = SOLD(0, 3, 98);
        begin();
        send((const struct part[]){SOLD(0, 2, 99)}, 1, 200);
        assert_int_equal(rows[i].behind ? DISORDERED(sold, refused) : DISORDERED(refused, sold),
                         rows[i].wrong);
    }
}

TEST(what_is_about_one_reservation_is_in_order)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        begin();
        uint32_t r = reserve();
        const struct part extend = {.kind = KIND_EXTEND, .line = LINE(0, 1, 3, 99), .of = r};
        const struct part look = {.kind = KIND_GET_RESERVATION,
                                  .line = LINE(0, 1, wrong ? 2 : 3, 99),
                                  .detail = DETAIL_HELD,
                                  .of = r};
        const struct part confirm = {.kind = KIND_CONFIRM, .line = LINE(0, 1, 4, 99), .of = r};
        assert_int_equal(DISORDERED(extend, look, confirm), wrong);
    }
}

TEST(nobody_is_told_of_an_end_that_comes_later)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        begin();
        uint32_t r = reserve();
        const struct part told = {
            .kind = KIND_EXTEND, .line = LINE(0, 1, 0, 0), .detail = DETAIL_RELEASED, .of = r};
        const struct part release = {.kind = KIND_RELEASE, .line = LINE(0, 1, 3, 100), .of = r};
        assert_int_equal(wrong ? DISORDERED(told, release) : DISORDERED(release, told), wrong);
    }
}

TEST(requests_of_their_own_have_no_given_order)
{
    begin();
    send((const struct part[]){SOLD(0, 3, 98)}, 1, 200);
    send((const struct part[]){SOLD(0, 2, 99)}, 1, 200);
    const struct verdict *v = case_verdict();
    assert_false(is_disorder(v));
    assert_int_equal(v->coverage.batches, 0);
}

/* What it says of an operation that was done by then has no place among the others. */
TEST(a_replay_is_of_another_time)
{
    const struct part refused = {
        .kind = KIND_DECREMENT, .line = LINE(0, 1, 0, 0), .detail = DETAIL_UNAVAILABLE};
    begin();
    uint32_t first = send((const struct part[]){refused, SOLD(0, 2, 99)}, 2, 200);
    seq -= 2;
    assert_false(DISORDERED(
        {.kind = KIND_DECREMENT, .line = LINE(0, 1, 3, 98), .of = first, .flags = FLAG_RESENT},
        {.kind = KIND_DECREMENT,
         .line = LINE(0, 1, 2, 99),
         .of = first + 1,
         .flags = FLAG_RESENT | FLAG_REPLAYED}));
}

/* The first attempt may have done a part of it, at any time. */
TEST(an_attempt_behind_one_without_an_answer_is_not_judged)
{
    const struct part lost = {
        .kind = KIND_DECREMENT, .line = LINE(0, 1, 0, 0), .detail = DETAIL_TIMEOUT};
    const struct part refused = {
        .kind = KIND_DECREMENT, .line = LINE(0, 1, 0, 0), .detail = DETAIL_UNAVAILABLE};
    for (int known = 0; known < 2; known++) {
        begin();
        const struct part was = known ? refused : lost;
        uint32_t first = send((const struct part[]){was, was}, 2, 200);
        seq -= 2;
        assert_int_equal(DISORDERED({.kind = KIND_DECREMENT,
                                     .line = LINE(0, 1, 3, 98),
                                     .of = first,
                                     .flags = FLAG_RESENT},
                                    {.kind = KIND_DECREMENT,
                                     .line = LINE(0, 1, 2, 99),
                                     .of = first + 1,
                                     .flags = FLAG_RESENT}),
                         known);
    }
}

TEST(a_record_that_is_behind_nothing_is_damage)
{
    begin();
    send(
        (const struct part[]){
            {.kind = KIND_DECREMENT, .line = LINE(0, 1, 2, 99), .flags = FLAG_BATCHED}},
        1, 200);
    const struct verdict *v = case_verdict();
    assert_int_equal(v->word, VERDICT_UNKNOWN);
    assert_non_null(strstr(v->why_unknown, "make no sense"));
}
