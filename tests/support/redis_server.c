/* redis_server.c -- see redis_server.h. */
#include "support/redis_server.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX         64
#define READY_TIMEOUT_MS 180000

const char *tredis_address(const struct tredis *r)
{
    return r->opts.on ? r->opts.on->address : "127.0.0.1";
}

static redisContext *connect_within(const struct tredis *r, int seconds)
{
    struct timeval limit = {.tv_sec = seconds};
    const char *host = r->opts.on ? r->opts.on->front : "127.0.0.1";
    redisContext *c = *r->socket ? redisConnectUnixWithTimeout(r->socket, limit)
                                 : redisConnectWithTimeout(host, r->port, limit);
    if (c && (c->err || redisSetTimeout(c, limit) != REDIS_OK)) {
        redisFree(c);
        c = NULL;
    }
    return c;
}

redisContext *tredis_connect(const struct tredis *r)
{
    return connect_within(r, 20);
}

redisReply *tredis_try(const struct tredis *r, const char *format, ...)
{
    redisContext *c = connect_within(r, 2);
    if (!c)
        return NULL;
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(c, format, args);
    va_end(args);
    redisFree(c);
    if (reply && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "LOADING", 7) == 0) {
        freeReplyObject(reply);
        reply = NULL;
    }
    return reply;
}

static bool answers_ping(const struct tredis *r, bool loading)
{
    redisContext *c = tredis_connect(r);
    if (!c)
        return false;
    redisReply *reply = redisCommand(c, "PING");
    bool pong = reply && (loading ? reply->type == REDIS_REPLY_ERROR &&
                                        strncmp(reply->str, "LOADING", 7) == 0
                                  : reply->type == REDIS_REPLY_STATUS);
    if (reply)
        freeReplyObject(reply);
    redisFree(c);
    return pong;
}

static const char *acl_file(const struct tredis *r)
{
    return r->opts.acl ? r->opts.acl : getenv("TEST_REDIS_ACL");
}

/* Before it goes, and the list with it. A frozen one has none to give. */
static void keep_denied(const struct tredis *r)
{
    const char *path = getenv("TEST_REDIS_DENIED");
    redisContext *c = path && r->proc.pid > 0 ? tredis_connect(r) : NULL;
    redisReply *reply = c ? redisCommand(c, "ACL LOG") : NULL;
    FILE *out =
        reply && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 ? fopen(path, "ae") : NULL;
    for (size_t i = 0; out && i < reply->elements; i++) {
        const redisReply *entry = reply->element[i];
        for (size_t j = 0; j < entry->elements; j++)
            if (entry->element[j]->str)
                fprintf(out, "%s ", entry->element[j]->str);
        fprintf(out, "\n");
    }
    if (out)
        fclose(out);
    if (reply)
        freeReplyObject(reply);
    if (c)
        redisFree(c);
}

/* How far its clock is off, for the library that is loaded before the C library of it alone. */
static int start_at(struct tredis *r, const char *const argv[], const char *err_path)
{
    const char *library = getenv("REDIS_CLOCK");
    struct timespec now;
    char off_ms[32];
    if (!r->opts.at_ms)
        return tproc_start(&r->proc, argv, err_path);
    if (!library) {
        fprintf(stderr, "REDIS_CLOCK does not name the library that sets the clock of Redis\n");
        return -ENOENT;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(off_ms, sizeof(off_ms), "%" PRId64,
             r->opts.at_ms - (now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000));
    setenv("REDIS_CLOCK_OFF_MS", off_ms, 1);
    setenv("LD_PRELOAD", library, 1);
    int err = tproc_start(&r->proc, argv, err_path);
    unsetenv("LD_PRELOAD");
    return err;
}

void tredis_print_tls(const struct tredis *r, FILE *conf)
{
    const char *dir = r->opts.tls->dir;
    fprintf(conf, "tls-port %d\ntls-cert-file %s/redis.pem\ntls-key-file %s/redis.key\n", r->port,
            dir, dir);
    fprintf(conf, "tls-ca-cert-file %s/ca.pem\ntls-auth-clients yes\ntls-replication yes\n", dir);
}

static int write_tls(const struct tredis *r, const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return -errno;
    tredis_print_tls(r, file);
    fprintf(file, "tls-cluster yes\n");
    return fclose(file) == 0 ? 0 : -errno;
}

/* Where it is reached, and by whom; returns how many arguments there are then. */
static size_t add_doors(const struct tredis *r, const char *tls_path, const char *argv[], size_t n)
{
    if (*r->socket) {
        argv[n++] = "--unixsocket";
        argv[n++] = r->socket;
    }
    if (r->opts.tls) {
        argv[n++] = "--include";
        argv[n++] = tls_path;
    }
    argv[n++] = "--bind";
    argv[n++] = tredis_address(r);
    if (r->opts.on) {
        argv[n++] = r->opts.on->front;
        argv[n++] = "--protected-mode";
        argv[n++] = "no";
    }
    if (acl_file(r)) {
        argv[n++] = "--aclfile";
        argv[n++] = acl_file(r);
    }
    return n;
}

/* delay_us: of each command that it loads; 0: it is waited for until it has loaded all. */
static int redis_launch(struct tredis *r, int delay_us)
{
    static const char *const fsync_names[] = {"no", "everysec", "always"};
    char port[16];
    char delay[16];
    char err_path[TEST_PATH_MAX + 16], tls_path[TEST_PATH_MAX + 16];
    snprintf(port, sizeof(port), "%d", r->opts.tls ? 0 : r->port);
    snprintf(delay, sizeof(delay), "%d", delay_us);
    snprintf(err_path, sizeof(err_path), "%s/redis.err", r->dir);
    snprintf(tls_path, sizeof(tls_path), "%s/tls.conf", r->dir);
    if (r->opts.tls && write_tls(r, tls_path) != 0)
        return -EIO;

    const char *argv[ARGS_MAX] = {"redis-server",
                                  "--port",
                                  port,
                                  "--dir",
                                  r->dir,
                                  "--save",
                                  "",
                                  "--daemonize",
                                  "no",
                                  "--logfile",
                                  "redis.log",
                                  "--maxmemory-policy",
                                  "noeviction",
                                  "--appendonly",
                                  r->opts.aof == TREDIS_AOF_NO ? "no" : "yes",
                                  "--appendfsync",
                                  fsync_names[r->opts.aof],
                                  "--enable-debug-command",
                                  "yes"};
    size_t n = 0;
    while (argv[n])
        n++;
    n = add_doors(r, tls_path, argv, n);
    if (delay_us > 0) {
        argv[n++] = "--key-load-delay";
        argv[n++] = delay;
    }
    for (const char *const *arg = r->opts.extra; arg && *arg; arg++) {
        assert(n < ARGS_MAX - 1);
        argv[n++] = *arg;
    }
    thost_enter(r->opts.on);
    int err = start_at(r, argv, err_path);
    thost_leave(r->opts.on);
    if (err)
        return err;
    if (await(answers_ping(r, delay_us > 0) || !tproc_alive(&r->proc), READY_TIMEOUT_MS) &&
        r->proc.pid > 0)
        return 0;
    print_tail(err_path, 10);
    tredis_print(r);
    tproc_kill9(&r->proc);
    return -ETIMEDOUT;
}

void tredis_name_socket(struct tredis *r)
{
    snprintf(r->socket, sizeof(r->socket), "%s/redis.sock", r->dir);
}

static void name_addresses(struct tredis *r)
{
    bool tcp = r->opts.tcp || r->opts.on || r->opts.tls || acl_file(r);
    if (tcp) {
        r->port = tproc_free_port();
        snprintf(r->url, sizeof(r->url), "redis%s://%s%s:%d", r->opts.tls ? "s" : "",
                 acl_file(r) ? "stockd:change-me@" : "", tredis_address(r), r->port);
    }
    if (!tcp || r->opts.tls)
        tredis_name_socket(r);
    if (!tcp)
        snprintf(r->url, sizeof(r->url), "unix:%s", r->socket);
}

size_t tredis_begin_url(const struct tredis *r, const char *kind, char *url, size_t size)
{
    const char *scheme_end = strstr(r->url, "://"), *at = strchr(r->url, '@');
    int user = at ? (int)(at - scheme_end) - 2 : 0;
    return (size_t)snprintf(url, size, "%.*s+%s://%.*s", (int)(scheme_end - r->url), r->url, kind,
                            user, scheme_end + 3);
}

int tredis_start(struct tredis *r, const struct tredis_opts *opts)
{
    *r = (struct tredis){.proc = {.pidfd = -1, .out_fd = -1}};
    if (opts)
        r->opts = *opts;
    int err = temp_dir_make(r->dir);
    if (err)
        return err;
    name_addresses(r);
    char data[TEST_PATH_MAX + 16];
    snprintf(data, sizeof(data), "%s/dump.rdb", r->dir);
    err = r->opts.data && symlink(r->opts.data, data) < 0 ? -errno : redis_launch(r, 0);
    if (err)
        temp_dir_remove(r->dir);
    return err;
}

int tredis_restart_slowly(struct tredis *r, int delay_us)
{
    assert(r->proc.pid == 0);
    if (*r->socket)
        unlink(r->socket); /* a killed one leaves it behind, and a connect to it would be refused */
    return redis_launch(r, delay_us);
}

int tredis_restart(struct tredis *r)
{
    return tredis_restart_slowly(r, 0);
}

void tredis_load_fast(const struct tredis *r)
{
    redisContext *c = tredis_connect(r);
    if (!c)
        return;
    freeReplyObject(redisCommand(c, "CONFIG SET key-load-delay 0"));
    redisFree(c);
}

void tredis_kill9(struct tredis *r)
{
    keep_denied(r);
    tproc_kill9(&r->proc);
}

void tredis_shutdown(struct tredis *r)
{
    keep_denied(r);
    tproc_stop(&r->proc, 10000);
}

void tredis_freeze(struct tredis *r)
{
    tproc_signal(&r->proc, SIGSTOP);
}

void tredis_thaw(struct tredis *r)
{
    tproc_signal(&r->proc, SIGCONT);
}

void tredis_stop(struct tredis *r)
{
    keep_denied(r);
    tproc_kill9(&r->proc); /* nothing in it is needed any more, and a frozen one takes no SIGTERM */
    temp_dir_remove(r->dir);
    r->dir[0] = '\0';
}

int64_t tredis_int(const struct tredis *r, const char *command)
{
    redisContext *c = tredis_connect(r);
    if (!c)
        return INT64_MIN;
    redisReply *reply = redisCommand(c, command);
    int64_t value = INT64_MIN;
    if (reply && reply->type == REDIS_REPLY_INTEGER)
        value = reply->integer;
    else if (reply && reply->type == REDIS_REPLY_STRING)
        value = strtoll(reply->str, NULL, 10);
    if (reply)
        freeReplyObject(reply);
    redisFree(c);
    return value;
}

int64_t tredis_info(const struct tredis *r, const char *field)
{
    redisContext *c = tredis_connect(r);
    if (!c)
        return INT64_MIN;
    redisReply *reply = redisCommand(c, "INFO all");
    int64_t value = INT64_MIN;
    char key[64];
    snprintf(key, sizeof(key), "\n%s:", field);
    if (reply && reply->type == REDIS_REPLY_STRING) {
        const char *at = strstr(reply->str, key);
        if (at)
            value = strtoll(at + strlen(key), NULL, 10);
    }
    if (reply)
        freeReplyObject(reply);
    redisFree(c);
    return value;
}

/* A row of ROLE: address, port and offset, all of them texts. */
static bool is_row_of(const redisReply *row, const struct tredis *replica)
{
    return row->type == REDIS_REPLY_ARRAY && row->elements == 3 && row->element[1]->str &&
           row->element[2]->str && strtol(row->element[1]->str, NULL, 10) == replica->port;
}

int64_t tredis_acknowledged(const struct tredis *primary, const struct tredis *replica)
{
    redisReply *role = tredis_try(primary, "ROLE");
    int64_t offset = 0;
    bool is_primary = role && role->type == REDIS_REPLY_ARRAY && role->elements == 3 &&
                      role->element[2]->type == REDIS_REPLY_ARRAY;
    for (size_t i = 0; is_primary && i < role->element[2]->elements; i++) {
        const redisReply *row = role->element[2]->element[i];
        if (is_row_of(row, replica)) /* the last one: before it may be a link that is dead */
            offset = strtoll(row->element[2]->str, NULL, 10);
    }
    freeReplyObject(role);
    return offset;
}

void tredis_print(const struct tredis *r)
{
    char path[TEST_PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/redis.log", r->dir);
    print_tail(path, 15);
}
