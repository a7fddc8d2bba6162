/* intent.h -- one operation, from the wish to its request, and from the answer to its record.
 *
 * Layer: client, pure but for the buffer it writes: no descriptor, no clock. An intent says what to
 * do; intent_record fills the operation in the history; intent_request writes the bytes to send, or
 * intent_entry its part of them; intent_learn reads the answer into the operation.
 */
#pragma once

#include "client/listing.h"
#include "client/load.h"
#include "client/mismatch.h"
#include "client/response.h"

/* A reservation that this process made and may still end. Its lines are those of the operation. */
struct held {
    const struct history_op *op; /* the first attempt of the reserve */
    uint32_t slot;
    uint64_t turn_ns; /* of one that is kept for late: when it is its turn */
    bool shared;      /* another client has tried to end it as well */
    uint8_t id_bytes; /* 0: nothing here */
    char id[HISTORY_ID_MAX];
};

/* An operation of the client, answered with 2xx and no replay: its key must be recorded. */
struct answered {
    const struct history_op *op; /* the first attempt; NULL: none yet */
    uint32_t slot;
    uint8_t id_bytes; /* of the reservation that it made; 0: it made none */
    char id[HISTORY_ID_MAX];
};

struct intent {
    enum history_kind kind;
    unsigned lines;                              /* of list: that there is room for */
    struct history_line line[HISTORY_LINES_MAX]; /* item and quantity; the rest is 0 */
    struct held held;                            /* of what is about a reservation */
    bool partial;          /* a confirm or rereserve that says how many units */
    struct answered about; /* of look-up and reuse */
    uint64_t if_match;     /* of set */
    struct listing list;   /* of list; has no lines before its answer */
};

/* Fills kind, lines, `of` and flags of a record that history_begin made with i->lines lines. */
void intent_record(const struct intent *i, struct history_op *op);

/* The request for an attempt of it. op names client and seq, hence the key. */
void intent_request(const struct intent *i, const struct load *load, const struct history_op *op,
                    struct buf *out);

/* The same as an entry of a batch, appended. */
void intent_entry(const struct intent *i, const struct load *load, const struct history_op *op,
                  struct buf *out);

/* What an answer means. */
struct lesson {
    enum history_outcome outcome;
    enum history_detail detail;
    struct str id; /* of the reservation a reserve made; absent otherwise. Part of the response */
    struct str expired_lines; /* of one that expired and was confirmed after that; as above */
    struct mismatch mismatch; /* what else the answer said that does not fit the request */
    int64_t on_hand, held;    /* of a get of an item; ANSWER_UNSAID when not said */
    struct listing further;   /* of a list: the page behind this one, if cursor_bytes > 0 */
};

/* Reads status and body of an answer, fills version and remaining of the operation's lines. */
struct lesson intent_learn(const struct history_facts *facts, struct history_op *op,
                           const struct mismatch_request *request, const struct response *response);
