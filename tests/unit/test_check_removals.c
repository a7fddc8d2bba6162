/* test_check_removals.c -- items that are deleted and created again: where the deletes belong, and
 * what others may be told of such items when.
 */
#include "support/check_case.h"
#include "support/suite.h"

#include <string.h>

/* Two items of 100 units, created before 20 us. */
static void begin(void)
{
    struct history_facts facts = history_sample_facts();
    case_begin(&facts, 100);
}

/* Of item 0; version 0: the answer has none. */
struct step {
    enum history_kind kind;
    uint64_t begin_us, end_us;
    int32_t quantity;
    uint64_t version;
    int64_t remaining;
    enum history_detail detail;
    uint32_t of;
};

static uint32_t add(const struct step *s)
{
    static uint32_t seq;
    bool refused = s->detail >= DETAIL_NO_STOCK;
    enum history_phase phase = s->kind == KIND_GET_RESERVATION ? PHASE_SETTLE : PHASE_LOAD;
    return history_sample_add(
        &sample, &(struct history_attempt){.phase = phase,
                                           .kind = s->kind,
                                           .outcome = refused ? OUTCOME_FAIL : OUTCOME_OK,
                                           .status = refused ? 409 : 200,
                                           .detail = s->detail,
                                           .seq = ++seq,
                                           .of = s->of,
                                           .begin_us = s->begin_us,
                                           .end_us = s->end_us,
                                           .line = {{0, s->quantity, s->version, s->remaining}}});
}

static void add_counters(const struct history_counters *counters)
{
    struct history_counters c = *counters;
    c.type = SLOT_COUNTERS;
    c.at_ns = 900000;
    assert_int_equal(history_put_counters(&sample.writer[HISTORY_SAMPLE_PARENT], &c), 0);
}

#define DELETED(at)                                                                                \
    {                                                                                              \
        KIND_DELETE, at, at + 20, 0, 0, 0, DETAIL_NONE, 0                                          \
    }
#define CREATED(at, v)                                                                             \
    {                                                                                              \
        KIND_PUT, at, at + 20, 50, v, 50, DETAIL_NONE, 0                                           \
    }
#define SOLD(at, v, left)                                                                          \
    {                                                                                              \
        KIND_DECREMENT, at, at + 20, 1, v, left, DETAIL_NONE, 0                                    \
    }
#define HELD(at, v, left)                                                                          \
    {                                                                                              \
        KIND_RESERVE, at, at + 20, 1, v, left, DETAIL_HELD, 0                                      \
    }
#define SEEN(at, v, left)                                                                          \
    {                                                                                              \
        KIND_GET_ITEM, at, at + 20, 0, v, left, DETAIL_NONE, 0                                     \
    }

TEST(a_delete_makes_the_version_before_a_creation)
{
    static const struct {
        struct step step[4];
        const char *says; /* NULL: it is right */
    } rows[] = {
        {{DELETED(100), CREATED(200, 3), SOLD(300, 4, 49)}, NULL},
        {{SOLD(100, 2, 99), DELETED(200), CREATED(300, 4), SEEN(400, 4, 50)}, NULL},
        {{DELETED(100), CREATED(200, 3), DELETED(300), CREATED(400, 5)}, NULL},
        {{SOLD(100, 2, 99), DELETED(200)}, NULL}, /* nobody looked at the end */
        {{DELETED(100), SOLD(200, 2, 99)}, "at no moment that it could be of was the item gone"},
        {{DELETED(100), SOLD(200, 2, 99), CREATED(300, 4)}, "at no moment that it could be of"},
        {{DELETED(100), DELETED(120), CREATED(200, 3)}, "at no moment that it could be of"},
        {{DELETED(100), CREATED(200, 3), DELETED(120)}, "at no moment that it could be of"},
        {{CREATED(200, 3)}, "version 2 belongs to no request"},
        {{DELETED(100), CREATED(200, 4)}, "version 2 belongs to no request"},
        {{CREATED(100, 2)}, "created it at version 2, though it was there, with 100 left"},
        {{DELETED(100), CREATED(200, 1)}, "version 1 was given twice"},
        {{DELETED(100), CREATED(200, 3), SOLD(300, 4, 148)}, "right would have been 49"},
        {{DELETED(100), SEEN(150, 2, 0), CREATED(200, 3)}, "the one at which it was removed"},
        {{DELETED(100), CREATED(200, 3), SEEN(300, 1, 100)}, "order and time disagree"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        for (size_t n = 0; n < 4 && rows[i].step[n].end_us > 0; n++)
            add(&rows[i].step[n]);
        if (case_tells(rows[i].says ? rows[i].says : "whatever") != (rows[i].says != NULL))
            fail_msg("row %zu: %s", i, rows[i].says ? rows[i].says : "right");
    }
}

TEST(nothing_is_held_of_what_is_deleted)
{
    for (int held = 0; held < 2; held++) {
        begin();
        uint32_t made = add(&(struct step)HELD(100, 2, 99));
        if (!held)
            add(&(struct step){KIND_RELEASE, 150, 170, 1, 3, 100, DETAIL_RELEASED, made});
        add(&(struct step)DELETED(200));
        add(&(struct step)CREATED(300, held ? 4 : 5));
        if (held) /* as it is read back after the load */
            add(&(struct step){KIND_GET_RESERVATION, 900, 920, 1, 2, 99, DETAIL_HELD, made});
        if (case_tells("though 1 units were held") != held)
            fail_msg("%d", held);
    }
}

TEST(what_is_left_at_the_end_is_of_the_last_life)
{
    static const struct {
        struct step last;
        struct history_counters counters;
        const char *says;
    } rows[] = {
        {SOLD(300, 4, 49),
         {.found = 1, .on_hand = 49, .available = 49, .sold = 1, .version = 4},
         NULL},
        {SOLD(300, 4, 49),
         {.found = 1, .on_hand = 49, .available = 49, .sold = 2, .version = 4},
         "2 are sold; the operations add up to 1"},
        {DELETED(300), {.found = 0}, NULL},
        {DELETED(300),
         {.found = 1, .on_hand = 50, .available = 50, .version = 3},
         "at no moment that it could be of"},
        {SOLD(300, 4, 49), {.found = 0}, "nobody was told that it is removed"},
        {{KIND_DELETE, 300, 320, 0, 0, 0, DETAIL_IN_USE, 0},
         {.found = 0},
         "nobody was told that it is removed"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        add(&(struct step)SOLD(50, 2, 99));
        add(&(struct step)DELETED(100));
        add(&(struct step)CREATED(200, 4));
        struct step last = rows[i].last;
        last.version += last.version > 0;
        add(&last);
        struct history_counters counters = rows[i].counters;
        counters.version += counters.found;
        add_counters(&counters);
        if (case_tells(rows[i].says ? rows[i].says : "whatever") != (rows[i].says != NULL))
            fail_msg("row %zu: %s", i, rows[i].says ? rows[i].says : "right");
    }
}

/* Claims of 20 us around a delete from 100 to 120 and a creation from 200 to 220; of a hold, the
 * same of its reserve and its release. */
TEST(a_claim_must_have_been_true_at_some_moment)
{
    static const struct {
        enum history_kind kind;
        enum history_detail detail;
        uint64_t at_us;
        bool lies;
    } rows[] = {
        {KIND_GET_ITEM, DETAIL_NO_ITEM, 50, true},    {KIND_GET_ITEM, DETAIL_NO_ITEM, 90, false},
        {KIND_DECREMENT, DETAIL_NO_ITEM, 150, false}, {KIND_DELETE, DETAIL_NO_ITEM, 210, false},
        {KIND_GET_ITEM, DETAIL_NO_ITEM, 230, true},   {KIND_PUT, DETAIL_EXISTS, 50, false},
        {KIND_PUT, DETAIL_EXISTS, 110, false},        {KIND_PUT, DETAIL_EXISTS, 130, true},
        {KIND_PUT, DETAIL_EXISTS, 190, false},        {KIND_PUT, DETAIL_EXISTS, 230, false},
        {KIND_DELETE, DETAIL_IN_USE, 50, true},       {KIND_DELETE, DETAIL_IN_USE, 90, false},
        {KIND_DELETE, DETAIL_IN_USE, 150, false},     {KIND_DELETE, DETAIL_IN_USE, 210, false},
        {KIND_DELETE, DETAIL_IN_USE, 230, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        if (rows[i].detail == DETAIL_IN_USE) {
            uint32_t made = add(&(struct step)HELD(100, 2, 99));
            add(&(struct step){KIND_RELEASE, 200, 220, 1, 3, 100, DETAIL_RELEASED, made});
        } else {
            add(&(struct step)DELETED(100));
            add(&(struct step)CREATED(200, 3));
        }
        add(&(struct step){rows[i].kind, rows[i].at_us, rows[i].at_us + 20, 1, 0, 0, rows[i].detail,
                           0});
        if (case_tells("was told that") != rows[i].lies)
            fail_msg("row %zu: at %d", i, (int)rows[i].at_us);
    }
}

/* Each alone may have been true, but not this one after that one. */
TEST(claims_must_have_been_true_in_their_order)
{
    for (int late = 0; late < 2; late++) {
        begin();
        add(&(struct step){KIND_DELETE, 100, 400, 0, 0, 0, DETAIL_NONE, 0});
        add(&(struct step)CREATED(500, 3));
        add(&(struct step){KIND_GET_ITEM, late ? 150 : 250, late ? 170 : 270, 0, 0, 0,
                           DETAIL_NO_ITEM, 0});
        add(&(struct step){KIND_PUT, 200, 220, 5, 0, 0, DETAIL_EXISTS, 0});
        assert_int_equal(case_tells("the item is there; but all the while it was gone"), late);
    }
}

/* The first of two deletes was over before anything of the second began: only the second may be the
 * one of which somebody heard late. */
TEST(each_delete_has_a_place_of_its_own)
{
    for (int late = 0; late < 2; late++) {
        begin();
        add(&(struct step){KIND_DELETE, 100, 120, 0, 0, 0, DETAIL_NONE, 0});
        add(&(struct step){KIND_PUT, 130, 200, 50, 3, 50, DETAIL_NONE, 0});
        add(&(struct step){KIND_DELETE, 180, 400, 0, 0, 0, DETAIL_NONE, 0});
        add(&(struct step)CREATED(500, 5));
        /* The item was there, before the first delete or after its creation. */
        add(&(struct step){KIND_PUT, late ? 121 : 110, late ? 128 : 128, 5, 0, 0, DETAIL_EXISTS,
                           0});
        assert_int_equal(case_tells("the item is there; but all the while it was gone"), late);
    }
}

TEST(of_a_basket_one_item_must_be_gone)
{
    for (int lies = 0; lies < 2; lies++) {
        begin();
        add(&(struct step)DELETED(100));
        add(&(struct step)CREATED(200, 3));
        history_sample_add(&sample,
                           &(struct history_attempt){.phase = PHASE_LOAD,
                                                     .kind = KIND_RESERVE,
                                                     .outcome = OUTCOME_FAIL,
                                                     .status = 404,
                                                     .detail = DETAIL_NO_ITEM,
                                                     .client = 3,
                                                     .seq = 1,
                                                     .begin_us = lies ? 300 : 150,
                                                     .end_us = lies ? 320 : 170,
                                                     .lines = 2,
                                                     .line = {{1, 1, 0, 0}, {0, 1, 0, 0}}});
        assert_int_equal(case_tells("that an item is not there; but all of its items were"), lies);
    }
}

#define AGAIN(v) (v + (UINT64_C(1) << 20))

/* A restore at 250 undid what nobody had been answered. What was gone before the creation behind it
 * had been deleted before what it undid, or behind it. */
TEST(a_delete_is_on_the_side_of_a_restore_that_its_time_says)
{
    static const struct {
        struct step step[4];
        const char *says;
    } rows[] = {
        {{SOLD(50, 2, 99), SEEN(100, 4, 97), DELETED(260), CREATED(300, AGAIN(4))}, NULL},
        {{SOLD(50, 2, 99), DELETED(100), SEEN(150, 5, 40), CREATED(300, AGAIN(4))}, NULL},
        {{DELETED(24), SOLD(50, 2, 99), SEEN(150, 5, 40), CREATED(300, AGAIN(4))},
         "at no moment that it could be of was the item gone"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        history_facts(sample.history)->restores = 1;
        for (size_t n = 0; n < 4; n++)
            add(&rows[i].step[n]);
        if (case_tells(rows[i].says ? rows[i].says : "whatever") != (rows[i].says != NULL))
            fail_msg("row %zu: %s", i, rows[i].says ? rows[i].says : "right");
    }
}
