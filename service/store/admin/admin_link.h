/* admin_link.h -- the connection that admin*.c, feed.c, meta.c, scan*.c and rebuild*.c share.
 * Private to them.
 *
 * Invariant: who asks says what the answer must be. On any other, be it an error or of another
 * shape, the connection is closed: nobody goes on where a command was refused inside of MULTI, or
 * where replies no longer belong to what was asked.
 */
#pragma once

#include "buf.h"
#include "store/admin/admin.h"
#include "store/meta.h"
#include "store/redis/link.h"
#include "store/topology/topology.h"

struct admin {
    int timeout_ms; /* of each answer */
    const struct store_config *config;
    struct store_shared *shared;
    struct topology *topology;
    struct link link;
    bool refused; /* it was closed because of an answer, not for want of one */
    uint64_t new_store_id;
    struct buf out;                 /* the command to ask next */
    int64_t epoch;                  /* of the partition that was opened last */
    int64_t epochs[PARTITIONS_MAX]; /* of each, at the last look at it; 0: none */
    struct reign reign;             /* of the Redis that this connection leads to */
    char durability[64];            /* as last logged */
    char why[256];
    enum admin_trouble trouble;
    int64_t now_ms;            /* of Redis, as last asked */
    bool open[PARTITIONS_MAX]; /* as admin_open saw it last */
    unsigned open_count;
    enum admin_result looked; /* what that said */
    char looked_why[256];
    int64_t look_ms; /* monotonic: when to look again */
    int64_t role_ms; /* monotonic: when to look at the role again */
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

/* This result, for this reason. */
enum admin_result admin_say(struct admin *admin, enum admin_result result, const char *why);

/* Is it still the master, by the same promotion? Asks now and then; false, and the connection is
 * closed: no. */
bool admin_is_master(struct admin *admin) MUST_CHECK;

/* Is this Redis what the service needs? On a new connection. */
enum admin_result admin_check_redis(struct admin *admin) MUST_CHECK;
