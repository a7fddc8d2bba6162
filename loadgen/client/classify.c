/* classify.c -- from an answer to the record: outcome, detail, versions. */
#include "client/answer.h"
#include "client/expiry.h"
#include "client/intent.h"
#include "client/refusal.h"
#include "history/reader.h"

#include <stdio.h>

static enum history_detail state_of(struct str state)
{
    static const struct {
        struct str name;
        enum history_detail detail;
    } states[] = {{STR("held"), DETAIL_HELD},
                  {STR("confirmed"), DETAIL_CONFIRMED},
                  {STR("released"), DETAIL_RELEASED},
                  {STR("expired"), DETAIL_EXPIRED}};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (str_equal(states[i].name, state))
            return states[i].detail;
    return DETAIL_GARBLED;
}

/* The operation's line of this item, or NULL. */
static struct history_line *line_of(struct history_op *op, int64_t item)
{
    return (struct history_line *)(uintptr_t)history_line_about(op, item);
}

/* Copies (remaining, version) of the answer's lines to the operation's; where somebody's limit is
 * exceeded, (used, version). How many were found. */
static unsigned learn_lines(const struct history_facts *facts, struct history_op *op,
                            const struct answer *a, bool exceeded)
{
    unsigned found = 0;
    for (unsigned n = 0; n < a->lines; n++) {
        const struct answer_line *said = &a->line[n];
        struct history_line *line = line_of(op, load_item_of(facts, said->sku));
        int64_t number = exceeded ? said->used : said->remaining;
        if (!line || line->version != 0 || said->version == 0 || number == ANSWER_UNSAID)
            continue;
        line->version = said->version;
        line->remaining = number;
        found++;
    }
    return found;
}

/* A 2xx of a reservation carries each line once. */
static enum history_detail learn_reservation(const struct history_facts *facts,
                                             struct history_op *op, const struct answer *a)
{
    return learn_lines(facts, op, a, false) == op->lines ? state_of(a->state) : DETAIL_GARBLED;
}

/* A 2xx of an item or a decrement. */
static enum history_detail learn_item(enum history_kind kind, struct history_op *op,
                                      const struct answer *a)
{
    int64_t remaining = kind == KIND_DECREMENT ? a->remaining : a->available;
    if (a->version == 0 || remaining == ANSWER_UNSAID)
        return DETAIL_GARBLED;
    op->line.version = a->version;
    op->line.remaining = remaining;
    return DETAIL_NONE;
}

/* A 2xx of a transfer says what each of both items was left with. */
static enum history_detail learn_transfer(struct history_op *op, const struct answer *a)
{
    const struct answer_line *sides[] = {&a->from, &a->to};
    for (unsigned n = 0; n < 2; n++)
        if (sides[n]->version == 0 || sides[n]->remaining == ANSWER_UNSAID)
            return DETAIL_GARBLED;
    for (unsigned n = 0; n < 2; n++) {
        history_line(op, n)->version = sides[n]->version;
        history_line(op, n)->remaining = sides[n]->remaining;
    }
    return DETAIL_NONE;
}

/* A page shows items of this run, no more than were asked for, each with its numbers. */
static enum history_detail learn_list(const struct history_facts *facts, struct history_op *op,
                                      const struct listing *asked, const struct answer *a)
{
    if (!a->listed || a->lines > asked->limit)
        return DETAIL_GARBLED;
    for (unsigned n = 0; n < a->lines; n++)
        if (load_item_of(facts, a->line[n].sku) < 0 || a->line[n].version == 0 ||
            a->line[n].remaining == ANSWER_UNSAID)
            return DETAIL_GARBLED;
    op->lines = (uint8_t)a->lines;
    for (unsigned n = 0; n < a->lines; n++)
        *history_line(op, n) =
            (struct history_line){.item = (uint32_t)load_item_of(facts, a->line[n].sku),
                                  .version = a->line[n].version,
                                  .remaining = a->line[n].remaining};
    return DETAIL_NONE;
}

/* A 2xx with this body to an operation of that kind. */
static enum history_detail learn_answer(enum history_kind kind, const struct history_facts *facts,
                                        struct history_op *op, const struct answer *a)
{
    switch (kind) {
    case KIND_RESERVE: {
        enum history_detail detail = learn_reservation(facts, op, a);
        return a->id.n == 0 || a->id.n > HISTORY_ID_MAX ? DETAIL_GARBLED : detail;
    }
    case KIND_CONFIRM:
    case KIND_RELEASE:
    case KIND_EXTEND:
    case KIND_RERESERVE:
    case KIND_GET_RESERVATION: return learn_reservation(facts, op, a);
    case KIND_TRANSFER: return learn_transfer(op, a);
    default: return learn_item(kind, op, a);
    }
}

/* What was sold of a reservation, by who shows it. */
static void learn_sold(const struct history_facts *facts, struct history_op *op,
                       const struct answer *a)
{
    for (unsigned n = 0; n < a->lines; n++) {
        struct history_line *line = line_of(op, load_item_of(facts, a->line[n].sku));
        if (line && a->line[n].quantity >= 0 && a->line[n].quantity <= INT32_MAX)
            line->quantity = (int32_t)a->line[n].quantity;
    }
}

/* Of an answer that counts. */
static void learn_expiry(struct lesson *lesson, const struct history_facts *facts,
                         struct history_op *op, const struct answer *a)
{
    if (!expiry_fits(&lesson->mismatch, facts, op, a))
        return;
    op->flags |= FLAG_TOOK_AGAIN;
    lesson->expired_lines = a->expired_lines;
}

static void learn_success(struct lesson *lesson, const struct history_facts *facts,
                          struct history_op *op, const struct mismatch_request *request,
                          const struct answer *a, const struct response *response)
{
    enum history_kind kind = op->kind == KIND_REUSE ? request->about->kind : op->kind;
    lesson->detail = kind == KIND_LIST ? learn_list(facts, op, request->list, a)
                                       : learn_answer(kind, facts, op, a);
    lesson->id = op->kind == KIND_RESERVE ? a->id : (struct str){NULL, 0};
    lesson->on_hand = a->on_hand;
    lesson->held = a->held;
    mismatch_of_success(&lesson->mismatch, facts, op, request, a, response);
    if (lesson->detail == DETAIL_GARBLED)
        return;
    lesson->outcome = OUTCOME_OK;
    if (op->kind == KIND_LIST) {
        lesson->further = *request->list;
        if (!listing_turn(&lesson->further, facts, a))
            lesson->further.cursor_bytes = 0;
    }
    learn_expiry(lesson, facts, op, a);
    if (op->kind == KIND_GET_RESERVATION && lesson->detail == DETAIL_CONFIRMED)
        learn_sold(facts, op, a);
}

/* A record holds the answer as it was given first. */
static void learn_record(struct lesson *lesson, const struct history_facts *facts,
                         struct history_op *op, const struct mismatch_request *request,
                         const struct answer *record)
{
    struct answer a;
    if (!str_absent(record->body) && record->status != 0 && answer_read(&a, record->body))
        lesson->detail = learn_answer(request->about->kind, facts, op, &a);
    if (lesson->detail == DETAIL_GARBLED)
        return;
    lesson->outcome = OUTCOME_OK;
    mismatch_of_record(&lesson->mismatch, request, record->status, &a);
    learn_expiry(lesson, facts, op, &a);
}

static void learn_refusal(struct lesson *lesson, const struct history_facts *facts,
                          struct history_op *op, const struct mismatch_request *request,
                          const struct response *response, const struct answer *a)
{
    struct refusal refusal = refusal_read(facts, op, response, a);
    if (refusal.detail == DETAIL_STALE)
        op->line.version = request->if_match;
    lesson->outcome = refusal.outcome;
    lesson->detail = refusal.detail;
    lesson->mismatch = refusal.mismatch;
    if (request->whole && refusal.outcome == OUTCOME_FAIL && refusal.detail != DETAIL_UNAVAILABLE) {
        lesson->detail = DETAIL_OTHER;
        snprintf(lesson->mismatch.text, sizeof(lesson->mismatch.text),
                 "refuses a whole batch, for which there is no reason");
    }
    bool exceeded = lesson->detail == DETAIL_LIMIT;
    if (a && (exceeded || lesson->detail == DETAIL_NO_STOCK) &&
        learn_lines(facts, op, a, exceeded) == 0)
        lesson->detail =
            DETAIL_OTHER; /* it says nothing that could be checked, and that was told */
}

struct lesson intent_learn(const struct history_facts *facts, struct history_op *op,
                           const struct mismatch_request *request, const struct response *response)
{
    struct lesson lesson = {.outcome = OUTCOME_UNKNOWN, .detail = DETAIL_GARBLED};
    struct answer a;
    bool readable = answer_read(&a, response->body);
    if (response->status < 200 || response->status >= 300) {
        learn_refusal(&lesson, facts, op, request, response, readable ? &a : NULL);
        return lesson;
    }
    if (op->kind == KIND_DELETE) {
        /* The status is all that it says. */
        lesson.outcome = OUTCOME_OK;
        lesson.detail = DETAIL_NONE;
        mismatch_of_removal(&lesson.mismatch, response);
        return lesson;
    }
    if (readable && op->kind == KIND_LOOKUP)
        learn_record(&lesson, facts, op, request, &a);
    else if (readable)
        learn_success(&lesson, facts, op, request, &a, response);
    if (lesson.detail == DETAIL_GARBLED && !lesson.mismatch.text[0])
        mismatch_of_garbled(&lesson.mismatch, op, response->body);
    return lesson;
}
