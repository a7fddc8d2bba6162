#include "http/answer/render.h"

#include "http/answer/json_write.h"

#include <assert.h>

void body_open_item(struct buf *b, struct str sku, const struct item *item)
{
    JSON_SKU(b, "{\"sku\":", sku);
    JSON_INT(b, ",\"on_hand\":", item_on_hand(item));
    JSON_INT(b, ",\"available\":", item->available);
    JSON_INT(b, ",\"held\":", item->held);
    JSON_INT(b, ",\"sold\":", item->sold);
    JSON_INT(b, ",\"version\":", item->version);
    JSON_LIT(b, ",\"max_per_customer\":");
    if (item->max_per_customer > 0)
        buf_put_i64(b, item->max_per_customer);
    else
        JSON_LIT(b, "null");
    JSON_TIME(b, ",\"updated_at\":", item->updated_ms);
}

void body_put_item(struct buf *b, struct str sku, const struct item *item)
{
    body_open_item(b, sku, item);
    buf_putc(b, '}');
}

static void put_reservation_line(struct buf *b, const struct reservation_line *line, bool confirmed)
{
    JSON_SKU(b, "{\"sku\":", line->sku);
    JSON_INT(b, ",\"quantity\":", line->quantity);
    if (confirmed)
        JSON_INT(b, ",\"reserved\":", line->reserved);
    JSON_INT(b, ",\"remaining\":", line->remaining);
    JSON_INT(b, ",\"version\":", line->version);
    buf_putc(b, '}');
}

/* How an item stood. */
static void put_side(struct buf *b, struct str sku, int64_t remaining, int64_t version)
{
    JSON_SKU(b, "{\"sku\":", sku);
    JSON_INT(b, ",\"remaining\":", remaining);
    JSON_INT(b, ",\"version\":", version);
    buf_putc(b, '}');
}

static void put_expired_lines(struct buf *b, const struct reservation *r)
{
    JSON_LIT(b, ",\"expired_lines\":[");
    for (unsigned i = 0; i < r->line_count; i++) {
        const struct reservation_line *line = &r->lines[i];
        if (i > 0)
            buf_putc(b, ',');
        put_side(b, line->sku, line->expired_remaining, line->expired_version);
    }
    buf_putc(b, ']');
}

void body_put_reservation(struct buf *b, const struct reservation *r, int64_t now_ms)
{
    char id[RID_TEXT_SIZE];
    bool held = r->state == RESERVATION_HELD;
    JSON_LIT(b, "{\"id\":\"");
    buf_put(b, id, rid_format(&r->id, id));
    JSON_LIT(b, "\",\"state\":\"");
    buf_puts(b, str_of(reservation_state_name(r->state)));
    JSON_LIT(b, "\",\"lines\":[");
    for (unsigned i = 0; i < r->line_count; i++) {
        if (i > 0)
            buf_putc(b, ',');
        put_reservation_line(b, &r->lines[i], r->state == RESERVATION_CONFIRMED);
    }
    buf_putc(b, ']');
    if (r->rereserved)
        put_expired_lines(b, r);
    JSON_TEXT(b, ",\"customer\":", r->customer);
    JSON_TEXT(b, ",\"reference\":", r->reference);
    JSON_LIT(b, ",\"metadata\":");
    if (str_absent(r->metadata) || r->metadata.n == 0)
        JSON_LIT(b, "{}");
    else
        buf_puts(b, r->metadata);
    JSON_TIME(b, ",\"created_at\":", r->created_ms);
    JSON_TIME(b, ",\"expires_at\":", r->expires_ms);
    JSON_INT(b, ",\"ttl_ms\":", held && r->expires_ms > now_ms ? r->expires_ms - now_ms : 0);
    buf_putc(b, '}');
}

static void put_sale(struct buf *b, const struct outcome *out)
{
    JSON_STRING(b, "{\"id\":", out->id);
    JSON_SKU(b, ",\"sku\":", out->sku);
    JSON_INT(b, ",\"quantity\":", out->quantity);
    JSON_INT(b, ",\"remaining\":", out->remaining);
    JSON_INT(b, ",\"version\":", out->version);
    buf_putc(b, '}');
}

static void put_transfer(struct buf *b, const struct outcome *out)
{
    JSON_STRING(b, "{\"id\":", out->id);
    JSON_INT(b, ",\"quantity\":", out->quantity);
    JSON_LIT(b, ",\"from\":");
    put_side(b, out->sku, out->remaining, out->version);
    JSON_LIT(b, ",\"to\":");
    put_side(b, out->to.sku, out->to.remaining, out->to.version);
    buf_putc(b, '}');
}

void body_put_success(struct buf *b, enum op_kind kind, const struct outcome *out)
{
    switch (op_trait(kind)->body) {
    case OP_BODY_NONE: JSON_LIT(b, "null"); return;
    case OP_BODY_ITEM: body_put_item(b, out->sku, &out->item); return;
    case OP_BODY_SALE: put_sale(b, out); return;
    case OP_BODY_TRANSFER: put_transfer(b, out); return;
    case OP_BODY_RESERVATION:
        assert(out->resv);
        body_put_reservation(b, out->resv, out->now_ms);
        return;
    }
}
