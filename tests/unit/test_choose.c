/* test_choose.c -- what a client remembers of its reservations, and when it comes back to them. */
#include "client/client.h"
#include "support/suite.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define TTL_MS    2000
#define GO_NS     (50 * SECOND_NS)
#define BATCH     8

/* One client that has just been answered, and the operation it was answered to. */
static struct load_client shared;
static struct call calls[BATCH]; /* but for tests of batches only one */
static struct client client;
static struct history_op op;
static struct workload w;

static int set_up(void **state)
{
    char err[WORKLOAD_ERR_SIZE];
    memset(&client, 0, sizeof(client));
    memset(&op, 0, sizeof(op));
    w = (struct workload){.skus = 4,
                          .stock = 20,
                          .clients = 8,
                          .weight = {[WORK_RESERVE] = 1},
                          .qty_max = 1,
                          .basket_max = 1,
                          .ttl_ms = TTL_MS};
    assert_int_equal(workload_open(&w, err, sizeof(err)), 0);
    rng_seed(&shared.rng, 7);
    client.shared = &shared;
    memset(calls, 0, sizeof(calls));
    calls[0].op = calls[0].root = &op;
    client.attempt.call = calls;
    return 0;
}

static int tear_down(void **state)
{
    workload_close(&w);
    return 0;
}

/* The answer to a reserve, or to what the client chose last. */
static void answered(enum history_kind kind, const char *id, uint32_t slot, uint64_t now_ns)
{
    const struct lesson lesson = {.outcome = OUTCOME_OK, .id = str_of(id)};
    op.kind = (uint8_t)kind;
    op.lines = 1;
    op.line = (struct history_line){.item = 3, .quantity = 1};
    calls[0].root_slot = slot;
    client_remember(&client, &calls[0], &w, &lesson, now_ns);
}

static enum history_kind chosen(uint64_t now_ns)
{
    client_choose(&client, &w, &client, 1, now_ns);
    return calls[0].intent.kind;
}

TEST(a_client_without_a_reservation_reserves_instead_of_ending_one)
{
    w.weight[WORK_RESERVE] = 0;
    w.weight[WORK_RELEASE] = w.weights = 1;
    assert_int_equal(chosen(GO_NS), KIND_RESERVE);
    answered(KIND_RESERVE, "r1", 71, GO_NS);
    assert_int_equal(chosen(GO_NS), KIND_RELEASE);
    assert_true(str_equal(client_reservation(&client, &calls[0]), STR("r1")));
    assert_int_equal(calls[0].intent.held.slot, 71);
    assert_int_equal(chosen(GO_NS), KIND_RESERVE);
}

TEST(the_oldest_of_too_many_reservations_is_left_alone)
{
    char id[] = "r0";
    for (uint32_t i = 0; i <= CLIENT_HELD; i++, id[1]++)
        answered(KIND_RESERVE, id, 70 + i, GO_NS);
    assert_int_equal(client.helds, CLIENT_HELD);
    assert_int_equal(client.held[0].slot, 71);
    assert_int_equal(client.held[CLIENT_HELD - 1].slot, 70 + CLIENT_HELD);
}

TEST(one_that_is_kept_is_ended_around_its_deadline_and_not_before)
{
    static const enum history_kind ends[] = {KIND_CONFIRM, KIND_RELEASE, KIND_EXTEND};
    w.late = 1;
    for (int kind = 0; kind < 30; kind++) {
        w.weight[WORK_CONFIRM] = kind % 3 == 0;
        w.weight[WORK_RELEASE] = kind % 3 == 1;
        w.weight[WORK_EXTEND] = kind % 3 == 2;
        answered(KIND_RESERVE, "late", 90, GO_NS);
        assert_int_equal(client.helds, 0);
        uint64_t turn_ns = client.late[0].turn_ns;
        assert_in_range(turn_ns, GO_NS + 1900 * (SECOND_NS / 1000), GO_NS + 3 * SECOND_NS);
        assert_int_equal(chosen(turn_ns - 1), KIND_RESERVE);
        assert_int_equal(chosen(turn_ns), ends[kind % 3]);
        assert_true(str_equal(client_reservation(&client, &calls[0]), STR("late")));
        assert_int_equal(chosen(turn_ns), KIND_RESERVE); /* once */
    }
}

TEST(one_reservation_at_a_time_is_kept)
{
    w.late = 1;
    w.weight[WORK_CONFIRM] = 1;
    answered(KIND_RESERVE, "r1", 81, GO_NS);
    answered(KIND_RESERVE, "r2", 82, GO_NS);
    assert_int_equal(client.lates, 1);
    assert_int_equal(client.late[0].slot, 81);
    assert_int_equal(client.helds, 1);
}

TEST(those_that_are_kept_have_a_turn_each)
{
    w.late = 1;
    w.clients = 4; /* two for each */
    w.weight[WORK_RERESERVE] = 1;
    answered(KIND_RESERVE, "r1", 81, GO_NS);
    answered(KIND_RESERVE, "r2", 82, GO_NS);
    answered(KIND_RESERVE, "r3", 83, GO_NS);
    assert_int_equal(client.lates, 2);
    assert_int_equal(client.helds, 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(chosen(GO_NS + 4 * SECOND_NS), KIND_RERESERVE);
    assert_int_equal(chosen(GO_NS + 4 * SECOND_NS), KIND_RESERVE);
}

TEST(what_was_left_to_expire_may_be_wanted_again)
{
    w.forget = 1;
    w.weight[WORK_RERESERVE] = 1000000;
    w.weights = 1000001;
    answered(KIND_RESERVE, "r1", 81, GO_NS);
    assert_int_equal(client.helds, 0);
    for (int i = 0; i < 20 && client.forgotten.id_bytes > 0; i++)
        (void)chosen(GO_NS);
    assert_int_equal(calls[0].intent.kind, KIND_RERESERVE);
    assert_true(str_equal(client_reservation(&client, &calls[0]), STR("r1")));
}

TEST(few_clients_keep_reservations_so_that_stock_goes_on_moving)
{
    assert_int_equal(w.keeps, 8); /* of 80 units */
    w.late = 1;
    w.clients = 9;
    w.weight[WORK_CONFIRM] = 1;
    client.number = 8;
    answered(KIND_RESERVE, "r1", 81, GO_NS);
    assert_int_equal(client.lates, 0);
    assert_int_equal(client.helds, 1);
}

TEST(nothing_is_kept_where_nothing_would_end_it)
{
    w.late = 1;
    answered(KIND_RESERVE, "r1", 81, GO_NS);
    assert_int_equal(client.lates, 0);
}

TEST(a_repeated_reserve_is_about_the_reservation_it_made)
{
    struct history_op again = op;
    again.kind = KIND_RESERVE;
    answered(KIND_RESERVE, "r1", 81, GO_NS);
    assert_true(str_absent(
        client_reservation(&client, &calls[0]))); /* the first attempt asks for a new one */
    calls[0].op = &again;
    assert_true(str_equal(client_reservation(&client, &calls[0]), STR("r1")));
    calls[0].root_slot = 99; /* an attempt before was never answered */
    assert_true(str_absent(client_reservation(&client, &calls[0])));
}

/* --- batches --- */

static bool is_on(const struct intent *i, uint32_t item)
{
    for (unsigned n = 0; n < i->lines; n++)
        if (i->line[n].item == item)
            return true;
    return false;
}

/* Lets the client choose batches until each of these was seen. */
TEST(a_batch_has_parts_that_share_items_and_reservations)
{
    bool kind[KINDS] = {false}, same_item = false, same_hold = false;
    w.weight[WORK_RESERVE] = 0;
    w.weight[WORK_BATCH] = w.weights = 1;
    w.batch_min = w.batch_max = BATCH;
    for (int round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < 3; i++)
            answered(KIND_RESERVE, "r1", 70 + i, GO_NS);
        client.seen = (struct seen_item){.item = 2, .version = 9, .on_hand = 5};
        client_choose(&client, &w, &client, 1, GO_NS);
        assert_true(client.attempt.batch && !client.attempt.resent);
        assert_int_equal(client.attempt.calls, BATCH);
        for (unsigned n = 1; n < BATCH; n++) {
            const struct intent *i = &calls[n].intent, *before = &calls[n - 1].intent;
            kind[i->kind] = true;
            same_item |= i->held.id_bytes == 0 && is_on(i, before->line[0].item);
            same_hold |= i->held.id_bytes > 0 && i->held.slot == before->held.slot;
            for (unsigned a = 0; a < i->lines; a++)
                for (unsigned b = 0; b < a; b++)
                    assert_int_not_equal(i->line[a].item, i->line[b].item);
        }
    }
    assert_true(kind[KIND_RESERVE] && kind[KIND_DECREMENT] && kind[KIND_CONFIRM] &&
                kind[KIND_RELEASE] && kind[KIND_EXTEND] && kind[KIND_ADJUST] &&
                kind[KIND_GET_RESERVATION] && kind[KIND_SET] && kind[KIND_TRANSFER]);
    assert_true(same_item && same_hold);
}

TEST(who_knows_that_an_item_is_gone_creates_it)
{
    struct history_op removal = {.kind = KIND_DELETE, .lines = 1, .line = {.item = 3}};
    const struct lesson refused = {.outcome = OUTCOME_FAIL, .detail = DETAIL_NO_ITEM};
    w.weight[WORK_RESERVE] = 0;
    w.weight[WORK_REMOVE] = w.weights = 1;
    w.removable_every = 4;
    assert_int_equal(chosen(GO_NS), KIND_DELETE);
    assert_int_equal(calls[0].intent.line[0].item % 4, 3);
    calls[0].op = calls[0].root = &removal;
    client_remember(&client, &calls[0], &w, &refused, GO_NS);
    assert_int_equal(chosen(GO_NS), KIND_PUT);
    assert_int_equal(calls[0].intent.line[0].item, 3);
    assert_int_equal(chosen(GO_NS), KIND_DELETE); /* once */
    removal.line.item = 2;                        /* none of those */
    client_remember(&client, &calls[0], &w, &refused, GO_NS);
    assert_int_equal(chosen(GO_NS), KIND_DELETE);
}

TEST(a_transfer_is_of_two_items)
{
    w.weight[WORK_RESERVE] = 0;
    w.weight[WORK_TRANSFER] = w.weights = 1;
    w.qty_max = 3;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(chosen(GO_NS), KIND_TRANSFER);
        const struct history_line *line = calls[0].intent.line;
        assert_int_equal(calls[0].intent.lines, 2);
        assert_int_not_equal(line[0].item, line[1].item);
        assert_true(line[0].item < w.skus && line[1].item < w.skus);
        assert_in_range(line[1].quantity, 1, 3);
        assert_int_equal(line[0].quantity, -line[1].quantity);
    }
    w.skus = 1;
    assert_int_equal(chosen(GO_NS), KIND_RESERVE);
}

TEST(a_list_is_followed_page_by_page)
{
    struct history_op list = {.kind = KIND_LIST};
    const struct lesson page = {.outcome = OUTCOME_OK,
                                .further = {.all = true, .after = 7, .cursor_bytes = 1}};
    unsigned followed = 0;
    w.weight[WORK_RESERVE] = 0;
    w.weight[WORK_LIST] = w.weights = 1;
    calls[0].op = calls[0].root = &list;
    for (int i = 0; i < 100; i++) {
        client_remember(&client, &calls[0], &w, &page, GO_NS);
        assert_int_equal(chosen(GO_NS), KIND_LIST);
        followed += calls[0].intent.list.after == 7;
        assert_in_range(calls[0].intent.list.limit, 1, LISTING_LIMIT_MAX);
        assert_int_equal(calls[0].intent.lines, calls[0].intent.list.limit);
    }
    assert_in_range(followed, 50, 90);
    assert_int_equal(client.further.cursor_bytes, 0);
}

EACH_BETWEEN(set_up, tear_down)
