/* refusal.c -- the problems of the interface as a table, and what is no problem document. */
#include "client/refusal.h"

#include <inttypes.h>

#define IN(kind)    (1u << KIND_##kind)
#define CONFIRMS    (IN(CONFIRM) | IN(RERESERVE))
#define ENDS        (CONFIRMS | IN(RELEASE))
#define OF_HOLD     (ENDS | IN(EXTEND))
#define TAKES       (IN(RESERVE) | IN(DECREMENT) | IN(ADJUST) | IN(TRANSFER))
#define COUNTS      (IN(RESERVE) | IN(DECREMENT) | IN(RERESERVE)) /* for a customer */
#define READS_ITEMS (IN(GET_ITEM) | IN(LIST))

/* What each problem is called, its one status, and which requests of ours can meet it. Who is
 * refused for another reason, as 403, has asked with the same credentials as the set-up did, and
 * for nothing that is malformed. */
static const struct problem {
    struct str name;
    uint16_t status;
    enum history_detail detail;
    unsigned kinds;
} problems[] = {
    /* To want stock where none is taken, or to refuse for an expiry who says what to do then, is
     * for the checker to tell. */
    {STR("insufficient-stock"), 409, DETAIL_NO_STOCK,
     TAKES | OF_HOLD | READS_ITEMS | IN(GET_RESERVATION)},
    {STR("item-not-found"), 404, DETAIL_NO_ITEM, TAKES | IN(GET_ITEM) | IN(DELETE) | IN(RERESERVE)},
    {STR("reservation-not-found"), 404, DETAIL_NO_RESERVATION, OF_HOLD | IN(GET_RESERVATION)},
    {STR("reservation-expired"), 409, DETAIL_EXPIRED, OF_HOLD},
    {STR("reservation-released"), 409, DETAIL_RELEASED, CONFIRMS | IN(EXTEND)},
    {STR("reservation-confirmed"), 409, DETAIL_CONFIRMED, OF_HOLD},
    {STR("cross-partition"), 422, DETAIL_APART, IN(RESERVE) | IN(TRANSFER)},
    /* Beyond the longest time that the server lets anybody hold. */
    {STR("invalid-field"), 422, DETAIL_TOO_LONG, IN(EXTEND)},
    {STR("operation-not-found"), 404, DETAIL_NO_OPERATION, IN(LOOKUP)},
    {STR("idempotency-key-reused"), 422, DETAIL_REUSED, IN(REUSE)},
    /* Sets are for what the item held at that version, at the least. */
    {STR("precondition-failed"), 412, DETAIL_STALE, IN(SET)},
    {STR("below-held"), 409, DETAIL_STALE, IN(SET)},
    {STR("precondition-failed"), 412, DETAIL_EXISTS, IN(PUT)},
    {STR("item-in-use"), 409, DETAIL_IN_USE, IN(DELETE)},
    {STR("limit-exceeded"), 409, DETAIL_LIMIT, COUNTS},
};

/* What it is called means, to that kind of request; NULL: nothing. */
static const struct problem *find_problem(struct str name, unsigned kind)
{
    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
        if (str_equal(problems[i].name, name) && problems[i].kinds & 1u << kind)
            return &problems[i];
    return NULL;
}

/* What keeps the answer from being a problem document; NULL: it is one. */
static const char *no_document(const struct response *response, const struct answer *a)
{
    if (response->body.n == 0)
        return "is empty";
    if (!a)
        return "is no JSON object that could be a problem document";
    if (str_absent(a->type) || str_absent(a->title) || str_absent(a->detail) || a->status == 0)
        return "is no problem document: type, title, status and detail make one";
    if (a->status != response->status)
        return "says another \"status\" in its body";
    if (response->content != CONTENT_PROBLEM)
        return "is not of type application/problem+json";
    return NULL;
}

static bool is_busy(unsigned status)
{
    return status >= 500 || status == 408 || status == 425 || status == 429;
}

/* Whether something between server and client is likelier to have said it than the server: such
 * answer in their own format, or about what they themselves take at the most, or send elsewhere. */
static bool is_foreign(const struct response *response)
{
    static const uint16_t theirs[] = {301, 302, 303, 307, 308, 407, 413, 414, 431};
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
        if (response->status == theirs[i])
            return true;
    return response->content == CONTENT_OTHER && response->status >= 400;
}

/* What an adjustment or a transfer requests is what it takes away. */
static int64_t units_asked(const struct history_op *op, const struct history_line *asked)
{
    bool deltas = op->kind == KIND_ADJUST || op->kind == KIND_TRANSFER;
    return deltas ? -(int64_t)asked->quantity : asked->quantity;
}

static void compare_short(struct mismatch *m, const struct history_facts *facts,
                          const struct history_op *op, const struct history_line *asked,
                          const struct answer_line *said)
{
    if (said->quantity == ANSWER_UNSAID || said->remaining == ANSWER_UNSAID || said->version == 0)
        mismatch_say(m, "has a line for %s%" PRIu32 " without requested, available or version",
                     facts->prefix, asked->item);
    else if (said->quantity != units_asked(op, asked))
        mismatch_say(m, "says %" PRId64 " units of %s%" PRIu32 " were requested, not %" PRId64,
                     said->quantity, facts->prefix, asked->item, units_asked(op, asked));
}

/* What was requested need not be said again. */
static void compare_over(struct mismatch *m, const struct history_facts *facts,
                         const struct history_op *op, const struct history_line *asked,
                         const struct answer_line *said)
{
    uint32_t limit = history_limit(facts, asked->item);
    if (said->limit == ANSWER_UNSAID || said->used == ANSWER_UNSAID || said->version == 0)
        mismatch_say(m, "has a line for %s%" PRIu32 " without limit, used or version",
                     facts->prefix, asked->item);
    else if (said->limit != limit)
        mismatch_say(
            m, "says that %s%" PRIu32 " has a limit of %" PRId64 ", and not %" PRIu32 " (0: none)",
            facts->prefix, asked->item, said->limit, limit);
    else if (said->quantity != ANSWER_UNSAID && said->quantity != asked->quantity)
        mismatch_say(m, "says %" PRId64 " units of %s%" PRIu32 " were requested, not %" PRId32,
                     said->quantity, facts->prefix, asked->item, asked->quantity);
}

/* Compares one line with what was asked for. */
typedef void compare_line_fn(struct mismatch *m, const struct history_facts *facts,
                             const struct history_op *op, const struct history_line *asked,
                             const struct answer_line *said);

/* Lines of a 409 insufficient-stock or limit-exceeded: each about another item of the request. */
static void compare_lines(struct mismatch *m, const struct history_facts *facts,
                          const struct history_op *op, const struct answer *a,
                          compare_line_fn *compare)
{
    if (!((TAKES | IN(RERESERVE)) & 1u << op->kind))
        return; /* wrong whatever its lines say, and told by the checker */
    if (a->lines == 0)
        mismatch_say(m, "has no line that says which item fell short");
    for (unsigned n = 0; n < a->lines && !m->text[0]; n++) {
        const struct history_line *asked = mismatch_asked(m, facts, op, a->line[n].sku);
        if (asked)
            compare(m, facts, op, asked, &a->line[n]);
        for (unsigned before = 0; before < n && !m->text[0]; before++)
            if (str_equal(a->line[before].sku, a->line[n].sku))
                mismatch_say(m, "has two lines for \"%.*s\"", MISMATCH_ARG(a->line[n].sku));
    }
}

static struct refusal read_document(const struct history_facts *facts, const struct history_op *op,
                                    unsigned status, const struct answer *a)
{
    struct refusal r = {.outcome = OUTCOME_FAIL, .detail = DETAIL_OTHER};
    if (status == 503 || status == 429) {
        r.detail = DETAIL_UNAVAILABLE;
        return r;
    }
    const struct problem *problem = find_problem(a->type, op->kind);
    if (!problem) {
        mismatch_say(&r.mismatch, "gives \"%.*s\" as the reason, for which there is none",
                     MISMATCH_ARG(a->type));
    } else if (problem->status != status) {
        mismatch_say(&r.mismatch, "gives \"%.*s\", which is a %u", MISMATCH_ARG(a->type),
                     (unsigned)problem->status);
    } else {
        r.detail = problem->detail;
        if (problem->detail == DETAIL_NO_STOCK)
            compare_lines(&r.mismatch, facts, op, a, compare_short);
        if (problem->detail == DETAIL_LIMIT)
            compare_lines(&r.mismatch, facts, op, a, compare_over);
    }
    return r;
}

struct refusal refusal_read(const struct history_facts *facts, const struct history_op *op,
                            const struct response *response, const struct answer *a)
{
    unsigned status = response->status;
    const char *why_not = no_document(response, a);
    if (!why_not && (status == 503 || status < 500))
        return read_document(facts, op, status, a);
    struct refusal r = {.outcome = OUTCOME_UNKNOWN, .detail = DETAIL_OTHER};
    if (is_busy(status))
        return r;
    r.detail = DETAIL_FOREIGN;
    if (!is_foreign(response))
        mismatch_say(&r.mismatch, "%s",
                     status < 400 ? "is none that such a request can get" : why_not);
    return r;
}

bool refusal_of_lookup(const struct response *response, const struct answer *a)
{
    const struct problem *problem =
        no_document(response, a) ? NULL : find_problem(a->type, KIND_LOOKUP);
    return problem && response->status == problem->status;
}
