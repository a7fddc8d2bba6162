/* The whole HTTP path over sockets: a worker's server, a store and a real Redis in this process,
 * and clients whose connections end where the input says. An input is a row of orders of two bytes,
 * the first of which names an action and a connection; the second is its number, for SEND the
 * number of bytes that follow and are sent. Behind each input nothing may be left in the server,
 * and on no connection may there be more answers than requests, or one that is not ours. */
#include "clock.h"
#include "http/builtin/about.h"
#include "http/exchange.h"
#include "http/server.h"
#include "http/server_limits.h"
#include "random.h"
#include "store/admin/admin.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS     4
#define ORDERS_MAX  200
#define ANSWERS_MAX (1u << 20)
#define REQUEST_MAX 1024
#define UP_MS       20000 /* for Redis to come up, and for what an input left to go */
#define CONFIG_MS   500   /* a request's time */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum action { SEND, WHOLE, PART, RESET, END, READ, TURN, BRIEF, ACTIONS };

struct client {
    int fd; /* -1: not connected */
    struct framing framing;
    struct buf answers;
};

static uv_loop_t loop;
static struct store_shared shared;
static struct store *store;
static struct http_server *server;
static struct sockaddr_in address = {.sin_family = AF_INET};
static struct client clients[CLIENTS];

#define JSON_POST(path, length, body)                                                              \
    "POST " path " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"              \
    "Content-Length: " length "\r\n\r\n" body

static const char *const requests[] = {
    "PUT /v1/items/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 16\r\n\r\n{\"on_hand\":1000}",
    JSON_POST("/v1/items/a/decrements", "14", "{\"quantity\":1}"),
    JSON_POST("/v1/reservations", "24", "{\"sku\":\"a\",\"quantity\":1}"),
    JSON_POST("/v1/batch", "268",
              "{\"operations\":["
              "{\"op\":\"decrement\",\"sku\":\"a\",\"quantity\":1},"
              "{\"op\":\"decrement\",\"sku\":\"b\",\"quantity\":1},"
              "{\"op\":\"decrement\",\"sku\":\"c\",\"quantity\":1},"
              "{\"op\":\"decrement\",\"sku\":\"d\",\"quantity\":1},"
              "{\"op\":\"decrement\",\"sku\":\"a\",\"quantity\":1},"
              "{\"op\":\"decrement\",\"sku\":\"b\",\"quantity\":1}]}"),
    "GET /v1/items/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /v1/items?limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "POST /v1/items/a/decrements HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Transfer-Encoding: chunked\r\n\r\ne\r\n{\"quantity\":1}\r\n0\r\n\r\n",
};

/* --- once ------------------------------------------------------------------------------------- */

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_http: does not hold: %s\n", what);
    abort();
}

/* It ends with this process. */
static void start_redis(const char *work_dir, const char *path)
{
    pid_t parent = getpid(), pid = fork();
    require(pid >= 0, "fork");
    if (pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    freopen("/dev/null", "w", stdout);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--dir", work_dir,
           "--save", "", "--appendonly", "no", NULL);
    _exit(127);
}

static void open_store(const char *url)
{
    const struct store_config config = {.redis_url = url,
                                        .partitions = 2,
                                        .batch_max = 16,
                                        .lanes = 1,
                                        .queue_max = 1000,
                                        .tries_max = 20,
                                        .request_timeout_ms = CONFIG_MS,
                                        .operation_retention_ms = 60000,
                                        .reservation_retention_ms = 60000,
                                        .max_hold_ms = 60000,
                                        .event_retention_ms = 60000,
                                        .ledger_max_lag = 1 << 20};
    static struct store_config kept;
    char err[256] = "";
    const char *why = "";
    kept = config;
    int64_t until = clock_mono_ms() + UP_MS;
    struct admin *admin = admin_new(&kept, &shared, err, sizeof(err));
    require(admin, err);
    while (admin_open(admin, &why) != ADMIN_OK)
        require(clock_mono_ms() < until && usleep(10000) == 0, why);
    admin_free(admin);
    store = store_new(&loop, &kept, &shared, err, sizeof(err));
    require(store, err);
}

static void put_none(const void *user, struct buf *out)
{
    buf_puts(out, STR("[]"));
}

static void open_server(void)
{
    socklen_t n = sizeof(address);
    char err[256] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(fd >= 0 && bind(fd, (struct sockaddr *)&address, n) == 0 && listen(fd, 64) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &n) == 0,
            "a listening socket");
    static const struct http_about about = {
        .max_hold_ms = CONFIG_MS, .service = "\"version\":\"0\"", .put_processes = put_none};
    const struct http_config config = {.listen_fd = fd,
                                       .request_timeout_ms = CONFIG_MS,
                                       .guards_host = true,
                                       .partitions = 2,
                                       .about = &about};
    server = http_server_new(&loop, &config, store, NULL, err, sizeof(err));
    require(server, err);
}

static char dir[] = "/tmp/stockd-fuzz-http.XXXXXX", socket_path[64], url[80];

static void remove_dir(void)
{
    unlink(socket_path);
    rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    signal(SIGPIPE, SIG_IGN);
    require(mkdtemp(dir), "a temporary directory");
    snprintf(socket_path, sizeof(socket_path), "%s/s", dir);
    snprintf(url, sizeof(url), "unix:%s", socket_path);
    start_redis(dir, socket_path);
    atexit(remove_dir);
    require(uv_loop_init(&loop) == 0, "a loop");
    open_store(url);
    open_server();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].fd = -1;
        buf_init(&clients[i].answers, ANSWERS_MAX);
    }
    return 0;
}

/* --- the orders ------------------------------------------------------------------------------- */

static void turn(unsigned count)
{
    while (count-- > 0)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void dial(struct client *c, bool reads_little)
{
    int small = 2048;
    if (c->fd >= 0)
        return;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    require(c->fd >= 0, "a socket");
    if (reads_little)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    (void)!connect(c->fd, (struct sockaddr *)&address, sizeof(address)); /* in progress */
    framing_init(&c->framing);
    buf_reset(&c->answers);
}

static void give(struct client *c, const char *bytes, size_t n)
{
    char judged[REQUEST_MAX];
    struct framing_taken taken;
    require(n <= sizeof(judged), "a request of ours is short");
    dial(c, false);
    ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
    if (sent <= 0 || c->framing.fault || framing_is_over(&c->framing))
        return;
    memcpy(judged, bytes, (size_t)sent); /* the judge writes to what it reads */
    framing_take(&c->framing, judged, (size_t)sent, &taken);
}

static void take(struct client *c)
{
    char bytes[4096];
    ssize_t n;
    while (c->fd >= 0 && (n = recv(c->fd, bytes, sizeof(bytes), 0)) > 0)
        buf_put(&c->answers, bytes, (size_t)n);
}

/* Heads of answers: no JSON text holds an end of line. */
static unsigned count_answers(struct str text)
{
    static const char begin[] = "HTTP/1.", next[] = "\r\nDate: ";
    unsigned count = 0;
    const char *end = text.p + text.n;
    for (const char *at = text.p; (at = memmem(at, (size_t)(end - at), begin, strlen(begin)));
         at++) {
        const char *line = memchr(at, '\r', (size_t)(end - at));
        count +=
            line && (size_t)(end - line) > strlen(next) && memcmp(line, next, strlen(next)) == 0;
    }
    return count;
}

static void check_answers(const struct client *c)
{
    static const char page[] = "text/html; charset=utf-8";
    struct str text = buf_str(&c->answers);
    unsigned most = (unsigned)c->framing.heads + (c->framing.fault != NULL);
    if (text.n == 0 || c->answers.failed)
        return;
    require(count_answers(text) <= most, "an answer for each request, and no more");
    require(!memmem(text.p, text.n, "<html", 5) || memmem(text.p, text.n, page, strlen(page)),
            "no page but ours");
}

static void end_connection(struct client *c)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (c->fd < 0)
        return;
    take(c);
    check_answers(c);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(c->fd);
    c->fd = -1;
}

static const char *request_at(uint8_t number)
{
    return requests[number % (sizeof(requests) / sizeof(requests[0]))];
}

static void obey(struct client *c, enum action action, uint8_t number)
{
    switch (action) {
    case WHOLE: give(c, request_at(number), strlen(request_at(number))); return;
    case PART: {
        const char *request = request_at(number);
        give(c, request, strlen(request) * (number >> 3) / 32);
        return;
    }
    case RESET: end_connection(c); return;
    case END:
        if (c->fd >= 0)
            shutdown(c->fd, SHUT_WR);
        return;
    case READ: take(c); return;
    case TURN: turn(number % 16); return;
    case BRIEF: dial(c, true); return;
    case SEND:
    case ACTIONS: break;
    }
}

/* All that is left of an input goes, and the server is as it was. */
static void come_to_rest(void)
{
    int64_t until = clock_mono_ms() + UP_MS;
    for (int i = 0; i < CLIENTS; i++)
        end_connection(&clients[i]);
    while (server->clients.count > 0 || server->orphans > 0 || !store_idle(store)) {
        require(clock_mono_ms() < until, "what clients left goes");
        uv_run(&loop, UV_RUN_ONCE);
    }
    require(!server->waiting && !server->later && server->polled == 0, "nobody waits");
    require(server->memory_bytes == 0, "nothing is held");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int orders = 0; size >= 2 && orders < ORDERS_MAX; orders++) {
        enum action action = (data[0] >> 2) % ACTIONS;
        struct client *c = &clients[data[0] % CLIENTS];
        uint8_t number = data[1];
        data += 2;
        size -= 2;
        if (action != SEND) {
            obey(c, action, number);
            continue;
        }
        size_t n = number < size ? number : size;
        give(c, (const char *)data, n);
        data += n;
        size -= n;
    }
    turn(2);
    come_to_rest();
    return 0;
}
