/* learn.c -- from an answer to the record: outcome, detail, versions. */
#include "client/answer.h"
#include "client/intent.h"
#include "client/refusal.h"

#include <string.h>

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
    for (unsigned n = 0; n < op->lines; n++) {
        struct history_line *line = history_line(op, n);
        if (line->item == item)
            return line;
    }
    return NULL;
}

/* Copies (remaining, version) of the answer's lines to the operation's. How many were found. */
static unsigned learn_lines(const struct history_facts *facts, struct history_op *op,
                            const struct answer *a)
{
    unsigned found = 0;
    for (unsigned n = 0; n < a->lines; n++) {
        const struct answer_line *said = &a->line[n];
        struct history_line *line = line_of(op, load_item_of(facts, said->sku));
        if (!line || line->version != 0 || said->version == 0 || said->remaining == ANSWER_UNSAID)
            continue;
        line->version = said->version;
        line->remaining = said->remaining;
        found++;
    }
    return found;
}

/* A 2xx of a reservation carries each line once. */
static enum history_detail learn_reservation(const struct history_facts *facts,
                                             struct history_op *op, const struct answer *a)
{
    return learn_lines(facts, op, a) == op->lines ? state_of(a->state) : DETAIL_GARBLED;
}

/* A 2xx of an item or a decrement. */
static enum history_detail learn_item(struct history_op *op, const struct answer *a)
{
    int64_t remaining = op->kind == KIND_DECREMENT ? a->remaining : a->available;
    if (a->version == 0 || remaining == ANSWER_UNSAID)
        return DETAIL_GARBLED;
    op->line.version = a->version;
    op->line.remaining = remaining;
    return DETAIL_NONE;
}

static void learn_success(struct lesson *lesson, const struct history_facts *facts,
                          struct history_op *op, const struct misfit_request *request,
                          const struct answer *a, const struct response *response)
{
    static const bool of_reservation[KINDS] = {[KIND_RESERVE] = true,
                                               [KIND_CONFIRM] = true,
                                               [KIND_RELEASE] = true,
                                               [KIND_EXTEND] = true,
                                               [KIND_GET_RESERVATION] = true};
    lesson->detail = of_reservation[op->kind] ? learn_reservation(facts, op, a) : learn_item(op, a);
    if (op->kind == KIND_RESERVE) {
        lesson->id = a->id;
        if (a->id.n == 0 || a->id.n > HISTORY_ID_MAX)
            lesson->detail = DETAIL_GARBLED;
    }
    if (lesson->detail != DETAIL_GARBLED)
        lesson->outcome = OUTCOME_OK;
    misfit_of_success(&lesson->misfit, facts, op, request, a, response);
}

static void learn_refusal(struct lesson *lesson, const struct history_facts *facts,
                          struct history_op *op, const struct response *response,
                          const struct answer *a)
{
    struct refusal refusal = refusal_read(facts, op, response, a);
    lesson->outcome = refusal.outcome;
    lesson->detail = refusal.detail;
    lesson->misfit = refusal.misfit;
    if (lesson->detail == DETAIL_NO_STOCK && learn_lines(facts, op, a) == 0)
        lesson->detail =
            DETAIL_OTHER; /* it says nothing that could be checked, and that was told */
}

struct lesson intent_learn(const struct history_facts *facts, struct history_op *op,
                           const struct misfit_request *request, const struct response *response)
{
    struct lesson lesson = {.outcome = OUTCOME_UNKNOWN, .detail = DETAIL_GARBLED};
    struct answer a;
    bool readable = answer_read(&a, response->body);
    if (response->status < 200 || response->status >= 300) {
        learn_refusal(&lesson, facts, op, response, readable ? &a : NULL);
        return lesson;
    }
    if (readable)
        learn_success(&lesson, facts, op, request, &a, response);
    if (lesson.detail == DETAIL_GARBLED && !lesson.misfit.text[0])
        misfit_of_garbled(&lesson.misfit, op, response->body);
    return lesson;
}
