/* intent.c -- from a wish to the record and the bytes. */
#include "client/intent.h"
#include "digits.h"
#include "history/reader.h"

#include <assert.h>

#define BODY_MAX (HISTORY_LINES_MAX * 80 + 1024)

void intent_record(const struct intent *i, struct history_op *op)
{
    op->kind = (uint8_t)i->kind;
    op->flags = PHASE_LOAD;
    if (i->held.id_bytes > 0)
        op->of = i->held.slot;
    if (i->kind == KIND_LOOKUP || i->kind == KIND_REUSE)
        op->of = i->about.slot;
    if (i->held.shared && history_ends(i->kind))
        op->flags |= FLAG_AGAIN;
    if (i->kind == KIND_LIST)
        op->lines = 0;
    for (unsigned n = 0; n < op->lines; n++)
        *history_line(op, n) = i->line[n];
}

/* Text of bounded length on the stack. */
struct text {
    size_t n;
    char bytes[BODY_MAX];
};

static void put_str(struct text *t, struct str s)
{
    assert(s.n <= sizeof(t->bytes) - t->n);
    memcpy(t->bytes + t->n, s.p, s.n);
    t->n += s.n;
}

static void put_number(struct text *t, int64_t value)
{
    char digits[DIGITS_MAX];
    put_str(t, (struct str){digits, digits_put_signed(digits, value)});
}

static void put_sku(struct text *t, const struct history_facts *facts, uint32_t item)
{
    put_str(t, str_of(facts->prefix));
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
            put_str(t, (struct str){(const char *)&c, 1});
        else
            put_str(t, (struct str){(char[]){'%', hex[c >> 4], hex[c & 15]}, 3});
    }
}

static void put_lines(struct text *t, const struct history_facts *facts, const struct intent *i)
{
    bool first = true;
    put_str(t, STR("\"lines\":["));
    for (unsigned n = 0; n < i->lines; n++) {
        if (i->line[n].quantity == 0)
            continue; /* nothing of it is sold */
        put_str(t, first ? STR("{\"sku\":\"") : STR(",{\"sku\":\""));
        first = false;
        put_sku(t, facts, i->line[n].item);
        put_str(t, STR("\",\"quantity\":"));
        put_number(t, i->line[n].quantity);
        put_str(t, STR("}"));
    }
    put_str(t, STR("]"));
}

/* Who reserves or buys: it counts against that customer's limit. */
static void put_customer(struct text *t, const struct history_facts *facts,
                         const struct history_op *op)
{
    char name[LOAD_KEY_MAX];
    put_str(t, STR("\"customer\":\""));
    put_str(t, (struct str){name, load_customer(name, facts, op->client)});
    put_str(t, STR("\""));
}

/* Who reserves, for what, and what else is to be kept: the answers about the reservation must
 * repeat all of it. */
static void put_names(struct text *t, const struct history_facts *facts,
                      const struct history_op *op)
{
    char name[LOAD_KEY_MAX], metadata[LOAD_METADATA_MAX];
    put_customer(t, facts, op);
    put_str(t, STR(",\"reference\":\""));
    put_str(t, (struct str){name, load_key(name, facts, op->client, op->seq)});
    put_str(t, STR("\",\"metadata\":"));
    put_str(t, (struct str){metadata, load_metadata(metadata, facts, op->client, op->seq)});
    put_str(t, STR(","));
}

/* Units that are there; of a new item also what a customer may have of them. */
static void put_units(struct text *t, const struct history_facts *facts, const struct intent *i,
                      enum history_kind kind)
{
    uint32_t limit = kind == KIND_PUT ? history_limit(facts, i->line[0].item) : 0;
    put_str(t, STR("\"on_hand\":"));
    put_number(t, i->line[0].quantity);
    if (limit == 0)
        return;
    put_str(t, STR(",\"max_per_customer\":"));
    put_number(t, limit);
}

/* The members of the body, without the brackets around them. */
static void put_fields(struct text *t, const struct load *load, const struct history_op *op,
                       const struct intent *i, enum history_kind kind)
{
    const struct history_facts *facts = history_facts(load->history);
    switch (kind) {
    case KIND_PUT:
    case KIND_SET: put_units(t, facts, i, kind); break;
    case KIND_ADJUST:
        put_str(t, STR("\"delta\":"));
        put_number(t, i->line[0].quantity);
        break;
    case KIND_TRANSFER:
        put_str(t, STR("\"to\":\""));
        put_sku(t, facts, i->line[1].item);
        put_str(t, STR("\",\"quantity\":"));
        put_number(t, i->line[1].quantity);
        break;
    case KIND_DECREMENT:
        put_str(t, STR("\"quantity\":"));
        put_number(t, i->line[0].quantity);
        if (!load->workload.named)
            break;
        put_str(t, STR(","));
        put_customer(t, facts, op);
        break;
    case KIND_RESERVE:
        put_lines(t, facts, i);
        put_str(t, STR(","));
        if (load->workload.named)
            put_names(t, facts, op);
        /* fall through */
    case KIND_EXTEND:
        put_str(t, STR("\"ttl_seconds\":"));
        put_number(t, load->workload.ttl_ms / 1000);
        break;
    case KIND_RERESERVE:
        put_str(t, i->partial ? STR("\"if_expired\":\"rereserve\",")
                              : STR("\"if_expired\":\"rereserve\""));
        /* fall through */
    case KIND_CONFIRM:
        if (i->partial)
            put_lines(t, facts, i);
        break;
    default: break;
    }
}

/* The path is what it is about between two texts; a batch calls the operation by a name, and what
 * it is about "sku" or "id". */
static const struct {
    struct str method, before, after;
    enum { OF_NONE, OF_ITEM, OF_RESERVATION } about;
    struct str batched;
} shapes[KINDS] = {
    [KIND_PUT] = {STR("PUT"), STR("/v1/items/"), STR(""), OF_ITEM, STR("")},
    [KIND_ADJUST] = {STR("POST"), STR("/v1/items/"), STR("/adjustments"), OF_ITEM, STR("adjust")},
    [KIND_DECREMENT] = {STR("POST"), STR("/v1/items/"), STR("/decrements"), OF_ITEM,
                        STR("decrement")},
    [KIND_RESERVE] = {STR("POST"), STR("/v1/reservations"), STR(""), OF_NONE, STR("reserve")},
    [KIND_CONFIRM] = {STR("POST"), STR("/v1/reservations/"), STR("/confirm"), OF_RESERVATION,
                      STR("confirm")},
    [KIND_RELEASE] = {STR("POST"), STR("/v1/reservations/"), STR("/release"), OF_RESERVATION,
                      STR("release")},
    [KIND_EXTEND] = {STR("POST"), STR("/v1/reservations/"), STR("/extend"), OF_RESERVATION,
                     STR("extend")},
    [KIND_GET_ITEM] = {STR("GET"), STR("/v1/items/"), STR(""), OF_ITEM, STR("")},
    [KIND_GET_RESERVATION] = {STR("GET"), STR("/v1/reservations/"), STR(""), OF_RESERVATION,
                              STR("get")},
    [KIND_SET] = {STR("PUT"), STR("/v1/items/"), STR(""), OF_ITEM, STR("put")},
    [KIND_DELETE] = {STR("DELETE"), STR("/v1/items/"), STR(""), OF_ITEM, STR("")},
    [KIND_RERESERVE] = {STR("POST"), STR("/v1/reservations/"), STR("/confirm"), OF_RESERVATION,
                        STR("confirm")},
    [KIND_TRANSFER] = {STR("POST"), STR("/v1/items/"), STR("/transfers"), OF_ITEM, STR("transfer")},
};

static void put_list_path(struct text *path, const struct history_facts *facts,
                          const struct intent *i)
{
    const struct listing *list = &i->list;
    put_str(path, STR("/v1/items?prefix="));
    put_str(path, str_of(facts->prefix));
    if (!list->all)
        put_number(path, list->prefix);
    put_str(path, STR("&limit="));
    put_number(path, list->limit);
    if (list->cursor_bytes > 0) {
        put_str(path, STR("&cursor="));
        put_encoded(path, list->cursor, list->cursor_bytes);
    }
}

static void put_lookup_path(struct text *path, const struct history_facts *facts,
                            const struct intent *i)
{
    char key[LOAD_KEY_MAX];
    put_str(path, STR("/v1/operations/"));
    put_str(path, (struct str){key, load_key(key, facts, i->about.op->client, i->about.op->seq)});
}

static void put_path(struct text *path, const struct history_facts *facts, const struct intent *i,
                     enum history_kind kind)
{
    put_str(path, shapes[kind].before);
    if (shapes[kind].about == OF_ITEM)
        put_sku(path, facts, i->line[0].item);
    if (shapes[kind].about == OF_RESERVATION)
        put_encoded(path, i->held.id, i->held.id_bytes);
    put_str(path, shapes[kind].after);
}

/* An id is as it stood in an answer, escapes included: it may stand in JSON again. */
static void put_target(struct text *t, const struct history_facts *facts, const struct intent *i)
{
    if (shapes[i->kind].about == OF_NONE)
        return;
    bool of_item = shapes[i->kind].about == OF_ITEM;
    put_str(t, of_item ? STR(",\"sku\":\"") : STR(",\"id\":\""));
    if (of_item)
        put_sku(t, facts, i->line[0].item);
    else
        put_str(t, (struct str){i->held.id, i->held.id_bytes});
    put_str(t, STR("\""));
}

/* As the header field says it, quotes included. */
static void put_condition(struct text *t, const struct intent *i)
{
    if (i->kind != KIND_SET)
        return;
    put_str(t, STR(",\"if_match\":\"\\\""));
    put_number(t, (int64_t)i->if_match);
    put_str(t, STR("\\\"\""));
}

void intent_entry(const struct intent *i, const struct load *load, const struct history_op *op,
                  struct buf *out)
{
    const struct history_facts *facts = history_facts(load->history);
    struct text entry;
    char key[LOAD_KEY_MAX];
    entry.n = 0;
    put_str(&entry, STR("{\"op\":\""));
    put_str(&entry, shapes[i->kind].batched);
    put_str(&entry, STR("\""));
    put_target(&entry, facts, i);
    if (!history_reads(i->kind)) {
        put_str(&entry, STR(",\"idempotency_key\":\""));
        put_str(&entry, (struct str){key, load_key(key, facts, op->client, op->seq)});
        put_str(&entry, STR("\""));
        put_condition(&entry, i);
        size_t before = entry.n;
        put_str(&entry, STR(","));
        put_fields(&entry, load, op, i, i->kind);
        if (entry.n == before + 1)
            entry.n = before;
    }
    put_str(&entry, STR("}"));
    buf_put(out, entry.bytes, entry.n);
}

void intent_request(const struct intent *i, const struct load *load, const struct history_op *op,
                    struct buf *out)
{
    const struct history_facts *facts = history_facts(load->history);
    struct text path, body;
    path.n = body.n = 0;
    if (i->kind == KIND_LIST)
        put_list_path(&path, facts, i);
    else if (i->kind == KIND_LOOKUP)
        put_lookup_path(&path, facts, i);
    else
        put_path(&path, facts, i, i->kind == KIND_REUSE ? i->about.op->kind : i->kind);
    if (history_reads(i->kind)) {
        target_get(&load->target, out, (struct str){path.bytes, path.n});
        return;
    }
    /* A reused key is that of another operation, and the request is as that one but for its body.
     */
    bool reuse = i->kind == KIND_REUSE;
    enum history_kind kind = reuse ? i->about.op->kind : i->kind;
    const struct history_op *named = reuse ? i->about.op : op;
    char bytes[LOAD_KEY_MAX];
    struct str key = {bytes, load_key(bytes, facts, named->client, named->seq)};
    struct str at = {path.bytes, path.n};
    put_str(&body, STR("{"));
    put_fields(&body, load, op, i, kind);
    put_str(&body, STR("}"));
    struct str json = {body.bytes, body.n};
    if (kind == KIND_DELETE)
        json = (struct str){NULL, 0};
    if (kind == KIND_SET)
        target_request_if(&load->target, out, shapes[kind].method, at, key, json, i->if_match);
    else if (kind == KIND_PUT && history_phase(op) == PHASE_LOAD)
        target_request_if(&load->target, out, shapes[kind].method, at, key, json, 0);
    else
        target_request(&load->target, out, shapes[kind].method, at, key, json);
}
