/* batch.h -- the operations of one POST /v1/batch on their way through the store.
 *
 * Layer: http, private to the server. All are read first; those that are wrong have their result
 * then. The others are handed over in order, one run of equal partition at a time, and the next
 * run only when the one before is decided: so they take effect in the given order.
 *
 * Invariant: what was handed over can be answered. Room for the longest answer is set aside before,
 * and operations that find none are refused.
 */
#pragma once

#include "http/request/request.h"
#include "store/store.h"

#define BATCH_ANSWER_MAX_BYTES ((size_t)8 << 20) /* of all results */
#define BATCH_RUN_MAX_BYTES    ((size_t)4 << 20) /* of those that a run may have at the most */

struct exchange;
struct http_server;
struct kept_ticket;

struct batch_job {
    struct exchange *exchange;
    struct store_op *ops;        /* count of them */
    struct str *results;         /* the JSON of each result; absent: not decided */
    struct kept_ticket *tickets; /* of each operation; NULL: nobody limits what is kept */
    unsigned count;
    unsigned next;       /* the first that was not handed over */
    size_t answer_bytes; /* of the results */
    size_t owed_bytes;   /* that the results of the run under way take at the most */
    struct store_chain chain;
    struct batch_job *later;
};

/* Reads the body and begins; answers at once if nothing is left for the store. */
void batch_job_begin(struct exchange *x, const struct request_head *head);

/* The service ends, and what the store has of it may still happen. */
void batch_job_unknown(const struct batch_job *job);

/* Hands over the next runs of the batches that wait for that. */
void batch_job_continue(struct http_server *server);
