#include "support/memory_walk.h"

#include <errno.h>

#define IN_A_ROW 9 /* as when memory is short for a while */
#define STEP     7 /* of those */
#define LOST_MAX 6 /* blocks: fewer than requests that were refused */

#define LOST_WAIT_MS 20000
#define WALKS_MAX    5 /* more than there are such threads */

static const char *named; /* the errand that is under way */
static long at, in_a_row; /* its n */
static long refused;      /* no answer, or 503 */
static pid_t worker;
struct memory_faults_file faults;
int turns;

void walk_choose_worker(void)
{
    turns = 0;
    worker = pid_of(TSERVICE_WORKER);
    assert_true(worker > 0);
    memory_faults_choose(&faults, worker);
}

void walk_check_worker(void)
{
    assert_int_equal(pid_of(TSERVICE_WORKER), worker);
}

const char *walk_key(int turn)
{
    return text("Idempotency-Key: k%d\r\n", turn);
}

void walk_begin(const char *name)
{
    named = name;
    in_a_row = 1;
}

void walk_at(long n)
{
    at = n;
}

void walk_blame(const char *what, int status)
{
    fail_msg("%s, allocation %ld and %ld behind it: %s (%d): %s", named, at, in_a_row - 1, what,
             status, a->resp.body ? a->resp.body : "");
}

bool walk_is_end(int rc)
{
    return rc == -ECONNRESET || rc == -EPIPE || rc == -EPROTO || rc == -ECONNABORTED;
}

/* Whoever was told something was told the truth: all of a batch, each by itself. */
static void check_answer(const struct errand *e)
{
    json_t *answer = http_resp_json(&a->resp), *results, *result;
    size_t i;
    if (a->resp.status == 503 && !(answer && strstr(a->resp.head, "\r\nRetry-After: ")))
        walk_blame("a 503 without a reason, or a time", 503);
    if (a->resp.status != 503 && a->resp.status != e->good)
        walk_blame("another status", a->resp.status);
    results = json_object_get(answer, "results");
    json_array_foreach(results, i, result)
    {
        int status = (int)json_integer_value(json_object_get(result, "status"));
        if (status != 200 && status != 201 && status != 503)
            walk_blame("another status in a batch", status);
    }
}

void walk_ask(const struct errand *e)
{
    http_conn_close(&a->conn);
    int rc = http_call(&a->conn, e->method, e->path, e->headers, e->body, &a->resp);
    if (rc < 0 && !walk_is_end(rc))
        walk_blame("neither an answer nor an end", rc);
    if (rc == 0)
        check_answer(e);
    refused += a->resp.status != e->good;
}

/* True: an operation of a batch was refused for want of memory. */
static bool is_refused_in_part(void)
{
    json_t *results = json_object_get(http_resp_json(&a->resp), "results"), *result;
    size_t i;
    json_array_foreach(results, i, result) if (json_integer_value(json_object_get(
                                                   result, "status")) == 503) return true;
    return false;
}

/* Now there is memory. */
static void ask_again(const struct errand *e)
{
    do {
        int rc = http_call_decided(&a->conn, e->method, e->path, e->headers, e->body, &a->resp);
        if (rc != e->good)
            walk_blame("not answered afterwards", rc);
    } while (is_refused_in_part());
}

/* How many allocations there were. Each n is asked for anew, and once more where the request was
 * refused before it got there: what failed before may still be made again. */
static long walk(const char *name, struct errand (*make)(int turn), long row, long step)
{
    named = name;
    in_a_row = row;
    for (at = 0; at < ALLOCATIONS_MAX;) {
        struct errand e = make(turns + 1);
        turns += e.has_effect;
        memory_faults_arm(&faults, at, row);
        walk_ask(&e);
        bool came = memory_faults_disarm(&faults), good = a->resp.status == e.good;
        ask_again(&e);
        if (!came && good)
            return at;
        at += came ? step : 0;
    }
    walk_blame("there is no end", 0);
    return at;
}

/* True if nothing was lost, or *lost blocks. */
static bool walk_loses_nothing(const char *name, struct errand (*make)(int turn), long *lost)
{
    long before = memory_faults_live(&faults);
    refused = 0;
    long steps = walk(name, make, 1, 1);
    assert_true(steps > 0 && refused > LOST_MAX);
    print_message("%s: %ld allocations, %ld refused\n", name, steps, refused);
    walk(name, make, IN_A_ROW, STEP);
    await_ready();
    bool nothing = await(memory_faults_live(&faults) <= before + LOST_MAX, LOST_WAIT_MS);
    *lost = memory_faults_live(&faults) - before;
    return nothing;
}

/* Once to fill whatever is kept for later. What is opened when it is first needed, as the
 * connection of one more thread that asks SQL, grows once; what is lost is lost each time. */
void walk_check(const char *name, struct errand (*make)(int turn))
{
    long lost = 0;
    walk(name, make, IN_A_ROW, STEP);
    await_ready(); /* else it has not all of its connections to Redis */
    for (int i = 0; !walk_loses_nothing(name, make, &lost); i++)
        if (i == WALKS_MAX)
            fail_msg("%s: %ld blocks were lost, each time", name, lost);
    walk_check_worker();
}
