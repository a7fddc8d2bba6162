/* sentinel.h -- a primary, replicas and the Sentinels that watch them, to be killed, frozen, cut
 * off and failed over.
 *
 * Layer: tests. Nothing here calls a cmocka assertion. All of it is gone with the test program
 * however that ends. Nodes keep no configuration: one that was killed comes back as what it was at
 * the start, and the Sentinels tell it what it is now, as in any real failover.
 */
#pragma once

#include "support/redis_server.h"

#define TSENTINEL_NAME         "shop"
#define TSENTINEL_NODES_MAX    4
#define TSENTINEL_WATCHERS_MAX 5
#define TSENTINEL_URL_SIZE     256
#define TSENTINEL_ARGS_MAX     24

struct tsentinel_opts {
    int replicas;                /* 0: one */
    int sentinels;               /* 0: three; a majority of them decides */
    int min_replicas;            /* --min-replicas-to-write, within two seconds */
    int down_after_ms;           /* 0: 2000 */
    enum tredis_aof aof;         /* of every node */
    const struct certs *tls;     /* of every node and Sentinel, as of one Redis */
    const char *acl;             /* of every node; Sentinels let that user ask what it has to */
    const struct thosts *on;     /* NULL, or nodes and Sentinels are on its hosts, in turns */
    const char *const *node;     /* NULL, or more arguments for every node, ended by NULL */
    const char *const *sentinel; /* NULL, or more lines for every Sentinel, ended by NULL */
};

struct tsentinel {
    struct tredis nodes[TSENTINEL_NODES_MAX]; /* the first one is the primary at the start */
    int node_count;
    struct tredis watchers[TSENTINEL_WATCHERS_MAX];
    int watcher_count;
    struct tsentinel_opts opts;
    char min_replicas[16], port[16];      /* of the first node; words of the arguments below */
    const char *args[TSENTINEL_ARGS_MAX]; /* of every node */
    const char *replica_args[TSENTINEL_ARGS_MAX]; /* of a replica, those among them */
    char url[TSENTINEL_URL_SIZE];                 /* for --redis */
};

/* Starts all and waits until it is settled. 0 or -errno. */
int tsentinel_start(struct tsentinel *s, const struct tsentinel_opts *opts) MUST_CHECK;

/* Fine on one that is zeroed. */
void tsentinel_stop(struct tsentinel *s);

/* The node that the Sentinels name: those that have heard last, if they differ. -1: none does. */
int tsentinel_primary(const struct tsentinel *s);

/* Another node that runs and is a replica of the primary, whole, connected and in step with it: it
 * has acknowledged some of what was written; -1: none is. */
int tsentinel_replica(const struct tsentinel *s);

/* The Sentinels that answer all name the same node, none is in a failover, that node is a primary,
 * and every other node is such a replica of it. Those that were killed do not count. */
bool tsentinel_is_settled(const struct tsentinel *s);

/* A majority of the Sentinels is dead, and the others know it: there can be no failover. Where they
 * are to have seen the primary die, they have, and can do nothing about it. */
bool tsentinel_is_helpless(const struct tsentinel *s, bool primary_dead);

/* Starts Sentinels that were killed (tredis_kill9) again. False if one does not answer. */
bool tsentinel_revive(struct tsentinel *s) MUST_CHECK;

/* Asks for a failover, as a person does. 0, or -EAGAIN if no Sentinel would begin one. */
int tsentinel_failover(const struct tsentinel *s);

/* What the logs of nodes and Sentinels end with, for a test that is about to fail. */
void tsentinel_print(const struct tsentinel *s);
