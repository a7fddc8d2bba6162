/* mismatch.c -- what is compared with what, by kind of operation. */
#include "client/mismatch.h"
#include "client/json_same.h"
#include "client/json_scan.h"
#include "client/load.h"
#include "history/reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define TTL_SLACK_MS 1000 /* of a clock that counts in seconds */

void mismatch_say(struct mismatch *m, const char *format, ...)
{
    va_list args;
    if (m->text[0])
        return;
    va_start(args, format);
    vsnprintf(m->text, sizeof(m->text), format, args);
    va_end(args);
}

const struct history_line *mismatch_asked(struct mismatch *m, const struct history_facts *facts,
                                          const struct history_op *op, struct str sku)
{
    const struct history_line *asked = history_line_about(op, load_item_of(facts, sku));
    if (!asked)
        mismatch_say(m, "has a line for \"%.*s\", not asked for", MISMATCH_ARG(sku));
    return asked;
}

/* --- items --- */

static void compare_sku(struct mismatch *m, const struct history_facts *facts,
                        const struct history_line *asked, struct str sku)
{
    if (!str_absent(sku) && load_item_of(facts, sku) != asked->item)
        mismatch_say(m, "says \"sku\":\"%.*s\", asked about %s%" PRIu32, MISMATCH_ARG(sku),
                     facts->prefix, asked->item);
}

static void compare_sum(struct mismatch *m, const struct answer *a)
{
    bool said =
        a->on_hand != ANSWER_UNSAID && a->held != ANSWER_UNSAID && a->available != ANSWER_UNSAID;
    int64_t left;
    if (said && (__builtin_sub_overflow(a->on_hand, a->held, &left) || left != a->available))
        mismatch_say(
            m, "says \"available\":%" PRId64 " with \"on_hand\":%" PRId64 " and \"held\":%" PRId64,
            a->available, a->on_hand, a->held);
}

/* --- reservations --- */

static void compare_id(struct mismatch *m, struct str due, struct str id)
{
    if (!str_absent(due) && !str_absent(id) && !str_equal(due, id))
        mismatch_say(m, "says \"id\":\"%.*s\", it was about \"%.*s\"", MISMATCH_ARG(id),
                     MISMATCH_ARG(due));
}

/* A new deadline is the time to live away, less what has passed since. */
static void compare_ttl(struct mismatch *m, const struct history_facts *facts, uint64_t passed_ms,
                        int64_t said_ms)
{
    int64_t due_ms = (int64_t)facts->ttl_ms;
    if (said_ms != ANSWER_UNSAID &&
        (said_ms > due_ms + TTL_SLACK_MS || said_ms < due_ms - (int64_t)passed_ms - TTL_SLACK_MS))
        mismatch_say(m, "says \"ttl_ms\":%" PRId64 " when %" PRId64 " were asked for", said_ms,
                     due_ms);
}

/* Whether so many units can be in a line that was asked for with so many. What was sold of a
 * reservation that somebody confirmed in part may be less. */
static bool quantity_fits(const struct history_op *op, const struct answer *a, int64_t said,
                          int64_t asked, bool replayed)
{
    bool confirms = history_confirms(op->kind);
    bool in_part = confirms
                       ? replayed || (op->flags & FLAG_AGAIN)
                       : op->kind == KIND_GET_RESERVATION && str_equal(a->state, STR("confirmed"));
    if (in_part && confirms)
        return said >= 0;
    return in_part ? said >= 0 && said <= asked : said == asked;
}

/* A confirmed line also says what was reserved. */
static void compare_reserved(struct mismatch *m, const struct history_facts *facts,
                             const struct history_op *reserve, const struct answer_line *said)
{
    const struct history_line *made = history_line_about(reserve, load_item_of(facts, said->sku));
    if (made && said->reserved != ANSWER_UNSAID && said->reserved != made->quantity)
        mismatch_say(m, "says that %" PRId64 " units of %s%" PRIu32 " were reserved, not %d",
                     said->reserved, facts->prefix, made->item, made->quantity);
}

static void compare_lines(struct mismatch *m, const struct history_facts *facts,
                          const struct history_op *op, const struct history_op *reserve,
                          const struct answer *a, bool replayed)
{
    for (unsigned n = 0; n < a->lines && !m->text[0]; n++) {
        const struct answer_line *said = &a->line[n];
        const struct history_line *asked = mismatch_asked(m, facts, op, said->sku);
        if (asked && said->quantity != ANSWER_UNSAID &&
            !quantity_fits(op, a, said->quantity, asked->quantity, replayed))
            mismatch_say(m, "says %" PRId64 " units of %s%" PRIu32 " and not %d", said->quantity,
                         facts->prefix, asked->item, asked->quantity);
        if (reserve)
            compare_reserved(m, facts, reserve, said);
    }
    if (a->lines != op->lines)
        mismatch_say(m, "has %u line%s where %u were asked for", a->lines, a->lines == 1 ? "" : "s",
                     op->lines);
}

/* --- the answer around its body --- */

static void compare_status(struct mismatch *m, const struct history_op *op, unsigned status)
{
    static const uint16_t right[KINDS] = {[KIND_PUT] = 201, [KIND_RESERVE] = 201};
    unsigned due = right[op->kind] ? right[op->kind] : 200;
    if (status != due)
        mismatch_say(m, "is due with status %u", due);
}

/* The version between its quotes; what a proxy has weakened is still about the same version. */
static void compare_etag(struct mismatch *m, const struct answer *a, struct str etag)
{
    char due[32];
    int n = snprintf(due, sizeof(due), "\"%" PRIu64 "\"", a->version);
    if (etag.n > 2 && memcmp(etag.p, "W/", 2) == 0)
        etag = (struct str){etag.p + 2, etag.n - 2};
    if (!str_absent(etag) && !str_equal(etag, (struct str){due, (size_t)n}))
        mismatch_say(m, "has the ETag %.*s at version %" PRIu64, MISMATCH_ARG(etag), a->version);
}

/* It ends in the id; a proxy may put its own address before the path. */
static void compare_location(struct mismatch *m, struct str id, struct str location)
{
    bool plain = !memchr(id.p ? id.p : "", '%', id.n); /* nor anything that would be encoded */
    if (str_absent(location) || str_absent(id) || !plain)
        return;
    if (location.n <= id.n || location.p[location.n - id.n - 1] != '/' ||
        memcmp(location.p + location.n - id.n, id.p, id.n) != 0)
        mismatch_say(m, "has the Location \"%.*s\", which is not that of \"%.*s\"",
                     MISMATCH_ARG(location), MISMATCH_ARG(id));
}

static void compare_item(struct mismatch *m, const struct history_facts *facts,
                         const struct history_op *op, const struct answer *a,
                         const struct response *response)
{
    compare_sku(m, facts, &op->line, a->sku);
    compare_sum(m, a);
    if (!m->text[0])
        listing_compare_limit(facts, op->line.item, a->limit, m->text, sizeof(m->text));
    if (op->kind == KIND_GET_ITEM)
        compare_etag(m, a, response->etag);
}

static void compare_quantity(struct mismatch *m, const struct history_line *asked, int64_t said)
{
    if (said != ANSWER_UNSAID && said != asked->quantity)
        mismatch_say(m, "says \"quantity\":%" PRId64 " and not %d", said, asked->quantity);
}

static void compare_transfer(struct mismatch *m, const struct history_facts *facts,
                             const struct history_op *op, const struct answer *a)
{
    compare_sku(m, facts, history_line_of(op, 0), a->from.sku);
    compare_sku(m, facts, history_line_of(op, 1), a->to.sku);
    compare_quantity(m, history_line_of(op, 1), a->quantity);
}

/* What is said is a JSON value; what the answer leaves out is not compared, a null is. */
static void compare_name(struct mismatch *m, const char *field, struct str due, struct str said)
{
    if (!str_absent(said) && (said.n != due.n + 2 || memcmp(said.p + 1, due.p, due.n) != 0))
        mismatch_say(m, "says \"%s\":%.*s and not \"%.*s\"", field, MISMATCH_ARG(said),
                     MISMATCH_ARG(due));
}

static void compare_metadata(struct mismatch *m, const struct history_facts *facts,
                             const struct history_op *reserve, struct str said)
{
    char metadata[LOAD_METADATA_MAX];
    struct str due = {metadata, load_metadata(metadata, facts, reserve->client, reserve->seq)};
    if (!str_absent(said) && !json_same(said, due))
        mismatch_say(m, "says \"metadata\":%.*s and not %.*s", MISMATCH_ARG(said),
                     MISMATCH_ARG(due));
}

static void compare_names(struct mismatch *m, const struct history_facts *facts,
                          const struct history_op *reserve, const struct answer *a)
{
    char name[LOAD_KEY_MAX];
    struct str due = {name, load_customer(name, facts, reserve->client)};
    compare_name(m, "customer", due, a->customer);
    due.n = load_key(name, facts, reserve->client, reserve->seq);
    compare_name(m, "reference", due, a->reference);
    compare_metadata(m, facts, reserve, a->metadata);
}

static void compare_reservation(struct mismatch *m, const struct history_facts *facts,
                                const struct history_op *op, const struct mismatch_request *request,
                                const struct answer *a, const struct response *response)
{
    bool sets_deadline = op->kind == KIND_RESERVE || op->kind == KIND_EXTEND;
    compare_id(m, request->id, a->id);
    compare_lines(m, facts, op, request->reserve, a, response->replayed);
    if (request->reserve && request->named)
        compare_names(m, facts, request->reserve, a);
    if (sets_deadline && !response->replayed)
        compare_ttl(m, facts, request->passed_ms, a->ttl_ms);
    if (op->kind == KIND_RESERVE)
        compare_location(m, a->id, response->location);
}

/* --- sets, creations and removals --- */

static void compare_set(struct mismatch *m, const struct history_op *op,
                        const struct mismatch_request *request, const struct answer *a)
{
    if (a->on_hand != ANSWER_UNSAID && a->on_hand != op->line.quantity)
        mismatch_say(m, "says \"on_hand\":%" PRId64 " and not %d", a->on_hand, op->line.quantity);
    else if (request->if_match && a->version != 0 && a->version != request->if_match + 1)
        mismatch_say(m, "makes version %" PRIu64 " of what If-Match says is at %" PRIu64,
                     a->version, request->if_match);
}

/* Whatever was of that name before, it begins with what it was created with. */
static void compare_creation(struct mismatch *m, const struct history_op *op,
                             const struct answer *a)
{
    if (a->on_hand != ANSWER_UNSAID && a->on_hand != op->line.quantity)
        mismatch_say(m, "says \"on_hand\":%" PRId64 " and not %d", a->on_hand, op->line.quantity);
    else if ((a->held != ANSWER_UNSAID && a->held != 0) ||
             (a->sold != ANSWER_UNSAID && a->sold != 0))
        mismatch_say(m, "says \"held\":%" PRId64 " and \"sold\":%" PRId64 " of a new item",
                     a->held == ANSWER_UNSAID ? 0 : a->held,
                     a->sold == ANSWER_UNSAID ? 0 : a->sold);
}

void mismatch_of_removal(struct mismatch *m, const struct response *response)
{
    m->text[0] = '\0';
    if (response->status != 204)
        mismatch_say(m, "is due with status 204");
}

void mismatch_of_record(struct mismatch *m, const struct mismatch_request *request, int status,
                        const struct answer *a)
{
    m->text[0] = '\0';
    if (status != request->about->status)
        mismatch_say(m, "shows a record with status %d, first answered with %u", status,
                     (unsigned)request->about->status);
    else if (request->about->kind == KIND_RESERVE)
        compare_id(m, request->id, a->id);
}

void mismatch_of_success(struct mismatch *m, const struct history_facts *facts,
                         const struct history_op *op, const struct mismatch_request *request,
                         const struct answer *a, const struct response *response)
{
    m->text[0] = '\0';
    switch (op->kind) {
    case KIND_DECREMENT:
        compare_sku(m, facts, &op->line, a->sku);
        compare_quantity(m, &op->line, a->quantity);
        break;
    case KIND_TRANSFER: compare_transfer(m, facts, op, a); break;
    case KIND_SET:
    case KIND_PUT:
        if (op->kind == KIND_SET)
            compare_set(m, op, request, a);
        else
            compare_creation(m, op, a);
        /* fall through */
    case KIND_ADJUST:
    case KIND_GET_ITEM: compare_item(m, facts, op, a, response); break;
    case KIND_LIST:
        if (a->listed) /* or else told as what is missing */
            listing_compare(request->list, facts, a, m->text, sizeof(m->text));
        break;
    case KIND_REUSE: break; /* any success is wrong: for the checker to tell */
    default: compare_reservation(m, facts, op, request, a, response);
    }
    if (op->kind != KIND_REUSE)
        compare_status(m, op, response->status);
}

void mismatch_of_garbled(struct mismatch *m, const struct history_op *op, struct str body)
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
        [KIND_SET] = "whole numbers \"available\" and \"version\"",
        [KIND_LIST] = "items with \"sku\", \"available\" and \"version\"",
        [KIND_LOOKUP] = "\"status\" and the \"body\" that was answered",
        [KIND_REUSE] = "what would be right here: a problem document",
        [KIND_RERESERVE] = "a state and each line's \"remaining\" and \"version\"",
        [KIND_DELETE] = "what it must not have",
        [KIND_TRANSFER] = "\"remaining\" and \"version\" of both items",
    };
    m->text[0] = '\0';
    if (json_scan_whole(body))
        mismatch_say(m, "is JSON without %s", promised[op->kind]);
}
