/* test_race_once.c -- requests of which one alone may have its effect, all at the same instant: a
 * confirm and a release, and requests under one key, on one service and on two. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 64

/* --- confirm against release ------------------------------------------------------------------ */

enum { DUELS = 300, DUEL_PAIRS = 8 };

struct duel {
    char id[DUELS][64];
    int confirm[DUELS]; /* the statuses */
    int release[DUELS];
    const char *wrong[DUELS]; /* the problem that the loser was told, if another than due */
};

/* Threads 2k confirm and threads 2k + 1 release the same reservations in the same order. */
static void fight(int index, void *arg)
{
    struct duel *duel = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    http_conn_init(&c, stack.service.port);
    bool confirms = index % 2 == 0;
    for (int i = index / 2; i < DUELS; i += DUEL_PAIRS) {
        char path[128];
        snprintf(path, sizeof(path), "/v1/reservations/%s/%s", duel->id[i],
                 confirms ? "confirm" : "release");
        int status = http_call_decided(&c, "POST", path, NULL, "{}", &resp);
        (confirms ? duel->confirm : duel->release)[i] = status;
        if (status == 409) {
            const char *type = json_string_value(json_object_get(http_resp_json(&resp), "type"));
            const char *due =
                confirms ? "/problems/reservation-released" : "/problems/reservation-confirmed";
            if (!type || strcmp(type, due) != 0)
                duel->wrong[i] = due;
        }
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void of_confirm_and_release_exactly_one_wins(void **state)
{
    const char *sku = api_item(a, 1000, 0);
    struct duel *duel = calloc(1, sizeof(*duel));
    for (int i = 0; i < DUELS; i++)
        KEEP(duel->id[i], api_reserve(a, sku, 2, 0));
    http_crowd(2 * DUEL_PAIRS, fight, duel);
    int sold = 0;
    for (int i = 0; i < DUELS; i++) {
        bool confirmed = duel->confirm[i] == 200;
        assert_int_equal(duel->confirm[i], confirmed ? 200 : 409);
        assert_int_equal(duel->release[i], confirmed ? 409 : 200);
        assert_null(duel->wrong[i]);
        assert_true(api_state_is(a, duel->id[i], confirmed ? "confirmed" : "released"));
        sold += confirmed ? 2 : 0;
    }
    check_item(a, sku, 1000 - sold, 1000 - sold, 0, sold, 1 + 2 * DUELS);
    free(duel);
}

/* --- one key, many times at once, on two services --------------------------------------------- */

enum { KEYS = 8 };

struct echo {
    const char *sku;
    int ports[2];
    int round;
    int status[CLIENTS];
    bool replayed[CLIENTS];
    json_t *body[CLIENTS]; /* without ttl_ms */
};

static void send_one_key(int index, void *arg)
{
    struct echo *echo = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char headers[96];
    char body[128];
    char value[16];
    http_conn_init(&c, echo->ports[index % 2]);
    snprintf(headers, sizeof(headers), "Idempotency-Key: echo-%s-%d\r\n", echo->sku, echo->round);
    /* The order of the fields is free. */
    snprintf(body, sizeof(body),
             index % 3 ? "{\"sku\":\"%s\",\"quantity\":2,\"ttl_seconds\":500}"
                       : "{\"ttl_seconds\":500,\"sku\":\"%s\",\"quantity\":2}",
             echo->sku);
    echo->status[index] = http_call_decided(&c, "POST", RESERVATIONS, headers, body, &resp);
    echo->replayed[index] =
        http_resp_header(&resp, "Idempotent-Replayed", value, sizeof(value)) != NULL;
    echo->body[index] = json_deep_copy(http_resp_json(&resp));
    json_object_del(echo->body[index], "ttl_ms");
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void one_key_at_once_on_two_services_has_one_effect(void **state)
{
    struct tservice second;
    serve_beside(&second, .workers = 2, .flags = {"--lanes", "2"});
    struct echo echo = {.sku = api_item(a, 1000, 0), .ports = {stack.service.port, second.port}};
    int originals[KEYS] = {0};
    for (echo.round = 0; echo.round < KEYS; echo.round++) {
        http_crowd(CLIENTS, send_one_key, &echo);
        for (int i = 0; i < CLIENTS; i++) {
            if (echo.status[i] != 201 || !json_equal(echo.body[i], echo.body[0]))
                print_error("client %d of round %d: status %d\n", i, echo.round, echo.status[i]);
            assert_int_equal(echo.status[i], 201);
            assert_true(json_equal(echo.body[i], echo.body[0]));
            originals[echo.round] += !echo.replayed[i];
        }
        assert_true(originals[echo.round] >= 1);
        for (int i = 0; i < CLIENTS; i++)
            json_decref(echo.body[i]);
    }
    check_item(a, echo.sku, 1000, 1000 - 2 * KEYS, 2 * KEYS, 0, 1 + KEYS);
    assert_true(tservice_stop(&second));
}

/* --- one key, at once for two different requests ---------------------------------------------- */

enum { FORK_ROUNDS = 40, FORK_CLIENTS = 16 };

struct fork_race {
    const char *skus[2];
    int ports[2]; /* workers of one service may take turns; those of two only meet in Redis */
    int round;
    int status[FORK_CLIENTS];
    bool right_refusal[FORK_CLIENTS]; /* refused as idempotency-key-reused */
};

static void send_one_key_for_two(int index, void *arg)
{
    struct fork_race *f = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char headers[96];
    char body[128];
    http_conn_init(&c, f->ports[index / 2 % 2]);
    snprintf(headers, sizeof(headers), "Idempotency-Key: fork-%s-%d\r\n", f->skus[0], f->round);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", f->skus[index % 2]);
    f->status[index] = http_call_decided(&c, "POST", RESERVATIONS, headers, body, &resp);
    const char *type = json_string_value(json_object_get(http_resp_json(&resp), "type"));
    f->right_refusal[index] =
        f->status[index] == 422 && type && strcmp(type, "/problems/idempotency-key-reused") == 0;
    http_resp_free(&resp);
    http_conn_close(&c);
}

/* The two requests share no item, only the key: one of them has it, all others are told so. */
static void one_key_at_once_for_two_requests_serves_one(void **state)
{
    struct tservice second;
    serve_beside(&second, .workers = 2);
    struct fork_race f = {.skus = {api_item(a, 1000, 0), api_item(a, 1000, 0)},
                          .ports = {stack.service.port, second.port}};
    int64_t held[2] = {0, 0};
    for (f.round = 0; f.round < FORK_ROUNDS; f.round++) {
        http_crowd(FORK_CLIENTS, send_one_key_for_two, &f);
        int winner = f.status[0] == 201 ? 0 : 1;
        for (int i = 0; i < FORK_CLIENTS; i++) {
            assert_int_equal(f.status[i], i % 2 == winner ? 201 : 422);
            assert_int_equal(f.right_refusal[i], i % 2 != winner);
        }
        held[winner]++;
    }
    for (int i = 0; i < 2; i++)
        check_item(a, f.skus[i], 1000, 1000 - held[i], held[i], 0, 1 + held[i]);
    assert_true(tservice_stop(&second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_confirm_and_release_exactly_one_wins),
        cmocka_unit_test(one_key_at_once_on_two_services_has_one_effect),
        cmocka_unit_test(one_key_at_once_for_two_requests_serves_one),
    };
    return run_suite("race: once", tests, .workers = 2, .flags = {"--lanes", "2"});
}
