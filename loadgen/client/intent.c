/* intent.c -- from a wish to the record and the bytes. */
#include "client/intent.h"

#include <assert.h>

#define BODY_MAX (HISTORY_LINES_MAX * 80 + 128)

void intent_record(const struct intent *i, struct history_op *op)
{
    op->kind = (uint8_t)i->kind;
    op->flags = PHASE_LOAD;
    if (i->held.id_bytes > 0)
        op->of = i->held.slot;
    if (i->held.shared && (i->kind == KIND_CONFIRM || i->kind == KIND_RELEASE))
        op->flags |= FLAG_AGAIN;
    for (unsigned n = 0; n < i->lines; n++)
        *history_line(op, n) = i->line[n];
}

/* Text of bounded length on the stack. */
struct text {
    size_t n;
    char bytes[BODY_MAX];
};

static void put(struct text *t, struct str s)
{
    assert(s.n <= sizeof(t->bytes) - t->n);
    memcpy(t->bytes + t->n, s.p, s.n);
    t->n += s.n;
}

static void put_number(struct text *t, int64_t value)
{
    char digits[24];
    size_t n = sizeof(digits);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        digits[--n] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        digits[--n] = '-';
    put(t, (struct str){digits + n, sizeof(digits) - n});
}

static void put_sku(struct text *t, const struct history_facts *facts, uint32_t item)
{
    put(t, str_of(facts->prefix));
    put_number(t, item);
}

/* An id came from the server: nothing in it may change the meaning of the path. */
static void put_encoded(struct text *t, const char *bytes, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || c == ':';
        if (plain)
            put(t, (struct str){(const char *)&c, 1});
        else
            put(t, (struct str){(char[]){'%', hex[c >> 4], hex[c & 15]}, 3});
    }
}

static void put_lines(struct text *t, const struct history_facts *facts, const struct intent *i)
{
    put(t, STR("\"lines\":["));
    for (unsigned n = 0; n < i->lines; n++) {
        put(t, n > 0 ? STR(",{\"sku\":\"") : STR("{\"sku\":\""));
        put_sku(t, facts, i->line[n].item);
        put(t, STR("\",\"quantity\":"));
        put_number(t, i->line[n].quantity);
        put(t, STR("}"));
    }
    put(t, STR("]"));
}

static void put_body(struct text *t, const struct load *load, const struct history_facts *facts,
                     const struct intent *i)
{
    put(t, STR("{"));
    switch (i->kind) {
    case KIND_PUT:
        put(t, STR("\"on_hand\":"));
        put_number(t, i->line[0].quantity);
        break;
    case KIND_ADJUST:
        put(t, STR("\"delta\":"));
        put_number(t, i->line[0].quantity);
        break;
    case KIND_DECREMENT:
        put(t, STR("\"quantity\":"));
        put_number(t, i->line[0].quantity);
        break;
    case KIND_RESERVE:
        put_lines(t, facts, i);
        put(t, STR(","));
        /* fall through */
    case KIND_EXTEND:
        put(t, STR("\"ttl_seconds\":"));
        put_number(t, load->workload.ttl_ms / 1000);
        break;
    case KIND_CONFIRM:
        if (i->partial)
            put_lines(t, facts, i);
        break;
    default: break;
    }
    put(t, STR("}"));
}

static const struct {
    struct str method, before, after;
    bool of_item, of_reservation, mutates;
} shapes[KINDS] = {
    [KIND_PUT] = {STR("PUT"), STR("/v1/items/"), STR(""), .of_item = true, .mutates = true},
    [KIND_ADJUST] = {STR("POST"), STR("/v1/items/"), STR("/adjustments"), .of_item = true,
                     .mutates = true},
    [KIND_DECREMENT] = {STR("POST"), STR("/v1/items/"), STR("/decrements"), .of_item = true,
                        .mutates = true},
    [KIND_RESERVE] = {STR("POST"), STR("/v1/reservations"), STR(""), .mutates = true},
    [KIND_CONFIRM] = {STR("POST"), STR("/v1/reservations/"), STR("/confirm"),
                      .of_reservation = true, .mutates = true},
    [KIND_RELEASE] = {STR("POST"), STR("/v1/reservations/"), STR("/release"),
                      .of_reservation = true, .mutates = true},
    [KIND_EXTEND] = {STR("POST"), STR("/v1/reservations/"), STR("/extend"), .of_reservation = true,
                     .mutates = true},
    [KIND_GET_ITEM] = {STR("GET"), STR("/v1/items/"), STR(""), .of_item = true},
    [KIND_GET_RESERVATION] = {STR("GET"), STR("/v1/reservations/"), STR(""),
                              .of_reservation = true},
};

void intent_request(const struct intent *i, const struct load *load, const struct history_op *op,
                    struct buf *out)
{
    const struct history_facts *facts = history_facts(load->history);
    struct text path, body;
    path.n = body.n = 0;
    put(&path, shapes[i->kind].before);
    if (shapes[i->kind].of_item)
        put_sku(&path, facts, i->line[0].item);
    if (shapes[i->kind].of_reservation)
        put_encoded(&path, i->held.id, i->held.id_bytes);
    put(&path, shapes[i->kind].after);

    struct str nothing = {NULL, 0};
    char key[LOAD_KEY_MAX];
    bool mutates = shapes[i->kind].mutates;
    if (mutates)
        put_body(&body, load, facts, i);
    target_request(&load->target, out, shapes[i->kind].method, (struct str){path.bytes, path.n},
                   mutates ? (struct str){key, load_key(key, facts, op->client, op->seq)} : nothing,
                   mutates ? (struct str){body.bytes, body.n} : nothing);
}
