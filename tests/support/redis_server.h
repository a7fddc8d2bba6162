/* redis_server.h -- a redis-server of a test's own, to be frozen, killed and started again.
 *
 * Layer: tests. It lives in a temporary directory of its own, on a unix socket there or on a free
 * TCP port of loopback, and is gone with the test program however that ends. No persistence but the
 * AOF that was asked for: without one, a restart comes back empty.
 *
 * With TEST_REDIS_ACL in the environment, the path of an ACL file with a user `stockd` whose
 * password is `change-me`, it is on TCP, and url is that user's: what the test starts has those
 * rights alone, the test itself has all. What was refused to that user is written to the file that
 * TEST_REDIS_DENIED names.
 *
 * With certificates its port is for TLS alone, from clients, replicas and the other nodes of a
 * cluster, who must show one. The test itself comes by the socket, as ever.
 */
#pragma once

#include "support/certs.h"
#include "support/hosts.h"

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdio.h>

enum tredis_aof { TREDIS_AOF_NO, TREDIS_AOF_EVERYSEC, TREDIS_AOF_ALWAYS };

struct tredis_opts {
    enum tredis_aof aof;
    bool tcp; /* a loopback port instead of a unix socket */
    const struct certs
        *tls;         /* NULL, or certs_make_redis() has made them: a port beside the socket */
    const char *acl;  /* NULL, or what TEST_REDIS_ACL would name, for this one alone */
    const char *data; /* NULL, or the whole path of an RDB file that it begins with */
    int64_t at_ms;    /* 0, or the time at which its clock begins: by the library that
                       * REDIS_CLOCK names */
    const char *const *extra; /* NULL, or more arguments, ended by NULL: "--maxmemory", "8mb" */
    const struct thost *on;   /* NULL, or where it runs: it is on TCP there */
};

struct tredis {
    struct tproc proc;
    struct tredis_opts opts;
    char dir[TEST_PATH_MAX];
    char socket[TEST_PATH_MAX + 16]; /* the unix socket, "" with tcp */
    int port;                        /* for others: the TCP port, 0 without */
    char url[TEST_PATH_MAX + 32];    /* for --redis */
};

/* What makes the port of a Redis or a Sentinel one for TLS alone, as lines of its configuration. */
void tredis_print_tls(const struct tredis *r, FILE *conf);

/* Gives it a socket in its folder. */
void tredis_name_socket(struct tredis *r);

/* Starts it and waits until it answers PING. opts NULL: a unix socket, no AOF. */
int tredis_start(struct tredis *r, const struct tredis_opts *opts) MUST_CHECK;

/* Starts it again in the same directory and at the same address, after tredis_kill9 or
 * tredis_shutdown, and waits until it has loaded its data. */
int tredis_restart(struct tredis *r) MUST_CHECK;

/* The same for one that takes its time to load: waits until it answers that it is loading. Each
 * command of its AOF takes delay_us, until tredis_load_fast; Redis answers after every 1,024. */
int tredis_restart_slowly(struct tredis *r, int delay_us) MUST_CHECK;
void tredis_load_fast(const struct tredis *r);

void tredis_kill9(struct tredis *r);
void tredis_shutdown(struct tredis *r); /* SIGTERM; the directory stays */
void tredis_freeze(struct tredis *r);   /* SIGSTOP */
void tredis_thaw(struct tredis *r);     /* SIGCONT */

/* Stops it and removes its directory. Fine on one that is zeroed or stopped. */
void tredis_stop(struct tredis *r);

/* Its address for others, and for the test. */
const char *tredis_address(const struct tredis *r);

/* What an address of another kind begins with, "redis+KIND://user:password@", or "rediss+...", as
 * its own has it; how long that is. */
size_t tredis_begin_url(const struct tredis *r, const char *kind, char *url, size_t size);

/* A blocking connection, or NULL. The caller frees it with redisFree. */
redisContext *tredis_connect(const struct tredis *r);

/* The answer to one command, formatted as redisCommand does, which the caller frees; NULL if there
 * is none within two seconds: it is frozen, dead, or loading. */
redisReply *tredis_try(const struct tredis *r, const char *format, ...);

/* One command without spaces in its arguments; its integer, or its string as a number, or
 * INT64_MIN for anything else. */
int64_t tredis_int(const struct tredis *r, const char *command);

/* A field of INFO, as a number; INT64_MIN if there is none. */
int64_t tredis_info(const struct tredis *r, const char *field);

/* How much of what the primary writes this replica has acknowledged to it, as an offset; 0: nothing
 * yet, or it is no replica of it. A replica is connected as soon as it has loaded a first copy, and
 * gets nothing that is written from then on to its first acknowledgement, for up to a second. */
int64_t tredis_acknowledged(const struct tredis *primary, const struct tredis *replica);

/* What its log ends with, for a test that is about to fail. */
void tredis_print(const struct tredis *r);
