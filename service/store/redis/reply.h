/* reply.h -- what a reply of Redis means.
 *
 * Layer: store, pure. The table of replies: every error that is answered to EXEC itself means that
 * nothing was applied; an error inside the array of an EXEC means that a part was.
 */
#pragma once

#include "str.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

enum reply_class {
    REPLY_RETRY,     /* a passing state of Redis (LOADING, BUSY), or of a cluster or one slot of it
                        (CLUSTERDOWN, TRYAGAIN, ASK): wait, try again there */
    REPLY_REFUSED,   /* writes are refused for now (MISCONF, OOM, NOREPLICAS): 503 */
    REPLY_REPLICA,   /* not the master any more (READONLY, MASTERDOWN): connect anew */
    REPLY_REDIRECT,  /* a cluster's MOVED: connect anew, elsewhere */
    REPLY_FORBIDDEN, /* credentials or rights: a matter of configuration, no hot retry */
    REPLY_BROKEN,    /* WRONGTYPE, ERR ...: a foreign writer or a mistake of ours */
};

/* The class of an error's text, by its first word; for "EXECABORT ... because of: X" that of X.
 * A bare EXECABORT is REPLY_BROKEN: the error of the queued command says more. */
enum reply_class reply_classify(struct str error);

/* True for the error that EXEC gives when a command was refused while queueing. */
bool reply_is_execabort(struct str error);

/* True where the user is known and the command is not among its rights: of REPLY_FORBIDDEN. */
bool reply_is_noperm(struct str error);

/* The bytes of a string reply; absent for any other. They live as long as the reply. */
struct str reply_text(const redisReply *reply);

/* The text of an error. It lives as long as the reply. */
struct str reply_error(const redisReply *error);

/* The first of the replies that is an error, NULL: there is none. In a transaction it says why;
 * EXEC's own only says that there was one. */
const redisReply *reply_first_error(redisReply *const *replies, size_t count);

/* The answer to TIME in ms; -1 if it is none. */
int64_t reply_time_ms(const redisReply *reply);

/* Copies the value of a line "name:value" of an INFO text; empty and false if it is not there. */
bool reply_info(const redisReply *info, const char *name, char *out, size_t out_size);

/* The same as a number; 0 if it is not there. */
int64_t reply_info_number(const redisReply *info, const char *name);
