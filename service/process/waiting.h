/* waiting.h -- what a service that starts waits for: its children tell their master, and the master
 * says it, at most once a second, with what would mend it, until time is up.
 *
 * Redis and SQL may be away, or be set up wrongly: what is wrong may be mended by somebody
 * meanwhile, so all of it is waited for. What never mends itself, as a store of another format, is
 * no matter of waiting: a child ends with POOL_EXIT_FATAL for it.
 *
 * The time that there is begins anew whenever Redis gets on with loading its data.
 */
#pragma once

#include "pool/child.h"
#include "process/notify.h"
#include "process/process.h"
#include "store/admin/admin.h"

enum wait_cause {
    WAIT_REDIS_AWAY,
    WAIT_REDIS_HOST,
    WAIT_REDIS_NAME,
    WAIT_REDIS_TLS,
    WAIT_REDIS_LOGIN,
    WAIT_REDIS_RIGHTS,
    WAIT_REDIS_ROLE,
    WAIT_REDIS_OTHER,
    WAIT_REDIS_OWN, /* the embedded one */
    WAIT_LOADING,
    WAIT_REPLICAS,
    WAIT_SQL,
    WAIT_LEDGER, /* the ledger process has not made or opened the store yet */
    WAIT_CONNECT,
    WAIT_CAUSES
};

/* One message from a child to the master. */
struct wait_report {
    enum wait_cause cause;
    char why[256];
};

/* --- in a child ------------------------------------------------------------------------------- */

/* Tells the master. False: the service has started, and it is for the child to log it. */
bool waiting_tell(const struct shared_state *shared, struct pool_child *child,
                  enum wait_cause cause, const char *why);

/* For what the keeper or the ledger process was told by Redis. */
enum wait_cause waiting_cause(const struct admin *admin, enum admin_result result);

/* For what a worker's store gives as its reason, which may be an error of Redis; NULL: none. */
enum wait_cause waiting_cause_of(const char *why);

/* --- in the master ---------------------------------------------------------------------------- */

struct waiting {
    const struct shared_state *shared;
    const struct notify *notify;
    struct wait_report last;
    int64_t begin_ms, end_ms, say_ms; /* monotonic; end_ms 0: there is no end */
    int64_t loaded_bytes;
};

/* From now on until waiting_end the children tell. */
void waiting_begin(struct waiting *waiting, const struct shared_state *shared,
                   const struct notify *notify);
void waiting_end(struct waiting *waiting);

/* A message of a child. */
void waiting_hear(struct waiting *waiting, const void *bytes, size_t n);

/* To be called several times a second: says what is waited for if it is time for that. False: time
 * is up, which has been said. */
bool waiting_goes_on(struct waiting *waiting) MUST_CHECK;
