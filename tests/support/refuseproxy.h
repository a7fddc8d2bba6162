/* refuseproxy.h -- a proxy between service and Redis that answers some commands with an error, as a
 * Redis would that has lost its replicas, its disk, its memory or its patience.
 *
 * Layer: tests. A process of its own listens on a unix socket and carries each command to one Redis
 * and its answer back. It knows from the socket which process a connection belongs to. One rule at
 * a time may be armed: of the commands of one role that a Redis in such a state would refuse, it
 * counts those from the arming on and refuses `count` of them, the first of which is number
 * `first`. What is refused does not reach Redis.
 *
 * A refusal has the consequences that it has in Redis. Which commands a state concerns comes from
 * the flags in the answer to COMMAND. A command that is refused behind MULTI makes the EXEC answer
 * EXECABORT; an EXEC is refused for what lies in its transaction, by a node of a cluster with that
 * word itself; either forgets what was watched.
 *
 * NOPERM is never answered to MULTI: what a client has sent behind it would run outside of a
 * transaction, which no client can prevent that does not wait for each answer.
 */
#pragma once

#include "support/redis_server.h"

#define REFUSE_NAME_SIZE 24

enum refuse_word {
    REFUSE_NOREPLICAS, /* these three concern what writes */
    REFUSE_MISCONF,
    REFUSE_READONLY,
    REFUSE_OOM, /* what takes memory */
    REFUSE_LOADING,
    REFUSE_BUSY,
    REFUSE_NOPERM,
    REFUSE_MOVED, /* these four what has a key: a node of a cluster, of a slot that it has not */
    REFUSE_ASK,
    REFUSE_TRYAGAIN,
    REFUSE_CLUSTERDOWN,
    REFUSE_WORDS
};

struct refuse_rule {
    char role[REFUSE_NAME_SIZE]; /* the name that the process gave itself; "": every process */
    enum refuse_word word;
    int first; /* from 1 */
    int count; /* 0: all from the first on, until disarmed */
};

struct refuse_shared;

struct refuse_proxy {
    pid_t pid;
    struct refuse_shared *shared;
    char socket[TEST_PATH_MAX + 16];
    char url[TEST_PATH_MAX + 32]; /* for --redis */
};

/* The socket lies in the server's directory. */
int refuse_proxy_start(struct refuse_proxy *p, const struct tredis *redis) MUST_CHECK;
void refuse_proxy_stop(struct refuse_proxy *p);

/* In force when the call returns. Arms the rule in place of the one before, and counts anew. */
void refuse_proxy_arm(struct refuse_proxy *p, const struct refuse_rule *rule);
void refuse_proxy_disarm(struct refuse_proxy *p);

/* How many commands the last armed rule concerned, and how many it has refused. */
int refuse_proxy_counted(struct refuse_proxy *p);
int refuse_proxy_refused(struct refuse_proxy *p);

/* The name of the last command that was refused; "" if none was. */
void refuse_proxy_last(struct refuse_proxy *p, char name[REFUSE_NAME_SIZE]);

const char *refuse_word_name(enum refuse_word word);
