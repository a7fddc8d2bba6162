/* fixture.h -- what a suite needs, said in one line: a Redis, a service on it, a ledger, a client.
 *
 *     return run_suite("race", tests, .workers = 2, .flags = {"--lanes", "2"});
 *
 * runs all tests on one service. A suite of which each test needs a service of its own is run by
 * run_each(), and its tests begin with
 *
 *     serve(.workers = 2, .ledger = *state, .flags = {"--durability", "ledger"});
 *
 * What a test has started ends with it. Layer: tests; for the main thread of a program with cmocka,
 * which has one of each of what is declared here. Everything here may fail the running test.
 */
#pragma once

#include "support/command.h"
#include "support/faultproxy.h"
#include "support/ledger_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define RECOVERY_MS       LEDGER_RECOVERY_MS /* for whatever must come about */
#define FIXTURE_FLAGS_MAX 24
#define APPLIER_FLAGS_MAX 8

extern struct stack stack;
extern struct api *a; /* the client of the stack, unless a test points it elsewhere */
extern struct bases bases;
extern char ledger_url[BASE_URL_SIZE]; /* of the database that serve() made; "": none */
extern struct ledger_load load;        /* of clients, not yet started */
extern struct tproc applier;           /* a `stockd ledger` beside the service */

struct fixture {
    struct tredis_opts redis;
    const char *redis_url;          /* where the service finds Redis, if not where it is */
    struct fault_proxy *behind;     /* lies between the two; started and stopped along */
    int workers;                    /* 0: one */
    int partitions;                 /* 0: one, and nothing is said of it */
    const enum base_engine *ledger; /* where events go, at first an empty one; NULL: nowhere */
    const char *ledger_url;         /* where the service finds that, if not at bases.url */
    const char *preload;            /* a library, loaded before the C library of the service */
    bool apart; /* the service leaves the events to `applier`, which runs, too */
    const char *applier_flags[APPLIER_FLAGS_MAX];
    const char *flags[FIXTURE_FLAGS_MAX]; /* of the service, beside those that follow from above */
    void (*begun)(void);                  /* for run_suite: makes what the tests need beside that */
    void (*over)(void);                   /* frees it */
};

#define ON_SQLITE   (&base_engines[BASE_SQLITE])
#define ON_POSTGRES (&base_engines[BASE_POSTGRES])

/* Starts what the words say, and waits until the service is ready if it has a ledger. What runs
 * already is kept, but for the service: another call puts one with other words in its place. */
#define serve(...) serve_as(&(struct fixture){__VA_ARGS__})
void serve_as(const struct fixture *words);

/* As serve(), which does not wait until the service is ready. 0, or -1 with a message. */
int serve_try(const struct fixture *words) MUST_CHECK;

/* Puts another service with the words of the last one in its place; it may not be ready yet. */
void serve_again(void);

/* A service more, on the same Redis and the same ledger. The test stops it. */
#define serve_beside(service, ...) serve_beside_as((service), &(struct fixture){__VA_ARGS__})
void serve_beside_as(struct tservice *service, const struct fixture *words);

/* Ends the service, which must have been well, and not its Redis. */
void stop_serving(void);

void applier_start(void);
void applier_stop(void);

/* A test's teardown: ends all that it has started. -1 if the service was not well. */
int serve_end(void **state);

/* Rows of a table of tests that start what they need: on no ledger, on both engines, on one. */
/* clang-format off */
#define PLAIN_TEST(test)    {#test, test, NULL, serve_end, NULL}
#define ON_BOTH(test)      ON_ENGINES(test, NULL, serve_end)
#define SQLITE_TEST(test)   {#test " (sqlite)", test, NULL, serve_end, ON_SQLITE}
#define POSTGRES_TEST(test) {#test " (postgresql)", test, NULL, serve_end, ON_POSTGRES}
/* clang-format on */

/* Runs the tests on one service; how many failed. */
#define run_suite(name, tests, ...)                                                                \
    run_suite_as((name), (tests), sizeof(tests) / sizeof((tests)[0]),                              \
                 &(struct fixture){__VA_ARGS__})
int run_suite_as(const char *name, const struct CMUnitTest *tests, size_t count,
                 const struct fixture *words);

/* The same on SQLite, then on PostgreSQL; without such a server its half is left out, and the
 * output says so. */
#define run_on_both(name, tests, ...)                                                              \
    (run_suite(name " (sqlite)", tests, .ledger = ON_SQLITE, __VA_ARGS__) +                        \
     run_suite(name " (postgresql)", tests, .ledger = ON_POSTGRES, __VA_ARGS__))

/* Runs tests that start what they need. There is a PostgreSQL server if one of them is for it;
 * without one those are skipped, and the output says so. */
#define run_each(name, tests) run_each_with((name), (tests), NULL, NULL)
#define run_each_with(name, tests, begun, over)                                                    \
    run_each_as((name), (tests), sizeof(tests) / sizeof((tests)[0]), (begun), (over))
int run_each_as(const char *name, const struct CMUnitTest *tests, size_t count, void (*begun)(void),
                void (*over)(void));

/* SEED of the environment, or another one each time; printed. */
uint64_t seed_of_run(void);

/* Copies what api_str(), api_item() or text() gave, which all do not stay. */
#define KEEP(to, from) snprintf((to), sizeof(to), "%s", (from))

/* --- paths and bodies, as text() gives them --------------------------------------------------- */

#define RESERVATIONS    "/v1/reservations"
#define RESERVATION(id) text(RESERVATIONS "/%s", (id))
#define CONFIRM(id)     text(RESERVATIONS "/%s/confirm", (id))
#define RELEASE(id)     text(RESERVATIONS "/%s/release", (id))
#define EXTEND(id)      text(RESERVATIONS "/%s/extend", (id))
#define ITEM(sku)       text("/v1/items/%s", (sku))
#define ADJUST(sku)     text("/v1/items/%s/adjustments", (sku))
#define DECREMENT(sku)  text("/v1/items/%s/decrements", (sku))
#define TRANSFER(sku)   text("/v1/items/%s/transfers", (sku))
#define LINE(sku, n)    text("{\"sku\":\"%s\",\"quantity\":%d}", (sku), (n))

/* --- calls of the client, without headers ----------------------------------------------------- */

#define get(path)                api_call(a, 200, "GET", (path), NULL, NULL)
#define post(status, path, body) api_call(a, (status), "POST", (path), NULL, (body))
#define get_problem(status, name, field, path)                                                     \
    api_problem(a, (status), (name), (field), "GET", (path), NULL, NULL)
#define post_problem(status, name, field, path, body)                                              \
    api_problem(a, (status), (name), (field), "POST", (path), NULL, (body))

/* --- Redis and SQL ---------------------------------------------------------------------------- */

#define redis_int(command) tredis_int(&stack.redis, (command))
#define sql_int(query)     base_int(bases.url, (query))
#define sql_run(script)    assert_int_equal(base_script(bases.url, (script)), DB_OK)

/* Waits until SQL has all that happened to the item. */
void await_in_sql(const char *sku);

/* --- questions to the service ----------------------------------------------------------------- */

/* Waits until /readyz says so. */
#define await_ready() await_ready_at(__FILE__, __LINE__)
void await_ready_at(const char *file, int line);

/* A process of this role; 0 if there is none just now. */
pid_t pid_of(const char *role);

/* A number of /metrics, which must be there. */
int64_t metric(const char *name);

/* Whether the service has answered any request with this status since it started, by /metrics. */
bool has_answered(int status);

/* The replica gets what the primary writes, and has what that had written until now. */
void await_replicated(const struct tredis *primary, const struct tredis *replica);

/* The status of the answer to a hold of one unit, or -errno; it lies in a->resp. */
int hold_status(const char *sku);

/* Such a hold is refused with a 503 of this name. */
bool problem_is(const char *sku, const char *name);

/* Sends a hold to the service over a connection of its own, and does not wait. */
void send_hold(struct http_conn *c, const char *headers, const char *sku, int quantity);

/* The status of the answer that comes, or -errno; the end of its type to problem, if not NULL. */
int answer_to(struct http_conn *c, char problem[64]);

/* Runs `stockd audit`, which must end with that status. */
void check_audit(int status);

/* A line of the service's log has both. */
bool log_has(const char *word, const char *other);
