/* ledger_load.c -- see ledger_load.h. */
#include "support/ledger_load.h"
#include "support/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PROMISES_MAX 200000
#define KEYED_TRIES  5
#define STEP_US      3000 /* after each: what is written faster than SQL follows is behind for ever */

/* --- a client --------------------------------------------------------------------------------- */

static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

/* Those after which the same request may be made again. */
static bool is_refused(const struct ledger_load *load, int status)
{
    return status == 0 || status == 503 || status == 504 || (status == 404 && load->may_forget);
}

bool ledger_client_post(struct ledger_client *c, const char *path, const char *headers,
                        const char *body)
{
    int port = atomic_load(&c->load->ports[c->index]);
    if (port != c->conn.port) {
        http_conn_close(&c->conn);
        http_conn_init(&c->conn, port);
    }
    http_call(&c->conn, "POST", path, headers, body, &c->resp);
    int status = c->resp.status;
    atomic_int *count = is_success(status)            ? &c->load->answered
                        : is_refused(c->load, status) ? &c->load->refused
                                                      : &c->load->wrong;
    atomic_fetch_add(count, 1);
    return is_success(status);
}

static void promise(struct ledger_load *load, const char *name, const char *type)
{
    int slot = atomic_fetch_add(&load->promise_count, 1);
    if (slot < PROMISES_MAX)
        snprintf(load->promises[slot], sizeof(load->promises[0]), "%s %s", name, type);
}

bool ledger_client_hold(struct ledger_client *c, const char *body, char id[LEDGER_NAME_SIZE])
{
    if (!ledger_client_post(c, "/v1/reservations", NULL, body))
        return false;
    const char *got = json_string_value(json_object_get(http_resp_json(&c->resp), "id"));
    snprintf(id, LEDGER_NAME_SIZE, "%s", got ? got : "an answer without an id");
    promise(c->load, id, "reserve");
    return true;
}

bool ledger_client_settle(struct ledger_client *c, const char *id, const char *end)
{
    char path[128];
    snprintf(path, sizeof(path), "/v1/reservations/%s/%s", id, end);
    bool ended = ledger_client_post(c, path, NULL, "{}");
    if (ended)
        promise(c->load, id, end);
    return ended;
}

/* A hold, and perhaps its end. One in eight is left to expire after a second. */
static void hold_and_settle(struct ledger_client *c, const char *sku, int n)
{
    char body[160], id[LEDGER_NAME_SIZE];
    snprintf(body, sizeof(body),
             "{\"sku\":\"%s\",\"quantity\":2,\"ttl_seconds\":%d,\"customer\":\"c-%d\"}", sku,
             n % 8 == 0 ? 1 : 3600, n % 50);
    if (ledger_client_hold(c, body, id) && n % 4 != 0)
        (void)ledger_client_settle(c, id, n % 4 == 1 ? "confirm" : "release");
}

/* What was not answered is asked for again under its key, as a client would. */
static void ask_by_key(struct ledger_client *c, int n, const char *type, const char *path,
                       const char *body)
{
    char name[LEDGER_NAME_SIZE], key[96];
    snprintf(name, sizeof(name), "%.4s-%.20s-%d-%d", type, c->load->skus[0], c->index, n);
    snprintf(key, sizeof(key), "Idempotency-Key: %s\r\n", name);
    for (int i = 0; i < KEYED_TRIES && !atomic_load(&c->load->stop); i++) {
        if (ledger_client_post(c, path, key, body))
            promise(c->load, name, type);
        if (!is_refused(c->load, c->resp.status))
            return;
        test_pause();
    }
}

static void sell(struct ledger_client *c, const char *sku, int n)
{
    char path[96];
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", sku);
    ask_by_key(c, n, "decrement", path, "{\"quantity\":1}");
}

static void move(struct ledger_client *c, const char *from, const char *to, int n)
{
    char path[96], body[96];
    snprintf(path, sizeof(path), "/v1/items/%s/transfers", from);
    snprintf(body, sizeof(body), "{\"to\":\"%s\",\"quantity\":1}", to);
    ask_by_key(c, n, "transfer", path, body);
}

/* What a client does if the test says nothing else. */
static void sell_or_hold(struct ledger_client *c, int n)
{
    const char *sku = c->load->skus[n % LEDGER_LOAD_ITEMS];
    if (n % 7 == 0 && c->load->partitions == 1)
        move(c, sku, c->load->skus[(n + 1) % LEDGER_LOAD_ITEMS], n);
    else if (n % 3 == 0)
        sell(c, sku, n);
    else
        hold_and_settle(c, sku, n);
}

static void *client_run(void *arg)
{
    struct ledger_client *c = arg;
    http_conn_init(&c->conn, atomic_load(&c->load->ports[c->index]));
    for (int n = c->index; !atomic_load(&c->load->stop); n++) {
        c->load->step(c, n);
        if (!is_success(c->resp.status))
            test_pause();
        usleep(STEP_US);
    }
    http_resp_free(&c->resp);
    http_conn_close(&c->conn);
    return NULL;
}

/* --- the load --------------------------------------------------------------------------------- */

void ledger_load_init(struct ledger_load *load, struct stack *stack, const struct bases *bases,
                      int partitions)
{
    memset(load, 0, sizeof(*load));
    load->stack = stack;
    load->bases = bases;
    load->partitions = partitions;
    load->step = sell_or_hold;
}

void ledger_load_free(struct ledger_load *load)
{
    ledger_load_stop(load);
    free(load->promises);
    load->promises = NULL;
}

void ledger_load_aim(struct ledger_load *load, int port, int step)
{
    for (int i = 0; i < LEDGER_LOAD_CLIENTS; i += step)
        atomic_store(&load->ports[i], port);
}

void ledger_load_start(struct ledger_load *load)
{
    assert_null(load->promises);
    load->promises = calloc(PROMISES_MAX, sizeof(*load->promises));
    assert_non_null(load->promises);
    for (int i = 0; i < LEDGER_LOAD_ITEMS; i++)
        snprintf(load->skus[i], sizeof(load->skus[i]), "%s",
                 api_item(&load->stack->api, LEDGER_LOAD_STOCK, i == 0 ? load->limit : 0));
    ledger_load_aim(load, load->stack->service.port, 1);
    load->running = true;
    for (int i = 0; i < LEDGER_LOAD_CLIENTS; i++) {
        load->clients[i] = (struct ledger_client){.load = load, .index = i};
        assert_int_equal(pthread_create(&load->threads[i], NULL, client_run, &load->clients[i]), 0);
    }
}

void ledger_load_await(struct ledger_load *load, int more)
{
    int goal = atomic_load(&load->answered) + more;
    assert_true(await(atomic_load(&load->answered) >= goal, LEDGER_RECOVERY_MS));
}

void ledger_load_stop(struct ledger_load *load)
{
    atomic_store(&load->stop, true);
    for (int i = 0; load->running && i < LEDGER_LOAD_CLIENTS; i++)
        pthread_join(load->threads[i], NULL);
    load->running = false;
}

/* --- where SQL is ----------------------------------------------------------------------------- */

int64_t ledger_stream_end(const struct ledger_load *load, int partition)
{
    int64_t end = -1;
    long long epoch, seq;
    redisContext *c = tredis_connect(&load->stack->redis);
    if (!c)
        return -1;
    redisReply *info = redisCommand(c, "XINFO STREAM {p%d}:events", partition);
    for (size_t i = 0; info && i + 1 < info->elements; i += 2)
        if (strcmp(info->element[i]->str, "last-generated-id") == 0 &&
            sscanf(info->element[i + 1]->str, "%lld-%lld", &epoch, &seq) == 2)
            end = epoch * 1000000000 + seq;
    freeReplyObject(info);
    redisFree(c);
    return end;
}

int64_t ledger_checkpoint(const struct ledger_load *load, int partition)
{
    return base_int(load->bases->url,
                    text("SELECT epoch * 1000000000 + seq FROM checkpoints WHERE partition_no = %d",
                         partition));
}

bool ledger_caught_up(const struct ledger_load *load)
{
    for (int p = 0; p < load->partitions; p++)
        if (ledger_checkpoint(load, p) != ledger_stream_end(load, p) ||
            tredis_int(&load->stack->redis, text("XLEN {p%d}:events", p)) != 1)
            return false;
    return true;
}

/* --- promises --------------------------------------------------------------------------------- */

struct rows {
    char (*names)[LEDGER_PROMISE_SIZE];
    size_t count, cap;
};

static int keep_row(void *context, const struct db_value *row, size_t count)
{
    struct rows *all = context;
    if (all->count == all->cap) {
        all->cap = all->cap ? all->cap * 2 : 1024;
        all->names = reallocarray(all->names, all->cap, sizeof(*all->names));
        if (!all->names)
            abort();
    }
    snprintf(all->names[all->count++], sizeof(*all->names), "%.*s", STR_ARG(row[0].as.text));
    return 0;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* Every promise is one row; rows that nobody was promised are what was not answered. */
static void check_promises(struct ledger_load *load)
{
    struct rows rows = {0};
    size_t at = 0, broken = 0;
    size_t count = (size_t)atomic_load(&load->promise_count);
    if (count > PROMISES_MAX)
        count = PROMISES_MAX;
    base_rows(load->bases->url,
              "SELECT COALESCE(rid, op_key) || ' ' || type FROM events WHERE type IN "
              "('reserve', 'confirm', 'release', 'decrement', 'transfer') AND COALESCE(rid, "
              "op_key) IS NOT NULL",
              keep_row, &rows);
    qsort(load->promises, count, sizeof(*load->promises), by_name);
    if (rows.names)
        qsort(rows.names, rows.count, sizeof(*rows.names), by_name);
    for (size_t i = 0; i < count; i++) {
        size_t found = 0;
        while (at < rows.count && strcmp(rows.names[at], load->promises[i]) < 0)
            at++;
        for (; at < rows.count && strcmp(rows.names[at], load->promises[i]) == 0; at++)
            found++;
        if (found != 1 && broken++ < 10)
            print_error("%s: %zu times in SQL\n", load->promises[i], found);
    }
    free(rows.names);
    assert_true(count > 0);
    assert_int_equal(broken, 0);
}

/* --- Redis against SQL ------------------------------------------------------------------------ */

void ledger_audit_is_equal(const struct ledger_load *load)
{
    check_command(0, "audit", "--redis", load->stack->redis.url, "--ledger", load->bases->url);
}

static void check_item_in_sql(const struct ledger_load *load, const char *sku)
{
    static const char *const columns[] = {"on_hand", "available", "held", "sold", "version"};
    struct api *a = &load->stack->api;
    api_call(a, 200, "GET", text("/v1/items/%s", sku), NULL, NULL);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        check_int(a, columns[i],
                  base_int(load->bases->url,
                           text("SELECT %s FROM items WHERE sku = '%s'", columns[i], sku)));
}

/* All is there, and what was to expire has expired. */
static bool at_rest(const struct ledger_load *load)
{
    return base_int(load->bases->url, "SELECT COUNT(*) FROM reservations WHERE state = 'held' "
                                      "AND expires_ms - created_ms < 2000") == 0 &&
           ledger_caught_up(load);
}

void ledger_load_stop_and_check(struct ledger_load *load)
{
    const char *url = load->bases->url;
    ledger_load_stop(load);
    assert_true(await(at_rest(load), LEDGER_RECOVERY_MS));
    for (int i = 0; i < LEDGER_LOAD_ITEMS; i++)
        check_item_in_sql(load, load->skus[i]);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM events WHERE sku IS NOT NULL"),
                     base_int(url, "SELECT SUM(version) FROM items"));
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_holds"), 0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_transfers"), 0);
    check_promises(load);
    assert_int_equal(atomic_load(&load->wrong), 0);
    ledger_audit_is_equal(load);
}

/* --- outages ---------------------------------------------------------------------------------- */

struct db *ledger_outage_begin(struct bases *bases)
{
    if (strncmp(bases->url, "sqlite:", strlen("sqlite:")) != 0) {
        tpg_kill9(&bases->pg);
        return NULL;
    }
    struct db *other = base_open(bases->url);
    assert_int_equal(db_begin(other), DB_OK);
    return other;
}

void ledger_outage_end(struct bases *bases, struct db *other)
{
    if (other)
        db_close(other);
    else
        assert_int_equal(tpg_restart(&bases->pg), 0);
}
