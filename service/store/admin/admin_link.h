/* admin_link.h -- the connections that admin*.c, feed.c, meta.c, scan*.c and rebuild*.c share.
 * Private to them.
 *
 * One to each Redis that partitions are at. Whatever names a partition begins with admin_at(), and
 * from there on all commands go to that one's node, until another is named. Nothing connects behind
 * it: of what was watched on a connection that was lost, nobody believes that it still is.
 *
 * Invariant: who asks says what the answer must be. On any other, be it an error or of another
 * shape, the connection is closed: nobody goes on where a command was refused inside of MULTI, or
 * where replies no longer belong to what was asked.
 */
#pragma once

#include "buf.h"
#include "store/admin/admin.h"
#include "store/redis/link.h"
#include "store/topology/topology.h"

struct meta;

/* A Redis that partitions are at, and what was learnt on the connection to it. */
struct admin_node {
    struct endpoint at;
    struct link link;
    uint64_t born;       /* which connection this is, of all that there were; 0: none */
    struct reign reign;  /* of the Redis that it leads to */
    char durability[64]; /* as last logged */
    bool replicas_short; /* as of the last look at them */
    int64_t role_ms;     /* monotonic: when to look at the role again */
    int64_t now_ms;      /* of this Redis, as last asked */
    int64_t now_at_ms;   /* monotonic: when that was */
    int64_t retry_ms;    /* monotonic: not to be reached before; what it came to the last time: */
    enum admin_result result;
    enum admin_trouble trouble;
    char why[256];
};

struct admin {
    int timeout_ms; /* of each answer */
    bool patient;
    const struct store_config *config;
    struct store_shared *shared;
    struct topology *topology;
    uint64_t version; /* of the topology that places are of */
    struct admin_node *places[PARTITIONS_MAX];
    int64_t rest_ms[PARTITIONS_MAX]; /* monotonic: in a cluster, not to be asked before */
    struct admin_node **nodes;
    size_t node_count;
    struct admin_node *node; /* that of the partition that was named last */
    struct admin_node nowhere;
    unsigned partition; /* that one */
    uint64_t births;
    bool refused;                   /* it was closed because of an answer, not for want of one */
    struct buf out;                 /* the command to ask next */
    int64_t epoch;                  /* of the partition that was opened last */
    int64_t epochs[PARTITIONS_MAX]; /* of each, at the last look at it; 0: none */
    char claimed[ADMIN_CLAIM_SIZE]; /* the state that admin_claim gave last */
    char why[256];
    enum admin_trouble trouble;
    /* What admin_open saw of each, on which connection; 0: on none. */
    enum admin_result results[PARTITIONS_MAX];
    uint64_t seen[PARTITIONS_MAX];
    char whys[PARTITIONS_MAX][256];
    enum admin_result looked; /* what that said of all */
    char looked_why[256];
    int64_t look_ms, soon_ms; /* monotonic: when to look at all again, and at those not open */
    /* Into the lists of old buckets of each, whole ones and parts. */
    int64_t trim_buckets[PARTITIONS_MAX], trim_parts[PARTITIONS_MAX];
};

/* What a command answers. */
enum admin_answer {
    ANSWER_OK,
    ANSWER_QUEUED,
    ANSWER_NUMBER,
    ANSWER_TEXT,
    ANSWER_LIST_OR_NIL,
};

/* Sends the command in admin->out and waits. NULL: no answer, or another one; the connection is
 * closed and admin->why says why. The caller frees the reply. */
redisReply *admin_ask(struct admin *admin, enum admin_answer answer) MUST_CHECK;

/* The same for a list of so many elements. */
#define ADMIN_ANY SIZE_MAX
redisReply *admin_ask_list(struct admin *admin, size_t elements) MUST_CHECK;

/* The same for a page of SCAN or one of its like: *cursor becomes the next, element[1] is a list.
 */
redisReply *admin_ask_page(struct admin *admin, char cursor[ADMIN_CURSOR_SIZE]) MUST_CHECK;

/* The same for a command whose error says something: any answer is handed out. */
redisReply *admin_ask_any(struct admin *admin) MUST_CHECK;

/* The same for a command of whose answer only counts that it is this one. */
bool admin_done(struct admin *admin, enum admin_answer answer) MUST_CHECK;

/* EXEC of a transaction of so many commands, each of which was queued. 1: done; 0: what was watched
 * has changed, nothing was done; -1: no answer, or another one. */
int admin_exec(struct admin *admin, size_t commands) MUST_CHECK;

/* MULTI; the caller writes so many commands; EXEC. The array of their answers, none of them an
 * error; NULL: the connection is closed. */
void admin_multi(struct admin *admin);
redisReply *admin_commit(struct admin *admin, size_t commands);

/* Frees a reply that was taken from with this result, which it returns; -EIO: what it holds was not
 * asked for, and the connection is closed. */
int admin_settle(struct admin *admin, redisReply *reply, int rc);

/* For an answer that turns out to be wrong inside: frees it and closes the connection. */
void admin_surprised(struct admin *admin, redisReply *reply);

/* True for a list of so many elements; for what SCAN and its like answer. */
bool admin_is_list(const redisReply *reply, size_t elements);
bool admin_is_page(const redisReply *reply);

/* What is wrong, as far as a link can tell. */
enum admin_trouble admin_trouble_of(const struct link *link);

/* This result, for this reason. */
enum admin_result admin_say(struct admin *admin, enum admin_result result, const char *why);

/* The node of the partition is the one to ask from here on, connected or not; false: nobody knows
 * it. admin_at, in admin.h, connects as well. */
bool admin_turn(struct admin *admin, unsigned partition) MUST_CHECK;

/* There is more than one node at a time. */
static inline bool admin_in_cluster(const struct admin *admin)
{
    return topology_address(admin->topology)->kind == ADDRESS_CLUSTER;
}

/* Are both at the same node? */
bool admin_are_beside(struct admin *admin, unsigned partition, unsigned other) MUST_CHECK;

enum admin_trouble admin_trouble_of(const struct link *link);

/* Hangs up on this node. */
void admin_drop(struct admin *admin);
void admin_free_nodes(struct admin *admin);

/* Is it still the master, by the same promotion? Asks now and then; false, and the connection is
 * closed: no. */
bool admin_is_master(struct admin *admin) MUST_CHECK;

/* The order of its promotion among others, into its reign. False: the connection is closed, or is
 * not to the primary that it is said of. */
bool admin_learn_order(struct admin *admin, unsigned partition) MUST_CHECK;

/* The next epoch is to be opened for the Redis of this connection, and where promotions are counted
 * also for one that was promoted and looks as before (rule ORDER, docs/model). */
bool admin_wants(const struct admin *admin, const struct meta *meta);

/* Is this Redis what the service needs? On a new connection. */
enum admin_result admin_check_redis(struct admin *admin) MUST_CHECK;
