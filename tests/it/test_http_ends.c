/* test_http_ends.c -- clients that leave while their request waits: the worker lives, what was
 * decided stays decided, and what the connection was listed in forgets it. */
#include "support/fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAITERS 160 /* more than are polled, so that some are suspended */
#define ROUNDS  4000

static pid_t worker;

static void know_worker(void)
{
    worker = pid_of(TSERVICE_WORKER);
    assert_true(worker > 0);
}

static void check_worker_lives(void)
{
    assert_int_equal(pid_of(TSERVICE_WORKER), worker);
}

/* Closes with a reset: what was received and not read yet, and what was sent, counts no more. */
static void reset(struct http_conn *c)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    http_conn_close(c);
}

enum { KINDS = 5 };

/* One request of each kind that waits for the store: a sale, a hold, a read, a batch whose runs
 * change partition with every operation, and one that is a reservation's list. */
static void send_kind(struct http_conn *c, int kind, const char *const *skus)
{
    const char *batch =
        text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}]}",
             skus[0], skus[1], skus[2], skus[3]);
    const struct {
        const char *method, *path, *body;
    } requests[KINDS] = {
        {"POST", DECREMENT(skus[0]), "{\"quantity\":1}"},
        {"POST", RESERVATIONS, LINE(skus[1], 1)},
        {"GET", ITEM(skus[2]), NULL},
        {"GET", "/v1/items?limit=500", NULL},
        {"POST", "/v1/batch", batch},
    };
    const char *body = requests[kind].body;
    assert_int_equal(http_send_call(c, requests[kind].method, requests[kind].path, NULL, body,
                                    body ? strlen(body) : 0),
                     0);
}

/* The units of all items, which only sales and holds may lower, each by what was asked. */
static void check_conserved(const char *const *skus, int count, int64_t each)
{
    for (int i = 0; i < count; i++) {
        get(ITEM(skus[i]));
        assert_int_equal(api_int(a, "on_hand"), each - api_int(a, "sold"));
        assert_int_equal(api_int(a, "available"), api_int(a, "on_hand") - api_int(a, "held"));
    }
}

static void make_items(const char *skus[4])
{
    for (int i = 0; i < 4; i++)
        skus[i] = api_item(a, 1000000, 0);
}

static void clients_that_leave_while_redis_is_silent_harm_nobody(void **state)
{
    const char *skus[4];
    static struct http_conn waiters[WAITERS];
    make_items(skus);
    tredis_freeze(&stack.redis);
    for (int i = 0; i < WAITERS; i++) {
        http_conn_init(&waiters[i], stack.service.port);
        send_kind(&waiters[i], i % KINDS, skus);
    }
    /* A request that needs no store: those before it have reached their places. */
    get("/healthz");
    for (int i = 0; i < WAITERS; i++)
        i % 3 ? reset(&waiters[i]) : http_conn_close(&waiters[i]);
    for (int i = 0; i < 20; i++)
        get("/healthz");
    tredis_thaw(&stack.redis);
    await_ready();
    check_worker_lives();
    check_conserved(skus, 4, 1000000);
}

static void clients_that_reset_at_any_moment_harm_nobody(void **state)
{
    const char *skus[4];
    make_items(skus);
    unsigned seed = 20;
    for (int round = 0; round < ROUNDS; round++) {
        struct http_conn c[KINDS];
        for (int kind = 0; kind < KINDS; kind++) {
            http_conn_init(&c[kind], stack.service.port);
            send_kind(&c[kind], kind, skus);
        }
        if (round % 3 == 0)
            usleep((useconds_t)(rand_r(&seed) % 400)); /* into the middle of a batch */
        for (int kind = 0; kind < KINDS; kind++)
            rand_r(&seed) % 4 ? reset(&c[kind]) : http_conn_close(&c[kind]);
    }
    await_ready();
    check_worker_lives();
    check_conserved(skus, 4, 1000000);
}

/* Whoever has said all that he wants to say is still answered. */
static void clients_that_half_close_are_answered(void **state)
{
    const char *skus[4];
    make_items(skus);
    for (int round = 0; round < ROUNDS / 10; round++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct http_conn c;
            http_conn_init(&c, stack.service.port);
            send_kind(&c, kind, skus);
            shutdown(c.fd, SHUT_WR);
            assert_int_equal(http_receive(&c, false, &a->resp), 0);
            assert_in_range(a->resp.status, 200, 201);
            if (round == 0)
                assert_true(http_closed_within(&c, RECOVERY_MS));
            http_conn_close(&c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_that_leave_while_redis_is_silent_harm_nobody),
        cmocka_unit_test(clients_that_half_close_are_answered),
        cmocka_unit_test(clients_that_reset_at_any_moment_harm_nobody),
    };
    return run_suite("http: clients that leave", tests, .partitions = 4, .begun = know_worker);
}
