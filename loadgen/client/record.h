/* record.h -- the records of an attempt: written before it is sent, completed when it is over.
 *
 * Layer: client. Each call of an attempt has a record of its own in the history, those of a batch
 * directly behind each other in its order, and counts in the tally as one operation. What is
 * learned from an answer goes on to the client's memory (client_remember).
 */
#ifndef LOADGEN_CLIENT_RECORD_H
#define LOADGEN_CLIENT_RECORD_H

#include "client/client.h"

/* Writes all calls of the attempt as unknown. 0 or -errno: then nothing was written. */
int record_attempt(struct client *c) __attribute__((warn_unused_result));

/* From here on it may have happened. */
void record_begin(struct client *c, uint64_t now_ns);

/* Of all calls the same is known: that there was no answer, and why. */
void record_silence(struct client *c, enum history_outcome outcome, enum history_detail detail,
                    uint64_t now_ns);

/* What the answer says of each call. *garbled is set when a part makes no sense. 0 or -errno. */
int record_answer(struct client *c, const struct response *response, bool *garbled, uint64_t now_ns)
    __attribute__((warn_unused_result));

#endif
