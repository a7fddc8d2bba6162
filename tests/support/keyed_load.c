/* keyed_load.c -- see keyed_load.h. */
#include "support/keyed_load.h"
#include "support/fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LOAD_THREADS      12
#define LOAD_KEYS_MAX     20000
#define DECIDE_TIMEOUT_MS 80000

struct load {
    const char *sku;
    atomic_int port;
    atomic_bool stop;     /* no new keys */
    atomic_bool given_up; /* the test has failed: leave at once */
    bool running;
    atomic_int decided;  /* keys that were answered with 201 */
    atomic_int failures; /* answers that did not come, 503 and 504 */
    atomic_int complaints;
    pthread_mutex_t lock;
    char first[512]; /* the first complaint */
    pthread_t threads[LOAD_THREADS];
    char (*ids)[64]; /* of the reservations that were answered */
};

static struct load keyed;

static void load_complain(const char *what, int err, struct http_resp *resp)
{
    pthread_mutex_lock(&keyed.lock);
    if (atomic_fetch_add(&keyed.complaints, 1) == 0)
        snprintf(keyed.first, sizeof(keyed.first), "%s: %s, status %d, body %.300s", what,
                 err < 0 ? strerror(-err) : "answered", resp->status, resp->body ? resp->body : "");
    pthread_mutex_unlock(&keyed.lock);
}

/* Makes one keyed reservation, however often it takes; false if it is never decided. */
static bool load_one(struct http_conn *c, const char *key, struct http_resp *resp)
{
    char headers[96];
    char body[96];
    snprintf(headers, sizeof(headers), "Idempotency-Key: %s\r\n", key);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", keyed.sku);
    int64_t deadline = test_now_ms() + DECIDE_TIMEOUT_MS;
    int err = 0;
    while (test_now_ms() < deadline && !atomic_load(&keyed.given_up)) {
        int port = atomic_load(&keyed.port);
        if (c->port != port) {
            http_conn_close(c);
            http_conn_init(c, port);
        }
        err = http_call(c, "POST", RESERVATIONS, headers, body, resp);
        if (resp->status == 201)
            return true;
        if (resp->status != 0 && resp->status != 503 && resp->status != 504)
            break;
        atomic_fetch_add(&keyed.failures, 1);
        test_pause();
    }
    if (!atomic_load(&keyed.given_up))
        load_complain(key, err, resp);
    return false;
}

static void *load_run(void *arg)
{
    int index = (int)(intptr_t)arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    http_conn_init(&c, atomic_load(&keyed.port));
    for (int n = 0; !atomic_load(&keyed.stop); n++) {
        char key[64];
        snprintf(key, sizeof(key), "load-%s-%d-%d", keyed.sku, index, n);
        if (!load_one(&c, key, &resp))
            break;
        const char *id = json_string_value(json_object_get(http_resp_json(&resp), "id"));
        int slot = atomic_fetch_add(&keyed.decided, 1);
        if (slot >= LOAD_KEYS_MAX - LOAD_THREADS)
            break;
        snprintf(keyed.ids[slot], sizeof(keyed.ids[0]), "%s", id ? id : "none");
    }
    http_resp_free(&resp);
    http_conn_close(&c);
    return NULL;
}

void keyed_load_start(const char *sku)
{
    keyed = (struct load){.sku = sku, .lock = PTHREAD_MUTEX_INITIALIZER};
    keyed.ids = calloc(LOAD_KEYS_MAX, sizeof(*keyed.ids));
    assert_non_null(keyed.ids);
    atomic_store(&keyed.port, stack.service.port);
    keyed.running = true;
    for (int i = 0; i < LOAD_THREADS; i++) {
        assert_int_equal(pthread_create(&keyed.threads[i], NULL, load_run, (void *)(intptr_t)i), 0);
    }
}

void keyed_load_await(int more)
{
    int goal = atomic_load(&keyed.decided) + more;
    if (goal > LOAD_KEYS_MAX - 2 * LOAD_THREADS)
        goal = LOAD_KEYS_MAX - 2 * LOAD_THREADS;
    bool reached = await(atomic_load(&keyed.decided) >= goal || atomic_load(&keyed.complaints) > 0,
                         RECOVERY_MS);
    if (!reached || atomic_load(&keyed.complaints) > 0)
        print_error("%d keys decided, %d complaints: %s\n", atomic_load(&keyed.decided),
                    atomic_load(&keyed.complaints), keyed.first);
    assert_true(reached);
}

static void load_join(void)
{
    atomic_store(&keyed.stop, true);
    for (int i = 0; i < LOAD_THREADS; i++)
        pthread_join(keyed.threads[i], NULL);
    keyed.running = false;
}

/* Lets each thread finish its key; afterwards every key that was ever sent has had exactly one
 * effect: the books must agree, and every reservation that was answered must be there. */
void keyed_load_stop_and_check(int64_t stock)
{
    load_join();
    int decided = atomic_load(&keyed.decided);
    int complaints = atomic_load(&keyed.complaints);
    if (complaints)
        print_error("%d complaints, the first: %s\n", complaints, keyed.first);
    assert_int_equal(complaints, 0);
    assert_true(decided > 0);
    check_item(a, keyed.sku, stock, stock - decided, decided, 0, 1 + decided);
    for (int i = 0; i < decided; i += 1 + decided / 500)
        assert_true(api_state_is(a, keyed.ids[i], "held"));
    free(keyed.ids);
    keyed.ids = NULL;
}

void keyed_load_aim(int port)
{
    atomic_store(&keyed.port, port);
}

int keyed_load_failures(void)
{
    return atomic_load(&keyed.failures);
}

int keyed_load_end(void **state)
{
    if (keyed.running) { /* the test failed on its way */
        atomic_store(&keyed.given_up, true);
        load_join();
    }
    free(keyed.ids);
    keyed.ids = NULL;
    return serve_end(state);
}
