/* test_sweep.c -- the connection to Redis broken at every byte of a batch, in both directions: each
 * request has exactly one effect and a true answer, wherever the cut falls.
 *
 * One worker with one lane, so that a batch goes over one known connection of the proxy. */
#include "support/faultproxy.h"
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS            4 /* rigs that sweep side by side: most of the time is waiting */
#define SETTLE_TIMEOUT_MS 180000

/* A Redis, the proxy before it, and a service that knows only the proxy. */
struct rig {
    struct tredis redis;
    struct fault_proxy proxy;
    struct tservice service;
    struct http_conn conn;
    struct http_resp resp;
};

static int rig_start(struct rig *r, uint64_t seed, const char *const *extra)
{
    *r = (struct rig){.conn.fd = -1};
    if (tredis_start(&r->redis, NULL) != 0 || fault_proxy_start(&r->proxy, r->redis.url, seed) != 0)
        return -1;
    struct tservice_opts opts = {.redis_url = r->proxy.url, .extra = extra};
    if (tservice_start(&r->service, &opts) != 0)
        return -1;
    http_conn_init(&r->conn, r->service.port);
    return 0;
}

static bool rig_stop(struct rig *r)
{
    http_resp_free(&r->resp);
    http_conn_close(&r->conn);
    bool fine = tservice_stop(&r->service);
    fault_proxy_stop(&r->proxy);
    tredis_stop(&r->redis);
    return fine;
}

/* --- the sweep -------------------------------------------------------------------------------- */

enum kind { TO_RESERVE, TO_DECREMENT, TO_CONFIRM, TO_READ, TO_TRANSFER };

/* What one thread does: every SHARDS-th position of a sweep on its own rig. */
struct shard {
    struct rig rig;
    enum kind kind;
    int index;
    int step;          /* between positions */
    uint64_t bytes[2]; /* of a batch, by direction; the least of some that were seen */
    int positions;     /* tried */
    int struck;        /* where the cut did fall */
    int decided;       /* answered with success at the first try */
    int wrongs;
    char *wrong; /* the first thing that was not right */
    char at[64]; /* where the sweep is, for messages */
    char sku[40];
    char other[48]; /* that TO_TRANSFER gives to */
    char key[48];
    char id[80]; /* of the reservation to confirm */
};

static struct shard shards[SHARDS];

/* Notes what is wrong, and what was answered last; always false. */
static bool wrong(struct shard *s, const char *what)
{
    const char *body = s->rig.resp.body ? s->rig.resp.body : "none";
    if (s->wrongs++ == 0 && asprintf(&s->wrong, "%s, item %s: %s; last answer: %d %.900s", s->at,
                                     s->sku, what, s->rig.resp.status, body) < 0)
        s->wrong = NULL;
    return false;
}

static json_t *answer(struct shard *s, const char *path)
{
    return json_at(http_resp_json(&s->rig.resp), path);
}

static int64_t number(struct shard *s, const char *path)
{
    json_t *value = answer(s, path);
    return json_is_integer(value) ? json_integer_value(value) : INT64_MIN;
}

/* One request; the status, 0 if there was no answer. */
static int call(struct shard *s, const char *method, const char *path, const char *key,
                const char *body)
{
    char headers[96] = "";
    if (key)
        snprintf(headers, sizeof(headers), "Idempotency-Key: %s\r\n", key);
    http_call(&s->rig.conn, method, path, headers, body, &s->rig.resp);
    return s->rig.resp.status;
}

/* The same request again until it gets `status`; 503 and 504 may come before. */
static bool call_until(struct shard *s, int status, const char *method, const char *path,
                       const char *key, const char *body)
{
    bool met = false;
    int64_t deadline = test_now_ms() + SETTLE_TIMEOUT_MS;
    for (;;) {
        int is = call(s, method, path, key, body);
        met = is == status;
        if (met || (is != 503 && is != 504) || test_now_ms() > deadline)
            return met;
        test_pause();
    }
}

/* Reads an item straight from a healthy service and compares. */
static bool counters_are(struct shard *s, const char *sku, int64_t available, int64_t held,
                         int64_t sold, int64_t version)
{
    char path[80];
    snprintf(path, sizeof(path), "/v1/items/%s", sku);
    if (!call_until(s, 200, "GET", path, NULL, NULL))
        return wrong(s, "the item cannot be read");
    if (number(s, "available") == available && number(s, "held") == held &&
        number(s, "sold") == sold && number(s, "version") == version)
        return true;
    return wrong(s, "the item's counters");
}

static bool item_is(struct shard *s, int64_t available, int64_t held, int64_t sold, int64_t version)
{
    return counters_are(s, s->sku, available, held, sold, version);
}

/* A new item of 10 units, for TO_CONFIRM a hold of one, for TO_TRANSFER another item of none.
 * Leaves in *lane the connection that carried it: the worker's lane. */
static bool prepare(struct shard *s, int serial, int *lane)
{
    char path[80];
    char key[64];
    char body[96];
    snprintf(s->sku, sizeof(s->sku), "cut-%d-%d-%07d", (int)s->kind, s->index, serial);
    snprintf(s->other, sizeof(s->other), "to-%s", s->sku);
    snprintf(s->key, sizeof(s->key), "key-%s", s->sku);
    snprintf(path, sizeof(path), "/v1/items/%s", s->sku);
    snprintf(key, sizeof(key), "put-%s", s->sku);
    fault_proxy_watch(&s->rig.proxy, FAULT_SIGN_OF_LANE);
    if (!call_until(s, 201, "PUT", path, key, "{\"on_hand\":10}"))
        return wrong(s, "the item cannot be created");
    if (s->kind == TO_TRANSFER) {
        snprintf(path, sizeof(path), "/v1/items/%s", s->other);
        if (!call_until(s, 201, "PUT", path, NULL, "{\"on_hand\":0}"))
            return wrong(s, "the other item cannot be created");
    }
    if (s->kind == TO_CONFIRM) {
        snprintf(key, sizeof(key), "hold-%s", s->sku);
        snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":2}", s->sku);
        if (!call_until(s, 201, "POST", RESERVATIONS, key, body))
            return wrong(s, "nothing can be held");
        const char *id = json_string_value(answer(s, "id"));
        KEEP(s->id, id ? id : "none");
    }
    if (s->kind == TO_READ) { /* may go over a connection of its own */
        fault_proxy_watch(&s->rig.proxy, s->sku);
        if (!call_until(s, 200, "GET", path, NULL, NULL))
            return wrong(s, "the item cannot be read");
    }
    *lane = fault_proxy_seen_on(&s->rig.proxy);
    return *lane > 0 || wrong(s, "the lane was not seen");
}

/* The request that is cut. */
static int act(struct shard *s)
{
    char path[128];
    char body[96];
    switch (s->kind) {
    case TO_RESERVE:
        snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":2}", s->sku);
        return call(s, "POST", RESERVATIONS, s->key, body);
    case TO_DECREMENT:
        snprintf(path, sizeof(path), "/v1/items/%s/decrements", s->sku);
        return call(s, "POST", path, NULL, "{\"quantity\":2}");
    case TO_CONFIRM:
        snprintf(path, sizeof(path), "/v1/reservations/%s/confirm", s->id);
        return call(s, "POST", path, s->key, "{}");
    case TO_TRANSFER:
        snprintf(path, sizeof(path), "/v1/items/%s/transfers", s->sku);
        snprintf(body, sizeof(body), "{\"to\":\"%s\",\"quantity\":2}", s->other);
        return call(s, "POST", path, s->key, body);
    case TO_READ:
        snprintf(path, sizeof(path), "/v1/items/%s", s->sku);
        return call(s, "GET", path, NULL, NULL);
    }
    return 0;
}

/* 504 must name the operation, 503 must be a problem; anything else is wrong. */
static bool check_undecided(struct shard *s, int status, const char *key)
{
    const char *type = json_string_value(answer(s, "type"));
    if (status == 503)
        return type || wrong(s, "503 that is no problem");
    if (status != 504)
        return wrong(s, "neither success nor 503 nor 504");
    if (!type || strcmp(type, "/problems/outcome-unknown") != 0)
        return wrong(s, "504 that is not outcome-unknown");
    const char *operation = json_string_value(answer(s, "operation"));
    if (key ? operation && strcmp(operation, key) == 0 : json_is_null(answer(s, "operation")))
        return true;
    return wrong(s, "504 names another operation");
}

/* What GET /v1/operations says must agree with the answer that was given: 201 and 200 are recorded,
 * 503 has left nothing; 504 may be either. */
static bool check_operation(struct shard *s, int status, int success)
{
    char path[80];
    snprintf(path, sizeof(path), "/v1/operations/%s", s->key);
    for (int64_t end = test_now_ms() + SETTLE_TIMEOUT_MS; test_now_ms() < end; test_pause()) {
        int is = call(s, "GET", path, NULL, NULL);
        if (is == 503 || is == 504)
            continue;
        if (is == 200 && number(s, "status") != success)
            return wrong(s, "the operation was recorded with another status");
        if (is == 200)
            return status != 503 || wrong(s, "503, but it has taken effect");
        if (is == 404)
            return status != success || wrong(s, "answered, but not recorded");
        break;
    }
    return wrong(s, "the operation cannot be read");
}

/* The pair of the answer to a request with a key. */
static bool pair_is_right(struct shard *s)
{
    if (s->kind == TO_TRANSFER)
        return number(s, "from.remaining") == 8 && number(s, "from.version") == 2 &&
               number(s, "to.remaining") == 2 && number(s, "to.version") == 2;
    return number(s, "lines[0].remaining") == 8 &&
           number(s, "lines[0].version") == (s->kind == TO_CONFIRM ? 3 : 2);
}

/* What such a request left. */
static bool took_effect_once(struct shard *s)
{
    switch (s->kind) {
    case TO_CONFIRM: return item_is(s, 8, 0, 2, 3);
    case TO_TRANSFER: return item_is(s, 8, 0, 0, 2) && counters_are(s, s->other, 2, 0, 0, 2);
    default: return item_is(s, 8, 2, 0, 2);
    }
}

static bool check_keyed(struct shard *s, int status, int success)
{
    bool confirms = s->kind == TO_CONFIRM;
    char first[80] = "";
    if (status == success) {
        KEEP(first, json_string_value(answer(s, "id")));
        if (!pair_is_right(s))
            return wrong(s, "remaining and version of the answer");
    } else if (!check_undecided(s, status, s->key)) {
        return false;
    }
    if (!check_operation(s, status, success))
        return false;
    if (status == 503 && !item_is(s, confirms ? 8 : 10, confirms ? 2 : 0, 0, confirms ? 2 : 1))
        return false;

    /* The repeat decides it, or tells what was decided. */
    for (int64_t end = test_now_ms() + SETTLE_TIMEOUT_MS;;) {
        int again = act(s);
        if (again == success)
            break;
        if ((again != 503 && again != 504) || test_now_ms() > end)
            return wrong(s, "the repeat");
        test_pause();
    }
    char value[16];
    const char *id = json_string_value(answer(s, "id"));
    if (status == success && (!id || strcmp(id, first) != 0))
        return wrong(s, "the repeat has another id");
    if (status == success &&
        !http_resp_header(&s->rig.resp, "Idempotent-Replayed", value, sizeof(value)))
        return wrong(s, "the repeat is not marked as one");
    return took_effect_once(s);
}

static bool check_keyless(struct shard *s, int status)
{
    if (status == 200) {
        if (number(s, "remaining") != 8 || number(s, "version") != 2)
            return wrong(s, "remaining and version of the answer");
        return item_is(s, 8, 0, 2, 2);
    }
    if (!check_undecided(s, status, NULL))
        return false;
    char path[80];
    snprintf(path, sizeof(path), "/v1/items/%s", s->sku);
    if (!call_until(s, 200, "GET", path, NULL, NULL))
        return wrong(s, "the item cannot be read");
    bool effect = number(s, "version") != 1;
    if (status == 503 && effect)
        return wrong(s, "503, but it has taken effect");
    return effect ? item_is(s, 8, 0, 2, 2) : item_is(s, 10, 0, 0, 1);
}

/* A read is true, or it is not answered at all. */
static bool check_read(struct shard *s, int status)
{
    if (status != 200)
        return status == 503 ? check_undecided(s, status, NULL) : wrong(s, "neither 200 nor 503");
    if (number(s, "available") != 10 || number(s, "version") != 1)
        return wrong(s, "the item that was read");
    return item_is(s, 10, 0, 0, 1);
}

/* One position: prepares, cuts, looks. */
static bool sweep_one(struct shard *s, int direction, uint64_t after, int serial)
{
    static const char *const names[] = {"service to Redis", "Redis to service"};
    static const char *const kinds[] = {"reserve", "decrement", "confirm", "read", "transfer"};
    int lane = 0;
    snprintf(s->at, sizeof(s->at), "%s cut after %" PRIu64 " bytes %s", kinds[s->kind], after,
             names[direction]);
    if (!prepare(s, serial, &lane))
        return false;
    struct fault_rule cut = {.action =
                                 (after + (uint64_t)direction) % 2 ? FAULT_CUT_RST : FAULT_CUT_FIN,
                             .direction = (enum fault_direction)direction,
                             .connection = lane,
                             .after = after};
    fault_proxy_arm(&s->rig.proxy, &cut);
    int status = act(s);
    s->struck += fault_proxy_struck_on(&s->rig.proxy) == lane;
    fault_proxy_disarm(&s->rig.proxy);
    s->positions++;
    int success = s->kind == TO_RESERVE ? 201 : 200;
    s->decided += status == success;
    if (s->kind == TO_READ)
        return check_read(s, status);
    return s->kind == TO_DECREMENT ? check_keyless(s, status) : check_keyed(s, status, success);
}

/* The bytes of a batch of this kind, without a fault. With a lane for all workers one may go
 * another way, if the machine is slow: it is tried again. */
static bool measure(struct shard *s)
{
    int64_t until_ms = test_now_ms() + SETTLE_TIMEOUT_MS;
    snprintf(s->at, sizeof(s->at), "measuring");
    for (int measured = 0, serial = 1000000; measured < 3;) {
        int lane = 0;
        if (!prepare(s, serial++, &lane))
            return false;
        struct fault_rule count = {.action = FAULT_COUNT, .connection = lane};
        fault_proxy_watch(&s->rig.proxy, s->kind == TO_READ ? s->sku : FAULT_SIGN_OF_LANE);
        fault_proxy_arm(&s->rig.proxy, &count);
        int status = act(s);
        struct fault_status seen = fault_proxy_status(&s->rig.proxy, lane);
        fault_proxy_disarm(&s->rig.proxy);
        if (status != (s->kind == TO_RESERVE ? 201 : 200))
            return wrong(s, "no success without a fault");
        if (test_now_ms() > until_ms)
            return wrong(s, "the lane carries no batch");
        if (fault_proxy_seen_on(&s->rig.proxy) != lane)
            continue;
        for (int d = 0; d < 2; d++)
            if (measured == 0 || s->bytes[d] > seen.counted[d])
                s->bytes[d] = seen.counted[d];
        measured++;
    }
    return true;
}

static void sweep_shard(int index, void *arg)
{
    struct shard *s = &shards[index];
    s->index = index;
    if (!measure(s))
        return;
    int serial = 0;
    for (int direction = 0; direction < 2; direction++)
        for (uint64_t after = (uint64_t)(index * s->step); after <= s->bytes[direction];
             after += (uint64_t)(SHARDS * s->step))
            if (!sweep_one(s, direction, after, serial++) && s->wrongs >= 3)
                return; /* three are enough to look at */
}

static void sweep(enum kind kind, int step)
{
    static const char *const extra[] = {"--lanes", "1", NULL};
    int wrongs = 0, positions = 0, struck = 0, decided = 0;
    memset(shards, 0, sizeof(shards));
    for (int i = 0; i < SHARDS; i++) {
        assert_int_equal(rig_start(&shards[i].rig, 1 + (uint64_t)i, extra), 0);
        shards[i].kind = kind;
        shards[i].step = step;
    }
    http_crowd(SHARDS, sweep_shard, NULL);
    for (int i = 0; i < SHARDS; i++) {
        if (shards[i].wrongs)
            print_error("%d wrong, the first: %s\n", shards[i].wrongs, shards[i].wrong);
        wrongs += shards[i].wrongs;
        positions += shards[i].positions;
        struck += shards[i].struck;
        decided += shards[i].decided;
    }
    print_message("%d positions of %d + %d bytes, %d cuts fell, %d decided at the first try\n",
                  positions, (int)shards[0].bytes[0], (int)shards[0].bytes[1], struck, decided);
    for (int i = 0; i < SHARDS; i++) {
        wrongs += !rig_stop(&shards[i].rig);
        free(shards[i].wrong);
    }
    assert_int_equal(wrongs, 0);
    /* A batch is watched, read, written and answered: that is not done in less. */
    assert_true(shards[0].bytes[0] > 20 && shards[0].bytes[1] > 8);
    assert_true(kind == TO_READ || (shards[0].bytes[0] > 200 && shards[0].bytes[1] > 50));
    assert_true(positions * step + 4 * SHARDS * step >=
                (int)(shards[0].bytes[0] + shards[0].bytes[1]));
    assert_true(struck >= positions * 98 / 100);
    /* Redis was there all the time: nearly all must be decided, not given up. A read whose
     * connection breaks may be answered 503. */
    assert_true(kind == TO_READ || decided >= positions * 95 / 100);
}

static int sweep_teardown(void **state)
{
    for (int i = 0; i < SHARDS; i++)
        rig_stop(&shards[i].rig);
    memset(shards, 0, sizeof(shards));
    return 0;
}

static void a_keyed_reserve_survives_a_cut_at_every_byte(void **state)
{
    sweep(TO_RESERVE, 1);
}

static void a_keyless_decrement_survives_a_cut_at_every_third_byte(void **state)
{
    sweep(TO_DECREMENT, 3);
}

static void a_confirm_survives_a_cut_at_every_third_byte(void **state)
{
    sweep(TO_CONFIRM, 3);
}

static void a_keyed_transfer_survives_a_cut_at_every_third_byte(void **state)
{
    sweep(TO_TRANSFER, 3);
}

static void a_read_survives_a_cut_at_every_byte(void **state)
{
    sweep(TO_READ, 1);
}

#define SWEEP_TEST(test) cmocka_unit_test_teardown(test, sweep_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SWEEP_TEST(a_keyed_reserve_survives_a_cut_at_every_byte),
        SWEEP_TEST(a_keyless_decrement_survives_a_cut_at_every_third_byte),
        SWEEP_TEST(a_confirm_survives_a_cut_at_every_third_byte),
        SWEEP_TEST(a_keyed_transfer_survives_a_cut_at_every_third_byte),
        SWEEP_TEST(a_read_survives_a_cut_at_every_byte),
    };
    return run_each("sweep", tests);
}
