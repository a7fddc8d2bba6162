/* rebuild_state.h -- what a rebuild has in hand, and how its calls end.
 *
 * Layer: store; the words that rebuild.h and rebuild_link.h share.
 */
#ifndef STORE_ADMIN_REBUILD_STATE_H
#define STORE_ADMIN_REBUILD_STATE_H

#include "buf.h"
#include "store/meta.h"

enum rebuild_result {
    REBUILD_OK,
    REBUILD_DOWN,      /* Redis cannot be reached, or was lost */
    REBUILD_TAKEN,     /* meta is not what it was: somebody else is at work */
    REBUILD_REFUSED,   /* Redis refused a command */
    REBUILD_NO_MEMORY, /* here */
};

struct rebuild {
    struct admin *admin;
    unsigned partitions;
    struct meta meta; /* of every partition, until the end */
    int64_t epoch;
    struct buf page, value;
    size_t commands; /* in the page */
    bool guarded;    /* meta is watched and was ours */
    int64_t last_bucket;
    int64_t unlinked; /* keys */
    char why[256];    /* of all but REBUILD_OK */
};

#endif
