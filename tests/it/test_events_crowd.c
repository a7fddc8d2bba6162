/* test_events_crowd.c -- thousands who wait for the same events at one worker: each gets all of
 * them, in order, nobody is refused, and those who write beside them go on.
 *
 * CROWD in the environment says how many; 3,000 by default, 600 under a sanitizer; fewer if there
 * are not so many descriptors. */
#include "support/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CROWD      3000
#define CROWD_SLOW 600 /* under a sanitizer */
#define CROWD_MOST 16000
#define SPARE_FDS  200
#define ROUNDS     5 /* answers to each, while somebody writes */
#define ALONE      300
#define BURST      500 /* writes without a pause; each has to be told to everybody */
#define ANSWER_MAX (2 << 20)
#define LIMIT_MS   120000

/* One who polls. Its next request begins where its last answer ended. */
struct waiter {
    int fd;
    char cursor[64];
    int64_t version; /* of the item: the last that it was told */
    int answers, refused;
};

static struct waiter waiters[CROWD_MOST];
static int crowd, loop_fd;
static char sku[32];
static char answer[ANSWER_MAX + 1];

static void count_files(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files); /* the service inherits it */
    rlim_t most = files.rlim_cur > 2 * SPARE_FDS ? files.rlim_cur - SPARE_FDS : SPARE_FDS;
    const char *asked = getenv("CROWD");
    crowd = asked ? atoi(asked) : tservice_is_slow() ? CROWD_SLOW : CROWD;
    crowd = crowd > CROWD_MOST ? CROWD_MOST : crowd;
    crowd = (rlim_t)crowd > most ? (int)most : crowd;
}

static void make_item(void)
{
    KEEP(sku, api_item(a, 1000000000, 0));
}

/* --- those who wait --------------------------------------------------------------------------- */

static void ask(struct waiter *w)
{
    char request[256];
    int n = snprintf(request, sizeof(request),
                     "GET /v1/events?after=%s&limit=1000&wait=30 HTTP/1.1\r\n"
                     "Host: localhost\r\n\r\n",
                     w->cursor);
    assert_int_equal(send(w->fd, request, (size_t)n, MSG_NOSIGNAL), n);
}

static void join(struct waiter *w, const char *cursor, int64_t version)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)stack.service.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};
    *w = (struct waiter){.version = version};
    KEEP(w->cursor, cursor);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(w->fd >= 0);
    assert_int_equal(connect(w->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(epoll_ctl(loop_fd, EPOLL_CTL_ADD, w->fd, &event), 0);
    ask(w);
}

/* Reads one whole answer into `answer`; its status. */
static int take_answer(struct waiter *w)
{
    size_t n = 0, all = 0;
    while (all == 0 || n < all) {
        ssize_t got = recv(w->fd, answer + n, ANSWER_MAX - n, 0);
        if (got <= 0)
            fail_msg("a connection ended: %s", got < 0 ? strerror(errno) : "closed");
        n += (size_t)got;
        answer[n] = '\0';
        const char *end = strstr(answer, "\r\n\r\n");
        const char *length = strcasestr(answer, "\r\nContent-Length: ");
        if (end && length && length < end)
            all = (size_t)(end + 4 - answer) + strtoul(length + 18, NULL, 10);
        assert_true(all <= ANSWER_MAX);
    }
    return atoi(answer + strlen("HTTP/1.1 "));
}

/* The events of the one item, each with the version behind that of the one before. */
static void take_events(struct waiter *w)
{
    static const char member[] = "\"version\":", next[] = "\"next_cursor\":\"";
    for (const char *at = answer; (at = strstr(at, member)); at += strlen(member))
        assert_int_equal(strtoll(at + strlen(member), NULL, 10), ++w->version);
    const char *cursor = strstr(answer, next);
    assert_non_null(cursor);
    cursor += strlen(next);
    assert_true(strcspn(cursor, "\"") < sizeof(w->cursor));
    snprintf(w->cursor, sizeof(w->cursor), "%.*s", (int)strcspn(cursor, "\""), cursor);
}

/* Serves those whose answer is there, for a moment. */
static void take_answers(void)
{
    struct epoll_event events[256];
    int n = epoll_wait(loop_fd, events, 256, 100);
    for (int i = 0; i < n; i++) {
        struct waiter *w = events[i].data.ptr;
        int status = take_answer(w);
        w->refused += status == 503;
        w->answers += status == 200;
        if (status == 200)
            take_events(w);
        else if (status != 503)
            fail_msg("answered %.500s", answer);
        ask(w);
    }
}

static bool all_were_answered(int times)
{
    for (int i = 0; i < crowd; i++)
        if (waiters[i].answers < times)
            return false;
    return true;
}

static bool all_know(int64_t version)
{
    for (int i = 0; i < crowd; i++)
        if (waiters[i].version < version)
            return false;
    return true;
}

/* --- who writes ------------------------------------------------------------------------------- */

static struct {
    atomic_bool stop;
    int writes, wrong; /* of the thread, until it has ended */
    int64_t longest_ms;
} writer;

static void write_once(struct http_conn *c, struct http_resp *resp, const char *path)
{
    int64_t begin = test_now_ms();
    http_call(c, "POST", path, NULL, "{\"quantity\":1}", resp);
    int64_t took = test_now_ms() - begin;
    writer.longest_ms = took > writer.longest_ms ? took : writer.longest_ms;
    writer.writes += resp->status == 200;
    writer.wrong += resp->status != 200;
}

/* What is written has to be read by thousands: the time that they take must not make it more. */
static void slow_down(int written)
{
    for (int i = 0; i < 20 && written > BURST && !atomic_load(&writer.stop); i++)
        test_pause();
}

static void *write_on(void *arg)
{
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char path[96];
    http_conn_init(&c, stack.service.port);
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", sku);
    for (int n = 0; arg ? n < *(int *)arg : !atomic_load(&writer.stop); n++) {
        write_once(&c, &resp, path);
        slow_down(n);
    }
    http_resp_free(&resp);
    http_conn_close(&c);
    return NULL;
}

/* CPU time of the worker. */
static int64_t worker_ms(void)
{
    pid_t pid;
    unsigned long long user = 0, system = 0;
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_WORKER, &pid, 1), 1);
    FILE *file = fopen(text("/proc/%d/stat", (int)pid), "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file,
                            "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                            &user, &system),
                     2);
    fclose(file);
    return (int64_t)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* For people: nothing hangs on the numbers. */
static void say(const char *what, int64_t since_ms, int64_t cpu_since_ms, int64_t answers)
{
    int64_t ms = test_now_ms() - since_ms + 1;
    printf("%s: %d writes in %lld ms (%lld a second), the longest %lld ms, %lld answers to polls, "
           "worker's CPU %lld ms\n",
           what, writer.writes, (long long)ms, (long long)writer.writes * 1000 / ms,
           (long long)writer.longest_ms, (long long)answers,
           (long long)(worker_ms() - cpu_since_ms));
}

static void write_alone(void)
{
    int count = ALONE;
    int64_t begin = test_now_ms(), cpu = worker_ms();
    write_on(&count);
    say("alone", begin, cpu, 0);
    writer.writes = 0;
    writer.longest_ms = 0;
}

static int64_t answers(void)
{
    int64_t sum = 0;
    for (int i = 0; i < crowd; i++)
        sum += waiters[i].answers;
    return sum;
}

static bool events_are_in_sql(int64_t version)
{
    return sql_int("SELECT MAX(version) FROM events") >= version;
}

static void everyone_is_told_and_nobody_is_refused(void **state)
{
    pthread_t thread;
    write_alone();
    int64_t first = 1 + ALONE; /* the version of the item */
    assert_true(await(events_are_in_sql(first), LIMIT_MS));
    get("/v1/events?after=latest");
    const char *end = api_str(a, "next_cursor");
    loop_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < crowd; i++)
        join(&waiters[i], end, first);
    int64_t begin = test_now_ms(), cpu = worker_ms();
    assert_int_equal(pthread_create(&thread, NULL, write_on, NULL), 0);
    bool answered = await((take_answers(), all_were_answered(ROUNDS)), LIMIT_MS);
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
    say(text("beside %d polls", crowd), begin, cpu, answers());
    assert_true(answered);
    assert_int_equal(writer.wrong, 0);
    assert_true(writer.writes >= ROUNDS);
    assert_true(await((take_answers(), all_know(first + writer.writes)), LIMIT_MS));
    for (int i = 0; i < crowd; i++) {
        assert_int_equal(waiters[i].version, first + writer.writes);
        assert_int_equal(waiters[i].refused, 0);
        close(waiters[i].fd);
    }
    close(loop_fd);
    check_item(a, sku, 1000000000 - ALONE - writer.writes, 1000000000 - ALONE - writer.writes, 0,
               ALONE + writer.writes, first + writer.writes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_is_told_and_nobody_is_refused),
    };
    count_files();
    return run_suite("events: a crowd that waits", tests, .redis.aof = TREDIS_AOF_EVERYSEC,
                     .ledger = ON_SQLITE, .begun = make_item);
}
