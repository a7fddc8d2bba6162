/* shaken.h -- a store on a Redis that fails over, by Sentinel or as a cluster, with two services,
 * two ledger processes and load, and the judgement of what all that has been through.
 *
 *     load -> balancer -> service 1, service 2 -> nodes <- ledger 1, ledger 2 -> SQL
 *
 * Layer: tests; for the main thread of a program with cmocka, whose running test it may fail. What
 * shakes it is in faults_redis.h. With hosts of their own (hosts.h), node, service and ledger
 * process number n are on host n.
 */
#pragma once

#include "random.h"
#include "support/api.h"
#include "support/balancer.h"
#include "support/cluster.h"
#include "support/ledger_base.h"
#include "support/load_run.h"
#include "support/sentinel.h"

#include <limits.h>

#define SHAKEN_SERVICES   2
#define SHAKEN_CANARIES   6
#define SHAKEN_PARTITIONS 6 /* in a cluster */
#define SHAKEN_TLS        6
#define SHAKEN_LIMIT_MS   180000 /* for whatever must come about */

enum shaken_kind { SHAKEN_SENTINEL, SHAKEN_CLUSTER, SHAKEN_KINDS };
/* Behind SHAKEN_LEVELS: one that promises nothing about primaries that are replaced. */
enum shaken_level {
    SHAKEN_REPLICATED,
    SHAKEN_LEDGER,
    SHAKEN_LEVELS,
    SHAKEN_ALWAYS = SHAKEN_LEVELS
};

extern const char *const shaken_kind_names[SHAKEN_KINDS];
extern const char *const shaken_level_names[SHAKEN_LEVELS + 1];

struct shaken_opts {
    enum shaken_kind kind;
    enum shaken_level level;
    enum base_engine engine; /* BASE_ENGINES: no SQL at all */
    bool apart;              /* on hosts of their own: cables can be pulled */
    bool guarded;            /* over TLS alone, as the user of docker/redis.acl; not apart */
    bool scarce;             /* most requests are refused, and every second one is sent again */
    uint64_t seed;
};

struct shaken_server {
    struct tservice service;
    struct balancer door; /* to this one alone */
    struct api api;       /* by that door */
    struct tproc applier;
    const struct thost *on;
};

struct shaken {
    struct shaken_opts opts;
    struct rng rng;
    int partitions;
    struct thosts hosts;
    struct tsentinel sentinel;
    struct tcluster cluster;
    const char *url; /* of whichever of the two there is */
    struct certs certs;
    char acl[PATH_MAX];
    char cert_paths[3][CERTS_PATH_MAX];
    const char *tls[SHAKEN_TLS]; /* arguments of all that goes to Redis; NULLs, if not guarded */
    struct bases bases;
    char dir[TEST_PATH_MAX];
    struct shaken_server servers[SHAKEN_SERVICES];
    struct balancer balancer; /* to all of them */
    struct tload load;
    char canaries[SHAKEN_CANARIES][32]; /* items to sell one unit of */
    const struct thost *cut;            /* the host that is cut off; NULL: none */
    bool grown;                         /* its cluster has a primary more than at the start */
};

/* 0, or -errno with a message; -ENOSYS: it can not be had here, for there is no PostgreSQL, or this
 * user may not make hosts. */
int shaken_start(struct shaken *w, const struct shaken_opts *opts) MUST_CHECK;

/* -1 if a service was not well. Fine on one that is zeroed. */
int shaken_stop(struct shaken *w);

/* --- Redis, whichever it is ------------------------------------------------------------------- */

struct tredis *shaken_nodes(struct shaken *w, int *count);
int shaken_primary(struct shaken *w, int partition);              /* -1: none just now */
int shaken_replica(struct shaken *w, int partition, int primary); /* -1: none just now */
bool shaken_is_settled(struct shaken *w);

/* --- what is judged --------------------------------------------------------------------------- */

/* Lets clients go, and waits until the services have decided some hundred of their requests. */
void shaken_load(struct shaken *w);

/* Waits until some hundred more of their requests are decided. False, with a message: they are not.
 */
bool shaken_goes_on(struct shaken *w);

/* Every service that is not cut off has every partition ready, and sells of every canary. */
bool shaken_serves(struct shaken *w);

/* Starts what is dead, thaws what is frozen, mends what is cut, and waits until Redis is settled
 * and all services serve again. False, with what the logs say, if that does not come. */
bool shaken_mend(struct shaken *w);

/* Prints how the services are, and what all logs end with. */
void shaken_say(struct shaken *w);

/* Some hundred requests more, then the end of the load: its exit status. The report is there. */
int shaken_end_load(struct shaken *w);

/* The same. Its answers must be right, SQL must have
 * all, and the audit must find store and ledger equal, unless there is no SQL. */
void shaken_judge(struct shaken *w);
