/* mismatch.h -- what an answer says that does not fit the request it answers.
 *
 * Layer: client, pure, no heap. The history keeps an answer's state, versions and what remains;
 * everything else that it says is compared with the request here, as long as both are at hand, and
 * only a contradiction is kept (history_put_note). What the answer leaves out of the fields that no
 * checking needs is no contradiction.
 */
#pragma once

#include "client/answer.h"
#include "client/listing.h"
#include "client/response.h"
#include "history/format.h"

/* A sentence's predicate about the answer, as `says "quantity":4 for load-x-3, not 3`. */
struct mismatch {
    char text[HISTORY_NOTE_MAX + 1]; /* "" when the answer fits */
};

/* Says what does not fit, unless something was said already: the first contradiction is kept. */
void mismatch_say(struct mismatch *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For printf("%.*s", MISMATCH_ARG(s)): so many bytes of a server's text. */
#define MISMATCH_SHOWN  24
#define MISMATCH_ARG(s) (int)((s).n < MISMATCH_SHOWN ? (s).n : MISMATCH_SHOWN), (s).p ? (s).p : ""

/* The line of the request that a line of the answer, about that sku, is about; NULL, and told, when
 * there is none. */
const struct history_line *mismatch_asked(struct mismatch *m, const struct history_facts *facts,
                                          const struct history_op *op, struct str sku);

/* What is known of a request besides its record. */
struct mismatch_request {
    struct str id;      /* of the reservation that it is about, or made before; absent: not known */
    uint64_t passed_ms; /* since it was sent */
    const struct history_op *reserve; /* that made the reservation; NULL: not known, or none */
    bool named;                       /* that one carried a customer, a reference and metadata */
    const struct history_op *about;   /* of look-up and reuse: the first attempt with the key */
    uint64_t if_match;                /* of set */
    const struct listing *list;       /* of list */
    bool whole;                       /* the answer is to the whole batch that it is a part of */
};

/* Of an answer 2xx with the fields that matter: status, id, skus, quantities, time to live, whether
 * an item's numbers add up, and the headers that repeat what the body says. One that is marked as
 * replayed repeats the answer to an earlier request, that may have asked for other quantities, and
 * a while ago. */
void mismatch_of_success(struct mismatch *m, const struct history_facts *facts,
                         const struct history_op *op, const struct mismatch_request *request,
                         const struct answer *a, const struct response *response);

/* Of an answer 2xx to a delete. */
void mismatch_of_removal(struct mismatch *m, const struct response *response);

/* Of the record of a key: status and body as the first answer had them. */
void mismatch_of_record(struct mismatch *m, const struct mismatch_request *request, int status,
                        const struct answer *a);

/* Of a 2xx whose body is JSON, but lacks what the interface promises for this kind of operation.
 * Says nothing about what is not even JSON: that may have been garbled by anybody on its way. */
void mismatch_of_garbled(struct mismatch *m, const struct history_op *op, struct str body);
