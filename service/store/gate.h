/* gate.h -- may a partition be written now? What its meta says, against this connection.
 *
 * Layer: store, pure but for the shared store id. Meta is a hash that every batch watches and
 * reads, so one HSET closes a partition for every host at once.
 */
#ifndef STORE_GATE_H
#define STORE_GATE_H

#include "store/store_config.h"

#include <hiredis/hiredis.h>

#define META_FORMAT 1

enum gate {
    GATE_OPEN,
    GATE_WAIT,   /* the keeper has not opened this Redis (yet): a passing state */
    GATE_CLOSED, /* closed on purpose: `why` */
    GATE_LOST,   /* this Redis does not hold our store any more */
};

struct gate_view {
    enum gate gate;
    int64_t epoch;  /* GATE_OPEN */
    uint64_t store; /* the id that meta has; 0: none */
    char why[128];
};

/* What `state` in meta says: the data that Redis holds is not the present. */
bool gate_state_lost(const char *state);

/* False if the reply is not one to layout_ask_meta(). run_id: of the connection that read it. */
bool gate_judge(const redisReply *reply, const char *run_id, unsigned partitions,
                const struct store_shared *shared, struct gate_view *view)
    __attribute__((warn_unused_result));

#endif
