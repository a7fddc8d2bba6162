/* lane_state.h -- what a lane, its partition and its store have in hand.
 *
 * Layer: store, private to it; lane.h has the states and the invariant.
 */
#pragma once

#include "random.h"
#include "store/commit/batch.h"
#include "store/commit/turn.h"
#include "store/feed_id.h"
#include "store/redis/conn.h"
#include "store/redis/us_timer.h"
#include "store/store_config.h"
#include "store/store_op.h"

#include <uv.h>

enum lane_state {
    LANE_IDLE,
    LANE_READING,
    LANE_WRITING,
    LANE_PROBING,
    LANE_FENCING,
    LANE_AWAITING
};

struct queue {
    struct store_op *head, *tail;
    unsigned count;
};

struct partition;

struct lane {
    struct partition *partition;
    struct store *store;
    struct conn conn;
    struct batch batch;
    enum lane_state state;
    bool opened;      /* it connects, or is connected */
    bool unsettled;   /* an EXEC was sent and not answered, or is not as safe yet as promised */
    bool watching;    /* the connection has WATCHes that no EXEC has ended */
    bool empty_write; /* the EXEC in flight only makes the reads a snapshot */
    bool passing;     /* it passes a turn on */
    bool left_behind; /* FENCING: another connection, after the pause, may lead to the present */
    bool doubted; /* it also tells whether reads that contradict each other were of one instant */
    char marker[64];
    char value[32];          /* of the attempt in flight or unsettled */
    uint64_t sent_store;     /* the store that it was decided on */
    bool wrote_here;         /* on this connection, and it is in */
    struct event_id awaited; /* its entry in the stream; 0-0: not known */
    uint64_t number;
    unsigned losses; /* in a row */
    unsigned batch_limit;
    int share;          /* operations that a worker has in a batch, of late, times 16 */
    struct queue again; /* operations of lost batches */
    int64_t again_us;   /* not before */
    struct turn turn;   /* of the partition, among the lanes that contend for it */
    struct buf aside;   /* commands that nothing waits for */
    struct us_timer pause;
    struct rng jitter;
    unsigned refusals; /* of the fence, in a row */
    char breach[160];  /* the partition is to be closed, with this in meta; empty: it is not */
    uint64_t breach_store;
    struct parts parts;          /* that its next reservations go to */
    int64_t buckets[PARTS_OPEN]; /* that are known to be listed, in this epoch of this store */
    unsigned bucket_at;
    uint64_t buckets_store; /* 0: none is known */
    int64_t buckets_epoch;
};

struct partition {
    struct store *store;
    uint16_t index;
    struct queue waiting;
    struct lane *lanes;
    struct meta_view gate; /* as last seen */
    char refused[128];     /* why Redis refused to write; empty: it did not */
    int64_t refused_ms;
};

struct reader;
struct relay;
struct repeats;

struct store {
    uv_loop_t *loop;
    struct store_config config;
    struct topology *topology; /* its own, unless the config brought one */
    struct topology_loop *asker;
    struct store_shared *shared;
    struct partition *partitions;
    struct reader *reader;
    struct repeats *repeats;
    struct relay *relay;  /* NULL: it commits by itself */
    struct queue refused; /* to be told at the next pump */
    uv_timer_t tick;
};
