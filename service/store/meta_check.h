/* meta_check.h -- may a partition be written now? What its meta says, against this connection.
 *
 * Layer: store, pure but for the shared store id. Meta is a hash that every batch watches and
 * reads, so one HSET closes a partition for every host at once.
 */
#ifndef STORE_META_CHECK_H
#define STORE_META_CHECK_H

#include "store/store_config.h"

#include <hiredis/hiredis.h>

#define META_FORMAT 1

enum meta_verdict {
    META_IS_OPEN,
    META_IS_WAIT,   /* the keeper has not opened this Redis (yet): a passing state */
    META_IS_CLOSED, /* closed on purpose: `why` */
    META_IS_LOST,   /* this Redis does not hold our store any more */
};

struct meta_view {
    enum meta_verdict gate;
    int64_t epoch;  /* META_IS_OPEN */
    uint64_t store; /* the id that meta has; 0: none */
    char why[128];
};

/* What `state` in meta says: the data that Redis holds is not the present. */
bool meta_check_lost(const char *state);

/* False if the reply is not one to layout_ask_meta(). run_id: of the connection that read it. */
bool meta_check_reply(const redisReply *reply, const char *run_id, unsigned partitions,
                      const struct store_shared *shared, struct meta_view *view)
    __attribute__((warn_unused_result));

#endif
