/* test_check_claims.c -- what single answers claim, judged by what others were told. */
#include "check/describe.h"
#include "support/check_case.h"
#include "support/suite.h"

#include <string.h>

#define MS UINT64_C(1000) /* in microseconds */

static uint32_t seq; /* of the attempt before */

/* Four items of 100 units, holds of 400 ms. */
static void begin(void)
{
    struct history_facts facts = history_sample_facts();
    facts.items = 4;
    facts.ttl_ms = 400;
    case_begin(&facts, 100);
}

/* An attempt of the load, which takes 20 us unless its end is given. */
static uint32_t add(struct history_attempt a, enum history_kind kind, uint64_t at_us)
{
    a.phase = PHASE_LOAD;
    a.kind = kind;
    a.seq = ++seq;
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
    a.status = 422;
    a.detail = detail;
    return add(a, kind, at_us);
}

static uint32_t reserve(uint32_t item, uint64_t at_us)
{
    return add_ok((struct history_attempt){.line = {LINE(item, 1, 2, 99)}}, KIND_RESERVE, at_us);
}

TEST(items_that_were_taken_together_are_not_apart)
{
    static const struct {
        uint32_t a, b;
        bool lies;
    } rows[] = {{0, 1, true}, {0, 2, true}, {2, 0, true}, {0, 3, false}, {3, 1, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        add_refused(
            (struct history_attempt){.lines = 2,
                                     .line = {LINE(rows[i].a, 1, 0, 0), LINE(rows[i].b, 1, 0, 0)}},
            KIND_RESERVE, 100, DETAIL_APART);
        add_ok((struct history_attempt){.lines = 2, .line = {LINE(0, 1, 2, 99), LINE(1, 1, 2, 99)}},
               KIND_RESERVE, 200);
        add_ok((struct history_attempt){.lines = 2, .line = {LINE(1, 1, 3, 98), LINE(2, 1, 2, 99)}},
               KIND_RESERVE, 300);
        assert_int_equal(case_tells("different partitions"), rows[i].lies);
    }
}

TEST(one_item_lies_in_one_partition)
{
    begin();
    add_refused((struct history_attempt){.line = {LINE(3, 1, 0, 0)}}, KIND_RESERVE, 100,
                DETAIL_APART);
    assert_true(case_tells("it asked for one item"));
}

TEST(an_extension_that_others_get_is_not_too_long)
{
    static const struct {
        uint64_t refused_ms, granted_ms; /* since their reserves */
        bool lies;
    } rows[] = {{100, 200, true}, {100, 101, true}, {200, 100, false}, {100, 0, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        uint32_t one = reserve(0, 1 * MS), other = reserve(1, 1 * MS);
        add_refused((struct history_attempt){.of = one, .line = {LINE(0, 1, 0, 0)}}, KIND_EXTEND,
                    (1 + rows[i].refused_ms) * MS, DETAIL_TOO_LONG);
        if (rows[i].granted_ms)
            add_ok((struct history_attempt){.of = other, .line = {LINE(1, 1, 3, 99)}}, KIND_EXTEND,
                   (1 + rows[i].granted_ms) * MS);
        assert_int_equal(case_tells("held for too long"), rows[i].lies);
    }
}

/* The reserve was answered at 1.02 ms: 400 ms and 0.4 ms of drift later its time is up, and 100 ms
 * after that no clock is so old. */
TEST(what_is_sent_after_the_time_is_up_is_not_accepted)
{
    static const struct {
        enum history_kind kind;
        uint64_t extended_ms, sent_ms;
        bool late;
    } rows[] = {
        {KIND_CONFIRM, 0, 502, true},    {KIND_CONFIRM, 0, 501, false},
        {KIND_RELEASE, 0, 502, true},    {KIND_EXTEND, 0, 502, true},
        {KIND_CONFIRM, 300, 502, false}, {KIND_CONFIRM, 300, 802, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        uint32_t made = reserve(0, 1 * MS);
        uint64_t version = 3;
        if (rows[i].extended_ms)
            add_ok((struct history_attempt){.of = made, .line = {LINE(0, 1, version++, 99)}},
                   KIND_EXTEND, rows[i].extended_ms * MS);
        add_ok(
            (struct history_attempt){
                .of = made, .line = {LINE(0, 1, version, rows[i].kind == KIND_RELEASE ? 100 : 99)}},
            rows[i].kind, rows[i].sent_ms * MS);
        assert_int_equal(case_tells("Accepted too late"), rows[i].late);
    }
}

/* An extension that nobody answered may have given it more time. */
TEST(more_time_that_nobody_knows_of_is_no_lie)
{
    begin();
    uint32_t made = reserve(0, 1 * MS);
    add((struct history_attempt){.of = made, .detail = DETAIL_TIMEOUT, .line = {LINE(0, 1, 0, 0)}},
        KIND_EXTEND, 300 * MS);
    add_ok((struct history_attempt){.of = made, .line = {LINE(0, 1, 4, 99)}}, KIND_CONFIRM,
           600 * MS);
    assert_false(case_tells("Accepted too late"));
}

static uint32_t sell(int32_t quantity, uint64_t version, int64_t left, uint64_t at_us)
{
    return add_ok((struct history_attempt){.line = {LINE(0, quantity, version, left)}},
                  KIND_DECREMENT, at_us);
}

TEST(what_is_recorded_for_a_key_is_its_answer)
{
    static const struct {
        uint64_t at_us, version;
        int64_t left;
        const char *says; /* NULL: it is right */
    } rows[] = {
        {200, 2, 99, NULL},
        {200, 3, 97, "what is recorded for its key is 97 at version 3"},
        {200, 2, 98, "what is recorded for its key"},
        {200, 0, 0, "knew nothing of its key"},
        {110, 0, 0, NULL}, /* nobody had been answered yet */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        uint32_t sale = sell(1, 2, 99, 100);
        sell(2, 3, 97, 150);
        struct history_attempt a = {.of = sale,
                                    .line = {LINE(0, 1, rows[i].version, rows[i].left)}};
        if (rows[i].version)
            add_ok(a, KIND_LOOKUP, rows[i].at_us);
        else
            add_refused(a, KIND_LOOKUP, rows[i].at_us, DETAIL_NO_OPERATION);
        assert_int_equal(case_tells(rows[i].says ? rows[i].says : "key"), rows[i].says != NULL);
    }
}

TEST(a_used_key_takes_no_other_request)
{
    for (int accepted = 0; accepted < 2; accepted++) {
        begin();
        uint32_t sale = sell(1, 2, 99, 100);
        struct history_attempt a = {.of = sale, .line = {LINE(0, 2, accepted ? 2 : 0, 99)}};
        if (accepted)
            add_ok(a, KIND_REUSE, 200);
        else
            add_refused(a, KIND_REUSE, 200, DETAIL_REUSED);
        assert_int_equal(case_tells("It had to be refused with idempotency-key-reused"), accepted);
    }
}

static void set_to(int32_t on_hand, uint64_t version, int64_t left, uint64_t at_us)
{
    add_ok((struct history_attempt){.line = {LINE(0, on_hand, version, left)}}, KIND_SET, at_us);
}

/* Of what is set, what is held stays held. */
TEST(a_set_item_has_what_it_was_set_to)
{
    static const struct {
        int64_t left;
        const char *says;
    } rows[] = {{149, NULL}, {150, "right would have been 149"}, {99, "right would have been 149"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        reserve(0, 100);
        set_to(150, 3, rows[i].left, 200);
        sell(4, 4, rows[i].left - 4, 300);
        assert_int_equal(case_tells(rows[i].says ? rows[i].says : "right would"),
                         rows[i].says != NULL);
    }
}

TEST(an_item_that_has_not_changed_is_at_its_version)
{
    static const struct {
        uint64_t refused_us, sold_us; /* 0: nothing is sold */
        bool lies;
    } rows[] = {{200, 300, true}, {200, 210, false}, {200, 100, false}, {200, 0, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        add_refused((struct history_attempt){.line = {LINE(0, 150, 1, 0)}}, KIND_SET,
                    rows[i].refused_us, DETAIL_STALE);
        if (rows[i].sold_us)
            sell(1, 2, 99, rows[i].sold_us);
        assert_int_equal(case_tells("not at version 1 any more"), rows[i].lies);
    }
}

/* Its items are read one by one: the first before a basket, the second after it. */
TEST(a_list_is_not_of_one_moment)
{
    for (int stale = 0; stale < 2; stale++) {
        begin();
        add_ok((struct history_attempt){.lines = 2, .line = {LINE(0, 1, 2, 99), LINE(1, 1, 2, 99)}},
               KIND_RESERVE, 200);
        add_ok(
            (struct history_attempt){.lines = 2, .line = {LINE(0, 0, 1, 100), LINE(1, 0, 2, 99)}},
            KIND_LIST, stale ? 300 : 210);
        assert_int_equal(case_tells("order and time disagree"), stale);
    }
}

TEST(what_was_sold_is_what_was_confirmed)
{
    for (int32_t shown = 0; shown < 3; shown++) {
        begin();
        uint32_t made =
            add_ok((struct history_attempt){.line = {LINE(0, 3, 2, 97)}}, KIND_RESERVE, 100);
        add_ok((struct history_attempt){.of = made, .line = {LINE(0, 1, 3, 99)}}, KIND_CONFIRM,
               200);
        add((struct history_attempt){.of = made,
                                     .outcome = OUTCOME_OK,
                                     .status = 200,
                                     .detail = DETAIL_CONFIRMED,
                                     .line = {LINE(0, shown, 3, 99)}},
            KIND_GET_RESERVATION, 300);
        assert_int_equal(case_tells("were sold of the reservation"), shown != 1);
    }
}

/* By what comes behind it, or by the counters at the end, nothing ever left that. */
TEST(a_read_of_what_never_happened_is_a_dirty_one)
{
    for (int undone = 0; undone < 2; undone++) {
        begin();
        add_ok((struct history_attempt){.line = {LINE(0, 0, 2, 98)}}, KIND_GET_ITEM, 100);
        if (!undone)
            sell(1, 2, 99, 200);
        const struct history_counters end = {.found = 1,
                                             .item = 0,
                                             .at_ns = 500000,
                                             .on_hand = undone ? 100 : 99,
                                             .available = undone ? 100 : 99,
                                             .sold = !undone,
                                             .version = undone ? 1 : 2};
        assert_int_equal(history_put_counters(&sample.writer[HISTORY_SAMPLE_PARENT], &end), 0);
        assert_true(case_tells("a dirty read: the get of an item"));
    }
}

TEST(a_confirm_is_told_with_what_was_reserved)
{
    begin();
    uint32_t made =
        add_ok((struct history_attempt){.line = {LINE(0, 3, 2, 97)}}, KIND_RESERVE, 100);
    uint32_t slot = add_ok((struct history_attempt){.of = made, .line = {LINE(0, 1, 3, 99)}},
                           KIND_CONFIRM, 200);
    history_sample_read(&sample);
    struct buf out;
    buf_init(&out, 1024);
    describe_op(&out, &sample.reader, slot);
    buf_putc(&out, '\0');
    assert_non_null(strstr(out.p, "confirm 1 of the 3 reserved of it-0"));
    buf_free(&out);
    history_sample_end(&sample);
}

TEST(what_something_in_between_may_have_said_proves_nothing)
{
    begin();
    add((struct history_attempt){.status = 404,
                                 .detail = DETAIL_FOREIGN,
                                 .line = {LINE(0, 0, 0, 0)}},
        KIND_GET_ITEM, 100);
    const struct verdict *v = case_verdict();
    assert_int_equal(v->property[PROPERTY_ANSWERS].word, VERDICT_UNKNOWN);
    assert_non_null(strstr(v->property[PROPERTY_ANSWERS].why, "no documents of the service"));
}

TEST(requests_that_nobody_answers_are_not_served_rightly)
{
    for (unsigned count = 19; count <= 20; count++) {
        begin();
        for (unsigned i = 0; i < count; i++)
            add((struct history_attempt){.status = 200,
                                         .detail = DETAIL_GARBLED,
                                         .line = {LINE(0, 0, 0, 0)}},
                KIND_GET_ITEM, 100 + i);
        reserve(1, 200);
        atomic_store(&history_facts(sample.history)->progress, RUN_SETTLED);
        const struct verdict *v = case_verdict();
        bool silent = strstr(v->why_unknown, "get of an item, got an answer") != NULL;
        assert_int_equal(silent, count == 20);
        assert_int_equal(v->coverage.judged[KIND_GET_ITEM], 0);
    }
}

/* Whatever number a server may send. */
TEST(versions_beyond_all_bounds_are_a_violation)
{
    begin();
    for (uint32_t i = 0; i < 2; i++)
        sell(1, UINT64_MAX - i, 99, 30 + i);
    assert_int_equal(case_verdict()->word, VERDICT_VIOLATION);
}

/* A reservation that is shown as confirmed was confirmed by then, whoever heard of it; so an item
 * that is looked at later must show it, too. And the other way round. */
TEST(items_and_their_reservations_are_of_one_time)
{
    static const struct {
        uint64_t item_us, reservation_us;
        uint64_t item_version;
        enum history_detail shown;
        bool right;
    } rows[] = {
        {300, 200, 2, DETAIL_CONFIRMED, false}, {200, 200, 2, DETAIL_CONFIRMED, true},
        {300, 200, 3, DETAIL_CONFIRMED, true},  {200, 300, 3, DETAIL_HELD, false},
        {300, 200, 3, DETAIL_HELD, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        uint32_t made =
            add_ok((struct history_attempt){.line = {LINE(0, 5, 2, 95)}}, KIND_RESERVE, 30);
        uint32_t confirm = add(
            (struct history_attempt){
                .of = made, .detail = DETAIL_TIMEOUT, .end_us = 900, .line = {LINE(0, 5, 0, 0)}},
            KIND_CONFIRM, 100);
        uint32_t confirmed_with = seq;
        add((struct history_attempt){.worker = 1,
                                     .client = 1,
                                     .of = made,
                                     .outcome = OUTCOME_OK,
                                     .status = 200,
                                     .detail = rows[i].shown,
                                     .line = {LINE(0, 5, rows[i].shown == DETAIL_HELD ? 2 : 3,
                                                   95)}},
            KIND_GET_RESERVATION, rows[i].reservation_us);
        add_ok(
            (struct history_attempt){.client = 2, .line = {LINE(0, 0, rows[i].item_version, 95)}},
            KIND_GET_ITEM, rows[i].item_us);
        history_sample_add(&sample, &(struct history_attempt){.worker = HISTORY_SAMPLE_PARENT,
                                                              .phase = PHASE_SETTLE,
                                                              .kind = KIND_CONFIRM,
                                                              .outcome = OUTCOME_OK,
                                                              .status = 200,
                                                              .detail = DETAIL_CONFIRMED,
                                                              .seq = confirmed_with,
                                                              .of = confirm,
                                                              .begin_us = 1000,
                                                              .end_us = 1001,
                                                              .line = {LINE(0, 5, 3, 95)}});
        assert_int_equal(case_tells("order and time disagree"), !rows[i].right);
    }
}

/* The attempt that succeeded stands for itself: version 4, when version 5 was there. */
TEST(who_was_refused_and_asked_again_made_a_version)
{
    begin();
    add_ok((struct history_attempt){.client = 1, .line = {LINE(0, 90, 2, 10)}}, KIND_DECREMENT, 50);
    uint32_t of = add_refused((struct history_attempt){.line = {LINE(0, 30, 2, 10)}},
                              KIND_DECREMENT, 100, DETAIL_NO_STOCK);
    uint32_t key = seq;
    add_ok((struct history_attempt){.client = 1, .line = {LINE(0, 50, 3, 60)}}, KIND_ADJUST, 200);
    add_ok((struct history_attempt){.client = 1, .line = {LINE(0, 1, 5, 31)}}, KIND_ADJUST, 300);
    history_sample_add(&sample, &(struct history_attempt){.phase = PHASE_LOAD,
                                                          .kind = KIND_DECREMENT,
                                                          .outcome = OUTCOME_OK,
                                                          .status = 200,
                                                          .flags = FLAG_RESENT,
                                                          .of = of,
                                                          .seq = key,
                                                          .begin_us = 400,
                                                          .end_us = 420,
                                                          .line = {LINE(0, 30, 4, 30)}});
    case_expect("made a version, which comes before that");
}
