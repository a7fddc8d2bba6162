/* test_race.c -- many clients at once on two workers: nothing is sold twice, everything is sold,
 * and the versions that the answers carry are one dense order. */
#include "support/fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 64

/* What threads write down: the (version, remaining) pairs of one item, and complaints. */
struct notes {
    pthread_mutex_t lock;
    int64_t (*pairs)[2];
    size_t count;
    size_t room;
    int complaints;
    char first[1024]; /* the first complaint */
};

static void notes_init(struct notes *n)
{
    *n = (struct notes){.lock = PTHREAD_MUTEX_INITIALIZER};
}

static void notes_add(struct notes *n, int64_t version, int64_t remaining)
{
    pthread_mutex_lock(&n->lock);
    if (n->count == n->room) {
        n->room = n->room ? 2 * n->room : 1024;
        n->pairs = realloc(n->pairs, n->room * sizeof(*n->pairs));
    }
    n->pairs[n->count][0] = version;
    n->pairs[n->count][1] = remaining;
    n->count++;
    pthread_mutex_unlock(&n->lock);
}

static void notes_complain(struct notes *n, const char *what, int err, struct http_resp *resp)
{
    pthread_mutex_lock(&n->lock);
    if (n->complaints++ == 0)
        snprintf(n->first, sizeof(n->first), "%s: %s, status %d, body %.700s", what,
                 err ? strerror(-err) : "answered", resp->status, resp->body ? resp->body : "");
    pthread_mutex_unlock(&n->lock);
}

static int compare_pairs(const void *x, const void *y)
{
    const int64_t *p = x;
    const int64_t *q = y;
    return p[0] < q[0] ? -1 : p[0] > q[0];
}

/* Fails on a complaint; sorts the pairs by version. */
static void notes_check(struct notes *n)
{
    if (n->complaints)
        print_error("%d complaints, the first: %s\n", n->complaints, n->first);
    assert_int_equal(n->complaints, 0);
    if (n->count)
        qsort(n->pairs, n->count, sizeof(*n->pairs), compare_pairs);
}

/* The versions are first, first + 1, ... without hole or repetition. */
static void notes_check_dense(struct notes *n, int64_t first)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->pairs[i][0] != first + (int64_t)i) {
            print_error("version %" PRId64 " where %" PRId64 " was due\n", n->pairs[i][0],
                        first + (int64_t)i);
            fail();
        }
}

static void notes_free(struct notes *n)
{
    free(n->pairs);
    pthread_mutex_destroy(&n->lock);
}

/* --- one item, far fewer units than clients want ---------------------------------------------- */

struct sale {
    const char *sku;
    struct notes notes;
};

static void reserve_until_sold_out(int index, void *arg)
{
    struct sale *sale = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char body[128];
    http_conn_init(&c, stack.service.port);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1,\"customer\":\"c-%d\"}", sale->sku,
             index);
    for (;;) {
        int status = http_call_decided(&c, "POST", RESERVATIONS, NULL, body, &resp);
        if (status != 201) {
            json_t *available = json_at(http_resp_json(&resp), "lines[0].available");
            if (status != 409 || json_integer_value(available) != 0)
                notes_complain(&sale->notes, "reserve", status < 0 ? status : 0, &resp);
            break;
        }
        json_t *line = json_at(http_resp_json(&resp), "lines[0]");
        notes_add(&sale->notes, json_integer_value(json_object_get(line, "version")),
                  json_integer_value(json_object_get(line, "remaining")));
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void one_item_is_sold_exactly_once(void **state)
{
    enum { STOCK = 1500 };
    struct sale sale = {.sku = api_item(a, STOCK, 0)};
    notes_init(&sale.notes);
    http_crowd(CLIENTS, reserve_until_sold_out, &sale);
    notes_check(&sale.notes);
    assert_int_equal(sale.notes.count, STOCK);
    notes_check_dense(&sale.notes, 2);
    for (int i = 0; i < STOCK; i++)
        assert_int_equal(sale.notes.pairs[i][1], STOCK - 1 - i);
    check_item(a, sale.sku, STOCK, 0, STOCK, 0, STOCK + 1);
    notes_free(&sale.notes);
}

static void decrement_until_sold_out(int index, void *arg)
{
    struct sale *sale = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char path[96];
    http_conn_init(&c, stack.service.port);
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", sale->sku);
    const char *body = index % 2 ? "{\"quantity\":3}" : "{\"quantity\":1}";
    for (;;) {
        int status = http_call_decided(&c, "POST", path, NULL, body, &resp);
        if (status != 200) {
            if (status != 409)
                notes_complain(&sale->notes, "decrement", status < 0 ? status : 0, &resp);
            break;
        }
        notes_add(&sale->notes, json_integer_value(json_at(http_resp_json(&resp), "version")),
                  json_integer_value(json_at(http_resp_json(&resp), "remaining")));
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void decrements_sell_the_last_unit(void **state)
{
    enum { STOCK = 2000 };
    struct sale sale = {.sku = api_item(a, STOCK, 0)};
    notes_init(&sale.notes);
    http_crowd(CLIENTS, decrement_until_sold_out, &sale);
    notes_check(&sale.notes);
    notes_check_dense(&sale.notes, 2);
    int64_t before = STOCK;
    for (size_t i = 0; i < sale.notes.count; i++) {
        int64_t taken = before - sale.notes.pairs[i][1];
        assert_true(taken == 1 || taken == 3);
        before = sale.notes.pairs[i][1];
    }
    assert_int_equal(before, 0); /* those who take 1 got what those who take 3 could not */
    check_item(a, sale.sku, 0, 0, 0, STOCK, (int64_t)sale.notes.count + 1);
    notes_free(&sale.notes);
}

/* --- overlapping baskets ---------------------------------------------------------------------- */

enum { BASKET_ITEMS = 8, BASKET_STOCK = 150, BASKET_LINES = 3 };

struct market {
    char skus[BASKET_ITEMS][32];
    struct notes notes[BASKET_ITEMS];
    atomic_int ids; /* reservations made */
    char id[BASKET_ITEMS * BASKET_STOCK][64];
};

static int market_index(const struct market *m, const char *sku)
{
    for (int i = 0; i < BASKET_ITEMS; i++)
        if (strcmp(m->skus[i], sku) == 0)
            return i;
    return 0;
}

/* Reserves some lines; false once the answer is no. */
static bool basket_take(struct market *m, struct http_conn *c, const int *items, int count)
{
    char body[512] = "{\"lines\":[";
    for (int i = 0; i < count; i++) {
        size_t n = strlen(body);
        snprintf(body + n, sizeof(body) - n, "%s{\"sku\":\"%s\",\"quantity\":1}%s", i ? "," : "",
                 m->skus[items[i]], i == count - 1 ? "]}" : "");
    }
    struct http_resp resp = {.status = 0};
    int status = http_call_decided(c, "POST", RESERVATIONS, NULL, body, &resp);
    if (status == 201) {
        int slot = atomic_fetch_add(&m->ids, 1);
        json_t *root = http_resp_json(&resp);
        const char *id = json_string_value(json_object_get(root, "id"));
        snprintf(m->id[slot], sizeof(m->id[0]), "%s", id ? id : "");
        for (size_t i = 0; i < (size_t)count; i++) {
            json_t *line = json_array_get(json_object_get(root, "lines"), i);
            const char *sku = json_string_value(json_object_get(line, "sku"));
            notes_add(&m->notes[market_index(m, sku ? sku : "")],
                      json_integer_value(json_object_get(line, "version")),
                      json_integer_value(json_object_get(line, "remaining")));
        }
    } else if (status != 409) {
        notes_complain(&m->notes[0], "basket", status < 0 ? status : 0, &resp);
    }
    http_resp_free(&resp);
    return status == 201;
}

static void take_baskets(int index, void *arg)
{
    struct market *m = arg;
    struct http_conn c;
    unsigned seed = 1000u + (unsigned)index;
    http_conn_init(&c, stack.service.port);
    int order[BASKET_ITEMS];
    for (int i = 0; i < BASKET_ITEMS; i++)
        order[i] = i;
    for (int refused = 0; refused < 3;) {
        for (int i = BASKET_ITEMS - 1; i > 0; i--) { /* shuffled: nobody agrees on an order */
            int j = rand_r(&seed) % (i + 1);
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        refused += !basket_take(m, &c, order, BASKET_LINES);
    }
    for (int i = 0; i < BASKET_ITEMS; i++) /* then the leftovers, one by one */
        while (basket_take(m, &c, &order[i], 1))
            ;
    http_conn_close(&c);
}

static void overlapping_baskets_sell_everything_once(void **state)
{
    struct market *m = calloc(1, sizeof(*m));
    for (int i = 0; i < BASKET_ITEMS; i++) {
        KEEP(m->skus[i], api_item(a, BASKET_STOCK, 0));
        notes_init(&m->notes[i]);
    }
    http_crowd(CLIENTS, take_baskets, m);
    for (int i = 0; i < BASKET_ITEMS; i++) {
        notes_check(&m->notes[i]);
        assert_int_equal(m->notes[i].count, BASKET_STOCK);
        notes_check_dense(&m->notes[i], 2);
        for (int k = 0; k < BASKET_STOCK; k++)
            assert_int_equal(m->notes[i].pairs[k][1], BASKET_STOCK - 1 - k);
        check_item(a, m->skus[i], BASKET_STOCK, 0, BASKET_STOCK, 0, BASKET_STOCK + 1);
        notes_free(&m->notes[i]);
    }
    /* All of them are there, and giving them all back makes the items whole again. */
    int made = atomic_load(&m->ids);
    for (int i = 0; i < made; i++)
        post(200, RELEASE(m->id[i]), NULL);
    for (int i = 0; i < BASKET_ITEMS; i++)
        check_item(a, m->skus[i], BASKET_STOCK, BASKET_STOCK, 0, 0, 2 * BASKET_STOCK + 1);
    free(m);
}

/* --- units that go round ---------------------------------------------------------------------- */

enum { RING_ITEMS = 3, RING_STOCK = 20, RING_MOVES = 60, RING_MOST = 3 };

struct ring {
    char skus[RING_ITEMS][32];
    struct notes notes[RING_ITEMS];
};

static void ring_note(struct ring *ring, int item, json_t *side)
{
    notes_add(&ring->notes[item], json_integer_value(json_object_get(side, "version")),
              json_integer_value(json_object_get(side, "remaining")));
}

/* From one item to the next, or back; far more often than the stock allows. */
static void move_round(int index, void *arg)
{
    struct ring *ring = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    unsigned seed = 2000u + (unsigned)index;
    char path[96], body[96];
    http_conn_init(&c, stack.service.port);
    for (int i = 0; i < RING_MOVES; i++) {
        int from = rand_r(&seed) % RING_ITEMS;
        int to = (from + 1 + rand_r(&seed) % (RING_ITEMS - 1)) % RING_ITEMS;
        snprintf(path, sizeof(path), "/v1/items/%s/transfers", ring->skus[from]);
        snprintf(body, sizeof(body), "{\"to\":\"%s\",\"quantity\":%d}", ring->skus[to],
                 1 + rand_r(&seed) % RING_MOST);
        int status = http_call_decided(&c, "POST", path, NULL, body, &resp);
        if (status == 200) {
            ring_note(ring, from, json_at(http_resp_json(&resp), "from"));
            ring_note(ring, to, json_at(http_resp_json(&resp), "to"));
        } else if (status != 409) {
            notes_complain(&ring->notes[from], "transfer", status < 0 ? status : 0, &resp);
        }
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void transfers_lose_no_unit_and_make_none(void **state)
{
    struct ring ring;
    int64_t sum = 0;
    for (int i = 0; i < RING_ITEMS; i++) {
        KEEP(ring.skus[i], api_item(a, RING_STOCK, 0));
        notes_init(&ring.notes[i]);
    }
    http_crowd(CLIENTS, move_round, &ring);
    for (int i = 0; i < RING_ITEMS; i++) {
        struct notes *n = &ring.notes[i];
        int64_t left = RING_STOCK;
        notes_check(n);
        notes_check_dense(n, 2);
        assert_true(n->count > RING_MOVES);
        for (size_t k = 0; k < n->count; k++) {
            int64_t moved = n->pairs[k][1] - left;
            assert_true(moved != 0 && moved <= RING_MOST && moved >= -RING_MOST);
            left = n->pairs[k][1];
            assert_true(left >= 0);
        }
        check_item(a, ring.skus[i], left, left, 0, 0, (int64_t)n->count + 1);
        sum += left;
        notes_free(n);
    }
    assert_int_equal(sum, RING_ITEMS * RING_STOCK);
}

/* --- expiry under load ------------------------------------------------------------------------ */

enum { SHORT_HOLDS = 40, EXPIRY_CLIENTS = 16 };

struct burst {
    const char *sku;
    struct notes notes;
    char id[EXPIRY_CLIENTS][SHORT_HOLDS][64];
};

/* Half of the clients hold for a second, the other half sell one by one meanwhile. */
static void hold_and_sell(int index, void *arg)
{
    struct burst *b = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char hold[128];
    char path[96];
    http_conn_init(&c, stack.service.port);
    snprintf(hold, sizeof(hold), "{\"sku\":\"%s\",\"quantity\":1,\"ttl_seconds\":1}", b->sku);
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", b->sku);
    bool holds = index % 2 == 0;
    for (int i = 0; i < SHORT_HOLDS; i++) {
        int status = holds ? http_call_decided(&c, "POST", RESERVATIONS, NULL, hold, &resp)
                           : http_call_decided(&c, "POST", path, NULL, "{\"quantity\":1}", &resp);
        json_t *root = http_resp_json(&resp);
        json_t *pair = holds ? json_at(root, "lines[0]") : root;
        if (status != (holds ? 201 : 200)) {
            notes_complain(&b->notes, "hold or sell", status < 0 ? status : 0, &resp);
            break;
        }
        notes_add(&b->notes, json_integer_value(json_object_get(pair, "version")),
                  json_integer_value(json_object_get(pair, "remaining")));
        if (holds) {
            const char *id = json_string_value(json_object_get(root, "id"));
            snprintf(b->id[index][i], sizeof(b->id[0][0]), "%s", id ? id : "");
        }
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void expiry_under_load_is_timely_and_dense(void **state)
{
    enum { STOCK = 2000, HOLDS = SHORT_HOLDS * EXPIRY_CLIENTS / 2, SOLD = HOLDS };
    struct burst *b = calloc(1, sizeof(*b));
    b->sku = api_item(a, STOCK, 0);
    notes_init(&b->notes);
    http_crowd(EXPIRY_CLIENTS, hold_and_sell, b);
    assert_true(await((get(ITEM(b->sku)), api_int(a, "held") == 0), 1000 + EXPIRY_TIMEOUT_MS));
    for (int i = 0; i < EXPIRY_CLIENTS; i += 2)
        for (int k = 0; k < SHORT_HOLDS; k++) {
            assert_true(api_state_is(a, b->id[i][k], "expired"));
            notes_add(&b->notes, api_int(a, "lines[0].version"), api_int(a, "lines[0].remaining"));
        }
    notes_check(&b->notes);
    assert_int_equal(b->notes.count, 2 * HOLDS + SOLD);
    notes_check_dense(&b->notes, 2);
    int64_t before = STOCK;
    for (size_t i = 0; i < b->notes.count; i++) { /* each moved exactly one unit */
        int64_t moved = b->notes.pairs[i][1] - before;
        assert_true(moved == 1 || moved == -1);
        before = b->notes.pairs[i][1];
    }
    check_item(a, b->sku, STOCK - SOLD, STOCK - SOLD, 0, SOLD, 1 + 2 * HOLDS + SOLD);
    notes_free(&b->notes);
    free(b);
}

/* The original demonstration, one transaction a request, must be as right. */
static void without_group_commit_it_is_as_right(void **state)
{
    struct stack plain;
    static const char *const extra[] = {"--batch-max", "1", "--lanes", "4", NULL};
    assert_int_equal(stack_start(&plain, NULL, 2, extra), 0);
    int port = stack.service.port;
    enum { STOCK = 300 };
    struct sale sale = {.sku = api_item(&plain.api, STOCK, 0)};
    notes_init(&sale.notes);
    stack.service.port = plain.service.port; /* where the threads go */
    http_crowd(16, reserve_until_sold_out, &sale);
    stack.service.port = port;
    notes_check(&sale.notes);
    assert_int_equal(sale.notes.count, STOCK);
    notes_check_dense(&sale.notes, 2);
    check_item(&plain.api, sale.sku, STOCK, 0, STOCK, 0, STOCK + 1);
    notes_free(&sale.notes);
    assert_int_equal(stack_stop(&plain), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_item_is_sold_exactly_once),
        cmocka_unit_test(decrements_sell_the_last_unit),
        cmocka_unit_test(overlapping_baskets_sell_everything_once),
        cmocka_unit_test(transfers_lose_no_unit_and_make_none),
        cmocka_unit_test(expiry_under_load_is_timely_and_dense),
        cmocka_unit_test(without_group_commit_it_is_as_right),
    };
    return run_suite("race", tests, .workers = 2, .flags = {"--lanes", "2"});
}
