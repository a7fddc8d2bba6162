/* history_model.h -- a server in a hundred numbers, for history_explain: what would it answer?
 *
 * Requests are numbered in the order of the file. A state is small and copied for every branch of
 * the search. Each model_* function is told what an answer says: false when no right server says
 * that in this state; else the state is the one after it.
 */
#pragma once

#include "history/reader.h"

#include <stdbool.h>

#define MODEL_REQUESTS  60
#define MODEL_ITEMS     4
#define MODEL_LINES     3
#define MODEL_CUSTOMERS 4
#define MODEL_NONE      UINT32_MAX

struct model_request {
    const struct history_op *op;
    uint32_t slot;
    uint32_t key;         /* number of the first attempt with this key; of a look-up: looked up */
    uint32_t reservation; /* number of the reserve that it is about, MODEL_NONE */
    enum history_outcome outcome; /* an answer without its numbers is none */
    bool settle;
    uint64_t after; /* bits by number: what stands before it in its batch, as far as that can be
                       told by what both say of an item or a reservation */
    uint64_t begin_ns, end_ns; /* UINT64_MAX: never */
};

struct model_pair {
    uint64_t version;
    int64_t remaining;
};

struct model_state {
    struct {
        bool created;
        uint64_t version;
        int64_t available, held, sold, received;
        int64_t used[MODEL_CUSTOMERS];
    } item[MODEL_ITEMS];
    /* By number of the first attempt of a key. */
    struct {
        bool applied;
        bool again;  /* its answer tells of an expiry before */
        bool repeat; /* it only repeats what another key had done: whether that is kept is free */
        struct model_pair pair[MODEL_LINES];
    } key[MODEL_REQUESTS];
    /* By number of the first attempt of a reserve. */
    struct {
        enum history_detail state; /* DETAIL_NONE: there is none */
        bool up;    /* somebody was told that its time is up; that it expired is written later */
        bool again; /* confirmed after it had expired, with these pairs */
        struct model_pair expired[MODEL_LINES];
        uint64_t due_ns; /* it does not run out before that */
        int32_t confirmed[MODEL_LINES];
        struct model_pair pair[MODEL_LINES];
    } hold[MODEL_REQUESTS];
};

struct model {
    const struct history_facts *facts;
    uint32_t count;
    struct model_request request[MODEL_REQUESTS];
};

/* False when the history is too large, or says things that no stockload writes. */
bool model_read(struct model *m, const struct history_reader *r);

bool model_answered(const struct model *m, struct model_state *s, uint32_t n);

/* The request got no answer, but took effect now. */
bool model_unseen(const struct model *m, struct model_state *s, uint32_t n);

/* The hold runs out. */
void model_expire(const struct model *m, struct model_state *s, uint32_t reserve);
