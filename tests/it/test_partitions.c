/* test_partitions.c -- a store of four partitions is one store to its clients, baskets over two of
 * them aside. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PARTITIONS 4

static int partition_of(const char *sku)
{
    return stack_partition_of(&stack, PARTITIONS, sku);
}

static const char *item_in(int partition, int64_t on_hand)
{
    return stack_item_in(&stack, PARTITIONS, partition, on_hand);
}

static void items_land_in_every_partition(void **state)
{
    for (int p = 0; p < PARTITIONS; p++)
        assert_int_equal(partition_of(item_in(p, 1)), p);
}

static void lists_are_merged_and_sorted_over_the_partitions(void **state)
{
    enum { ITEMS = 60 };
    unsigned used = 0;
    for (int i = ITEMS - 1; i >= 0; i--) {
        const char *sku = text("list-%03d", i);
        api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":1}");
        used |= 1u << partition_of(sku);
    }
    assert_int_equal(used, (1u << PARTITIONS) - 1);
    for (int limit = 1; limit <= 100; limit = limit * 3 + 4) {
        int next = 0;
        const char *cursor = "";
        while (cursor) {
            json_t *page = get(text("/v1/items?prefix=list-&limit=%d%s%s", limit,
                                    *cursor ? "&cursor=" : "", cursor));
            json_t *items = json_object_get(page, "items");
            int count = (int)json_array_size(items);
            assert_int_equal(count, ITEMS - next < limit ? ITEMS - next : limit);
            for (int i = 0; i < count; i++)
                check_str(a, text("items[%d].sku", i), text("list-%03d", next++));
            bool more = !json_is_null(json_object_get(page, "next_cursor"));
            assert_int_equal(more, next < ITEMS);
            cursor = more ? api_str(a, "next_cursor") : NULL;
        }
        assert_int_equal(next, ITEMS);
    }
}

static void a_basket_within_one_partition_is_held_and_sold(void **state)
{
    for (int p = 0; p < PARTITIONS; p++) {
        const char *x = item_in(p, 10);
        const char *y = item_in(p, 10);
        post(201, RESERVATIONS,
             text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":2},{\"sku\":\"%s\",\"quantity\":3}]"
                  "}",
                  x, y));
        const char *id = api_str(a, "id");
        char prefix[8];
        snprintf(prefix, sizeof(prefix), "r%d-", p);
        assert_memory_equal(id, prefix, strlen(prefix));
        check_header(a, "Location", text(RESERVATIONS "/%s", id));
        check_item(a, x, 10, 8, 2, 0, 2);
        check_item(a, y, 10, 7, 3, 0, 2);
        post(200, text(RESERVATIONS "/%s/extend", id), "{\"ttl_seconds\":60}");
        post(200, text(RESERVATIONS "/%s/confirm", id), NULL);
        assert_true(api_state_is(a, id, "confirmed"));
        check_item(a, x, 8, 8, 0, 2, 4);
        check_item(a, y, 7, 7, 0, 3, 4);
    }
}

static void a_basket_over_two_partitions_is_refused_and_changes_nothing(void **state)
{
    const char *x = item_in(0, 10);
    const char *y = item_in(3, 10);
    const char *body = text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\","
                            "\"quantity\":1}]}",
                            x, y);
    const char *key = "Idempotency-Key: cross-1\r\n";
    post_problem(422, "cross-partition", NULL, RESERVATIONS, body);
    api_problem(a, 422, "cross-partition", NULL, "POST", RESERVATIONS, key, body);
    check_item(a, x, 10, 10, 0, 0, 1);
    check_item(a, y, 10, 10, 0, 0, 1);
    /* A rejection is not recorded: the key is still free. */
    get_problem(404, "operation-not-found", NULL, "/v1/operations/cross-1");
    api_call(a, 201, "POST", RESERVATIONS, key, LINE(x, 1));
}

static void a_transfer_stays_within_its_partition(void **state)
{
    const char *x = item_in(1, 10), *y = item_in(1, 0), *z = item_in(2, 10);
    const char *path = TRANSFER(x);
    const char *key = "Idempotency-Key: cross-2\r\n";
    api_problem(a, 422, "cross-partition", NULL, "POST", path, key,
                text("{\"to\":\"%s\",\"quantity\":1}", z));
    api_problem(a, 422, "cross-partition", NULL, "POST", path, key,
                text("{\"to\":\"%s\",\"quantity\":99}", z));
    check_item(a, x, 10, 10, 0, 0, 1);
    check_item(a, z, 10, 10, 0, 0, 1);
    api_call(a, 200, "POST", path, key, text("{\"to\":\"%s\",\"quantity\":4}", y));
    api_call(a, 200, "POST", path, key, text("{\"to\":\"%s\",\"quantity\":4}", y));
    check_header(a, "Idempotent-Replayed", "true");
    check_item(a, x, 6, 6, 0, 0, 2);
    check_item(a, y, 4, 4, 0, 0, 2);
    const char *body = text("{\"operations\":[{\"op\":\"transfer\",\"sku\":\"%s\",\"to\":\"%s\","
                            "\"quantity\":1},{\"op\":\"transfer\",\"sku\":\"%s\",\"to\":\"%s\","
                            "\"quantity\":1}]}",
                            x, z, x, y);
    post(200, "/v1/batch", body);
    check_str(a, "results[0].body.type", "/problems/cross-partition");
    check_int(a, "results[1].body.to.remaining", 5);
}

static void an_id_of_a_partition_that_is_not_there_is_not_found(void **state)
{
    const char *id = api_reserve(a, item_in(1, 10), 1, 0);
    const char *rest = strchr(id, '-');
    static const char *const verbs[] = {"confirm", "release", "extend"};
    assert_non_null(rest);
    for (int p = 0; p <= 65535; p = p * 16 + 15) {
        if (p == 1)
            continue;
        const char *path = text(RESERVATIONS "/r%d%s", p, rest);
        get_problem(404, "reservation-not-found", NULL, path);
        for (int i = 0; i < 3; i++)
            post_problem(404, "reservation-not-found", NULL, text("%s/%s", path, verbs[i]), "{}");
    }
    for (int p = 0; p < PARTITIONS; p++)
        if (p != 1)
            post_problem(404, "reservation-not-found", NULL,
                         text(RESERVATIONS "/r%d%s/confirm", p, rest), "{}");
    assert_true(api_state_is(a, id, "held"));
}

static void a_batch_over_all_partitions_keeps_its_order(void **state)
{
    enum { ROUNDS = 40 };
    const char *skus[PARTITIONS];
    static char body[32768];
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"operations\":[");
    for (int p = 0; p < PARTITIONS; p++)
        skus[p] = item_in(p, 1000);
    /* An item that is made, sold, set and sold again within the batch shows the order of effects.
     */
    for (int i = 0; i < ROUNDS * PARTITIONS; i++)
        n += (size_t)snprintf(body + n, sizeof(body) - n,
                              "%s{\"op\":\"%s\",\"sku\":\"%s\",\"%s\":%d}", i ? "," : "",
                              i % 3 ? "decrement" : "adjust", skus[i % PARTITIONS],
                              i % 3 ? "quantity" : "delta", i % 3 ? 1 : 5);
    snprintf(body + n, sizeof(body) - n, "]}");
    json_t *answer = post(200, "/v1/batch", body);
    check_size(a, "results", ROUNDS * PARTITIONS);
    int64_t available[PARTITIONS] = {1000, 1000, 1000, 1000};
    for (int i = 0; i < ROUNDS * PARTITIONS; i++) {
        int p = i % PARTITIONS;
        available[p] += i % 3 ? -1 : 5;
        json_t *result = json_array_get(json_object_get(answer, "results"), (size_t)i);
        assert_int_equal(json_integer_value(json_object_get(result, "status")), 200);
        assert_string_equal(json_string_value(json_at(result, "body.sku")), skus[p]);
        assert_int_equal(json_integer_value(json_at(result, "body.version")), 2 + i / PARTITIONS);
        assert_int_equal(
            json_integer_value(json_at(result, i % 3 ? "body.remaining" : "body.available")),
            available[p]);
    }
}

/* What an operation does in one partition is seen by a later one that depends on it, whatever lies
 * between them; refusals stay in their places. */
static void refusals_in_a_batch_stay_in_their_places(void **state)
{
    const char *x = item_in(0, 1);
    const char *y = item_in(2, 1);
    const char *fresh = "a-fresh-one";
    post(200, "/v1/batch",
         text("{\"operations\":["
              "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
              "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":2},"
              "{\"op\":\"reserve\",\"lines\":[{\"sku\":\"%s\",\"quantity\":1},"
              "{\"sku\":\"%s\",\"quantity\":1}]},"
              "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":1},"
              "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
              "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
              "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
              "{\"op\":\"get\",\"id\":\"r9-00dc0hb5n1hrpnm3ev2l4q0\"},"
              "{\"op\":\"put\",\"sku\":\"%s\",\"if_match\":\"*\",\"on_hand\":7}]}",
              x, y, x, y, fresh, fresh, x, y, y));
    static const int statuses[] = {200, 409, 422, 201, 200, 409, 200, 404, 200};
    check_size(a, "results", sizeof(statuses) / sizeof(statuses[0]));
    for (int i = 0; i < (int)(sizeof(statuses) / sizeof(statuses[0])); i++)
        check_int(a, text("results[%d].status", i), statuses[i]);
    check_str(a, "results[2].body.type", "/problems/cross-partition");
    check_item(a, x, 0, 0, 0, 1, 2);
    check_item(a, y, 7, 7, 0, 1, 3);
    check_item(a, fresh, 0, 0, 0, 1, 2);
}

static void a_key_is_replayed_in_every_partition(void **state)
{
    for (int p = 0; p < PARTITIONS; p++) {
        const char *sku = item_in(p, 10);
        const char *key = text("Idempotency-Key: replay-%d\r\n", p);
        const char *body = LINE(sku, 1);
        api_call(a, 201, "POST", RESERVATIONS, key, body);
        const char *id = api_str(a, "id");
        api_call(a, 201, "POST", RESERVATIONS, key, body);
        check_str(a, "id", id);
        check_header(a, "Idempotent-Replayed", "true");
        check_item(a, sku, 10, 9, 1, 0, 2);
        get(text("/v1/operations/replay-%d", p));
        check_str(a, "body.id", id);
    }
}

/* What is used again is looked for where the operation is, and nowhere else: no transaction may
 * touch two partitions. */
static void a_key_belongs_to_the_partition_of_its_operation(void **state)
{
    const char *x = item_in(2, 10), *beside = item_in(2, 10), *elsewhere = item_in(1, 10);
    const char *key = "Idempotency-Key: two-partitions\r\n";
    char first[64], second[64];
    api_call(a, 201, "POST", RESERVATIONS, key, LINE(x, 1));
    KEEP(first, api_str(a, "id"));
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", RESERVATIONS, key, LINE(beside, 1));
    check_item(a, beside, 10, 10, 0, 0, 1);
    api_call(a, 201, "POST", RESERVATIONS, key, LINE(elsewhere, 1));
    check_header(a, "Idempotent-Replayed", NULL);
    KEEP(second, api_str(a, "id"));
    for (int i = 0; i < 2; i++) {
        api_call(a, 201, "POST", RESERVATIONS, key, LINE(i ? elsewhere : x, 1));
        check_header(a, "Idempotent-Replayed", "true");
        check_str(a, "id", i ? second : first);
    }
    get("/v1/operations/two-partitions");
    const char *found = api_str(a, "body.id");
    assert_true(strcmp(found, first) == 0 || strcmp(found, second) == 0);
}

struct rush {
    const char *skus[PARTITIONS];
    const char *key;
    _Atomic int made, replayed, others;
};

static void reserve_with_the_one_key(int index, void *arg)
{
    struct rush *rush = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char headers[96], body[96], value[8];
    http_conn_init(&c, stack.service.port);
    snprintf(headers, sizeof(headers), "Idempotency-Key: %s\r\n", rush->key);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", rush->skus[index % PARTITIONS]);
    int err = http_call(&c, "POST", RESERVATIONS, headers, body, &resp);
    if (err == 0 && resp.status == 201)
        ++*(http_resp_header(&resp, "Idempotent-Replayed", value, sizeof(value)) ? &rush->replayed
                                                                                 : &rush->made);
    else
        rush->others++;
    http_resp_free(&resp);
    http_conn_close(&c);
}

/* At once, from both workers. */
static void one_key_in_a_rush_is_taken_once_in_each_partition(void **state)
{
    enum { ROUNDS = 20, CLIENTS = 16 };
    struct rush rush = {.made = 0};
    for (int p = 0; p < PARTITIONS; p++)
        rush.skus[p] = item_in(p, 1000);
    for (int round = 0; round < ROUNDS; round++) {
        rush.key = text("rush-%d", round);
        rush.made = rush.replayed = rush.others = 0;
        http_crowd(CLIENTS, reserve_with_the_one_key, &rush);
        assert_int_equal(rush.others, 0);
        assert_int_equal(rush.made, PARTITIONS);
        assert_int_equal(rush.replayed, CLIENTS - PARTITIONS);
    }
    for (int p = 0; p < PARTITIONS; p++)
        check_item(a, rush.skus[p], 1000, 1000 - ROUNDS, ROUNDS, 0, 1 + ROUNDS);
}

static void one_key_in_a_batch_is_taken_once_in_each_partition(void **state)
{
    const char *x = item_in(1, 10);
    const char *y = item_in(2, 10);
    post(200, "/v1/batch",
         text("{\"operations\":["
              "{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1,\"idempotency_key\":\"twice\"},"
              "{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1,\"idempotency_key\":\"twice\"},"
              "{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1,\"idempotency_key\":\"twice\"}"
              "]}",
              x, y, x));
    check_like(a, "{'results':[{'status':201,'replayed':false},{'status':201,'replayed':false},"
                  "{'status':201,'replayed':true}]}");
    check_str(a, "results[2].body.id", api_str(a, "results[0].body.id"));
    check_item(a, x, 10, 9, 1, 0, 2);
    check_item(a, y, 10, 9, 1, 0, 2);
}

static void holds_expire_in_every_partition(void **state)
{
    const char *skus[PARTITIONS], *ids[PARTITIONS];
    for (int p = 0; p < PARTITIONS; p++) {
        skus[p] = item_in(p, 10);
        ids[p] = api_reserve(a, skus[p], 4, 1);
    }
    for (int p = 0; p < PARTITIONS; p++) {
        assert_true(await(api_state_is(a, ids[p], "expired"), 30000));
        check_item(a, skus[p], 10, 10, 0, 0, 3);
    }
}

/* Starts a second service with that many partitions on the same Redis: it must end by itself with
 * status 1, and say both numbers. */
static void check_refuses(const char *partitions)
{
    char dir[TEST_PATH_MAX], err_path[TEST_PATH_MAX + 16], said[65536] = "", line[256];
    struct tproc proc = {.pidfd = -1, .out_fd = -1};
    assert_int_equal(temp_dir_make(dir), 0);
    snprintf(err_path, sizeof(err_path), "%s/stockd.err", dir);
    const char *const argv[] = {
        getenv("STOCKD"), "serve",    "--listen", "127.0.0.1:0",  "--workers", "2", "--redis",
        stack.redis.url,  "--ledger", "none",     "--partitions", partitions,  NULL};
    assert_int_equal(tproc_start(&proc, argv, err_path), 0);
    int listening = tproc_await_line(&proc, "listening on", line, sizeof(line), 30000);
    int waited = tproc_wait(&proc, 30000);
    int status = proc.status;
    if (waited != 0)
        tproc_kill9(&proc);
    FILE *file = fopen(err_path, "re");
    size_t n = file ? fread(said, 1, sizeof(said) - 1, file) : 0;
    said[n] = '\0';
    if (file)
        fclose(file);
    temp_dir_remove(dir);
    if (listening == 0 || waited != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 1)
        fail_msg("listening %d, waited %d, wait status %x\n%s", listening, waited, (unsigned)status,
                 said);
    const char *sentence = strstr(said, "partitions, --partitions says");
    if (!sentence || !strstr(said, "has 4 partitions") ||
        !strstr(said, text("says %s", partitions)))
        fail_msg("the log names not both numbers:\n%s", said);
}

static void another_number_of_partitions_refuses_to_start(void **state)
{
    const char *sku = item_in(3, 10);
    check_refuses("1");
    check_refuses("3");
    check_refuses("8");
    /* And has harmed nothing. */
    assert_int_equal(redis_int("EXISTS {p4}:meta"), 0);
    api_reserve(a, sku, 1, 0);
    check_item(a, sku, 10, 9, 1, 0, 2);
}

static void a_restart_with_the_same_number_goes_on(void **state)
{
    const char *skus[PARTITIONS], *ids[PARTITIONS];
    for (int p = 0; p < PARTITIONS; p++) {
        skus[p] = item_in(p, 10);
        ids[p] = api_reserve(a, skus[p], 1, 0);
    }
    static const char *const extra[] = {"--partitions", "4", NULL};
    struct tservice_opts opts = {.redis_url = stack.redis.url, .workers = 1, .extra = extra};
    api_close(a);
    assert_true(tservice_stop(&stack.service));
    assert_int_equal(tservice_start(&stack.service, &opts), 0);
    api_open(a, stack.service.port);
    for (int p = 0; p < PARTITIONS; p++) {
        post(200, text(RESERVATIONS "/%s/confirm", ids[p]), "{}");
        check_item(a, skus[p], 9, 9, 0, 1, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_land_in_every_partition),
        cmocka_unit_test(lists_are_merged_and_sorted_over_the_partitions),
        cmocka_unit_test(a_basket_within_one_partition_is_held_and_sold),
        cmocka_unit_test(a_basket_over_two_partitions_is_refused_and_changes_nothing),
        cmocka_unit_test(a_transfer_stays_within_its_partition),
        cmocka_unit_test(an_id_of_a_partition_that_is_not_there_is_not_found),
        cmocka_unit_test(a_batch_over_all_partitions_keeps_its_order),
        cmocka_unit_test(refusals_in_a_batch_stay_in_their_places),
        cmocka_unit_test(a_key_is_replayed_in_every_partition),
        cmocka_unit_test(a_key_belongs_to_the_partition_of_its_operation),
        cmocka_unit_test(one_key_in_a_rush_is_taken_once_in_each_partition),
        cmocka_unit_test(one_key_in_a_batch_is_taken_once_in_each_partition),
        cmocka_unit_test(holds_expire_in_every_partition),
        cmocka_unit_test(another_number_of_partitions_refuses_to_start),
        cmocka_unit_test(a_restart_with_the_same_number_goes_on),
    };
    return run_suite("partitions", tests, .workers = 2, .partitions = PARTITIONS);
}
