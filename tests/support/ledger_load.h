/* ledger_load.h -- clients that reserve, settle and sell, with hardly a pause, and the comparison
 * of what they were told, what Redis holds and what the ledger holds.
 *
 * Layer: tests. The test owns the struct, the stack and the databases; ledger_load_free ends the
 * clients. All functions are for the main thread, and those that check may fail the running cmocka
 * test; only the ledger_client_* are for the thread of a client, and check nothing.
 *
 * Invariant: what a client was told with success, and only that, is a promise. Whatever died in
 * between, each promise is one row of the ledger's events.
 */
#pragma once

#include "support/api.h"
#include "support/ledger_base.h"

#include <pthread.h>
#include <stdatomic.h>

#define LEDGER_LOAD_CLIENTS 6
#define LEDGER_LOAD_ITEMS   5
#define LEDGER_LOAD_STOCK   1000000
#define LEDGER_RECOVERY_MS  180000 /* for whatever must come about */
#define LEDGER_PROMISE_SIZE 64     /* "<reservation> confirm", "<key> decrement" */
#define LEDGER_NAME_SIZE    48     /* its first word */

struct ledger_load;

struct ledger_client {
    struct ledger_load *load;
    int index;
    struct http_conn conn;
    struct http_resp resp;
};

struct ledger_load {
    struct stack *stack;
    const struct bases *bases;
    int partitions;
    /* For the test to change between init and start. */
    void (*step)(struct ledger_client *c, int n); /* what a client does for each n, on and on */
    int64_t limit;   /* of the first item, for each customer; 0: none */
    bool may_forget; /* what was answered may be lost: a 404 counts as refused */

    char skus[LEDGER_LOAD_ITEMS][32];
    atomic_int answered; /* with success */
    atomic_int refused;  /* 503, 504, or no answer */
    atomic_int wrong;    /* anything else */
    atomic_int ports[LEDGER_LOAD_CLIENTS];
    atomic_int promise_count;
    char (*promises)[LEDGER_PROMISE_SIZE];
    atomic_bool stop;
    bool running;
    pthread_t threads[LEDGER_LOAD_CLIENTS];
    struct ledger_client clients[LEDGER_LOAD_CLIENTS];
};

/* Nothing runs yet; enough for the questions below. */
void ledger_load_init(struct ledger_load *load, struct stack *stack, const struct bases *bases,
                      int partitions);

/* Stops the clients and forgets the promises. Fine on one that is zeroed. */
void ledger_load_free(struct ledger_load *load);

/* Makes the items and lets the clients go at the stack's service. Once for each init. */
void ledger_load_start(struct ledger_load *load);

/* Sends every step-th client, beginning with the first, to the service at this port. */
void ledger_load_aim(struct ledger_load *load, int port, int step);

/* Waits until so many more requests were answered with success. */
void ledger_load_await(struct ledger_load *load, int more);

void ledger_load_stop(struct ledger_load *load);

/* Ends the load, waits until all of it is in SQL, and compares: items, promises, the number of
 * events with that of effects, the ledger with itself; last an audit. */
void ledger_load_stop_and_check(struct ledger_load *load);

/* Runs `stockd audit`, which must say that Redis and the ledger are equal. */
void ledger_audit_is_equal(const struct ledger_load *load);

/* Ids of the stream as one number, epoch * 1000000000 + seq: the last one of the stream, and the
 * last one that SQL holds. */
int64_t ledger_stream_end(const struct ledger_load *load, int partition);
int64_t ledger_checkpoint(const struct ledger_load *load, int partition);

/* SQL has all of every partition, and what it has is trimmed. */
bool ledger_caught_up(const struct ledger_load *load);

/* For a step. One request, wherever the service is now, and its answer in c->resp: true if it is a
 * success. Hold makes a reservation, and copies its id; settle ends one ("confirm", "release").
 * Those two are promises if they succeed, other requests are not. */
bool ledger_client_post(struct ledger_client *c, const char *path, const char *headers,
                        const char *body);
bool ledger_client_hold(struct ledger_client *c, const char *body, char id[LEDGER_NAME_SIZE]);
bool ledger_client_settle(struct ledger_client *c, const char *id, const char *end);

/* Takes the database away: holds the write lock of the file as another program would, or kills the
 * server. What begin returns is for end. */
struct db *ledger_outage_begin(struct bases *bases);
void ledger_outage_end(struct bases *bases, struct db *other);
