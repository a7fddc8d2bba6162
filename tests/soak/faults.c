/* faults.c -- see faults.h. */
#include "soak/faults.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MOST_MS 1500
#define RESETS        40
#define STALLS        20
#define SLOW          4
#define POLLS         60

/* --- connections ------------------------------------------------------------------------------ */

static void reset(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

/* -1: not connected; the service may have no room just now. */
static int dial(const struct soak *s, bool reads_little)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s->stack.service.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval most = {.tv_sec = 5};
    int small = 2048, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (reads_little)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int dial_and_send(const struct soak *s, bool reads_little, const char *bytes, size_t n)
{
    int fd = dial(s, reads_little);
    if (fd >= 0)
        (void)!send(fd, bytes, n, MSG_NOSIGNAL); /* how much of it arrives is all the same */
    return fd;
}

static void hold(struct soak *s, int fd)
{
    int *place = &s->held[s->next_held++ % SOAK_HELD_MAX];
    if (*place >= 0)
        reset(*place);
    *place = fd;
}

static const char batch[] =
    "POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 58\r\n\r\n"
    "{\"operations\":[{\"op\":\"decrement\",\"sku\":\"x\",\"quantity\":1}]}";
static const char list[] = "GET /v1/items?limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char stream[] =
    "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
static const char latest[] =
    "GET /v1/events?after=latest&wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n";

static const struct {
    const char *bytes;
    size_t n;
} requests[] = {{batch, sizeof(batch) - 1},
                {list, sizeof(list) - 1},
                {stream, sizeof(stream) - 1},
                {latest, sizeof(latest) - 1}};

static void clients_reset(struct soak *s)
{
    for (int i = 0; i < RESETS; i++) {
        size_t kind = rng_below(&s->rng, sizeof(requests) / sizeof(*requests));
        size_t n = rng_below(&s->rng, requests[kind].n + 1);
        int fd = dial_and_send(s, false, requests[kind].bytes, i % 2 ? n : requests[kind].n);
        if (fd >= 0)
            i % 5 ? reset(fd) : close(fd);
    }
}

static void clients_stall(struct soak *s)
{
    for (int i = 0; i < STALLS; i++) {
        size_t kind = rng_below(&s->rng, sizeof(requests) / sizeof(*requests));
        int fd =
            dial_and_send(s, false, requests[kind].bytes, rng_below(&s->rng, requests[kind].n));
        if (fd >= 0)
            hold(s, fd);
    }
}

static void clients_do_not_read(struct soak *s)
{
    for (int i = 0; i < SLOW; i++) {
        int fd = dial_and_send(s, true, i % 2 ? list : stream, strlen(i % 2 ? list : stream));
        if (fd >= 0)
            hold(s, fd);
    }
}

static void clients_poll_and_leave(struct soak *s)
{
    for (int i = 0; i < POLLS; i++) {
        int fd = dial_and_send(s, false, latest, sizeof(latest) - 1);
        if (fd >= 0)
            i % 3 ? hold(s, fd) : reset(fd);
    }
}

/* --- processes -------------------------------------------------------------------------------- */

static void kill_one(struct soak *s, const char *role)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    int n = tservice_pids(&s->stack.service, role, pids, TSERVICE_CHILDREN_MAX);
    if (n == 0)
        return; /* the last one has not been started again yet */
    pid_t pid = pids[rng_below(&s->rng, (uint64_t)n)];
    s->kills += kill(pid, SIGKILL) == 0;
    (void)await(!tproc_pid_alive(pid), 60000); /* else it would be found, and counted, again */
}

static void worker_dies(struct soak *s)
{
    kill_one(s, TSERVICE_WORKER);
}

static void keeper_or_ledger_dies(struct soak *s)
{
    kill_one(s, rng_below(&s->rng, 2) ? TSERVICE_KEEPER : TSERVICE_LEDGER);
}

/* --- Redis ------------------------------------------------------------------------------------ */

static void nap(struct soak *s, uint64_t most_ms)
{
    int64_t until = test_now_ms() + (int64_t)rng_below(&s->rng, most_ms);
    while (test_now_ms() < until)
        test_pause();
}

/* Sometimes for longer than requests may take. */
static void redis_stands_still(struct soak *s)
{
    tredis_freeze(&s->stack.redis);
    nap(s, rng_below(&s->rng, 8) ? 1500 : 8000);
    tredis_thaw(&s->stack.redis);
}

static void redis_command(struct soak *s, const char *command)
{
    redisContext *c = tredis_connect(&s->stack.redis);
    if (!c)
        return;
    freeReplyObject(redisCommand(c, command));
    redisFree(c);
}

static void redis_hangs_up(struct soak *s)
{
    redis_command(s, "CLIENT KILL TYPE normal SKIPME yes");
}

/* Everything that writes is answered NOREPLICAS, or OOM. */
static void redis_refuses(struct soak *s)
{
    bool replicas = rng_below(&s->rng, 2);
    redis_command(s, replicas ? "CONFIG SET min-replicas-to-write 1" : "CONFIG SET maxmemory 1mb");
    nap(s, 1500);
    redis_command(s, replicas ? "CONFIG SET min-replicas-to-write 0" : "CONFIG SET maxmemory 0");
}

/* --- all of it -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*begin)(struct soak *s);
} faults[SOAK_KINDS] = {
    {"clients that reset", clients_reset},
    {"clients that stall", clients_stall},
    {"clients that do not read", clients_do_not_read},
    {"polls and leaves", clients_poll_and_leave},
    {"workers killed", worker_dies},
    {"keepers and ledgers killed", keeper_or_ledger_dies},
    {"Redis standing still", redis_stands_still},
    {"Redis hanging up", redis_hangs_up},
    {"Redis refusing", redis_refuses},
};

void soak_fault(struct soak *s)
{
    size_t kind = rng_below(&s->rng, SOAK_KINDS);
    faults[kind].begin(s);
    s->done[kind]++;
    nap(s, PAUSE_MOST_MS);
}

void soak_mend(struct soak *s)
{
    for (int i = 0; i < SOAK_HELD_MAX; i++) {
        if (s->held[i] >= 0)
            close(s->held[i]);
        s->held[i] = -1;
    }
    redis_command(s, "CONFIG SET min-replicas-to-write 0");
    redis_command(s, "CONFIG SET maxmemory 0");
}

void soak_say(const struct soak *s)
{
    for (size_t i = 0; i < SOAK_KINDS; i++)
        printf("%s%s: %d", i ? ", " : "", faults[i].name, s->done[i]);
    printf("\n");
}

int64_t soak_metric(struct soak *s, const char *name)
{
    struct api *a = &s->stack.api;
    char line[96];
    if (http_call(&a->conn, "GET", "/metrics", NULL, NULL, &a->resp) != 0 || a->resp.status != 200)
        return -1;
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(a->resp.body, line);
    return at ? strtoll(at + strlen(line), NULL, 10) : 0;
}

bool soak_is_ready(struct soak *s)
{
    return api_ready(&s->stack.api);
}

int soak_start(struct soak *s)
{
    static const struct tredis_opts redis = {.aof = TREDIS_AOF_EVERYSEC};
    const char *seed = getenv("SEED");
    /* Less than a client waits, and than it waits before it asks what became of a request. */
    const char *extra[] = {
        "--request-timeout", "5s", "--memory-max", "64m", "--ledger", NULL, NULL};
    *s = (struct soak){.seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)test_now_ms()};
    printf("SEED=%" PRIu64 "\n", s->seed);
    rng_seed(&s->rng, s->seed);
    for (int i = 0; i < SOAK_HELD_MAX; i++)
        s->held[i] = -1;
    bases_start_or_skip(&s->bases);
    db_close(bases_ledger(&s->bases, BASE_SQLITE));
    extra[5] = s->bases.url;
    return stack_start(&s->stack, &redis, 2, extra);
}

int soak_stop(struct soak *s)
{
    soak_mend(s);
    int rc = stack_stop(&s->stack);
    bases_stop(&s->bases);
    return rc;
}
