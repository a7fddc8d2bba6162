/* reply.h -- what an error reply of Redis means.
 *
 * Layer: store, pure. The table of replies: every error that is answered to EXEC itself means that
 * nothing was applied; an error inside the array of an EXEC means that a part was.
 */
#ifndef STORE_REPLY_H
#define STORE_REPLY_H

#include "str.h"

enum reply_class {
    REPLY_RETRY,     /* a passing state of Redis (LOADING, BUSY, TRYAGAIN): wait, try again */
    REPLY_REFUSED,   /* writes are refused for now (MISCONF, OOM, NOREPLICAS): 503 */
    REPLY_REPLICA,   /* not the master any more (READONLY, MASTERDOWN): connect anew */
    REPLY_REDIRECT,  /* a cluster's MOVED, ASK, CLUSTERDOWN: not supported, 503 */
    REPLY_FORBIDDEN, /* credentials or rights: a matter of configuration, no hot retry */
    REPLY_BROKEN,    /* WRONGTYPE, ERR ...: a foreign writer or a mistake of ours */
};

/* The class of an error's text, by its first word; for "EXECABORT ... because of: X" that of X.
 * A bare EXECABORT is REPLY_BROKEN: the error of the queued command says more. */
enum reply_class reply_classify(struct str error);

/* True for the error that EXEC gives when a command was refused while queueing. */
bool reply_is_execabort(struct str error);

#endif
