/* lane.h -- one connection of a worker to a partition, with at most one transaction in flight.
 *
 * Layer: store, private to it.
 *
 *   IDLE -> READING (WATCH and reads; more rounds as the plan asks) -> WRITING (MULTI .. EXEC)
 *        -> IDLE
 *   EXEC nil: PROBING (which items moved?) if several were touched; those operations wait in
 *   `again` for a random time, the others go on at once.
 *   With --durability replicated or ledger: WRITING -> AWAITING (replicas, or SQL) -> IDLE.
 *   Connection lost while WRITING or AWAITING: nobody knows. FENCING once it is back: the marker
 *   shows this attempt -> it happened, the outcomes kept are the answers. Else the marker is
 * written under WATCH: from then on the late EXEC, which watched the old marker, can only get nil,
 * and the operations are decided anew - unless Redis holds another store by then, or none.
 *
 * Invariant: between a lost EXEC and the end of FENCING no operation of that batch is told yes,
 * no or 503; one whose deadline passes is told OUT_UNKNOWN.
 */
#ifndef STORE_LANE_H
#define STORE_LANE_H

#include "random.h"
#include "store/batch.h"
#include "store/conn.h"
#include "store/feed_id.h"
#include "store/pause.h"
#include "store/store.h"

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
    bool unsettled;   /* an EXEC was sent and not answered, or is not as safe yet as promised */
    bool watching;    /* the connection has WATCHes that no EXEC has ended */
    bool empty_write; /* the EXEC in flight only makes the reads a snapshot */
    bool doubted; /* it also tells whether reads that contradict each other were of one instant */
    char marker[64];
    char value[32];         /* of the attempt in flight or unsettled */
    uint64_t sent_store;    /* the store that it was decided on */
    bool wrote_here;        /* on this connection, and it is in */
    struct feed_id awaited; /* its entry in the stream; 0-0: not known */
    uint64_t number;
    unsigned losses; /* in a row */
    unsigned batch_limit;
    struct queue again; /* operations of lost batches */
    int64_t again_us;   /* not before */
    uint64_t turn;      /* until when this lane has taken the partition's turn; 0: it has not */
    struct pause pause;
    struct rng jitter;
    unsigned refusals; /* of the fence, in a row */
    char breach[160];  /* the partition is to be closed, with this in meta; empty: it is not */
    uint64_t breach_store;
    uint32_t buckets[8]; /* that are known to be registered, in this epoch of this store */
    unsigned bucket_at;
    uint64_t buckets_store; /* 0: none is known */
    int64_t buckets_epoch;
};

struct partition {
    struct store *store;
    uint16_t index;
    struct queue waiting;
    struct lane *lanes;
    struct gate_view gate; /* as last seen */
    char refused[128];     /* why Redis refused to write; empty: it did not */
    int64_t refused_ms;
};

struct reader;
struct repeats;

struct store {
    uv_loop_t *loop;
    struct store_config config;
    struct address address;
    struct store_shared *shared;
    struct partition *partitions;
    struct reader *reader;
    struct repeats *repeats;
    struct queue refused; /* to be told at the next pump */
    uv_timer_t tick;
    bool closing;
};

void queue_push(struct queue *queue, struct store_op *op);
void queue_push_front(struct queue *queue, struct store_op *op);
void queue_remove(struct queue *queue, struct store_op *op);

/* True if an operation of the same chain is in the queue: this one must stay behind it. */
bool queue_has_chain_of(const struct queue *queue, const struct store_op *op);

int lane_init(struct lane *lane, struct partition *partition, unsigned index)
    __attribute__((warn_unused_result));
void lane_close(struct lane *lane);
void lane_free(struct lane *lane);

/* Begins a batch if the lane is idle and something waits. */
void lane_start(struct lane *lane);

/* Tells the operations whose deadline has passed. */
void lane_expire(struct lane *lane, int64_t now_us);

/* Answers an operation: the last the store does with it. */
void store_tell(struct store_op *op);

/* A full queue refuses the operation: its outcome. */
void store_overload(struct store_op *op);

/* Queues an operation whose key has a record, although the queue is full; or answers it. */
void store_admit_repeat(struct store *store, struct store_op *op);

/* True if Redis has been out of reach long enough to say so. */
bool lane_is_down(const struct lane *lane);

#endif
