/* cluster.h -- a Redis Cluster of a test's own: primaries with their replicas, to be killed,
 * frozen, cut off, failed over and grown, and slots that move.
 *
 * Layer: tests. Nothing here calls a cmocka assertion. All of it is gone with the test program
 * however that ends.
 */
#pragma once

#include "support/redis_server.h"

#define TCLUSTER_NODES_MAX 9
#define TCLUSTER_SLOTS     16384
#define TCLUSTER_URL_SIZE  384
#define TCLUSTER_ARGS_MAX  24

struct tcluster_opts {
    int primaries;           /* 0: three */
    int replicas;            /* of each */
    int min_replicas;        /* --min-replicas-to-write, within two seconds */
    int node_timeout_ms;     /* 0: 2000 */
    bool partly;             /* what it has is served while slots are without a primary */
    enum tredis_aof aof;     /* of every node */
    const struct certs *tls; /* of every node, as of one Redis; the same of acl */
    const char *acl;
    const struct thosts *on; /* NULL, or nodes are on its hosts: a replica beside another primary */
    const char *const *node; /* NULL, or more arguments for every node, ended by NULL */
};

struct tcluster {
    struct tredis nodes[TCLUSTER_NODES_MAX]; /* at the start the primaries, then their replicas */
    int node_count;
    struct tcluster_opts opts;
    struct {
        char min_replicas[16], timeout[16], bus[16];
        const char *args[TCLUSTER_ARGS_MAX];
    } words[TCLUSTER_NODES_MAX];
    char url[TCLUSTER_URL_SIZE]; /* for --redis: the nodes of the start */
};

/* Starts all and waits until it is settled. 0 or -errno. */
int tcluster_start(struct tcluster *c, const struct tcluster_opts *opts) MUST_CHECK;

/* Fine on one that is zeroed. */
void tcluster_stop(struct tcluster *c);

/* The slot of a partition; -1 if no node answers. */
int tcluster_slot_of(const struct tcluster *c, int partition);

/* The node that has the slot: that of the highest epoch of those that say so, -1 if none does. */
int tcluster_node_of(const struct tcluster *c, int slot);

/* A node that runs and is a replica of that one, whole, connected and in step with it: it has
 * acknowledged some of what was written; -1: none is. */
int tcluster_replica_of(const struct tcluster *c, int node);

/* Another takes the place of that primary if its host is cut off: a replica of it that is in step
 * is on another host, and so are most of those that vote, the primaries with slots. */
bool tcluster_outlives_host_of(const struct tcluster *c, int node);

/* Every node that was not killed says that all is well, none says that another one which was not
 * has failed, they all know the same primaries of the same slots, and replicas are in step. */
bool tcluster_is_settled(const struct tcluster *c);

/* `CLUSTER FAILOVER` at a replica; how: "", "FORCE" or "TAKEOVER". 0, or -EAGAIN if it refused. */
int tcluster_failover(const struct tcluster *c, int replica, const char *how);

/* Moves a slot with all its keys, a few at a time, to another primary, and waits until all nodes
 * know. 0, or -errno; what was begun is then as it is, and may be begun again. */
int tcluster_move_slot(const struct tcluster *c, int slot, int to);

/* One primary more, without slots; its number, or -errno. */
int tcluster_add_node(struct tcluster *c);

/* Makes a primary without slots a replica of that one. 0 or -errno. */
int tcluster_follow(const struct tcluster *c, int replica, int primary);

/* What the logs of the nodes end with, for a test that is about to fail. */
void tcluster_print(const struct tcluster *c);
