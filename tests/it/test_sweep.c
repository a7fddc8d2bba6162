/* test_sweep.c -- the connection to Redis broken at every byte of a batch, in both directions: each
 * request has exactly one effect and a true answer, wherever the cut falls. And EXECs that arrive
 * late, after the service has decided otherwise: they never land.
 *
 * One worker with one lane, so that a batch goes over one known connection of the proxy. */
#include "support/api.h"
#include "support/faultproxy.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHARDS            4 /* rigs that sweep side by side: most of the time is waiting */
#define SETTLE_TIMEOUT_MS 15000

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

/* --- the sweep ----------------------------------------------------------------------------------
 */

enum kind { RESERVE, DECREMENT, CONFIRM, READ, TRANSFER };

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
    char other[48]; /* that TRANSFER gives to */
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

/* A new item of 10 units, for CONFIRM a hold of one, for TRANSFER another item of none. Leaves in
 * *lane the connection that carried it: the worker's lane. */
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
    fault_proxy_watch(&s->rig.proxy, s->sku);
    if (!call_until(s, 201, "PUT", path, key, "{\"on_hand\":10}"))
        return wrong(s, "the item cannot be created");
    if (s->kind == TRANSFER) {
        snprintf(path, sizeof(path), "/v1/items/%s", s->other);
        if (!call_until(s, 201, "PUT", path, NULL, "{\"on_hand\":0}"))
            return wrong(s, "the other item cannot be created");
    }
    if (s->kind == CONFIRM) {
        snprintf(key, sizeof(key), "hold-%s", s->sku);
        snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":2}", s->sku);
        if (!call_until(s, 201, "POST", "/v1/reservations", key, body))
            return wrong(s, "nothing can be held");
        const char *id = json_string_value(answer(s, "id"));
        snprintf(s->id, sizeof(s->id), "%s", id ? id : "none");
    }
    if (s->kind == READ) { /* may go over a connection of its own */
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
    case RESERVE:
        snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":2}", s->sku);
        return call(s, "POST", "/v1/reservations", s->key, body);
    case DECREMENT:
        snprintf(path, sizeof(path), "/v1/items/%s/decrements", s->sku);
        return call(s, "POST", path, NULL, "{\"quantity\":2}");
    case CONFIRM:
        snprintf(path, sizeof(path), "/v1/reservations/%s/confirm", s->id);
        return call(s, "POST", path, s->key, "{}");
    case TRANSFER:
        snprintf(path, sizeof(path), "/v1/items/%s/transfers", s->sku);
        snprintf(body, sizeof(body), "{\"to\":\"%s\",\"quantity\":2}", s->other);
        return call(s, "POST", path, s->key, body);
    case READ:
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
    if (s->kind == TRANSFER)
        return number(s, "from.remaining") == 8 && number(s, "from.version") == 2 &&
               number(s, "to.remaining") == 2 && number(s, "to.version") == 2;
    return number(s, "lines[0].remaining") == 8 &&
           number(s, "lines[0].version") == (s->kind == CONFIRM ? 3 : 2);
}

/* What such a request left. */
static bool took_effect_once(struct shard *s)
{
    switch (s->kind) {
    case CONFIRM: return item_is(s, 8, 0, 2, 3);
    case TRANSFER: return item_is(s, 8, 0, 0, 2) && counters_are(s, s->other, 2, 0, 0, 2);
    default: return item_is(s, 8, 2, 0, 2);
    }
}

static bool check_keyed(struct shard *s, int status, int success)
{
    bool confirms = s->kind == CONFIRM;
    char first[80] = "";
    if (status == success) {
        snprintf(first, sizeof(first), "%s", json_string_value(answer(s, "id")));
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
    int success = s->kind == RESERVE ? 201 : 200;
    s->decided += status == success;
    if (s->kind == READ)
        return check_read(s, status);
    return s->kind == DECREMENT ? check_keyless(s, status) : check_keyed(s, status, success);
}

/* The bytes of a batch of this kind, without a fault. */
static bool measure(struct shard *s)
{
    for (int i = 0; i < 3; i++) {
        int lane = 0;
        snprintf(s->at, sizeof(s->at), "measuring");
        if (!prepare(s, 1000000 + i, &lane))
            return false;
        struct fault_rule count = {.action = FAULT_COUNT, .connection = lane};
        fault_proxy_arm(&s->rig.proxy, &count);
        int status = act(s);
        struct fault_status seen = fault_proxy_status(&s->rig.proxy, lane);
        fault_proxy_disarm(&s->rig.proxy);
        if (status != (s->kind == RESERVE ? 201 : 200))
            return wrong(s, "no success without a fault");
        for (int d = 0; d < 2; d++)
            if (i == 0 || s->bytes[d] > seen.counted[d])
                s->bytes[d] = seen.counted[d];
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
    int wrongs = 0;
    int positions = 0;
    int struck = 0;
    int decided = 0;
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
    for (int i = 0; i < SHARDS; i++)
        wrongs += !rig_stop(&shards[i].rig);
    for (int i = 0; i < SHARDS; i++)
        free(shards[i].wrong);
    assert_int_equal(wrongs, 0);
    /* A batch is watched, read, written and answered: that is not done in less. */
    assert_true(shards[0].bytes[0] > 20 && shards[0].bytes[1] > 8);
    assert_true(kind == READ || (shards[0].bytes[0] > 200 && shards[0].bytes[1] > 50));
    assert_true(positions * step + 4 * SHARDS * step >=
                (int)(shards[0].bytes[0] + shards[0].bytes[1]));
    assert_true(struck >= positions * 98 / 100);
    /* Redis was there all the time: nearly all must be decided, not given up. A read whose
     * connection breaks may be answered 503. */
    assert_true(kind == READ || decided >= positions * 95 / 100);
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
    sweep(RESERVE, 1);
}

static void a_keyless_decrement_survives_a_cut_at_every_third_byte(void **state)
{
    sweep(DECREMENT, 3);
}

static void a_confirm_survives_a_cut_at_every_third_byte(void **state)
{
    sweep(CONFIRM, 3);
}

static void a_keyed_transfer_survives_a_cut_at_every_third_byte(void **state)
{
    sweep(TRANSFER, 3);
}

static void a_read_survives_a_cut_at_every_byte(void **state)
{
    sweep(READ, 1);
}

/* --- EXECs that arrive late ---------------------------------------------------------------------
 */

#define LATE_TIMEOUT_MS 1000

static struct rig rig;
static struct api *a;
static struct api client;

static int rig_setup(void **state)
{
    static const char *const extra[] = {"--lanes", "1", "--request-timeout", "1s", NULL};
    a = &client;
    if (rig_start(&rig, 7, extra) != 0)
        return -1;
    api_open(a, rig.service.port);
    return 0;
}

static int rig_teardown(void **state)
{
    pid_t pid;
    if (tservice_pids(&rig.service, TSERVICE_KEEPER, &pid, 1) == 1)
        kill(pid, SIGCONT);
    api_close(a);
    return rig_stop(&rig) ? 0 : -1;
}

/* Holds the next EXEC of the lane back that has carried the item's name. The lane. */
static int hold_next_exec(const char *sku)
{
    fault_proxy_watch(&rig.proxy, sku);
    api_call(a, 200, "PUT", text("/v1/items/%s", sku), "If-Match: *\r\n", "{}");
    int lane = fault_proxy_seen_on(&rig.proxy);
    assert_true(lane > 0);
    struct fault_rule hold = {.action = FAULT_HOLD,
                              .direction = FAULT_UP,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "$4\r\nEXEC",
                              .connection = lane};
    fault_proxy_arm(&rig.proxy, &hold);
    return lane;
}

/* Delivers the EXEC that was held back, and makes sure that Redis refused it: nil, as something
 * that it watches has changed - or the service has ended that connection at Redis before. */
static void deliver_late(int lane)
{
    struct fault_status before = fault_proxy_status(&rig.proxy, lane);
    assert_true(before.struck);
    bool open = before.open_redis;
    if (open)
        assert_true(before.held[FAULT_UP] >= strlen("$4\r\nEXEC\r\n"));
    fault_proxy_release(&rig.proxy, lane);
    if (open) {
        assert_true(await(strcmp(fault_proxy_status(&rig.proxy, lane).tail, before.tail) != 0 ||
                              !fault_proxy_status(&rig.proxy, lane).open_redis,
                          5000));
        struct fault_status after = fault_proxy_status(&rig.proxy, lane);
        size_t n = strlen(after.tail);
        if (strcmp(after.tail, before.tail) != 0 &&
            (n < 5 || strcmp(after.tail + n - 5, "*-1\r\n") != 0))
            print_error("Redis answered the late EXEC: ...%s\n", after.tail);
        assert_true(strcmp(after.tail, before.tail) == 0 ||
                    (n >= 5 && strcmp(after.tail + n - 5, "*-1\r\n") == 0));
    }
}

/* True once the reservation is past its deadline. */
static bool is_past_deadline(const char *id)
{
    return http_call(&a->conn, "GET", text("/v1/reservations/%s", id), NULL, NULL, &a->resp) == 0 &&
           a->resp.status == 200 &&
           json_integer_value(json_at(http_resp_json(&a->resp), "ttl_ms")) == 0;
}

/* A confirm in time whose EXEC hangs until the deadline has passed. With the keeper the hold
 * expires meanwhile; without it nobody but the confirm's own repeat touches the item, and only the
 * marker stands between the late EXEC and a confirmed reservation that was reported expired. */
static void late_confirm(bool with_keeper)
{
    const char *sku = api_item(a, 5, 0); /* version 1 */
    int lane = 0;
    const char *id = api_reserve(a, sku, 2, 2); /* 2 */
    lane = hold_next_exec(sku);                 /* 3 */
    pid_t keeper = 0;
    assert_int_equal(tservice_pids(&rig.service, TSERVICE_KEEPER, &keeper, 1), 1);
    if (!with_keeper)
        kill(keeper, SIGSTOP);
    char path[128];
    snprintf(path, sizeof(path), "/v1/reservations/%s/confirm", id);
    const char *key = "Idempotency-Key: late-confirm\r\n";
    assert_int_equal(http_call(&a->conn, "POST", path, key, "{}", &a->resp), 0);
    int first = a->resp.status;
    assert_int_equal(fault_proxy_struck_on(&rig.proxy), lane);
    /* 200: repeated in time on a new connection; 409: repeated there when its time was up; 503:
     * only made sure in time that it did not happen. */
    if (first == 504)
        check_problem(a, 504, "outcome-unknown", NULL);
    else if (first == 409)
        check_problem(a, 409, "reservation-expired", NULL);
    else if (first != 200 && first != 503)
        fail_msg("the confirm was answered with %d", first);

    assert_true(await(is_past_deadline(id), 10000));
    if (with_keeper && first == 504)
        assert_true(await(!api_state_is(a, id, "held"), 10000));
    assert_true(await((http_call(&a->conn, "POST", path, key, "{}", &a->resp),
                       a->resp.status == 200 || a->resp.status == 409),
                      10000));
    bool confirmed = a->resp.status == 200;
    if (!confirmed)
        check_problem(a, 409, "reservation-expired", NULL);
    assert_true(confirmed ? first != 409 : first != 200); /* a yes stays a yes, a no a no */

    deliver_late(lane);
    for (int i = 0; i < 3; i++) {
        if (confirmed)
            check_item(a, sku, 3, 3, 0, 2, 4);
        api_call(a, confirmed ? 200 : 409, "POST", path, key, "{}");
    }
    if (!with_keeper)
        kill(keeper, SIGCONT);
    assert_true(await(api_state_is(a, id, confirmed ? "confirmed" : "expired"), 10000));
    if (!confirmed)
        check_item(a, sku, 5, 5, 0, 0, 4);
}

static void a_late_exec_of_a_confirm_does_not_land(void **state)
{
    late_confirm(true);
}

static void a_late_exec_does_not_land_though_nobody_else_writes(void **state)
{
    late_confirm(false);
}

static pid_t freeze_keeper(const struct tservice *service)
{
    pid_t pid = 0;
    assert_int_equal(tservice_pids(service, TSERVICE_KEEPER, &pid, 1), 1);
    kill(pid, SIGSTOP);
    return pid;
}

/* A hold of two items is due. A batch that sells the first one reads the hold, then the second
 * item; in between another host gives the hold back. What the batch has read then contradicts
 * itself, but nobody is to blame: it was overtaken, and must try again. */
static void a_hold_that_ends_between_two_reads_is_a_conflict(void **state)
{
    struct tservice other = {.port = 0};
    const struct tservice_opts opts = {.redis_url = rig.redis.url};
    assert_int_equal(tservice_start(&other, &opts), 0);
    pid_t keepers[2] = {freeze_keeper(&rig.service), freeze_keeper(&other)};
    char first[40], second[40], id[80], path[80];
    snprintf(first, sizeof(first), "%s", api_item(a, 5, 0));
    snprintf(second, sizeof(second), "%s", api_item(a, 5, 0));
    api_call(a, 201, "POST", "/v1/reservations", NULL,
             text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":1}],"
                  "\"ttl_seconds\":1}",
                  first, second));
    snprintf(id, sizeof(id), "%s", json_string_value(json_at(http_resp_json(&a->resp), "id")));
    assert_true(await(is_past_deadline(id), 10000));

    struct fault_rule hold = {
        .action = FAULT_HOLD, .direction = FAULT_UP, .anchor = FAULT_AT_CHUNK};
    snprintf(hold.pattern, sizeof(hold.pattern), "item:%s", second);
    fault_proxy_arm(&rig.proxy, &hold);
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", first);
    static const char body[] = "{\"quantity\":1}";
    assert_int_equal(http_send_call(&a->conn, "POST", path, NULL, body, strlen(body)), 0);
    assert_true(await(fault_proxy_struck_on(&rig.proxy) > 0, 900));

    struct http_conn direct;
    struct http_resp resp = {.status = 0};
    http_conn_init(&direct, other.port);
    assert_int_equal(http_call(&direct, "POST", path, NULL, body, &resp), 0);
    assert_int_equal(resp.status, 200);
    fault_proxy_release(&rig.proxy, fault_proxy_struck_on(&rig.proxy));
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);

    check_item(a, first, 3, 3, 0, 2, 5); /* created, held, given back, sold, sold */
    check_item(a, second, 5, 5, 0, 0, 3);
    http_resp_free(&resp);
    http_conn_close(&direct);
    kill(keepers[0], SIGCONT);
    kill(keepers[1], SIGCONT);
    assert_true(tservice_stop(&other));
}

/* The request is over, its client was told so, and nothing else happens: no other writer, no
 * repeat, no other batch of the lane. A request takes effect within --request-timeout or not at
 * all, so something must have been done meanwhile against the EXEC that is still on its way. */
static void a_late_exec_does_not_land_when_the_request_is_over(void **state)
{
    const char *sku = api_item(a, 5, 0);
    int lane = hold_next_exec(sku); /* version 2 */
    char body[128];
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", sku);
    int64_t begin = test_now_ms();
    assert_int_equal(http_call(&a->conn, "POST", "/v1/reservations",
                               "Idempotency-Key: late-and-alone\r\n", body, &a->resp),
                     0);
    bool told = a->resp.status == 201; /* repeated in time on a new connection */
    assert_true(told || a->resp.status == 504);
    assert_int_equal(fault_proxy_struck_on(&rig.proxy), lane);
    assert_true(await(test_now_ms() - begin > 3 * LATE_TIMEOUT_MS, 10 * LATE_TIMEOUT_MS));
    /* A 504 whose repeat was written in time, but its answer not read in time, was taken too. */
    assert_int_equal(
        http_call(&a->conn, "GET", "/v1/operations/late-and-alone", NULL, NULL, &a->resp), 0);
    bool taken = a->resp.status == 200;
    assert_true(taken || (a->resp.status == 404 && !told));
    deliver_late(lane);
    for (int i = 0; i < 3; i++) {
        check_item(a, sku, 5, 5 - taken, taken, 0, 2 + taken);
        api_call(a, taken ? 200 : 404, "GET", "/v1/operations/late-and-alone", NULL, NULL);
    }
}

/* A reserve for the last unit hangs, another service sells that unit, the reserve arrives late. */
static void a_late_exec_of_a_reserve_does_not_sell_twice(void **state)
{
    struct tservice second;
    struct tservice_opts opts = {.redis_url = rig.redis.url};
    assert_int_equal(tservice_start(&second, &opts), 0);
    struct api other;
    api_open(&other, second.port);
    const char *sku = api_item(a, 1, 0);
    int lane = hold_next_exec(sku);
    const char *body = text("{\"sku\":\"%s\",\"quantity\":1}", sku);
    const char *key = "Idempotency-Key: late-reserve\r\n";
    http_conn_open(&a->conn);
    assert_int_equal(http_send_call(&a->conn, "POST", "/v1/reservations", key, body, strlen(body)),
                     0);
    assert_true(await(fault_proxy_struck_on(&rig.proxy) == lane, 5000));
    int sold = http_call(&other.conn, "POST", text("/v1/items/%s/decrements", sku), NULL,
                         "{\"quantity\":1}", &other.resp);
    assert_int_equal(sold, 0);
    assert_int_equal(other.resp.status, 200);
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    /* 503: it was made sure in time that it did not happen, and then its time was up. */
    assert_true(a->resp.status == 504 || a->resp.status == 409 || a->resp.status == 503);
    assert_true(await((http_call(&a->conn, "POST", "/v1/reservations", key, body, &a->resp),
                       a->resp.status == 409),
                      10000));
    check_problem(a, 409, "insufficient-stock", NULL);
    deliver_late(lane);
    check_item(a, sku, 0, 0, 0, 1, 3);
    api_problem(a, 404, "operation-not-found", NULL, "GET", "/v1/operations/late-reserve", NULL,
                NULL);
    api_close(&other);
    assert_true(tservice_stop(&second));
}

/* Redis' answers vanish, the connection stays: told in time, settled afterwards, one effect. */
static void answers_that_vanish_are_settled(void **state)
{
    const char *sku = api_item(a, 10, 0);
    fault_proxy_watch(&rig.proxy, sku);
    api_call(a, 200, "PUT", text("/v1/items/%s", sku), "If-Match: *\r\n", "{}"); /* version 2 */
    int lane = fault_proxy_seen_on(&rig.proxy);
    struct fault_rule hole = {.action = FAULT_BLACK_HOLE,
                              .direction = FAULT_DOWN,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "$4\r\nEXEC",
                              .connection = lane};
    fault_proxy_arm(&rig.proxy, &hole);
    const char *path = text("/v1/items/%s/decrements", sku);
    const char *key = "Idempotency-Key: vanished\r\n";
    assert_int_equal(http_call(&a->conn, "POST", path, key, "{\"quantity\":1}", &a->resp), 0);
    assert_true(a->resp.took_ms < LATE_TIMEOUT_MS + 1500);
    assert_true(a->resp.status == 504 || a->resp.status == 200);
    assert_int_equal(fault_proxy_struck_on(&rig.proxy), lane);
    assert_true(await((http_call(&a->conn, "POST", path, key, "{\"quantity\":1}", &a->resp),
                       a->resp.status == 200),
                      10000));
    check_int(a, "remaining", 9);
    check_int(a, "version", 3);
    check_item(a, sku, 9, 9, 0, 1, 3);
    fault_proxy_drop(&rig.proxy, lane);
}

/* Every connection in pieces of 1 to 16 bytes, then one byte at a time: slower, not wrong. */
static void bytes_in_small_pieces_are_no_fault(void **state)
{
    static const enum fault_action actions[] = {FAULT_SHRED, FAULT_DRIP};
    const char *sku = api_item(a, 100, 0);
    int64_t version = 1;
    for (size_t i = 0; i < 2; i++) {
        for (int direction = 0; direction < 2; direction++) {
            fault_proxy_watch(&rig.proxy, sku);
            api_call(a, 200, "PUT", text("/v1/items/%s", sku), "If-Match: *\r\n", "{}");
            version++;
            struct fault_rule rule = {.action = actions[i],
                                      .direction = (enum fault_direction)direction,
                                      .connection = fault_proxy_seen_on(&rig.proxy)};
            fault_proxy_arm(&rig.proxy, &rule);
            for (int n = 0; n < 5; n++) {
                api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL,
                         "{\"quantity\":1}");
                check_int(a, "version", ++version);
            }
            assert_int_equal(fault_proxy_struck_on(&rig.proxy), rule.connection);
        }
    }
    check_item(a, sku, 80, 80, 0, 20, version);
}

/* Nobody is there for a while: 503 in time, and no restart is needed afterwards. */
static void refused_connections_are_told_and_got_over(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *path = text("/v1/items/%s/decrements", sku);
    fault_proxy_refuse(&rig.proxy, true);
    fault_proxy_cut_all(&rig.proxy);
    for (int i = 0; i < 3; i++) {
        api_problem(a, 503, "redis-unavailable", NULL, "POST", path, NULL, "{\"quantity\":1}");
        assert_true(a->resp.took_ms < 5000 + 1500);
    }
    fault_proxy_refuse(&rig.proxy, false);
    assert_true(await((http_call(&a->conn, "POST", path, NULL, "{\"quantity\":1}", &a->resp),
                       a->resp.status == 200),
                      10000));
    check_int(a, "version", 2);
    /* Reads may go over a connection of their own. */
    assert_true(await((http_call(&a->conn, "GET", text("/v1/items/%s", sku), NULL, NULL, &a->resp),
                       a->resp.status == 200),
                      10000));
    check_item(a, sku, 9, 9, 0, 1, 2);
}

int main(void)
{
#define LATE_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_keyed_reserve_survives_a_cut_at_every_byte, sweep_teardown),
        cmocka_unit_test_teardown(a_keyless_decrement_survives_a_cut_at_every_third_byte,
                                  sweep_teardown),
        cmocka_unit_test_teardown(a_confirm_survives_a_cut_at_every_third_byte, sweep_teardown),
        cmocka_unit_test_teardown(a_keyed_transfer_survives_a_cut_at_every_third_byte,
                                  sweep_teardown),
        cmocka_unit_test_teardown(a_read_survives_a_cut_at_every_byte, sweep_teardown),
        LATE_TEST(a_late_exec_of_a_confirm_does_not_land),
        LATE_TEST(a_late_exec_does_not_land_though_nobody_else_writes),
        LATE_TEST(a_hold_that_ends_between_two_reads_is_a_conflict),
        LATE_TEST(a_late_exec_does_not_land_when_the_request_is_over),
        LATE_TEST(a_late_exec_of_a_reserve_does_not_sell_twice),
        LATE_TEST(answers_that_vanish_are_settled),
        LATE_TEST(bytes_in_small_pieces_are_no_fault),
        LATE_TEST(refused_connections_are_told_and_got_over),
    };
    return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
