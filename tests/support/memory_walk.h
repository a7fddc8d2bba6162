/* memory_walk.h -- a request asked again and again, and each time another allocation of the worker
 * fails: the client is told 503 or nothing, or what is true, and afterwards is answered.
 *
 * Layer: tests, on fixture.h and memory_faults.h; for the main thread. The service runs with
 * memory_faults_library(), and has one worker.
 */
#pragma once

#include "support/fixture.h"
#include "support/memory_faults.h"

/* A request; its texts are good until the next one is made. */
struct errand {
    const char *method, *path, *headers, *body;
    int good;        /* the status of its answer, while there is memory */
    bool has_effect; /* once, as it has a key */
};

extern struct memory_faults_file faults;
extern int turns; /* errands with an effect that were made */

/* The worker of the service that runs now is the one; turns are 0. */
void walk_choose_worker(void);

/* It is still that one. */
void walk_check_worker(void);

/* The line with the Idempotency-Key of a turn. */
const char *walk_key(int turn);

/* Fails each allocation of the errand, several in a row among them, and looks whether memory was
 * lost. make() is called with the number of the turn for each time that it is asked anew, while
 * there is memory. */
void walk_check(const char *name, struct errand (*make)(int turn));
#define check_walk_of(make) walk_check(#make, make)

/* Fails the test, with what is under way. */
void walk_blame(const char *what, int status);

/* The same by hand: what is under way, and the allocation that fails, from 0. */
void walk_begin(const char *name);
void walk_at(long n);

/* Asks once, over a new connection: an answer, which is true, or the end of it. */
void walk_ask(const struct errand *e);

/* Whether that is how a connection ends. */
bool walk_is_end(int rc);

#define ALLOCATIONS_MAX 20000
