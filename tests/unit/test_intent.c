/* test_intent.c -- a wish becomes the right request; an answer becomes the right record. */
#include "client/intent.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct world {
    struct load load;
    struct history_writer w;
    struct buf out;
    char path[64];
};

static int set_up(void **state)
{
    static struct world world;
    struct history_facts facts = {.run = "r7", .prefix = "load-r7-", .items = 100};
    char err[TARGET_ERR_SIZE];
    const struct target_options target = {.host = "127.0.0.1", .port = 8080, .path = "/shop/"};
    world.load.workload.ttl_ms = 30000;
    snprintf(world.path, sizeof(world.path), "/tmp/stockload-intent.%d", (int)getpid());
    if (history_create(&world.load.history, world.path, &facts) < 0 ||
        target_open(&world.load.target, &target, err, sizeof(err)) < 0)
        return -1;
    history_writer_open(&world.w, world.load.history, 0, 0);
    buf_init(&world.out, TARGET_REQUEST_MAX);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    buf_free(&world->out);
    target_close(&world->load.target);
    history_writer_close(&world->w);
    history_close(world->load.history);
    unlink(world->path);
    return 0;
}

static struct history_op *recorded(struct world *world, const struct intent *i)
{
    assert_int_equal(history_reserve(&world->w, 1 + i->lines / 2), 0);
    struct history_op *op = history_begin(&world->w, i->lines);
    intent_record(i, op);
    op->client = 12;
    op->seq = 345;
    return op;
}

TEST(requests_are_what_the_interface_asks_for)
{
    struct world *world = *state;
    static const struct {
        struct intent intent;
        const char *first_line, *body;
    } rows[] = {
        {{.kind = KIND_PUT, .lines = 1, .line = {{.item = 3, .quantity = 500}}},
         "PUT /shop/v1/items/load-r7-3 HTTP/1.1\r\n",
         "{\"on_hand\":500}"},
        {{.kind = KIND_ADJUST, .lines = 1, .line = {{.item = 99, .quantity = -1}}},
         "POST /shop/v1/items/load-r7-99/adjustments HTTP/1.1\r\n",
         "{\"delta\":-1}"},
        {{.kind = KIND_DECREMENT, .lines = 1, .line = {{.item = 0, .quantity = 2}}},
         "POST /shop/v1/items/load-r7-0/decrements HTTP/1.1\r\n",
         "{\"quantity\":2}"},
        {{.kind = KIND_TRANSFER,
          .lines = 2,
          .line = {{.item = 4, .quantity = -3}, {.item = 10, .quantity = 3}}},
         "POST /shop/v1/items/load-r7-4/transfers HTTP/1.1\r\n",
         "{\"to\":\"load-r7-10\",\"quantity\":3}"},
        {{.kind = KIND_RESERVE,
          .lines = 2,
          .line = {{.item = 4, .quantity = 1}, {.item = 10, .quantity = 3}}},
         "POST /shop/v1/reservations HTTP/1.1\r\n",
         "{\"lines\":[{\"sku\":\"load-r7-4\",\"quantity\":1},{\"sku\":\"load-r7-10\","
         "\"quantity\":3}],\"ttl_seconds\":30}"},
        {{.kind = KIND_CONFIRM, .lines = 1, .held = {.id_bytes = 2, .id = "r1"}},
         "POST /shop/v1/reservations/r1/confirm HTTP/1.1\r\n",
         "{}"},
        {{.kind = KIND_CONFIRM,
          .partial = true,
          .lines = 1,
          .line = {{.item = 4, .quantity = 1}},
          .held = {.id_bytes = 2, .id = "r1"}},
         "POST /shop/v1/reservations/r1/confirm HTTP/1.1\r\n",
         "{\"lines\":[{\"sku\":\"load-r7-4\",\"quantity\":1}]}"},
        {{.kind = KIND_RERESERVE, .lines = 1, .held = {.id_bytes = 2, .id = "r1"}},
         "POST /shop/v1/reservations/r1/confirm HTTP/1.1\r\n",
         "{\"if_expired\":\"rereserve\"}"},
        {{.kind = KIND_RERESERVE,
          .partial = true,
          .lines = 1,
          .line = {{.item = 4, .quantity = 1}},
          .held = {.id_bytes = 2, .id = "r1"}},
         "POST /shop/v1/reservations/r1/confirm HTTP/1.1\r\n",
         "{\"if_expired\":\"rereserve\",\"lines\":[{\"sku\":\"load-r7-4\",\"quantity\":1}]}"},
        {{.kind = KIND_RELEASE, .lines = 1, .held = {.id_bytes = 5, .id = "a/b c"}},
         "POST /shop/v1/reservations/a%2Fb%20c/release HTTP/1.1\r\n",
         "{}"},
        {{.kind = KIND_EXTEND, .lines = 1, .held = {.id_bytes = 2, .id = "r1"}},
         "POST /shop/v1/reservations/r1/extend HTTP/1.1\r\n",
         "{\"ttl_seconds\":30}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct history_op *op = recorded(world, &rows[i].intent);
        intent_request(&rows[i].intent, &world->load, op, &world->out);
        assert_false(world->out.failed);
        buf_putc(&world->out, '\0');
        const char *text = world->out.p, *body = strstr(text, "\r\n\r\n") + 4;
        char length[64];
        snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", strlen(rows[i].body));
        assert_memory_equal(text, rows[i].first_line, strlen(rows[i].first_line));
        assert_non_null(strstr(text, "\r\nHost: 127.0.0.1:8080\r\n"));
        assert_non_null(strstr(text, "\r\nIdempotency-Key: r7-12-345\r\n"));
        assert_non_null(strstr(text, length));
        assert_string_equal(body, rows[i].body);
    }
}

TEST(reads_carry_no_key_and_no_body)
{
    struct world *world = *state;
    struct intent i = {.kind = KIND_GET_ITEM, .lines = 1, .line = {{.item = 5}}};
    intent_request(&i, &world->load, recorded(world, &i), &world->out);
    buf_putc(&world->out, '\0');
    assert_string_equal(world->out.p,
                        "GET /shop/v1/items/load-r7-5 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
}

TEST(what_is_about_a_key_names_it)
{
    struct world *world = *state;
    struct intent sale = {.kind = KIND_DECREMENT, .lines = 1, .line = {{.item = 5, .quantity = 2}}};
    struct intent i = {.kind = KIND_LOOKUP, .lines = 1, .about.op = recorded(world, &sale)};
    intent_request(&i, &world->load, recorded(world, &i), &world->out);
    buf_putc(&world->out, '\0');
    assert_string_equal(world->out.p, "GET /shop/v1/operations/r7-12-345 HTTP/1.1\r\n"
                                      "Host: 127.0.0.1:8080\r\n\r\n");
    i.kind = KIND_REUSE;
    i.line[0] = (struct history_line){.item = 5, .quantity = 3};
    struct history_op *op = recorded(world, &i);
    op->seq = 346;
    intent_request(&i, &world->load, op, &world->out);
    buf_putc(&world->out, '\0');
    assert_non_null(strstr(world->out.p, "POST /shop/v1/items/load-r7-5/decrements"));
    assert_non_null(strstr(world->out.p, "Idempotency-Key: r7-12-345\r\n"));
    assert_non_null(strstr(world->out.p, "{\"quantity\":3}"));
}

TEST(a_set_names_the_version_it_is_for)
{
    struct world *world = *state;
    struct intent i = {
        .kind = KIND_SET, .lines = 1, .line = {{.item = 5, .quantity = 9}}, .if_match = 17};
    intent_request(&i, &world->load, recorded(world, &i), &world->out);
    buf_putc(&world->out, '\0');
    assert_non_null(strstr(world->out.p, "PUT /shop/v1/items/load-r7-5 HTTP/1.1\r\n"));
    assert_non_null(strstr(world->out.p, "\r\nIf-Match: \"17\"\r\nContent-Type: application/json"));
    assert_non_null(strstr(world->out.p, "\r\n\r\n{\"on_hand\":9}"));
}

TEST(a_list_names_its_items_and_its_place)
{
    struct world *world = *state;
    struct intent i = {
        .kind = KIND_LIST, .lines = 3, .list = {.prefix = 1, .limit = 3, .after = LISTING_END}};
    struct history_op *op = recorded(world, &i);
    assert_int_equal(op->lines, 0); /* what it shows is not known yet */
    intent_request(&i, &world->load, op, &world->out);
    buf_putc(&world->out, '\0');
    assert_non_null(strstr(world->out.p, "GET /shop/v1/items?prefix=load-r7-1&limit=3 HTTP/1.1"));
    i.list.all = true;
    i.list.cursor_bytes = 3;
    memcpy(i.list.cursor, "a&b", 3);
    intent_request(&i, &world->load, op, &world->out);
    buf_putc(&world->out, '\0');
    assert_non_null(
        strstr(world->out.p, "GET /shop/v1/items?prefix=load-r7-&limit=3&cursor=a%26b HTTP/1.1"));
}

TEST(a_list_is_recorded_as_it_was_shown)
{
    struct world *world = *state;
    struct intent i = {
        .kind = KIND_LIST, .lines = 3, .list = {.all = true, .limit = 3, .after = LISTING_END}};
    struct history_op *op = recorded(world, &i);
    const struct mismatch_request request = {.list = &i.list};
    const struct response page = {
        .status = 200,
        .body = STR("{\"items\":[{\"sku\":\"load-r7-0\",\"available\":5,\"version\":2},"
                    "{\"sku\":\"load-r7-1\",\"available\":6,\"version\":3}],"
                    "\"next_cursor\":null}")};
    struct lesson lesson = intent_learn(history_facts(world->load.history), op, &request, &page);
    assert_int_equal(lesson.outcome, OUTCOME_OK);
    assert_int_equal(lesson.further.cursor_bytes, 0);
    assert_int_equal(op->lines, 2);
    assert_int_equal(history_line(op, 1)->item, 1);
    assert_int_equal(history_line(op, 1)->version, 3);
    assert_int_equal(history_line(op, 1)->remaining, 6);
}

TEST(a_delete_has_no_body_and_a_creation_wants_nothing_there)
{
    struct world *world = *state;
    struct intent i = {.kind = KIND_DELETE, .lines = 1, .line = {{.item = 5}}};
    struct history_op *op = recorded(world, &i);
    intent_request(&i, &world->load, op, &world->out);
    buf_putc(&world->out, '\0');
    assert_string_equal(world->out.p, "DELETE /shop/v1/items/load-r7-5 HTTP/1.1\r\n"
                                      "Host: 127.0.0.1:8080\r\n"
                                      "Idempotency-Key: r7-12-345\r\n\r\n");
    struct lesson lesson =
        intent_learn(history_facts(world->load.history), op, &(struct mismatch_request){0},
                     &(struct response){.status = 204});
    assert_int_equal(lesson.outcome, OUTCOME_OK);
    assert_string_equal(lesson.mismatch.text, "");
    i.kind = KIND_PUT;
    i.line[0].quantity = 9;
    intent_request(&i, &world->load, recorded(world, &i), &world->out);
    buf_putc(&world->out, '\0');
    assert_non_null(strstr(world->out.p, "PUT /shop/v1/items/load-r7-5 HTTP/1.1\r\n"));
    assert_non_null(strstr(world->out.p, "\r\nIf-None-Match: *\r\n"));
    assert_null(strstr(world->out.p, "If-Match"));
}

/* Nothing is said of what is not sold; who reserves says who it is. */
TEST(parts_and_names_are_said)
{
    struct world *world = *state;
    struct intent i = {.kind = KIND_CONFIRM,
                       .partial = true,
                       .lines = 2,
                       .line = {{.item = 4, .quantity = 0}, {.item = 6, .quantity = 1}},
                       .held = {.id_bytes = 2, .id = "r1"}};
    intent_request(&i, &world->load, recorded(world, &i), &world->out);
    buf_putc(&world->out, '\0');
    assert_non_null(strstr(world->out.p, "{\"lines\":[{\"sku\":\"load-r7-6\",\"quantity\":1}]}"));
    world->load.workload.named = true;
    i = (struct intent){.kind = KIND_RESERVE, .lines = 1, .line = {{.item = 4, .quantity = 1}}};
    intent_request(&i, &world->load, recorded(world, &i), &world->out);
    world->load.workload.named = false;
    buf_putc(&world->out, '\0');
    assert_non_null(strstr(
        world->out.p, "],\"customer\":\"c12\",\"reference\":\"r7-12-345\",\"metadata\":{"
                      "\"order\":{\"no\":345,\"of\":[12,\"r7\"],\"gift\":true},"
                      "\"note\":\"f\\u00fcr \\\"345\\\"\",\"coupon\":null},\"ttl_seconds\":30}"));
}

/* Client 12 is the third of five customers; every fourth item is limited. */
TEST(who_takes_of_a_limited_item_is_said)
{
    struct world *world = *state;
    struct history_facts *facts = history_facts(world->load.history);
    static const struct {
        struct intent intent;
        const char *body;
    } rows[] = {
        {{.kind = KIND_PUT, .lines = 1, .line = {{.item = 8, .quantity = 500}}},
         "{\"on_hand\":500,\"max_per_customer\":7}"},
        {{.kind = KIND_PUT, .lines = 1, .line = {{.item = 7, .quantity = 500}}},
         "{\"on_hand\":500}"},
        {{.kind = KIND_SET, .lines = 1, .line = {{.item = 8, .quantity = 500}}},
         "{\"on_hand\":500}"}, /* what it does not say stays */
        {{.kind = KIND_DECREMENT, .lines = 1, .line = {{.item = 8, .quantity = 2}}},
         "{\"quantity\":2,\"customer\":\"c2\"}"},
    };
    world->load.workload.named = true;
    facts->limit = 7;
    facts->limited_every = 4;
    facts->customers = 5;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct history_op *op = recorded(world, &rows[i].intent);
        intent_request(&rows[i].intent, &world->load, op, &world->out);
        buf_putc(&world->out, '\0');
        assert_string_equal(strstr(world->out.p, "\r\n\r\n") + 4, rows[i].body);
    }
    world->load.workload.named = false;
    facts->limit = facts->limited_every = facts->customers = 0;
}

TEST(skus_of_other_runs_are_not_ours)
{
    struct world *world = *state;
    const struct history_facts *facts = history_facts(world->load.history);
    assert_int_equal(load_item_of(facts, STR("load-r7-99")), 99);
    assert_int_equal(load_item_of(facts, STR("load-r7-100")), -1);
    assert_int_equal(load_item_of(facts, STR("load-r8-1")), -1);
    assert_int_equal(load_item_of(facts, STR("load-r7-")), -1);
    assert_int_equal(load_item_of(facts, STR("load-r7-1x")), -1);
    assert_int_equal(load_item_of(facts, STR("load-r7-99999999999999")), -1);
}

#define BASKET "{\"id\":\"r0-1\",\"state\":\"held\",\"lines\":[" LINES "]}"
#define LINES                                                                                      \
    "{\"sku\":\"load-r7-10\",\"quantity\":3,\"remaining\":7,\"version\":9},"                       \
    "{\"sku\":\"load-r7-4\",\"quantity\":1,\"remaining\":0,\"version\":2}"

#define PROBLEM(name, status)                                                                      \
    "{\"type\":\"/problems/" name "\",\"title\":\"T\",\"status\":" #status ",\"detail\":\"D\""

TEST(answers_become_outcomes)
{
    struct world *world = *state;
    static const struct {
        enum history_kind kind;
        unsigned status;
        const char *body;
        enum history_outcome outcome;
        enum history_detail detail;
        uint64_t version; /* of line 0 afterwards */
        int64_t remaining;
    } rows[] = {
        {KIND_RESERVE, 201, BASKET, OUTCOME_OK, DETAIL_HELD, 2, 0},
        {KIND_RESERVE, 201, "{\"id\":\"x\",\"state\":\"held\",\"lines\":[]}", OUTCOME_UNKNOWN,
         DETAIL_GARBLED, 0, 0},
        {KIND_RESERVE, 201, "{\"state\":\"held\",\"lines\":[" LINES "]}", OUTCOME_UNKNOWN,
         DETAIL_GARBLED, 2, 0},
        {KIND_RESERVE, 201, "<html>", OUTCOME_UNKNOWN, DETAIL_GARBLED, 0, 0},
        {KIND_RESERVE, 409,
         PROBLEM("insufficient-stock", 409) ",\"lines\":[{\"sku\":\"load-r7-4\","
                                            "\"requested\":1,\"available\":0,\"version\":77}]}",
         OUTCOME_FAIL, DETAIL_NO_STOCK, 77, 0},
        {KIND_RESERVE, 409, PROBLEM("insufficient-stock", 409) "}", OUTCOME_FAIL, DETAIL_OTHER, 0,
         0},
        {KIND_RESERVE, 409,
         PROBLEM("limit-exceeded", 409) ",\"lines\":[{\"sku\":\"load-r7-4\",\"limit\":5,"
                                        "\"used\":4,\"version\":77}]}",
         OUTCOME_FAIL, DETAIL_LIMIT, 77, 4},
        {KIND_RESERVE, 409,
         PROBLEM("limit-exceeded", 409) ",\"lines\":[{\"sku\":\"load-r7-4\",\"limit\":5,"
                                        "\"version\":77}]}",
         OUTCOME_FAIL, DETAIL_OTHER, 0, 0},
        {KIND_CONFIRM, 200, "{\"id\":\"r0-1\",\"state\":\"confirmed\",\"lines\":[" LINES "]}",
         OUTCOME_OK, DETAIL_CONFIRMED, 2, 0},
        {KIND_CONFIRM, 409, PROBLEM("reservation-expired", 409) "}", OUTCOME_FAIL, DETAIL_EXPIRED,
         0, 0},
        {KIND_RERESERVE, 200, "{\"id\":\"r0-1\",\"state\":\"confirmed\",\"lines\":[" LINES "]}",
         OUTCOME_OK, DETAIL_CONFIRMED, 2, 0},
        {KIND_RERESERVE, 409,
         PROBLEM("insufficient-stock", 409) ",\"lines\":[{\"sku\":\"load-r7-4\","
                                            "\"requested\":1,\"available\":0,\"version\":77}]}",
         OUTCOME_FAIL, DETAIL_NO_STOCK, 77, 0},
        {KIND_RELEASE, 404, PROBLEM("reservation-not-found", 404) "}", OUTCOME_FAIL,
         DETAIL_NO_RESERVATION, 0, 0},
        {KIND_GET_RESERVATION, 200, "{\"id\":\"r0-1\",\"state\":\"expired\",\"lines\":[" LINES "]}",
         OUTCOME_OK, DETAIL_EXPIRED, 2, 0},
        {KIND_RESERVE, 503, PROBLEM("overloaded", 503) "}", OUTCOME_FAIL, DETAIL_UNAVAILABLE, 0, 0},
        {KIND_RESERVE, 503, "{}", OUTCOME_UNKNOWN, DETAIL_OTHER, 0, 0},
        {KIND_RESERVE, 409, "", OUTCOME_UNKNOWN, DETAIL_FOREIGN, 0, 0},
        {KIND_RESERVE, 500, BASKET, OUTCOME_UNKNOWN, DETAIL_OTHER, 0, 0},
        {KIND_RESERVE, 504, "{}", OUTCOME_UNKNOWN, DETAIL_OTHER, 0, 0},
        {KIND_RESERVE, 302, "", OUTCOME_UNKNOWN, DETAIL_FOREIGN, 0, 0},
        {KIND_RESERVE, 422, PROBLEM("invalid-field", 422) "}", OUTCOME_FAIL, DETAIL_OTHER, 0, 0},
    };
    const struct intent basket = {
        .lines = 2, .line = {{.item = 4, .quantity = 1}, {.item = 10, .quantity = 3}}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct intent intent = basket;
        intent.kind = rows[i].kind;
        struct history_op *op = recorded(world, &intent);
        struct response response = {.status = (uint16_t)rows[i].status,
                                    .content = CONTENT_PROBLEM,
                                    .body = str_of(rows[i].body)};
        struct lesson lesson = intent_learn(history_facts(world->load.history), op,
                                            &(struct mismatch_request){0}, &response);
        assert_int_equal(lesson.outcome, rows[i].outcome);
        assert_int_equal(lesson.detail, rows[i].detail);
        assert_int_equal(op->line.version, rows[i].version);
        assert_int_equal(op->line.remaining, rows[i].remaining);
        if (rows[i].kind == KIND_RESERVE && rows[i].outcome == OUTCOME_OK)
            assert_true(str_equal(lesson.id, STR("r0-1")));
    }
}

TEST(an_item_s_answer_needs_version_and_stock)
{
    struct world *world = *state;
    static const struct {
        enum history_kind kind;
        const char *body;
        enum history_outcome outcome;
        int64_t remaining;
    } rows[] = {
        {KIND_DECREMENT, "{\"id\":\"op\",\"remaining\":6,\"version\":8}", OUTCOME_OK, 6},
        {KIND_DECREMENT, "{\"id\":\"op\",\"remaining\":-1,\"version\":8}", OUTCOME_OK, -1},
        {KIND_DECREMENT, "{\"id\":\"op\",\"available\":6,\"version\":8}", OUTCOME_UNKNOWN, 0},
        {KIND_GET_ITEM, "{\"available\":5,\"version\":8}", OUTCOME_OK, 5},
        {KIND_GET_ITEM, "{\"available\":5}", OUTCOME_UNKNOWN, 0},
        {KIND_ADJUST, "{\"available\":5,\"version\":8}", OUTCOME_OK, 5},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct intent intent = {.kind = rows[i].kind, .lines = 1, .line = {{.item = 4}}};
        struct history_op *op = recorded(world, &intent);
        struct response response = {.status = 200, .body = str_of(rows[i].body)};
        struct lesson lesson = intent_learn(history_facts(world->load.history), op,
                                            &(struct mismatch_request){0}, &response);
        assert_int_equal(lesson.outcome, rows[i].outcome);
        assert_int_equal(op->line.remaining, rows[i].remaining);
    }
}

#define SIDE(remaining, version)                                                                   \
    "{\"sku\":\"s\",\"remaining\":" #remaining ",\"version\":" #version "}"

TEST(a_transfer_s_answer_needs_both_items)
{
    struct world *world = *state;
    static const struct {
        const char *body;
        enum history_outcome outcome;
    } rows[] = {
        {"{\"to\":" SIDE(7, 3) ",\"from\":" SIDE(0, 9) "}", OUTCOME_OK},
        {"{\"from\":" SIDE(0, 9) "}", OUTCOME_UNKNOWN},
        {"{\"from\":null,\"to\":" SIDE(7, 3) "}", OUTCOME_UNKNOWN},
        {"{\"from\":" SIDE(0, 0) ",\"to\":" SIDE(7, 3) "}", OUTCOME_UNKNOWN},
        {"{\"from\":" SIDE(0, 9) ",\"to\":{\"version\":3}}", OUTCOME_UNKNOWN},
        {"{\"from\":" SIDE(0, 9) ",\"to\":3}", OUTCOME_UNKNOWN},
    };
    const struct intent intent = {
        .kind = KIND_TRANSFER,
        .lines = 2,
        .line = {{.item = 4, .quantity = -2}, {.item = 5, .quantity = 2}}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct history_op *op = recorded(world, &intent);
        struct response response = {.status = 200, .body = str_of(rows[i].body)};
        struct lesson lesson = intent_learn(history_facts(world->load.history), op,
                                            &(struct mismatch_request){0}, &response);
        bool ok = lesson.outcome == OUTCOME_OK;
        assert_int_equal(lesson.outcome, rows[i].outcome);
        assert_int_equal(history_line(op, 0)->version, ok ? 9 : 0);
        assert_int_equal(history_line(op, 1)->version, ok ? 3 : 0);
        assert_int_equal(history_line(op, 1)->remaining, ok ? 7 : 0);
    }
}

ALL_BETWEEN(set_up, tear_down)
