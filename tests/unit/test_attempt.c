/* test_attempt.c -- operations become the entries of a batch; its results become their answers. */
#include "client/client.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CALLS 3

struct world {
    struct load load;
    struct history_op op[CALLS];
    struct call call[CALLS];
    struct attempt attempt;
    struct buf out;
    char path[64];
};

static int set_up(void **state)
{
    static struct world world;
    struct history_facts facts = {.run = "r7", .prefix = "load-r7-", .items = 100};
    char err[TARGET_ERR_SIZE];
    const struct target_options target = {.host = "127.0.0.1", .port = 8080, .path = "/shop/"};
    memset(&world, 0, sizeof(world));
    snprintf(world.path, sizeof(world.path), "/tmp/stockload-attempt.%d", (int)getpid());
    if (history_create(&world.load.history, world.path, &facts) < 0 ||
        target_open(&world.load.target, &target, err, sizeof(err)) < 0)
        return -1;
    world.load.workload.ttl_ms = 30000;
    for (unsigned n = 0; n < CALLS; n++) {
        world.op[n] = (struct history_op){.client = 12, .seq = 345 + n};
        world.call[n].op = &world.op[n];
    }
    world.attempt = (struct attempt){.calls = 1, .batch = true, .call = world.call};
    buf_init(&world.out, TARGET_REQUEST_MAX);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    buf_free(&world->out);
    target_close(&world->load.target);
    history_close(world->load.history);
    unlink(world->path);
    return 0;
}

/* The body of the request. */
static const char *sent(struct world *world)
{
    attempt_request(&world->attempt, &world->load, &world->out);
    buf_putc(&world->out, '\0');
    assert_false(world->out.failed);
    return strstr(world->out.p, "\r\n\r\n") + 4;
}

TEST(one_operation_makes_a_batch)
{
    struct world *world = *state;
    static const struct {
        struct intent intent;
        const char *body;
    } rows[] = {
        {{.kind = KIND_CONFIRM, .lines = 1, .held = {.id_bytes = 2, .id = "r1"}},
         "{\"operations\":[{\"op\":\"confirm\",\"id\":\"r1\",\"idempotency_key\":\"r7-12-345\"}]}"},
        {{.kind = KIND_RERESERVE, .lines = 1, .held = {.id_bytes = 2, .id = "r1"}},
         "{\"operations\":[{\"op\":\"confirm\",\"id\":\"r1\",\"idempotency_key\":\"r7-12-345\","
         "\"if_expired\":\"rereserve\"}]}"},
        {{.kind = KIND_DECREMENT, .lines = 1, .line = {{.item = 5, .quantity = 2}}},
         "{\"operations\":[{\"op\":\"decrement\",\"sku\":\"load-r7-5\","
         "\"idempotency_key\":\"r7-12-345\",\"quantity\":2}]}"},
        {{.kind = KIND_GET_RESERVATION, .lines = 1, .held = {.id_bytes = 2, .id = "r1"}},
         "{\"operations\":[{\"op\":\"get\",\"id\":\"r1\"}]}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        world->call[0].intent = rows[i].intent;
        assert_string_equal(sent(world), rows[i].body);
        assert_non_null(strstr(world->out.p, "POST /shop/v1/batch HTTP/1.1\r\n"));
        assert_non_null(strstr(world->out.p, "\r\nContent-Type: application/json\r\n"));
        assert_null(strstr(world->out.p, "Idempotency-Key"));
    }
}

TEST(operations_stand_in_their_order_each_with_its_key)
{
    struct world *world = *state;
    world->attempt.calls = 3;
    world->call[0].intent =
        (struct intent){.kind = KIND_RESERVE, .lines = 1, .line = {{.item = 1, .quantity = 2}}};
    world->call[1].intent = (struct intent){
        .kind = KIND_GET_RESERVATION, .lines = 1, .held = {.id_bytes = 2, .id = "r1"}};
    world->call[2].intent =
        (struct intent){.kind = KIND_ADJUST, .lines = 1, .line = {{.item = 1, .quantity = -1}}};
    assert_string_equal(
        sent(world),
        "{\"operations\":["
        "{\"op\":\"reserve\",\"idempotency_key\":\"r7-12-345\",\"lines\":[{\"sku\":\"load-r7-1\","
        "\"quantity\":2}],\"ttl_seconds\":30},"
        "{\"op\":\"get\",\"id\":\"r1\"},"
        "{\"op\":\"adjust\",\"sku\":\"load-r7-1\",\"idempotency_key\":\"r7-12-347\",\"delta\":-1}"
        "]}");
}

TEST(a_set_names_the_version_it_is_for)
{
    struct world *world = *state;
    world->call[0].intent = (struct intent){
        .kind = KIND_SET, .lines = 1, .line = {{.item = 5, .quantity = 9}}, .if_match = 17};
    assert_string_equal(sent(world),
                        "{\"operations\":[{\"op\":\"put\",\"sku\":\"load-r7-5\","
                        "\"idempotency_key\":\"r7-12-345\",\"if_match\":\"\\\"17\\\"\","
                        "\"on_hand\":9}]}");
}

TEST(an_operation_that_is_no_batch_is_sent_alone)
{
    struct world *world = *state;
    world->attempt.batch = false;
    world->call[0].intent =
        (struct intent){.kind = KIND_DECREMENT, .lines = 1, .line = {{.item = 5, .quantity = 2}}};
    assert_string_equal(sent(world), "{\"quantity\":2}");
    assert_non_null(strstr(world->out.p, "POST /shop/v1/items/load-r7-5/decrements HTTP/1.1\r\n"));
    assert_non_null(strstr(world->out.p, "\r\nIdempotency-Key: r7-12-345\r\n"));
}

TEST(each_result_is_the_answer_to_its_operation)
{
    struct world *world = *state;
    struct response one, batch = {.status = 200, .close = true};
    struct mismatch mismatch;
    size_t at = 0;
    batch.body = STR("{\"results\":[{\"status\":409,\"body\":{\"a\":1},\"replayed\":true},"
                     "{\"status\":200},{\"status\":201,\"body\":{\"b\":2},\"replayed\":false}]}");
    world->attempt.calls = 3;
    assert_true(attempt_results(&world->attempt, &batch, &mismatch));
    assert_true(attempt_result(&batch, &at, &one));
    assert_int_equal(one.status, 409);
    assert_true(str_equal(one.body, STR("{\"a\":1}")));
    assert_true(one.replayed && one.close && one.content == CONTENT_PROBLEM);
    assert_false(attempt_result(&batch, &at, &one));
    assert_true(attempt_result(&batch, &at, &one));
    assert_int_equal(one.status, 201);
    assert_true(str_equal(one.body, STR("{\"b\":2}")));
    assert_true(!one.replayed && one.content == CONTENT_JSON);
}

TEST(an_answer_without_a_result_for_each_is_none)
{
    struct world *world = *state;
    static const struct {
        uint16_t status;
        const char *body, *mismatch;
    } rows[] = {
        {200, "", ""},
        {200, "{\"results\":[{\"status\":200,\"body\":{}},{\"st", ""}, /* cut off on its way */
        {200, "{}", "is JSON without \"results\""},
        {200, "{\"results\":[]}", "has 0 of the 2 results of its batch"},
        {200, "{\"results\":[{}]}", "has 1 of the 2 results of its batch"},
        {200, "{\"results\":[{},{},{}]}", "has 3 of the 2 results of its batch"},
        {207, "{\"results\":[{},{}]}", "has status 207, where a batch gets 200"},
    };
    world->attempt.calls = 2;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct response batch = {.status = rows[i].status, .body = str_of(rows[i].body)};
        struct mismatch mismatch;
        assert_false(attempt_results(&world->attempt, &batch, &mismatch));
        assert_string_equal(mismatch.text, rows[i].mismatch);
    }
}

EACH_BETWEEN(set_up, tear_down)
