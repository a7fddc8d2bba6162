/* test_check_again.c -- reservations whose units were taken again: what of it is right, and what
 * not.
 *
 * One hold of one unit for 400 ms, made at 1 ms; its item had 100. Unless a test says otherwise it
 * expired at version 3 and was confirmed at version 4, at 600 ms.
 */
#include "support/check_case.h"
#include "support/suite.h"

#include <string.h>

#define MS UINT64_C(1000) /* in microseconds */
#define ONE(version, remaining)                                                                    \
    {                                                                                              \
        {                                                                                          \
            0, 1, (version), (remaining)                                                           \
        }                                                                                          \
    }

static uint32_t seq, made;

static uint32_t add(struct history_attempt a, enum history_kind kind, uint64_t at_ms)
{
    a.phase = PHASE_LOAD;
    a.kind = kind;
    a.seq = a.seq ? a.seq : ++seq;
    a.begin_us = at_ms * MS;
    a.end_us = at_ms * MS + 20;
    return history_sample_add(&sample, &a);
}

static int begin(void **state)
{
    struct history_facts facts = history_sample_facts();
    facts.items = 1;
    facts.ttl_ms = 400;
    facts.contended = 0;
    seq = 1;
    case_begin(&facts, 100);
    made = add(
        (struct history_attempt){
            .outcome = OUTCOME_OK, .status = 201, .detail = DETAIL_HELD, .line = ONE(2, 99)},
        KIND_RESERVE, 1);
    return 0;
}

/* An answer about the hold; what it tells of the expiry besides has that version, 0: nothing. */
static uint32_t answered(enum history_kind kind, enum history_detail detail, uint64_t version,
                         uint64_t expired, uint64_t at_ms)
{
    struct history_attempt a = {.of = made,
                                .outcome = OUTCOME_OK,
                                .status = 200,
                                .detail = detail,
                                .flags = expired ? FLAG_TOOK_AGAIN : 0,
                                .line = ONE(version, version == 3 ? 100 : 99)};
    struct history_attempt told = {.phase = PHASE_LOAD,
                                   .of = made,
                                   .seq = seq + 1,
                                   .begin_us = at_ms * MS,
                                   .end_us = at_ms * MS + 20,
                                   .line = ONE(expired, 100)};
    if (expired)
        history_sample_expiry(&sample, &told);
    return add(a, kind, at_ms);
}

static uint32_t taken_again(uint64_t at_ms)
{
    return answered(KIND_RERESERVE, DETAIL_CONFIRMED, 4, 3, at_ms);
}

static uint32_t refused(enum history_kind kind, enum history_detail detail, uint64_t at_ms)
{
    return add((struct history_attempt){.of = made,
                                        .outcome = OUTCOME_FAIL,
                                        .status = 409,
                                        .detail = detail,
                                        .line = ONE(0, 0)},
               kind, at_ms);
}

/* Somebody sells all that is left, at version 4, and the rereserve is refused for it. */
static uint32_t sold_out(uint64_t at_ms)
{
    add((struct history_attempt){.outcome = OUTCOME_OK, .status = 200, .line = {{0, 100, 4, 0}}},
        KIND_DECREMENT, at_ms - 10);
    return add((struct history_attempt){.of = made,
                                        .outcome = OUTCOME_FAIL,
                                        .status = 409,
                                        .detail = DETAIL_NO_STOCK,
                                        .line = ONE(4, 0)},
               KIND_RERESERVE, at_ms);
}

/* NULL: nothing is wrong; else what the first witness must say. */
static void expect_first(const char *text)
{
    const struct verdict *v = case_verdict();
    for (unsigned i = 0; i < v->witnesses; i++)
        if (!text || !strstr(v->witness[0].text, text))
            print_message("  %s: %s\n", property_name(v->witness[i].property), v->witness[i].text);
    assert_int_equal(v->word == VERDICT_VIOLATION, text != NULL);
    if (text)
        assert_non_null(strstr(v->witness[0].text, text));
}

TEST(what_expired_may_be_taken_again_once_asked_for)
{
    answered(KIND_GET_RESERVATION, DETAIL_EXPIRED, 3, 0, 500);
    refused(KIND_CONFIRM, DETAIL_EXPIRED, 510);
    taken_again(600);
    answered(KIND_GET_RESERVATION, DETAIL_CONFIRMED, 4, 3, 700);
    refused(KIND_RELEASE, DETAIL_CONFIRMED, 710);
    expect_first(NULL);
}

TEST(an_expiry_that_nobody_saw_is_told_of_later)
{
    taken_again(600);
    answered(KIND_GET_RESERVATION, DETAIL_CONFIRMED, 4, 3, 700);
    expect_first(NULL);
}

TEST(who_was_refused_may_get_the_units_with_the_same_key_later)
{
    answered(KIND_GET_RESERVATION, DETAIL_EXPIRED, 3, 0, 500);
    uint32_t first = sold_out(600);
    add((struct history_attempt){.outcome = OUTCOME_OK, .status = 200, .line = {{0, 5, 5, 5}}},
        KIND_ADJUST, 610);
    history_sample_expiry(&sample, &(struct history_attempt){.phase = PHASE_LOAD,
                                                             .of = made,
                                                             .seq = seq - 1,
                                                             .begin_us = 620 * MS,
                                                             .end_us = 620 * MS + 20,
                                                             .line = ONE(3, 100)});
    add((struct history_attempt){.of = first,
                                 .seq = seq - 1,
                                 .outcome = OUTCOME_OK,
                                 .status = 200,
                                 .detail = DETAIL_CONFIRMED,
                                 .flags = FLAG_TOOK_AGAIN | FLAG_RESENT,
                                 .line = ONE(6, 4)},
        KIND_RERESERVE, 620);
    expect_first(NULL);
}

/* Sent at that time, and never answered. */
static uint32_t unanswered(enum history_kind kind, uint64_t at_ms)
{
    return add((struct history_attempt){.of = made, .detail = DETAIL_TIMEOUT, .line = ONE(0, 0)},
               kind, at_ms);
}

/* Its key is looked up, a while after the load: it was confirmed at version 4. */
static void found(enum history_kind kind, uint32_t of, uint32_t its_seq)
{
    struct history_attempt a = {.worker = HISTORY_SAMPLE_PARENT,
                                .phase = PHASE_SETTLE,
                                .kind = kind,
                                .of = of,
                                .seq = its_seq,
                                .outcome = OUTCOME_OK,
                                .status = 200,
                                .detail = DETAIL_CONFIRMED,
                                .flags = FLAG_TOOK_AGAIN,
                                .begin_us = 1500 * MS,
                                .end_us = 1501 * MS,
                                .line = ONE(4, 99)};
    struct history_attempt told = a;
    told.flags = 0;
    told.of = made;
    told.line[0] = (struct history_line){0, 1, 3, 100};
    history_sample_expiry(&sample, &told);
    history_sample_add(&sample, &a);
}

TEST(one_that_got_no_answer_had_happened_when_others_are_told_so)
{
    uint32_t first = unanswered(KIND_RERESERVE, 600);
    found(KIND_RERESERVE, first, seq);
    refused(KIND_RELEASE, DETAIL_CONFIRMED, 700);
    add((struct history_attempt){.outcome = OUTCOME_OK, .status = 200, .line = {{0, 0, 3, 100}}},
        KIND_GET_ITEM, 800);
    expect_first("order and time disagree");
}

TEST(of_two_without_an_answer_it_was_who_asked_for_it)
{
    uint32_t plain = unanswered(KIND_CONFIRM, 600);
    uint32_t again = unanswered(KIND_RERESERVE, 610);
    found(KIND_CONFIRM, plain, seq - 1);
    found(KIND_RERESERVE, again, seq);
    expect_first(NULL);
}

TEST(what_nobody_knows_of_may_have_taken_it_again)
{
    answered(KIND_GET_RESERVATION, DETAIL_EXPIRED, 3, 0, 500);
    unanswered(KIND_RERESERVE, 600);
    refused(KIND_RELEASE, DETAIL_CONFIRMED, 700);
    expect_first(NULL);
}

TEST(an_expiry_that_the_file_lacks_is_no_violation)
{
    add((struct history_attempt){.of = made,
                                 .outcome = OUTCOME_OK,
                                 .status = 200,
                                 .detail = DETAIL_CONFIRMED,
                                 .flags = FLAG_TOOK_AGAIN,
                                 .line = ONE(4, 99)},
        KIND_RERESERVE, 600);
    expect_first(NULL);
}

TEST(what_is_held_is_not_taken_again)
{
    taken_again(200);
    expect_first("xpired too early");
}

TEST(what_is_held_needs_no_stock)
{
    answered(KIND_GET_RESERVATION, DETAIL_EXPIRED, 3, 0, 700);
    refused(KIND_RERESERVE, DETAIL_NO_STOCK, 200);
    expect_first("xpired too early");
}

TEST(who_says_what_to_do_then_is_not_refused_for_an_expiry)
{
    answered(KIND_GET_RESERVATION, DETAIL_EXPIRED, 3, 0, 500);
    refused(KIND_RERESERVE, DETAIL_EXPIRED, 600);
    expect_first("asked for its units to be taken again");
}

TEST(a_late_confirm_of_what_did_not_expire_is_too_late)
{
    answered(KIND_RERESERVE, DETAIL_CONFIRMED, 3, 0, 600);
    expect_first("Accepted too late");
}

TEST(what_has_expired_is_not_just_confirmed)
{
    answered(KIND_GET_RESERVATION, DETAIL_EXPIRED, 3, 0, 500);
    answered(KIND_RERESERVE, DETAIL_CONFIRMED, 4, 0, 600);
    expect_first("was expired and then confirmed");
}

TEST(a_plain_confirm_takes_nothing_again)
{
    answered(KIND_CONFIRM, DETAIL_CONFIRMED, 4, 3, 600);
    expect_first("Taken again unasked");
}

TEST(what_was_taken_again_is_not_expired_any_more)
{
    taken_again(600);
    refused(KIND_CONFIRM, DETAIL_EXPIRED, 700);
    expect_first("What has ended never changes");
}

TEST(every_answer_tells_of_the_same_expiry)
{
    taken_again(600);
    answered(KIND_GET_RESERVATION, DETAIL_CONFIRMED, 4, 2, 700);
    expect_first("where its operations make it");
}

TEST(no_answer_leaves_it_out)
{
    taken_again(600);
    answered(KIND_GET_RESERVATION, DETAIL_CONFIRMED, 4, 0, 700);
    expect_first("where its operations make it");
}

TEST(it_ends_with_that)
{
    taken_again(600);
    answered(KIND_RELEASE, DETAIL_RELEASED, 5, 0, 700);
    expect_first("Ended twice");
}

EACH_BETWEEN(begin, NULL)
