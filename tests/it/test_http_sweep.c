/* test_http_sweep.c -- clients whose connection ends at every byte of a request and of its answer:
 * by an orderly end, a reset, a half-close, or a reset after a silence. Whatever was cut, the
 * worker is the same process, somebody else beside it gets right answers all along, stock is
 * conserved, and nothing of the connection stays behind.
 *
 * By default some positions of each kind are drawn; SEED in the environment repeats a run, and
 * POSITIONS says how many ("all": every byte). */
#include "random.h"
#include "store/layout.h"
#include "support/fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PARTITIONS  4
#define START       1000000
#define LISTED      60 /* items, so that a list does not fit into a small socket buffer */
#define REQUEST_MAX 2048
#define ANSWER_MAX  65536
#define DRAWN       20 /* positions of a kind, a side and an end */
#define CHECK_EVERY 16 /* cuts */
#define FDS_SLACK   8  /* connections to the database, opened when they are needed */

enum kind { RESERVE, BATCH, POLL, STREAM, READ, LIST, KINDS };
enum side { REQUEST, ANSWER, SIDES };
enum end { END_FIN, END_RST, END_HALF, END_STALL, ENDS };

static const char *const kind_names[] = {"reserve", "batch", "poll", "stream", "read", "list"};
static const char *const side_names[] = {"request", "answer"};
static const char *const end_names[] = {"end", "reset", "half-close", "silence and reset"};

static pid_t worker;
static struct rng rng;
static char skus[PARTITIONS][32], bystander[32];
static int64_t sold_to_bystander;
static char cursor[256]; /* of the events, at their end when a poll was made */
static int64_t begun[KINDS], told[KINDS];
static int halves[REQUEST_MAX]; /* sockets that sent half a request and ended their side */
static int half_count;
static char at[96]; /* where the sweep is, for messages */

/* --- a service -------------------------------------------------------------------------------- */

static void make_items(void)
{
    KEEP(bystander, api_item(a, START, 0));
    for (unsigned found = 0; found != (1u << PARTITIONS) - 1;) {
        const char *sku = new_sku();
        unsigned p = layout_partition(PARTITIONS, str_of(sku));
        if (found & 1u << p)
            continue;
        found |= 1u << p;
        KEEP(skus[p], sku);
        api_call(a, 201, "PUT", ITEM(sku), NULL, text("{\"on_hand\":%d}", START));
    }
    for (int i = 0; i < LISTED; i++)
        api_item(a, 1, 0);
}

static void begin(void)
{
    rng_seed(&rng, seed_of_run());
    worker = pid_of(TSERVICE_WORKER);
    assert_true(worker > 0);
    make_items();
}

static int worker_fds(void)
{
    DIR *dir = opendir(text("/proc/%d/fd", (int)worker));
    int count = 0;
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* --- the requests ----------------------------------------------------------------------------- */

static const char *with_body(const char *path, const char *body)
{
    return text("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n\r\n%s",
                path, strlen(body), body);
}

static const char *without(const char *path, const char *headers)
{
    return text("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers);
}

static const char *batch_body(void)
{
    return text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
                "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
                "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
                "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}]}",
                skus[0], skus[1], skus[2], skus[3]);
}

static const char *request_of(enum kind kind)
{
    switch (kind) {
    case RESERVE:
        return with_body(RESERVATIONS,
                         text("{\"sku\":\"%s\",\"quantity\":1,\"ttl_seconds\":86400}", skus[1]));
    case BATCH: return with_body("/v1/batch", batch_body());
    case POLL:
        get("/v1/events?after=latest");
        KEEP(cursor, api_str(a, "next_cursor"));
        return without(text("/v1/events?after=%s&wait=2", cursor), "");
    case STREAM: return without("/v1/events", "Accept: text/event-stream\r\n");
    case READ: return without(ITEM(skus[2]), "");
    case LIST: return without("/v1/items?limit=500", "");
    case KINDS: break;
    }
    abort();
}

/* --- those beside it -------------------------------------------------------------------------- */

/* A sale and a look, with the numbers that they must have. */
static void bystander_is_served(void)
{
    post(200, DECREMENT(bystander), "{\"quantity\":1}");
    sold_to_bystander++;
    check_item(a, bystander, START - sold_to_bystander, START - sold_to_bystander, 0,
               sold_to_bystander, sold_to_bystander + 1);
}

/* What was sold and is held is what was asked for as a whole, and at least what was answered. */
static void check_conserved(void)
{
    for (int i = 0; i < PARTITIONS; i++) {
        get(ITEM(skus[i]));
        int64_t sold = api_int(a, "sold"), held = api_int(a, "held");
        int64_t lost = i == 1 ? begun[RESERVE] - told[RESERVE] : 0;
        assert_int_equal(api_int(a, "on_hand"), START - sold);
        assert_int_equal(api_int(a, "available"), START - sold - held);
        assert_in_range(sold, told[BATCH], begun[BATCH]);
        assert_in_range(held, i == 1 ? told[RESERVE] : 0, (i == 1 ? told[RESERVE] : 0) + lost);
    }
}

static void check_worker(void)
{
    pid_t now = 0;
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_WORKER, &now, 1), 1);
    assert_int_equal(now, worker);
}

/* --- a client that is cut off ----------------------------------------------------------------- */

struct client {
    int fd;
    size_t n;
    bool over; /* the server ended the connection */
    char in[ANSWER_MAX + 1];
};

static struct client client;

static void client_open(bool reads_little)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)stack.service.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int small = 2048;
    client.n = 0;
    client.over = false;
    client.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client.fd >= 0);
    if (reads_little)
        setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(connect(client.fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

static void client_send(const char *bytes, size_t n)
{
    for (size_t sent = 0; sent < n;) {
        ssize_t got = send(client.fd, bytes + sent, n - sent, MSG_NOSIGNAL);
        assert_true(got > 0);
        sent += (size_t)got;
    }
}

/* Where the first answer ends, if all of it is there; 0: not yet. */
static size_t answer_bytes(void)
{
    client.in[client.n] = '\0';
    const char *head_end = strstr(client.in, "\r\n\r\n");
    const char *length = strcasestr(client.in, "\r\nContent-Length: ");
    if (!head_end || !length || length > head_end)
        return 0; /* a stream never ends */
    size_t all = (size_t)(head_end + 4 - client.in) + strtoul(length + 18, NULL, 10);
    return client.n >= all ? all : 0;
}

/* Reads up to so many bytes of an answer, but not past its end. */
static void client_read(size_t up_to)
{
    int64_t until = test_now_ms() + RECOVERY_MS;
    while (client.n < up_to && answer_bytes() == 0 && !client.over) {
        struct pollfd p = {.fd = client.fd, .events = POLLIN};
        if (poll(&p, 1, (int)(until - test_now_ms())) <= 0)
            fail_msg("%s: neither an answer nor an end; so far: %.300s", at, client.in);
        ssize_t got = recv(client.fd, client.in + client.n, up_to - client.n, 0);
        client.over = got <= 0;
        client.n += got > 0 ? (size_t)got : 0;
    }
}

/* What came is one answer of ours, or its beginning. */
static void check_answer(bool whole_request)
{
    static const char good[] = "HTTP/1.1 20", bad[] = "HTTP/1.1 40";
    size_t n = client.n < strlen(good) ? client.n : strlen(good);
    client.in[client.n] = '\0';
    const char *second = client.n > 8 ? strstr(client.in + 8, "HTTP/1.") : NULL;
    if (memcmp(client.in, whole_request ? good : bad, n) != 0 || second ||
        strstr(client.in, "<html"))
        fail_msg("%s: answered %.600s", at, client.in);
}

static void client_end(bool with_reset)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (with_reset)
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(client.fd);
}

/* All that there is to come: an answer, or the end of the connection; of a stream its head. */
static void client_read_on(enum kind kind)
{
    if (kind != STREAM)
        client_read(ANSWER_MAX);
    while (kind == STREAM && !client.over &&
           !strstr((client.in[client.n] = '\0', client.in), "\r\n\r\n"))
        client_read(client.n + 1);
}

/* An answer, or none if the end came before it: the library gives up what it still waits for. */
static void half_closed_is_served(enum kind kind)
{
    client_read_on(kind);
    check_answer(true);
    client_end(false);
}

/* Half a request gets no answer but that it is none, and its connection ends. */
static void check_halves(void)
{
    for (int i = 0; i < half_count; i++) {
        client.fd = halves[i];
        client.n = 0;
        client.over = false;
        while (!client.over)
            client_read(client.n + 1 < ANSWER_MAX ? client.n + 1 : ANSWER_MAX);
        check_answer(false);
        client_end(false);
    }
    half_count = 0;
}

static void finish(enum kind kind, enum end end, bool whole_request)
{
    switch (end) {
    case END_FIN: client_end(false); return;
    case END_RST: client_end(true); return;
    case END_STALL:
        bystander_is_served();
        client_end(true);
        return;
    case END_HALF:
        shutdown(client.fd, SHUT_WR);
        if (whole_request)
            half_closed_is_served(kind);
        else
            halves[half_count++] = client.fd; /* later: the server takes a second to notice */
        return;
    case ENDS: break;
    }
    abort();
}

/* Cuts once. */
static void cut(enum kind kind, enum side side, enum end end, size_t position)
{
    const char *request = request_of(kind);
    size_t n = strlen(request), sent = side == REQUEST && position < n ? position : n;
    client_open(side == ANSWER);
    client_send(request, sent);
    begun[kind] += sent == n;
    if (side == ANSWER && kind == POLL)
        bystander_is_served(); /* so that there is something to answer */
    if (side == ANSWER) {
        client_read(position);
        check_answer(true);
    }
    finish(kind, end, sent == n);
    told[kind] += answer_bytes() > 0 && sent == n;
}

/* --- the sweep -------------------------------------------------------------------------------- */

/* How long an answer is, or the first part of a stream that can be told apart from any other. */
static size_t answer_length(enum kind kind)
{
    if (kind == STREAM)
        return 6000; /* its first page, and into the next */
    cut(kind, ANSWER, END_FIN, ANSWER_MAX);
    size_t n = answer_bytes();
    assert_true(n > 0 && n < ANSWER_MAX);
    return n;
}

static void cut_and_look(enum kind kind, enum side side, enum end end, size_t position)
{
    static int cuts;
    snprintf(at, sizeof(at), "%s, %s, %s at byte %zu", kind_names[kind], side_names[side],
             end_names[end], position);
    cut(kind, side, end, position);
    bystander_is_served();
    if (++cuts % CHECK_EVERY != 0)
        return;
    check_worker();
    check_conserved();
}

/* Every byte, or the first, the last and some between. */
static void sweep(enum kind kind, enum side side, enum end end, size_t length)
{
    const char *given = getenv("POSITIONS");
    size_t drawn = given ? strtoul(given, NULL, 10) : DRAWN;
    if (kind == POLL && side == ANSWER && !given)
        drawn = 6; /* each waits for an event */
    if ((given && strcmp(given, "all") == 0) || drawn > length) {
        for (size_t k = 0; k <= length; k++)
            cut_and_look(kind, side, end, k);
        return;
    }
    cut_and_look(kind, side, end, 0);
    cut_and_look(kind, side, end, length - 1);
    cut_and_look(kind, side, end, length);
    for (size_t i = 3; i < drawn; i++)
        cut_and_look(kind, side, end, rng_below(&rng, length));
}

/* Streams whose client left are noticed with the next thing that is sent to them. */
static bool only_we_are_connected(void)
{
    bystander_is_served();
    return metric("stockd_http_connections_open") == 1;
}

static void sweep_kind(enum kind kind)
{
    size_t answer = answer_length(kind);
    bystander_is_served();
    assert_true(await(only_we_are_connected(), RECOVERY_MS));
    int fds = worker_fds();
    for (enum end end = 0; end < ENDS; end++) {
        sweep(kind, REQUEST, end, strlen(request_of(kind)));
        check_halves();
        sweep(kind, ANSWER, end, answer);
    }
    assert_true(await(only_we_are_connected(), RECOVERY_MS));
    check_worker();
    check_conserved();
    assert_true(worker_fds() <= fds + FDS_SLACK);
    assert_int_equal(metric("stockd_process_restarts_total"), 0);
    assert_true(await(metric("stockd_queue_depth") == 0, RECOVERY_MS));
}

static void a_reservation_may_be_cut_anywhere(void **state)
{
    sweep_kind(RESERVE);
}

static void a_batch_over_partitions_may_be_cut_anywhere(void **state)
{
    sweep_kind(BATCH);
}

static void a_long_poll_may_be_cut_anywhere(void **state)
{
    sweep_kind(POLL);
}

static void a_stream_of_events_may_be_cut_anywhere(void **state)
{
    sweep_kind(STREAM);
}

static void a_read_may_be_cut_anywhere(void **state)
{
    sweep_kind(READ);
}

static void a_list_may_be_cut_anywhere(void **state)
{
    sweep_kind(LIST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reservation_may_be_cut_anywhere),
        cmocka_unit_test(a_batch_over_partitions_may_be_cut_anywhere),
        cmocka_unit_test(a_long_poll_may_be_cut_anywhere),
        cmocka_unit_test(a_stream_of_events_may_be_cut_anywhere),
        cmocka_unit_test(a_read_may_be_cut_anywhere),
        cmocka_unit_test(a_list_may_be_cut_anywhere),
    };
    return run_suite("http: cut at every byte", tests, .redis.aof = TREDIS_AOF_ALWAYS,
                     .partitions = PARTITIONS, .ledger = ON_SQLITE, .begun = begin);
}
