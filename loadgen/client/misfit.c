/* misfit.c -- what is compared with what, by kind of operation. */
#include "client/misfit.h"

#include "client/json_scan.h"
#include "client/load.h"
#include "history/reader.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOWN        24   /* bytes of a server's text */
#define TTL_SLACK_MS 1000 /* of a clock that counts in seconds */

/* For printf("%.*s", SHOWN_ARG(s)). */
#define SHOWN_ARG(s) (int)((s).n < SHOWN ? (s).n : SHOWN), (s).p ? (s).p : ""

static const struct history_line *line_of(const struct history_op *op, int64_t item)
{
    for (unsigned n = 0; n < op->lines; n++)
        if (history_line_of(op, n)->item == item)
            return history_line_of(op, n);
    return NULL;
}

/* The line of the request that a line of the answer is about; NULL, and told, when there is none.
 */
static const struct history_line *asked_about(struct misfit *m, const struct history_facts *facts,
                                              const struct history_op *op,
                                              const struct answer_line *said)
{
    const struct history_line *asked = line_of(op, load_item_of(facts, said->sku));
    if (!asked)
        snprintf(m->text, sizeof(m->text), "has a line for \"%.*s\", not asked for",
                 SHOWN_ARG(said->sku));
    return asked;
}

/* --- items --- */

static void compare_sku(struct misfit *m, const struct history_facts *facts,
                        const struct history_op *op, struct str sku)
{
    if (!str_absent(sku) && load_item_of(facts, sku) != op->line.item)
        snprintf(m->text, sizeof(m->text), "says \"sku\":\"%.*s\", asked about %s%" PRIu32,
                 SHOWN_ARG(sku), facts->prefix, op->line.item);
}

static void compare_sum(struct misfit *m, const struct answer *a)
{
    bool said =
        a->on_hand != ANSWER_UNSAID && a->held != ANSWER_UNSAID && a->available != ANSWER_UNSAID;
    int64_t left;
    if (said && (__builtin_sub_overflow(a->on_hand, a->held, &left) || left != a->available))
        snprintf(m->text, sizeof(m->text),
                 "says \"available\":%" PRId64 " with \"on_hand\":%" PRId64
                 " and \"held\":%" PRId64,
                 a->available, a->on_hand, a->held);
}

/* --- reservations --- */

static void compare_id(struct misfit *m, struct str due, struct str id)
{
    if (!str_absent(due) && !str_absent(id) && !str_equal(due, id))
        snprintf(m->text, sizeof(m->text), "says \"id\":\"%.*s\", it was about \"%.*s\"",
                 SHOWN_ARG(id), SHOWN_ARG(due));
}

/* A new deadline is the time to live away, less what has passed since. */
static void compare_ttl(struct misfit *m, const struct history_facts *facts, uint64_t passed_ms,
                        int64_t said_ms)
{
    int64_t due_ms = (int64_t)facts->ttl_ms;
    if (said_ms != ANSWER_UNSAID &&
        (said_ms > due_ms + TTL_SLACK_MS || said_ms < due_ms - (int64_t)passed_ms - TTL_SLACK_MS))
        snprintf(m->text, sizeof(m->text),
                 "says \"ttl_ms\":%" PRId64 " when %" PRId64 " were asked for", said_ms, due_ms);
}

/* Whether so many units can be in a line that was asked for with so many. What was sold of a
 * reservation that somebody confirmed in part may be less. */
static bool quantity_fits(const struct history_op *op, const struct answer *a, int64_t said,
                          int64_t asked, bool replayed)
{
    bool in_part = op->kind == KIND_CONFIRM
                       ? replayed || (op->flags & FLAG_AGAIN)
                       : op->kind == KIND_GET_RESERVATION && str_equal(a->state, STR("confirmed"));
    if (in_part && op->kind == KIND_CONFIRM)
        return said > 0;
    return in_part ? said > 0 && said <= asked : said == asked;
}

static void compare_lines(struct misfit *m, const struct history_facts *facts,
                          const struct history_op *op, const struct answer *a, bool replayed)
{
    for (unsigned n = 0; n < a->lines && !m->text[0]; n++) {
        const struct answer_line *said = &a->line[n];
        const struct history_line *asked = asked_about(m, facts, op, said);
        if (asked && said->quantity != ANSWER_UNSAID &&
            !quantity_fits(op, a, said->quantity, asked->quantity, replayed))
            snprintf(m->text, sizeof(m->text), "says %" PRId64 " units of %s%" PRIu32 " and not %d",
                     said->quantity, facts->prefix, asked->item, asked->quantity);
    }
    if (!m->text[0] && a->lines != op->lines)
        snprintf(m->text, sizeof(m->text), "has %u line%s where %u were asked for", a->lines,
                 a->lines == 1 ? "" : "s", op->lines);
}

void misfit_of_success(struct misfit *m, const struct history_facts *facts,
                       const struct history_op *op, const struct misfit_request *request,
                       const struct answer *a, bool replayed)
{
    bool sets_deadline = op->kind == KIND_RESERVE || op->kind == KIND_EXTEND;
    m->text[0] = '\0';
    switch (op->kind) {
    case KIND_DECREMENT:
        compare_sku(m, facts, op, a->sku);
        if (!m->text[0] && a->quantity != ANSWER_UNSAID && a->quantity != op->line.quantity)
            snprintf(m->text, sizeof(m->text), "says \"quantity\":%" PRId64 " and not %d",
                     a->quantity, op->line.quantity);
        break;
    case KIND_PUT:
    case KIND_ADJUST:
    case KIND_GET_ITEM:
        compare_sku(m, facts, op, a->sku);
        if (!m->text[0])
            compare_sum(m, a);
        break;
    default:
        compare_id(m, request->id, a->id);
        if (!m->text[0])
            compare_lines(m, facts, op, a, replayed);
        if (!m->text[0] && sets_deadline && !replayed)
            compare_ttl(m, facts, request->passed_ms, a->ttl_ms);
    }
}

/* Lines of a 409 insufficient-stock. */
static void compare_shorts(struct misfit *m, const struct history_facts *facts,
                           const struct history_op *op, const struct answer *a)
{
    if (a->lines == 0)
        snprintf(m->text, sizeof(m->text), "has no line that says which item fell short");
    for (unsigned n = 0; n < a->lines && !m->text[0]; n++) {
        const struct answer_line *said = &a->line[n];
        const struct history_line *asked = asked_about(m, facts, op, said);
        if (asked && op->kind == KIND_RESERVE && said->quantity != ANSWER_UNSAID &&
            said->quantity != asked->quantity)
            snprintf(m->text, sizeof(m->text),
                     "says %" PRId64 " units of %s%" PRIu32 " were requested, not %d",
                     said->quantity, facts->prefix, asked->item, asked->quantity);
    }
}

#define GROUND(detail) (1u << (detail))

/* Why a request of this kind may be refused. To want stock where none is taken is for the checker
 * to tell. */
static const unsigned grounds[KINDS] = {
    [KIND_PUT] = ~0u, /* whatever: without its items nothing begins */
    [KIND_ADJUST] = GROUND(DETAIL_NO_STOCK) | GROUND(DETAIL_NO_ITEM),
    [KIND_DECREMENT] = GROUND(DETAIL_NO_STOCK) | GROUND(DETAIL_NO_ITEM),
    [KIND_RESERVE] = GROUND(DETAIL_NO_STOCK) | GROUND(DETAIL_NO_ITEM),
    [KIND_CONFIRM] = GROUND(DETAIL_NO_STOCK) | GROUND(DETAIL_NO_RESERVATION) |
                     GROUND(DETAIL_EXPIRED) | GROUND(DETAIL_RELEASED) | GROUND(DETAIL_CONFIRMED),
    [KIND_RELEASE] = GROUND(DETAIL_NO_STOCK) | GROUND(DETAIL_NO_RESERVATION) |
                     GROUND(DETAIL_EXPIRED) | GROUND(DETAIL_CONFIRMED),
    /* Others: beyond the longest time that the server lets anybody hold. */
    [KIND_EXTEND] = GROUND(DETAIL_NO_STOCK) | GROUND(DETAIL_NO_RESERVATION) |
                    GROUND(DETAIL_EXPIRED) | GROUND(DETAIL_RELEASED) | GROUND(DETAIL_CONFIRMED) |
                    GROUND(DETAIL_OTHER),
    [KIND_GET_ITEM] = GROUND(DETAIL_NO_STOCK) | GROUND(DETAIL_NO_ITEM),
    [KIND_GET_RESERVATION] = GROUND(DETAIL_NO_STOCK) | GROUND(DETAIL_NO_RESERVATION),
};

void misfit_of_refusal(struct misfit *m, const struct history_facts *facts,
                       const struct history_op *op, const struct answer *a,
                       enum history_detail detail, unsigned status)
{
    m->text[0] = '\0';
    if (status == 401 || status == 403)
        return;
    if (!(grounds[op->kind] & GROUND(detail)))
        snprintf(m->text, sizeof(m->text), "gives \"%.*s\" as the reason, for which there is none",
                 SHOWN_ARG(a->type));
    else if (detail == DETAIL_NO_STOCK)
        compare_shorts(m, facts, op, a);
}

void misfit_of_garbled(struct misfit *m, const struct history_op *op, struct str body)
{
    static const char *const promised[KINDS] = {
        [KIND_PUT] = "whole numbers \"available\" and \"version\"",
        [KIND_ADJUST] = "whole numbers \"available\" and \"version\"",
        [KIND_GET_ITEM] = "whole numbers \"available\" and \"version\"",
        [KIND_DECREMENT] = "whole numbers \"remaining\" and \"version\"",
        [KIND_RESERVE] = "id, state and each line's \"remaining\" and \"version\"",
        [KIND_CONFIRM] = "a state and each line's \"remaining\" and \"version\"",
        [KIND_RELEASE] = "a state and each line's \"remaining\" and \"version\"",
        [KIND_EXTEND] = "a state and each line's \"remaining\" and \"version\"",
        [KIND_GET_RESERVATION] = "a state and each line's \"remaining\" and \"version\"",
    };
    struct json_scan s = json_scan_of(body);
    struct str value;
    m->text[0] = '\0';
    if (json_scan_skip(&s, &value) && json_scan_ends(&s))
        snprintf(m->text, sizeof(m->text), "is JSON without %s", promised[op->kind]);
}
