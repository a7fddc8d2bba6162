/* link.h -- a blocking connection to Redis: commands out, answers in, each within its time.
 *
 * Layer: store. Whoever waits here serves no requests: the keeper, the ledger process, commands.
 * The socket is ours and never blocks by itself; poll waits, and one deadline holds for all bytes
 * of a step. hiredis only parses. A link that is all zeros is closed; link_close() is fine at any
 * time.
 *
 * Invariant: an open link has read no part of an answer that nobody waits for. Whatever fails, be
 * it for want of time, closes the link: nobody goes on where answers no longer belong to what was
 * asked. What Redis refuses is an answer like any other.
 */
#pragma once

#include "address.h"
#include "buf.h"
#include "store/redis/tls.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>

enum link_trouble {
    LINK_FINE,
    LINK_HOST,    /* the host has no address */
    LINK_AWAY,    /* not reached, or lost */
    LINK_LATE,    /* no answer in time */
    LINK_TLS,     /* no TLS that is trusted here, or there */
    LINK_LOGIN,   /* user or password were refused */
    LINK_RIGHTS,  /* the user may not what is needed to begin */
    LINK_REFUSED, /* something else was, to begin with */
};

struct link {
    int fd;
    struct tls *tls;     /* NULL: without */
    redisReader *reader; /* NULL: closed */
    int timeout_ms;      /* of each step: to send all, to have one answer */
    enum link_trouble trouble;
    char why[256]; /* it is closed */
};

/* Connects, and says who we are where `who` is not NULL: its user, password and database. On
 * failure it is closed, with `trouble` and `why`. One deadline for getting there, one for each
 * answer. TLS is as tls_load() has read it. */
bool link_open(struct link *link, const struct endpoint *at, const struct address *who, bool tls,
               int timeout_ms) MUST_CHECK;
void link_close(struct link *link);

static inline bool link_is_open(const struct link *link)
{
    return link->reader != NULL;
}

/* Sends all that is in `out`, which is empty afterwards. */
bool link_send(struct link *link, struct buf *out) MUST_CHECK;

/* The next answer to what was sent, be it an error; the caller frees it. NULL: the link is closed.
 */
redisReply *link_next(struct link *link) MUST_CHECK;

/* Both. */
redisReply *link_ask(struct link *link, struct buf *out) MUST_CHECK;
