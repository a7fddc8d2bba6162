/* admin_link.h -- the connection that admin*.c, feed.c, meta.c and rebuild*.c share. Private to
 * them. */
#ifndef STORE_ADMIN_LINK_H
#define STORE_ADMIN_LINK_H

#include "address.h"
#include "buf.h"
#include "store/admin.h"

#include <hiredis/hiredis.h>

struct admin {
    const struct store_config *config;
    struct store_shared *shared;
    struct address address;
    redisContext *context; /* NULL: not connected */
    bool opened;
    bool creating; /* this open has made a meta: the missing ones are new as well */
    uint64_t new_store_id;
    struct buf out;                 /* the command to ask next */
    int64_t epoch;                  /* of the partition that was opened last */
    int64_t epochs[PARTITIONS_MAX]; /* of each, at the last look at it; 0: none */
    char run_id[64];
    char durability[64]; /* as last logged */
    char why[256];
    int64_t now_ms;      /* of Redis, as last asked */
    int64_t look_ms;     /* when admin_open looks at meta again */
    int64_t trim_offset; /* into the list of old buckets */
};

/* Sends the command in admin->out and waits. NULL on a lost connection, which is closed, and on an
 * error reply; admin->why says which. The caller frees the reply. */
redisReply *admin_ask(struct admin *admin) __attribute__((warn_unused_result));

/* The same for a command of whose answer only counts that it is no error. */
bool admin_done(struct admin *admin) __attribute__((warn_unused_result));

/* ADMIN_REFUSED, for this reason. */
enum admin_result admin_refuse(struct admin *admin, const char *why);

#endif
