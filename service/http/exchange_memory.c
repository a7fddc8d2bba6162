/* exchange_memory.c -- what bodies and answers of a worker take, and that it stays in bounds.
 *
 * The budget counts what is allocated for exchanges that are under way: bodies, what was read of
 * them, answers, also those that a client does not take. What a body is parsed into lives for one
 * call only, and may take what the budget has left. An exchange that wants more asks before it
 * takes it, so one that is refused has changed nothing. Large ones may fill half of the budget
 * only: whoever sends or asks little is served beside those who ask for much. */
#include "http/exchange.h"
#include "http/server_limits.h"
#include "stats.h"

#include <assert.h>
#include <malloc.h>

static size_t buffer_bytes(const struct exchange *x)
{
    return x->body.cap + x->out.cap + x->arena.used_bytes;
}

static void change(struct http_server *server, size_t more, size_t less)
{
    assert(server->memory_bytes >= less);
    server->memory_bytes += more;
    server->memory_bytes -= less;
    if (server->memory_bytes > server->memory_peak_bytes)
        server->memory_peak_bytes = server->memory_bytes;
}

void server_had(struct http_server *server, size_t bytes)
{
    change(server, bytes, 0);
    change(server, 0, bytes);
}

static void count_bytes(struct exchange *x, size_t bytes)
{
    change(x->server, bytes, x->held_bytes);
    x->held_bytes = bytes;
}

bool server_hold(struct http_server *server, size_t bytes)
{
    if (bytes > server->memory_max_bytes - server->memory_bytes ||
        server->memory_bytes > server->memory_max_bytes)
        return false;
    change(server, bytes, 0);
    return true;
}

void server_let_go(struct http_server *server, size_t bytes)
{
    change(server, 0, bytes);
}

/* What is left of `most` beside others, and at the most so much for this one. */
static size_t left_of(const struct exchange *x, size_t most, size_t at_most)
{
    size_t others = x->server->memory_bytes - x->held_bytes;
    size_t left = others < most ? most - others : 0;
    return left < at_most ? left : at_most;
}

/* The most that it may have, all in all. */
static size_t granted(const struct exchange *x)
{
    size_t max = x->server->memory_max_bytes;
    size_t large = left_of(x, max / 2, SIZE_MAX), small = left_of(x, max, SERVER_LARGE_BYTES);
    return large > small ? large : small;
}

size_t exchange_room(const struct exchange *x)
{
    size_t most = granted(x), has = buffer_bytes(x);
    return most > has ? most - has : 0;
}

bool exchange_hold(struct exchange *x, size_t more)
{
    size_t bytes = buffer_bytes(x) + more;
    if (bytes > x->held_bytes && bytes > granted(x))
        return false;
    count_bytes(x, bytes);
    return true;
}

void exchange_recount(struct exchange *x)
{
    count_bytes(x, buffer_bytes(x));
}

void exchange_let_go(struct exchange *x)
{
    count_bytes(x, 0);
}

bool exchange_put_body(struct exchange *x, const char *data, size_t n)
{
    struct buf *body = &x->body;
    size_t growth = n <= body->cap - body->n ? 0 : n > body->cap ? n : body->cap;
    if (!exchange_hold(x, growth))
        return false;
    buf_put(body, data, n);
    exchange_recount(x);
    return !body->failed;
}

void exchange_drop_body(struct exchange *x)
{
    buf_free(&x->body);
    exchange_recount(x);
}

/* The allocator keeps what was freed below something that still lives. */
void server_give_back(struct http_server *server)
{
    stats_set(STATS_HTTP_MEMORY, (int64_t)server->memory_bytes);
    if (server->memory_peak_bytes < SERVER_TRIM_BYTES ||
        server->memory_bytes > server->memory_peak_bytes / 4)
        return;
    server->memory_peak_bytes = server->memory_bytes;
    malloc_trim(0);
}
