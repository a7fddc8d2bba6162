/* refusal.h -- what an answer that is no success claims, and whether there can be a ground for it.
 *
 * Layer: client, pure, no heap. One table says which problem documents the interface knows, with
 * which status, and which kinds of request can meet them; docs/loadgen.md says how the checker
 * judges each. Whatever else is said counts in one of three ways:
 *
 *   busy     5xx, 408, 425, 429 that are no such document: nothing is claimed but that there is no
 *            answer now. It may have happened, and is looked up after the load
 *   foreign  made by something between server and client, by all signs: it may have happened, and
 *            what the server itself would have said nobody knows
 *   wrong    a document that this request gives no ground for, or none where one is due: a mismatch
 */
#pragma once

#include "client/answer.h"
#include "client/mismatch.h"
#include "client/response.h"

struct refusal {
    enum history_outcome outcome;
    enum history_detail detail;
    struct mismatch mismatch;
};

/* Of an answer that is not 2xx. a: what its body says, NULL when it is no JSON object. */
struct refusal refusal_read(const struct history_facts *facts, const struct history_op *op,
                            const struct response *response, const struct answer *a);

/* The same for a look-up of a key: true when it says that no operation is recorded under it. */
bool refusal_of_lookup(const struct response *response, const struct answer *a);
