/* test_check_unpromised.c -- what reads and refusals say while a primary may be replaced, where
 * successes wait until they are safe: no evidence. All that was answered with success is.
 *
 * Two items of 100 units. Somebody is told at 100 us that the store can not be written.
 */
#include "support/check_case.h"
#include "support/suite.h"

#define MS     UINT64_C(1000) /* in microseconds */
#define MINUTE (UINT64_C(60) * 1000 * MS)

static uint32_t seq; /* of the attempt before */

/* An attempt of the load, which takes 20 us unless its end is given; it names the first one of its
 * key. */
static uint32_t add(struct history_attempt a, enum history_kind kind, uint64_t at_us)
{
    a.phase = PHASE_LOAD;
    a.kind = kind;
    a.flags |= a.seq ? FLAG_RESENT : 0;
    a.seq = a.seq ? a.seq : ++seq;
    a.begin_us = at_us;
    a.end_us = a.end_us ? a.end_us : at_us + 20;
    return history_sample_add(&sample, &a);
}

static uint32_t add_ok(struct history_attempt a, enum history_kind kind, uint64_t at_us)
{
    a.outcome = OUTCOME_OK;
    a.status = kind == KIND_RESERVE ? 201 : 200;
    a.detail = state_after(kind);
    return add(a, kind, at_us);
}

static uint32_t add_refused(struct history_attempt a, enum history_kind kind, uint64_t at_us,
                            enum history_detail detail)
{
    a.outcome = OUTCOME_FAIL;
    a.status = detail == DETAIL_UNAVAILABLE ? 503 : 409;
    a.detail = detail;
    return add(a, kind, at_us);
}

static void begin(uint32_t failovers)
{
    struct history_facts facts = history_sample_facts();
    facts.ttl_ms = 400;
    case_begin(&facts, 100);
    history_facts(sample.history)->waits = 1;
    history_facts(sample.history)->failovers = failovers;
    add_refused((struct history_attempt){.client = 1, .line = {LINE(1, 1, 0, 0)}}, KIND_DECREMENT,
                100, DETAIL_UNAVAILABLE);
}

/* The get shows a sale that never happened, some time behind an answer that the store is away. */
static bool is_a_dirty_read_told_of(uint32_t failovers, uint64_t behind_us, bool trouble)
{
    begin(failovers);
    uint64_t at_us = trouble ? 200 + behind_us : 3 * MINUTE;
    add_ok((struct history_attempt){.line = {LINE(0, 0, 2, 99)}}, KIND_GET_ITEM, at_us);
    return case_tells("belongs to no request");
}

TEST(what_is_read_while_a_primary_may_be_replaced_is_no_evidence)
{
    assert_false(is_a_dirty_read_told_of(1, 0, true));
    assert_false(is_a_dirty_read_told_of(1, MINUTE / 2, true));
    assert_true(is_a_dirty_read_told_of(1, 2 * MINUTE, true));
    assert_true(is_a_dirty_read_told_of(1, 0, false));
    assert_true(is_a_dirty_read_told_of(0, 0, true));
}

/* A primary that was replaced let a hold expire at version 3, which is somebody's sale. */
static bool is_a_dirty_expiry_told_of(uint32_t failovers, bool read_back)
{
    begin(failovers);
    uint32_t of = add_ok((struct history_attempt){.line = {LINE(0, 1, 2, 99)}}, KIND_RESERVE, 200);
    add_ok((struct history_attempt){.client = 1, .line = {LINE(0, 1, 3, 98)}}, KIND_DECREMENT, 300);
    struct history_attempt get = {.phase = PHASE_LOAD,
                                  .kind = KIND_GET_RESERVATION,
                                  .outcome = OUTCOME_OK,
                                  .status = 200,
                                  .detail = DETAIL_EXPIRED,
                                  .of = of,
                                  .seq = ++seq,
                                  .begin_us = 500 * MS,
                                  .end_us = 501 * MS,
                                  .line = {LINE(0, 1, 3, 100)}};
    history_sample_add(&sample, &get);
    get.worker = HISTORY_SAMPLE_PARENT;
    get.phase = PHASE_SETTLE;
    get.begin_us = 600 * MS;
    get.end_us = 601 * MS;
    get.line[0] = (struct history_line)LINE(0, 1, 4, 99);
    if (read_back)
        history_sample_add(&sample, &get);
    return case_verdict()->word == VERDICT_VIOLATION;
}

TEST(nor_is_an_expiry_that_is_read_again_after_the_load)
{
    assert_false(is_a_dirty_expiry_told_of(1, true));
    assert_true(is_a_dirty_expiry_told_of(0, true));
    assert_true(is_a_dirty_expiry_told_of(1, false));
}

TEST(a_success_is_evidence_at_any_time)
{
    begin(1);
    add_ok((struct history_attempt){.line = {LINE(0, 1, 2, 98)}}, KIND_DECREMENT, 200);
    assert_true(case_tells("right would have been"));
}

static bool is_a_mark_told_of(uint32_t failovers, uint64_t takes_us)
{
    begin(failovers);
    add_ok((struct history_attempt){.line = {LINE(0, 1, 2, 99)},
                                    .flags = FLAG_REPLAYED,
                                    .end_us = 200 + takes_us},
           KIND_DECREMENT, 200);
    return case_tells("nobody was given before");
}

TEST(a_late_answer_may_have_found_its_own_effect)
{
    assert_false(is_a_mark_told_of(1, 300 * MS));
    assert_true(is_a_mark_told_of(1, 50 * MS));
    assert_true(is_a_mark_told_of(0, 300 * MS));
}

/* --- refusals --------------------------------------------------------------------------------- */

/* The attempts of the sale of 30 of item 0, of which there are 40 at version 2. What refuses one of
 * them tells of a sale that never happened: 5 are left, one version later. */
enum sale { REFUSED, REFUSED_TWICE, REFUSED_THEN_DONE, UNKNOWN_THEN_REFUSED, DONE_THEN_REFUSED };

static void look_up_in_vain(uint32_t of)
{
    history_sample_add(&sample, &(struct history_attempt){.worker = HISTORY_SAMPLE_PARENT,
                                                          .phase = PHASE_SETTLE,
                                                          .kind = KIND_DECREMENT,
                                                          .outcome = OUTCOME_FAIL,
                                                          .status = 404,
                                                          .detail = DETAIL_NO_OPERATION,
                                                          .seq = seq,
                                                          .of = of,
                                                          .begin_us = 10 * MINUTE,
                                                          .end_us = 10 * MINUTE + 20,
                                                          .line = {LINE(0, 30, 0, 0)}});
}

static void sell(enum sale sale, uint64_t at_us)
{
    struct history_attempt done = {.line = {LINE(0, 30, 3, 10)}};
    struct history_attempt refused = {.line = {LINE(0, 30, 3, 5)}};
    struct history_attempt silent = {.detail = DETAIL_ABORTED, .line = {LINE(0, 30, 0, 0)}};
    uint32_t first;
    add_ok((struct history_attempt){.client = 1, .line = {LINE(0, 60, 2, 40)}}, KIND_DECREMENT, 50);
    if (sale == DONE_THEN_REFUSED)
        first = add_ok(done, KIND_DECREMENT, at_us);
    else if (sale == UNKNOWN_THEN_REFUSED)
        first = add(silent, KIND_DECREMENT, at_us);
    else
        first = add_refused(refused, KIND_DECREMENT, at_us, DETAIL_NO_STOCK);
    done.of = refused.of = first;
    done.seq = refused.seq = seq;
    refused.line[0].version += sale == DONE_THEN_REFUSED;
    if (sale == REFUSED_THEN_DONE)
        add_ok(done, KIND_DECREMENT, at_us + 50);
    else if (sale != REFUSED)
        add_refused(refused, KIND_DECREMENT, at_us + 50, DETAIL_NO_STOCK);
    if (sale == UNKNOWN_THEN_REFUSED)
        look_up_in_vain(first);
}

static bool is_a_dirty_refusal_told_of(enum sale sale, uint32_t failovers, uint64_t behind_us)
{
    begin(failovers);
    sell(sale, 200 + behind_us);
    return case_verdict()->word == VERDICT_VIOLATION;
}

TEST(what_refuses_is_no_evidence_however_often_it_was_sent)
{
    for (enum sale sale = REFUSED; sale <= DONE_THEN_REFUSED; sale++) {
        assert_false(is_a_dirty_refusal_told_of(sale, 1, 0));
        assert_true(is_a_dirty_refusal_told_of(sale, 1, 2 * MINUTE));
        assert_true(is_a_dirty_refusal_told_of(sale, 0, 0));
    }
}

/* As a primary says that was replaced before the reservation was made. */
static bool is_a_missing_reservation_told_of(uint32_t failovers)
{
    begin(failovers);
    uint32_t of = add_ok((struct history_attempt){.line = {LINE(0, 1, 2, 99)}}, KIND_RESERVE, 200);
    struct history_attempt confirm = {.of = of, .line = {LINE(0, 1, 0, 0)}};
    confirm.of = add_refused(confirm, KIND_CONFIRM, 300, DETAIL_NO_RESERVATION);
    confirm.seq = seq;
    add_refused(confirm, KIND_CONFIRM, 400, DETAIL_NO_RESERVATION);
    return case_tells("found that there is none");
}

TEST(nor_is_what_it_says_of_a_reservation)
{
    assert_false(is_a_missing_reservation_told_of(1));
    assert_true(is_a_missing_reservation_told_of(0));
}

TEST(what_was_refused_must_not_have_happened_at_any_time)
{
    begin(1);
    uint32_t of = add_refused((struct history_attempt){.line = {LINE(0, 1, 2, 0)}}, KIND_DECREMENT,
                              200, DETAIL_NO_STOCK);
    history_sample_add(&sample, &(struct history_attempt){.worker = HISTORY_SAMPLE_PARENT,
                                                          .phase = PHASE_SETTLE,
                                                          .kind = KIND_DECREMENT,
                                                          .outcome = OUTCOME_OK,
                                                          .status = 200,
                                                          .seq = seq,
                                                          .of = of,
                                                          .begin_us = 900,
                                                          .end_us = 920,
                                                          .line = {LINE(0, 1, 2, 99)}});
    assert_true(case_tells("yet its key was found"));
}

/* Of 40 at version 2 it takes 30. */
TEST(a_success_is_evidence_though_it_was_refused_before)
{
    begin(1);
    sell(REFUSED_THEN_DONE, 200);
    add_ok((struct history_attempt){.client = 1, .line = {LINE(0, 1, 4, 10)}}, KIND_DECREMENT, 400);
    assert_true(case_tells("right would have been 9"));
}
