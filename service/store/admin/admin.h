/* admin.h -- what the keeper and the ledger process do in Redis beside batches: opening epochs,
 * finding what is due, dropping what is old, looking at memory. feed.h reads the stream.
 *
 * Layer: store. Blocking connections with short time-outs, one to each Redis that partitions are
 * at: neither serves requests. A call that names a partition asks the Redis of that one, and
 * connects if need be: what ails one Redis is told of its partitions alone. Every call is bounded
 * in what it reads and in time; after an error, be it that Redis refused a command, that connection
 * is closed.
 *
 * Invariant: meta is changed only under WATCH, so any number of both may run. Without a ledger the
 * keeper opens (admin_open); with one only the ledger process can tell whether what Redis holds is
 * the present, so it alone opens, partition by partition.
 */
#pragma once

#include "arena.h"
#include "core/event_id.h"
#include "core/reign.h"
#include "store/store_config.h"

#define ADMIN_CURSOR_SIZE 24 /* of SCAN and its like; begins and ends as "0" */

enum admin_result {
    ADMIN_OK,
    ADMIN_DOWN,      /* Redis cannot be reached, or refused, now */
    ADMIN_LOADING,   /* Redis reads its data from its disk: how far it is, is in the shared store */
    ADMIN_LOST,      /* Redis does not hold the store that it held before */
    ADMIN_CLOSED,    /* a partition is closed; a person has to look */
    ADMIN_REFUSED,   /* Redis is not set up for this service: say so and do not start */
    ADMIN_MISSING,   /* there is no meta, and the caller may not make it */
    ADMIN_MAKING,    /* the store is not made to its end, and the caller may not do so */
    ADMIN_RESTARTED, /* Redis was restarted, and the caller may not open the next epoch */
};

/* What is wrong with a Redis that is ADMIN_DOWN, so far as it can be told apart. */
enum admin_trouble {
    TROUBLE_AWAY,   /* nobody answers at its address, or not in time */
    TROUBLE_HOST,   /* the name of its host is not known */
    TROUBLE_NAME,   /* the Sentinels watch no primary of that name */
    TROUBLE_TLS,    /* it has no TLS that is trusted here, or there */
    TROUBLE_LOGIN,  /* it does not know this user and password */
    TROUBLE_RIGHTS, /* this user may not run a command that is needed */
    TROUBLE_ROLE,   /* it is no master */
    TROUBLE_OTHER,
};

/* What admin_open_partition may do. */
enum admin_may {
    ADMIN_LOOK = 0,
    ADMIN_CREATE = 1,   /* make the store, if there is none */
    ADMIN_RENEW = 2,    /* open the next epoch of a Redis that was restarted */
    ADMIN_COMPLETE = 4, /* make one to its end that was begun */
};

struct admin;

/* NULL: out of memory, or a wrong URL (in err). Does not connect yet. */
struct admin *admin_new(const struct store_config *config, struct store_shared *shared, char *err,
                        size_t err_size);
void admin_free(struct admin *admin);

/* For what else this process has to ask of Redis; the admin's. */
struct topology *admin_topology(const struct admin *admin);

/* For a command that ends when Redis does not answer in time, as a busy disk holds an answer up for
 * seconds. Without it an answer has a second: processes of a service try again by themselves. */
void admin_have_patience(struct admin *admin);

/* Closes all connections, or that to the partition's Redis; the next call connects anew. */
void admin_hang_up(struct admin *admin);
void admin_hang_up_at(struct admin *admin, unsigned partition);

/* Why the last call failed. */
const char *admin_why(const struct admin *admin);
enum admin_trouble admin_trouble(const struct admin *admin);

/* Connects to the Redis of the partition if need be, checks it on a new connection, and now and
 * then whether it is still the master. A Redis that could not be reached is not tried again at
 * once: what was found is told. admin_why() has the reason of any result but ADMIN_OK. */
enum admin_result admin_at(struct admin *admin, unsigned partition) MUST_CHECK;

/* Which connection that was: each has its number, from 1. */
uint64_t admin_connection(const struct admin *admin);

/* Is it the first of those that are at its Redis? True also of one that is nobody knows where. For
 * what is to be done once for each Redis. */
bool admin_is_first(struct admin *admin, unsigned partition) MUST_CHECK;

/* The same as admin_at for partition 0, which every store has. *why, here and below: the reason of
 * any result but ADMIN_OK; good until the next call. */
enum admin_result admin_connect(struct admin *admin, const char **why) MUST_CHECK;

/* Looks at one partition, and does to it what the caller may. */
enum admin_result admin_open_partition(struct admin *admin, unsigned partition, unsigned may,
                                       const char **why) MUST_CHECK;

/* --- an epoch that the ledger process opens (rule CLAIM, docs/model) ---------------------------
 */

#define ADMIN_CLAIM_SIZE 64

struct admin_claim {
    char state[ADMIN_CLAIM_SIZE]; /* that meta was given; "": none yet */
    char other[ADMIN_CLAIM_SIZE]; /* that somebody else gave it, as last seen */
    struct reign reign;           /* whom CLAIM_OURS claimed it for */
};

enum admin_claimed {
    CLAIM_OURS,
    CLAIM_OTHERS, /* somebody else has it: `other` */
    CLAIM_OVER,   /* nothing is to be opened, or it was taken from us: look again */
    CLAIM_DOWN,   /* see admin_why() */
};

/* Closes a partition for everybody but us, with a sign of ours; takes it from who has claim->state,
 * and with `take` from who has claim->other. Reads again whom the connection leads to. */
enum admin_claimed admin_claim(struct admin *admin, unsigned partition, struct admin_claim *claim,
                               bool take) MUST_CHECK;

/* Opens what we have claimed, in an epoch that SQL is in already at its first entry, whose
 * predecessors ended as `ended` says. `rolled`: effects were brought from SQL for it, without the
 * markers of their EXECs. CLAIM_OURS: it is open. */
enum admin_claimed admin_open_claimed(struct admin *admin, unsigned partition,
                                      struct admin_claim *claim, int64_t epoch,
                                      const struct event_ends *ended, bool rolled) MUST_CHECK;

/* Reads again whom the connection leads to; false: it is not the same any more, and closed. */
bool admin_is_master_now(struct admin *admin, unsigned partition) MUST_CHECK;

/* This Redis is perhaps not the primary any more, though it says so: to be asked elsewhere. */
void admin_doubt(struct admin *admin, unsigned partition);

/* There is more than one Redis that may be the primary: orders of promotions count. */
bool admin_ranks(const struct admin *admin);

/* Closes one that is open, or that we have claimed: `state` is what meta will say, "closed: why" or
 * "lost: why". */
enum admin_result admin_close_partition(struct admin *admin, unsigned partition, const char *state,
                                        const char **why) MUST_CHECK;

/* It needs time, not a person. */
bool admin_passes(enum admin_result result);

/* For the keeper. Connects if need be, and looks at every partition, each for itself, on a new
 * connection and now and then: meta is made at first start, the next epoch is opened when Redis was
 * restarted with its data. With a ledger it only looks whether all are open.
 *
 * ADMIN_OK: they are. ADMIN_REFUSED: some Redis is not set up for this service. Otherwise *why is
 * why the first that is not open is not; admin_is_open tells which are, until the next call. */
enum admin_result admin_open(struct admin *admin, const char **why) MUST_CHECK;
bool admin_is_open(const struct admin *admin, unsigned partition);
unsigned admin_open_count(const struct admin *admin);

/* Why a partition that is not open is not, as the last look at it found. */
const char *admin_shut_why(const struct admin *admin, unsigned partition);

/* Which Redis process the partition is at, by which promotion: of the last admin_connect. */
const struct reign *admin_reign(struct admin *admin, unsigned partition);

/* The time in ms of the partition's Redis, as of a moment ago, or -1, also for one that is no
 * master any more. */
int64_t admin_now_ms(struct admin *admin, unsigned partition);

/* The names of items with holds that are due, at most `max`, earliest first, into names[] (texts
 * in the arena). Returns how many, or -1. *oldest_ms: the earliest deadline among them. */
int admin_due(struct admin *admin, unsigned partition, int64_t now_ms, struct arena *arena,
              struct str *names, int max, int64_t *oldest_ms);

/* Drops records of reservations that ended longer ago than the retention. How many, or -1. */
int admin_trim_records(struct admin *admin, unsigned partition, int64_t now_ms);

/* With --durability replicated: are enough replicas online, of each Redis that is reached?
 * shared->replicas_short. 0 or -1. */
int admin_look_at_replicas(struct admin *admin);

/* Looks at the used memory of each and raises or lowers shared->memory_high. 0 or -1. */
int admin_look_at_memory(struct admin *admin);
