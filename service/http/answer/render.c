#include "http/answer/render.h"

#include "digits.h"
#include "http/answer/json_write.h"
#include "http/headers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define DETAIL_SIZE 256

static unsigned success_status(enum outcome_code code)
{
    assert(outcome_succeeded(code));
    return code == OUT_CREATED ? 201 : code == OUT_NO_CONTENT ? 204 : 200;
}

/* Everything of a problem up to its extension members and the closing brace. */
static void open_problem(enum problem_id id, const char *detail, struct answer *answer,
                         struct buf *b)
{
    const struct problem *problem = problem_get(id);
    answer->status = problem->status;
    answer->content = CONTENT_PROBLEM;
    answer->retry_after_s = problem->retry_after_s;
    JSON_LIT(b, "{\"type\":\"/problems/");
    buf_puts(b, str_of(problem->name));
    JSON_LIT(b, "\",\"title\":\"");
    buf_puts(b, str_of(problem->title));
    JSON_INT(b, "\",\"status\":", problem->status);
    JSON_STRING(b, ",\"detail\":", str_of(detail ? detail : problem->description));
}

void render_refusal(const struct refusal *why, struct answer *answer, struct buf *body)
{
    open_problem(why->problem, why->detail, answer, body);
    if (why->retry_after_s > 0)
        answer->retry_after_s = why->retry_after_s;
    if (why->field) {
        JSON_STRING(body, ",\"field\":", str_of(why->field));
    }
    if (why->limit) {
        JSON_STRING(body, ",\"limit\":", str_of(why->limit));
        JSON_INT(body, ",\"quota\":", why->quota);
        JSON_INT(body, ",\"used\":", why->used);
    }
    buf_putc(body, '}');
}

static void put_shorts(const struct outcome *out, struct buf *b)
{
    JSON_LIT(b, ",\"lines\":[");
    for (unsigned i = 0; i < out->short_count; i++) {
        const struct outcome_short *line = &out->shorts[i];
        if (i > 0)
            buf_putc(b, ',');
        JSON_SKU(b, "{\"sku\":", line->sku);
        JSON_INT(b, ",\"requested\":", line->requested);
        if (out->code == OUT_INSUFFICIENT_STOCK) {
            JSON_INT(b, ",\"available\":", line->available);
        } else {
            JSON_INT(b, ",\"limit\":", line->limit);
            JSON_INT(b, ",\"used\":", line->used);
        }
        JSON_INT(b, ",\"version\":", line->version);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
    if (out->earliest_release_ms > 0) {
        JSON_TIME(b, ",\"earliest_release_at\":", out->earliest_release_ms);
    }
}

static void put_wrong_field(const struct outcome *out, struct buf *b)
{
    if (!out->field)
        return;
    JSON_LIT(b, ",\"field\":");
    if (out->field_line < 0) {
        json_put_string(b, str_of(out->field));
        return;
    }
    buf_printf(b, "\"lines[%d].%s\"", out->field_line, out->field);
}

static void put_item_state(const struct outcome *out, struct buf *b)
{
    if (!out->item.exists)
        return;
    JSON_INT(b, ",\"held\":", out->item.held);
    JSON_INT(b, ",\"version\":", out->item.version);
}

/* The members that one kind of problem has beyond the common ones. */
static void put_members(const struct op *op, const struct outcome *out, struct buf *b)
{
    switch (out->code) {
    case OUT_ITEM_NOT_FOUND:
        if (str_absent(out->sku))
            return;
        JSON_SKU(b, ",\"sku\":", out->sku);
        return;
    case OUT_INSUFFICIENT_STOCK:
    case OUT_LIMIT_EXCEEDED: put_shorts(out, b); return;
    case OUT_BELOW_HELD:
    case OUT_ITEM_IN_USE:
    case OUT_PRECONDITION_REQUIRED:
    case OUT_PRECONDITION_FAILED: put_item_state(out, b); return;
    case OUT_INVALID: put_wrong_field(out, b); return;
    case OUT_UNKNOWN:
    case OUT_BROKEN:
        JSON_LIT(b, ",\"operation\":");
        json_put_text(b, op && !str_absent(op->key) ? op->id : (struct str){NULL, 0});
        return;
    default: return;
    }
}

/* "apple: 1 requested, 0 available". Not by printf, which would be a tenth of the answer's work:
 * when an item is sold out, this is what nearly everybody is told. */
static void put_sold_out(const struct outcome_short *line, char text[DETAIL_SIZE])
{
    static const char requested[] = " requested, ", available[] = " available";
    static_assert(SKU_MAX_BYTES + 2 + 2 * DIGITS_MAX + sizeof(requested) + sizeof(available) <=
                      DETAIL_SIZE,
                  "room");
    struct str sku = tenant_outer(line->sku, TENANT_MARK_ITEM);
    size_t sku_n = sku.n < SKU_MAX_BYTES ? sku.n : SKU_MAX_BYTES;
    char *to = mempcpy(mempcpy(text, sku.p, sku_n), ": ", 2);
    to += digits_put_signed(to, line->requested);
    to = mempcpy(to, requested, sizeof(requested) - 1);
    to += digits_put_signed(to, line->available);
    memcpy(to, available, sizeof(available));
}

/* The detail, in words of this very case where there are some. */
static const char *detail_of(const struct outcome *out, char text[DETAIL_SIZE])
{
    if (out->why)
        return out->why;
    switch (out->code) {
    case OUT_ITEM_NOT_FOUND:
        if (str_absent(out->sku))
            return NULL;
        snprintf(text, DETAIL_SIZE, "there is no item %.*s",
                 STR_ARG(tenant_outer(out->sku, TENANT_MARK_ITEM)));
        return text;
    case OUT_INSUFFICIENT_STOCK:
    case OUT_LIMIT_EXCEEDED:
        if (out->short_count != 1)
            return NULL;
        if (out->code == OUT_INSUFFICIENT_STOCK)
            put_sold_out(out->shorts, text);
        else
            snprintf(text, DETAIL_SIZE,
                     "%.*s: %" PRId64 " requested, %" PRId64 " of %" PRId64 " used",
                     STR_ARG(tenant_outer(out->shorts->sku, TENANT_MARK_ITEM)),
                     out->shorts->requested, out->shorts->used, out->shorts->limit);
        return text;
    case OUT_BELOW_HELD:
    case OUT_ITEM_IN_USE:
        snprintf(text, DETAIL_SIZE, "%" PRId64 " units are held", out->item.held);
        return text;
    default: return NULL;
    }
}

static void render_failure(const struct op *op, const struct outcome *out, struct answer *answer,
                           struct buf *body)
{
    char text[DETAIL_SIZE];
    open_problem(problem_of_outcome(out->code), detail_of(out, text), answer, body);
    put_members(op, out, body);
    buf_putc(body, '}');
}

void render_op(const struct op *op, struct answer *answer, struct buf *body)
{
    const struct outcome *out = &op->out;
    *answer = (struct answer){0};
    if (!outcome_succeeded(out->code)) {
        render_failure(op, out, answer, body);
        return;
    }
    answer->status = success_status(out->code);
    answer->replayed = out->replayed;
    if (out->code == OUT_NO_CONTENT)
        return;
    answer->content = CONTENT_JSON;
    body_put_success(body, op->kind, out);
    if (op_trait(op->kind)->body == OP_BODY_ITEM)
        answer->etag = out->item.version;
    if (op->kind == OP_RESERVE) {
        static const char before[] = "/v1/reservations/";
        static_assert(sizeof(before) - 1 + RID_TEXT_SIZE <= sizeof(answer->location), "room");
        memcpy(answer->location, before, sizeof(before) - 1);
        rid_format(&out->resv->id, answer->location + sizeof(before) - 1);
    }
}

/* Names of members, numbers at their longest, and a sku. */
#define LINE_BYTES    192
#define ESCAPED_BYTES 6 /* of a control character, as \u0000 */
#define TEXTS_BYTES   (2 * ESCAPED_BYTES * TEXT_MAX_BYTES)

size_t render_op_room(const struct op *op)
{
    const size_t common = 1024 + ESCAPED_BYTES * KEY_STORED_MAX_BYTES; /* or a whole problem */
    if (op_trait(op->kind)->body != OP_BODY_RESERVATION)
        return common;
    if (!op_trait(op->kind)->names_reservation)
        return common + op->line_count * LINE_BYTES + TEXTS_BYTES + op->metadata.n;
    /* What is stored; a rereserved one has its lines twice. */
    return common + (size_t)2 * LINES_MAX * LINE_BYTES + TEXTS_BYTES + METADATA_MAX_BYTES;
}

static void render_items(const struct store_read *read, struct buf *b)
{
    JSON_LIT(b, "{\"items\":[");
    for (unsigned i = 0; i < read->item_count; i++) {
        if (i > 0)
            buf_putc(b, ',');
        body_put_item(b, read->items[i].sku, &read->items[i].item);
    }
    JSON_LIT(b, "],\"next_cursor\":");
    if (read->more) /* behind the last name looked at, even if all of the page were deleted since */
        json_put_string(b, tenant_outer(read->last, TENANT_MARK_ITEM));
    else
        JSON_LIT(b, "null");
    buf_putc(b, '}');
}

static void render_operation(const struct store_read *read, struct buf *b)
{
    JSON_STRING(b, "{\"id\":", tenant_outer(read->key, TENANT_MARK_KEY));
    JSON_INT(b, ",\"status\":", success_status(read->out.code));
    JSON_LIT(b, ",\"body\":");
    body_put_success(b, read->recorded_kind, &read->out);
    buf_putc(b, '}');
}

void render_read(const struct store_read *read, const struct op_condition *if_none_match,
                 struct answer *answer, struct buf *body)
{
    const struct outcome *out = &read->out;
    *answer = (struct answer){0};
    if (read->kind == READ_OPERATION && out->code == OUT_NONE) {
        struct refusal why = {.problem = PROBLEM_OPERATION_NOT_FOUND};
        render_refusal(&why, answer, body);
        return;
    }
    if (!outcome_succeeded(out->code)) {
        render_failure(NULL, out, answer, body);
        return;
    }
    answer->status = 200;
    answer->content = CONTENT_JSON;
    switch (read->kind) {
    case READ_ITEM:
        answer->etag = out->item.version;
        if (condition_names(if_none_match, out->item.version))
            answer->status = 304;
        body_put_item(body, read->sku, &out->item);
        return;
    case READ_ITEMS: render_items(read, body); return;
    case READ_RESERVATION: body_put_reservation(body, out->resv, out->now_ms); return;
    case READ_REPEAT:
    case READ_OPERATION: render_operation(read, body); return;
    }
}
