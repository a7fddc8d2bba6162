#include "core/record.h"
#include "core/pack.h"
#include "core/tenant.h"

#include <assert.h>

#define FORMAT 1

/* Lines of one sku are merged, so a line may hold more than a request's line may ask for. */
#define MERGED_MAX (LINES_MAX * QUANTITY_MAX)

/* Which optional parts a record carries, beside the state in the low two bits. */
enum {
    HAS_CUSTOMER = 1 << 2,
    HAS_REFERENCE = 1 << 3,
    HAS_METADATA = 1 << 4,
    IS_RERESERVED = 1 << 5,
    HAS_OWNER = 1 << 6,
    FLAGS_MAX = (1 << 7) - 1,
};

static void pack_reservation_line(struct buf *out, const struct reservation *r,
                                  const struct reservation_line *line)
{
    pack_text(out, line->sku);
    pack_number(out, line->quantity);
    if (r->state == RESERVATION_CONFIRMED)
        pack_number(out, line->reserved);
    pack_number(out, line->remaining);
    pack_number(out, line->version);
    if (r->rereserved) {
        pack_number(out, line->expired_remaining);
        pack_number(out, line->expired_version);
    }
}

void record_encode(struct buf *out, const struct reservation *r)
{
    assert(r->line_count >= 1 && r->line_count <= LINES_MAX);
    assert(r->expires_ms >= r->created_ms);
    assert((r->state == RESERVATION_HELD) == (r->ended_ms == 0));
    pack_number(out, FORMAT);
    pack_number(out, (int64_t)r->state | (str_absent(r->customer) ? 0 : HAS_CUSTOMER) |
                         (str_absent(r->reference) ? 0 : HAS_REFERENCE) |
                         (str_absent(r->metadata) ? 0 : HAS_METADATA) |
                         (r->rereserved ? IS_RERESERVED : 0) |
                         (str_absent(r->owner) ? 0 : HAS_OWNER));
    pack_number(out, r->created_ms);
    pack_number(out, r->expires_ms - r->created_ms);
    if (r->state != RESERVATION_HELD)
        pack_number(out, r->ended_ms);
    pack_number(out, r->line_count);
    for (unsigned i = 0; i < r->line_count; i++)
        pack_reservation_line(out, r, &r->lines[i]);
    if (!str_absent(r->customer))
        pack_text(out, r->customer);
    if (!str_absent(r->reference))
        pack_text(out, r->reference);
    if (!str_absent(r->metadata))
        pack_text(out, r->metadata);
    if (!str_absent(r->owner))
        pack_text(out, r->owner);
}

static void unpack_reservation_line(struct unpack *in, const struct reservation *r,
                                    struct reservation_line *line)
{
    line->sku = unpack_text(in, SKU_STORED_MAX_BYTES);
    line->quantity = unpack_bounded(in, MERGED_MAX);
    line->reserved =
        r->state == RESERVATION_CONFIRMED ? unpack_bounded(in, MERGED_MAX) : line->quantity;
    line->remaining = unpack_number(in);
    line->version = unpack_number(in);
    line->expired_remaining = r->rereserved ? unpack_number(in) : 0;
    line->expired_version = r->rereserved ? unpack_number(in) : 0;
}

bool record_decode(struct arena *arena, const struct rid *id, struct str bytes,
                   struct reservation *r)
{
    struct unpack in = unpack_begin(bytes);
    if (unpack_number(&in) != FORMAT)
        return false;
    int64_t flags = unpack_bounded(&in, FLAGS_MAX);
    *r = (struct reservation){.id = *id};
    r->state = (enum reservation_state)(flags & 3);
    r->rereserved = flags & IS_RERESERVED;
    r->created_ms = unpack_bounded(&in, UNITS_MAX);
    r->expires_ms = r->created_ms + unpack_bounded(&in, UNITS_MAX);
    r->ended_ms = r->state == RESERVATION_HELD ? 0 : unpack_bounded(&in, UNITS_MAX);
    r->line_count = (unsigned)unpack_bounded(&in, LINES_MAX);
    if (in.bad || r->line_count == 0 || (r->state == RESERVATION_HELD) != (r->ended_ms == 0))
        return false;
    r->lines = arena_alloc(arena, r->line_count * sizeof(*r->lines));
    if (!r->lines)
        return false;
    for (unsigned i = 0; i < r->line_count; i++)
        unpack_reservation_line(&in, r, &r->lines[i]);
    if (flags & HAS_CUSTOMER)
        r->customer = unpack_text(&in, TEXT_MAX_BYTES);
    if (flags & HAS_REFERENCE)
        r->reference = unpack_text(&in, TEXT_MAX_BYTES);
    if (flags & HAS_METADATA)
        r->metadata = unpack_text(&in, METADATA_MAX_BYTES);
    if (flags & HAS_OWNER)
        r->owner = unpack_text(&in, OWNER_MAX_BYTES);
    return unpack_done(&in) && owner_valid(r->owner) && reservation_name_share(r, arena);
}

static void put_sale(struct buf *out, const struct op *op, const struct outcome *outcome)
{
    pack_text(out, op->id);
    pack_text(out, outcome->sku);
    pack_number(out, outcome->quantity);
    pack_number(out, outcome->remaining);
    pack_number(out, outcome->version);
}

void record_encode_result(struct buf *out, const struct op *op, const struct outcome *outcome)
{
    assert(outcome_succeeded(outcome->code));
    pack_number(out, FORMAT);
    pack_bytes(out, op->fingerprint, RECORD_FINGERPRINT_BYTES);
    pack_number(out, op->kind);
    pack_number(out, outcome->code);
    switch (op_trait(op->kind)->body) {
    case OP_BODY_NONE: break;
    case OP_BODY_ITEM: {
        char text[ITEM_TEXT_SIZE];
        size_t n = item_encode(&outcome->item, text);
        pack_text(out, outcome->sku);
        pack_text(out, (struct str){text, n});
        break;
    }
    case OP_BODY_SALE: put_sale(out, op, outcome); break;
    case OP_BODY_TRANSFER:
        put_sale(out, op, outcome);
        pack_text(out, outcome->to.sku);
        pack_number(out, outcome->to.remaining);
        pack_number(out, outcome->to.version);
        break;
    case OP_BODY_RESERVATION:
        pack_number(out, outcome->resv->id.partition);
        pack_bytes(out, outcome->resv->id.b, RID_BYTES);
        record_encode(out, outcome->resv); /* last: it reads to the end */
        break;
    }
}

static_assert(EVENT_FINGERPRINT_BYTES == RECORD_FINGERPRINT_BYTES, "an event carries the whole");

struct str record_result_of(struct arena *arena, struct buf *scratch, const struct event *reserve,
                            const uint8_t fingerprint[RECORD_FINGERPRINT_BYTES], int64_t at_ms)
{
    struct reservation r = {.id = reserve->rid,
                            .created_ms = at_ms,
                            .expires_ms = reserve->expires_ms,
                            .customer = reserve->customer,
                            .reference = reserve->reference,
                            .metadata = reserve->metadata,
                            .owner = reserve->owner,
                            .line_count = reserve->line_count};
    struct op op = {.kind = OP_RESERVE};
    struct outcome outcome = {.code = OUT_CREATED, .resv = &r};
    r.lines = arena_alloc(arena, r.line_count * sizeof(*r.lines));
    if (!r.lines)
        return (struct str){NULL, 0};
    for (unsigned i = 0; i < r.line_count; i++) {
        const struct event_line *line = &reserve->lines[i];
        r.lines[i] = (struct reservation_line){.sku = line->sku,
                                               .quantity = line->quantity,
                                               .reserved = line->quantity,
                                               .remaining = line->available,
                                               .version = line->version};
    }
    memcpy(op.fingerprint, fingerprint, RECORD_FINGERPRINT_BYTES);
    buf_reset(scratch);
    record_encode_result(scratch, &op, &outcome);
    return scratch->failed ? (struct str){NULL, 0} : arena_str(arena, buf_str(scratch));
}

static bool take_reservation(struct arena *arena, struct unpack *in, struct outcome *out)
{
    struct rid id = {.partition = (uint16_t)unpack_bounded(in, UINT16_MAX)};
    unpack_bytes(in, id.b, RID_BYTES);
    struct reservation *r = arena_alloc(arena, sizeof(*r));
    struct str rest = {(const char *)in->p, (size_t)(in->end - in->p)};
    if (!r || in->bad || !record_decode(arena, &id, rest, r))
        return false;
    in->p = in->end;
    out->resv = r;
    return true;
}

static void take_sale(struct unpack *in, struct outcome *out)
{
    out->id = unpack_text(in, KEY_STORED_MAX_BYTES);
    out->sku = unpack_text(in, SKU_STORED_MAX_BYTES);
    out->quantity = unpack_bounded(in, QUANTITY_MAX);
    out->remaining = unpack_number(in);
    out->version = unpack_number(in);
}

static bool take_body(struct arena *arena, struct unpack *in, enum op_kind kind,
                      struct outcome *out)
{
    switch (op_trait(kind)->body) {
    case OP_BODY_NONE: return true;
    case OP_BODY_ITEM:
        out->sku = unpack_text(in, SKU_STORED_MAX_BYTES);
        return item_decode(unpack_text(in, ITEM_TEXT_SIZE), &out->item);
    case OP_BODY_SALE: take_sale(in, out); return true;
    case OP_BODY_TRANSFER:
        take_sale(in, out);
        out->to.sku = unpack_text(in, SKU_STORED_MAX_BYTES);
        out->to.remaining = unpack_number(in);
        out->to.version = unpack_number(in);
        return true;
    case OP_BODY_RESERVATION: return take_reservation(arena, in, out);
    }
    return false;
}

bool record_decode_result(struct arena *arena, struct str bytes,
                          uint8_t fingerprint[RECORD_FINGERPRINT_BYTES], enum op_kind *kind,
                          struct outcome *out)
{
    struct unpack in = unpack_begin(bytes);
    if (unpack_number(&in) != FORMAT)
        return false;
    unpack_bytes(&in, fingerprint, RECORD_FINGERPRINT_BYTES);
    *kind = (enum op_kind)unpack_bounded(&in, OP_KINDS - 1);
    *out = (struct outcome){.field_line = -1};
    out->code = (enum outcome_code)unpack_bounded(&in, OUT_CODES - 1);
    if (in.bad || !outcome_succeeded(out->code))
        return false;
    return take_body(arena, &in, *kind, out) && unpack_done(&in);
}
