/* access.h -- what the access log says: who asked for a change, for which, and what became of it.
 *
 * Layer: http, private to the server. A line for every operation of a known route that changes
 * something, done or refused, alone or in a batch; nothing for reads. It is put when the outcome is
 * known, also where the client has gone, and written before the answer of the store is sent.
 */
#pragma once

#include "http/problem.h"
#include "str.h"

struct answer;
struct exchange;
struct http_server;

/* The head of the request is known. */
void access_begin(struct exchange *x);

/* An operation was decided; index: in its batch, or -1. */
void access_decided(struct exchange *x, const struct op *op, const struct answer *answer,
                    int index);

/* The same for one that was refused before the store had it. */
void access_op_refused(struct exchange *x, const struct op *op, const struct refusal *why,
                       int index);

/* The request as a whole was refused. */
void access_refused(struct exchange *x, const struct refusal *why);

/* The service ends before the store has answered. */
void access_unknown(struct exchange *x, const struct op *op, int index);

/* Writes what there is; as access_log_flush(). */
int64_t access_flush(struct http_server *server);
