/* test_check_limits.c -- what a customer may have of an item, by what everybody was told. */
#include "support/check_case.h"
#include "support/suite.h"

#include <string.h>

static uint64_t now_us;

/* Two items of 10 units; the first one is limited to 5 for each of the customers c0 and c1. */
static void begin(void)
{
    struct history_facts facts = history_sample_facts();
    facts.limit = 5;
    facts.limited_every = 2;
    facts.customers = 2;
    case_begin(&facts, 10);
    now_us = 20;
}

/* One behind the other. */
static uint32_t add(struct history_attempt a)
{
    static uint32_t seq;
    now_us += 10;
    a.phase = PHASE_LOAD;
    a.seq = ++seq;
    a.begin_us = now_us;
    a.end_us = now_us + 5;
    return history_sample_add(&sample, &a);
}

static uint32_t reserve(uint32_t client, int32_t units, uint64_t version, int64_t left)
{
    return add((struct history_attempt){.kind = KIND_RESERVE,
                                        .client = client,
                                        .outcome = OUTCOME_OK,
                                        .status = 201,
                                        .detail = DETAIL_HELD,
                                        .line = {LINE(0, units, version, left)}});
}

static void sell(uint32_t client, uint32_t item, int32_t units, uint64_t version, int64_t left)
{
    add((struct history_attempt){.kind = KIND_DECREMENT,
                                 .client = client,
                                 .outcome = OUTCOME_OK,
                                 .status = 200,
                                 .line = {LINE(item, units, version, left)}});
}

static void end(enum history_kind kind, uint32_t client, uint32_t of, int32_t units,
                uint64_t version, int64_t left)
{
    add((struct history_attempt){.kind = kind,
                                 .client = client,
                                 .of = of,
                                 .outcome = OUTCOME_OK,
                                 .status = 200,
                                 .detail = kind == KIND_CONFIRM   ? DETAIL_CONFIRMED
                                           : kind == KIND_RELEASE ? DETAIL_RELEASED
                                                                  : DETAIL_EXPIRED,
                                 .line = {LINE(0, units, version, left)}});
}

static void refuse(enum history_detail detail, uint32_t client, uint32_t item, int32_t units,
                   uint64_t version, int64_t number)
{
    add((struct history_attempt){.kind = KIND_RESERVE,
                                 .client = client,
                                 .outcome = OUTCOME_FAIL,
                                 .status = 409,
                                 .detail = detail,
                                 .line = {LINE(item, units, version, number)}});
}

TEST(nobody_is_given_more_than_the_limit)
{
    static const struct {
        uint32_t client, item;
        int32_t units;
        const char *says;
    } rows[] = {
        {0, 0, 2, NULL}, /* 5 in all */
        {0, 0, 3, "customer c0 holds and has bought 6 units at version 3"},
        {2, 0, 3, "customer c0 holds and has bought 6 units at version 3"}, /* the same customer */
        {1, 0, 5, NULL},
        {1, 0, 6, "customer c1 holds and has bought 6 units"},
        {0, 1, 9, NULL}, /* not limited */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        reserve(0, 3, 2, 7);
        sell(rows[i].client, rows[i].item, rows[i].units, rows[i].item ? 2 : 3,
             (rows[i].item ? 10 : 7) - rows[i].units);
        case_expect(rows[i].says);
    }
}

TEST(a_refusal_says_what_was_used_at_its_version)
{
    static const struct {
        uint32_t client;
        int32_t units;
        uint64_t version;
        int64_t used;
        const char *says;
    } rows[] = {
        {0, 1, 3, 5, NULL},
        {2, 3, 2, 3, NULL}, /* told late, but right then */
        {0, 1, 3, 6, "customer c0 has used 6 of its limit at version 3; right would have been 5"},
        {0, 3, 3, 3, "has used 3 of its limit at version 3; right would have been 5"},
        {0, 5, 2, 5, "has used 5 of its limit at version 2; right would have been 3"},
        {0, 2, 2, 3, "a limit that allows it"},
        {1, 6, 3, 0, NULL},
        {1, 5, 3, 0, "a limit that allows it"},
        {0, 1, 9, 5, "belongs to no request"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        reserve(0, 3, 2, 7);
        if (rows[i].version == 2) /* before the sale */
            refuse(DETAIL_LIMIT, rows[i].client, 0, rows[i].units, 2, rows[i].used);
        sell(2, 0, 2, 3, 5);
        if (rows[i].version != 2)
            refuse(DETAIL_LIMIT, rows[i].client, 0, rows[i].units, rows[i].version, rows[i].used);
        case_expect(rows[i].says);
    }
}

TEST(what_comes_back_counts_no_more)
{
    static const struct {
        enum history_kind kind;
        int32_t units; /* sold of 4 */
        int64_t used;
        const char *says;
    } rows[] = {
        {KIND_RELEASE, 4, 1, NULL},
        {KIND_RELEASE, 4, 5, "right would have been 1"},
        {KIND_CONFIRM, 4, 5, NULL},
        {KIND_CONFIRM, 1, 2, NULL},
        {KIND_CONFIRM, 1, 5, "right would have been 2"},
        {KIND_GET_RESERVATION, 4, 1, NULL}, /* it shows an expiry */
        {KIND_GET_RESERVATION, 4, 5, "right would have been 1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        uint32_t made = reserve(0, 4, 2, 6);
        sell(2, 0, 1, 3, 5);
        int32_t sold = rows[i].kind == KIND_CONFIRM ? rows[i].units : 0;
        if (rows[i].kind == KIND_GET_RESERVATION)
            now_us += 61000000;
        /* Whoever ends it, it counts for whom it was made. */
        end(rows[i].kind, 1, made, rows[i].units, 4, 5 + 4 - sold);
        refuse(DETAIL_LIMIT, 0, 0, 5, 4, rows[i].used);
        case_expect(rows[i].says);
    }
}

TEST(what_was_used_ends_with_the_item)
{
    static const struct {
        int64_t used;
        const char *says;
    } rows[] = {
        {2, NULL},
        {6, "customer c0 has used 6 of its limit at version 5; right would have been 2"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        sell(0, 0, 4, 2, 6);
        add((struct history_attempt){
            .kind = KIND_DELETE, .outcome = OUTCOME_OK, .status = 204, .line = {LINE(0, 0, 0, 0)}});
        add((struct history_attempt){
            .kind = KIND_PUT, .outcome = OUTCOME_OK, .status = 201, .line = {LINE(0, 9, 4, 9)}});
        sell(0, 0, 2, 5, 7);
        refuse(DETAIL_LIMIT, 0, 0, 5, 5, rows[i].used);
        case_expect(rows[i].says);
    }
}

TEST(the_limit_comes_before_the_stock)
{
    for (int32_t units = 1; units <= 3; units++) {
        begin();
        sell(0, 0, 3, 2, 7);
        sell(1, 0, 5, 3, 2);
        add((struct history_attempt){.kind = KIND_ADJUST,
                                     .client = 3,
                                     .outcome = OUTCOME_OK,
                                     .status = 200,
                                     .line = {LINE(0, -2, 4, 0)}});
        refuse(DETAIL_NO_STOCK, 0, 0, units, 4, 0);
        case_expect(units <= 2 ? NULL : "it had to be refused because of that limit");
    }
}

TEST(what_has_no_limit_is_not_refused_because_of_one)
{
    begin();
    refuse(DETAIL_LIMIT, 0, 1, 3, 1, 9);
    case_expect("a limit that allows it");
    begin();
    add((struct history_attempt){.kind = KIND_ADJUST,
                                 .outcome = OUTCOME_FAIL,
                                 .status = 409,
                                 .detail = DETAIL_LIMIT,
                                 .line = {LINE(0, -1, 1, 0)}});
    case_expect("although it counts against none");
}

TEST(a_refusal_has_its_place_in_time)
{
    begin();
    sell(0, 0, 3, 2, 7);
    sell(1, 0, 1, 3, 6);
    refuse(DETAIL_LIMIT, 0, 0, 3, 2, 3); /* as it was, and is no more */
    case_expect("order and time disagree");
}

/* Version 3 may be a sale that nobody was told of, to whomever. */
TEST(what_nobody_knows_of_is_no_lie)
{
    begin();
    sell(0, 0, 3, 2, 7);
    add((struct history_attempt){
        .kind = KIND_DECREMENT, .client = 0, .detail = DETAIL_TIMEOUT, .line = {LINE(0, 2, 0, 0)}});
    refuse(DETAIL_LIMIT, 0, 0, 1, 3, 5);
    sell(1, 0, 2, 4, 3);
    refuse(DETAIL_LIMIT, 0, 0, 1, 4, 5);
    case_expect(NULL);
}
