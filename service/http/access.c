#include "http/access.h"

#include "clock.h"
#include "http/access_log.h"
#include "http/answer/json_write.h"
#include "http/exchange.h"

/* Of texts as sent, before they are escaped. With all of them at their longest and every byte
 * escaped a line has still room for some items. */
#define TEXT_MAX      64
#define REQUEST_MAX   128
#define ESCAPED_BYTES 6 /* of a control character, as \u0000 */

#define ITEM_BYTES (SKU_MAX_BYTES + 80) /* with names and a number at its longest */
#define TAIL_BYTES 48                   /* behind the items */

static_assert(512 + 2 * KEY_STORED_MAX_BYTES + ESCAPED_BYTES * (3 * TEXT_MAX + REQUEST_MAX) +
                      ITEM_BYTES + TAIL_BYTES <
                  ACCESS_LINE_MAX_BYTES,
              "room");

/* What a line says, beside who asked. */
struct entry {
    const char *operation; /* NULL: none that there is */
    struct str id;
    int index; /* in a batch, or -1 */
    unsigned status;
    const char *outcome;
    bool replayed, told;
    struct str reservation;
    struct str sku; /* as sent, where there is no operation to list items of */
    const struct op *op;
};

/* --- who asks --------------------------------------------------------------------------------- */

static bool changes(const struct route_match *match)
{
    return match->verdict == ROUTE_FOUND && (match->id == ROUTE_BATCH || request_is_op(match));
}

void access_begin(struct exchange *x)
{
    char address[IP_TEXT_SIZE];
    x->caller = (struct access_caller){.noted = x->server->access && changes(&x->match)};
    if (!x->caller.noted)
        return;
    ip_format(&x->from, address);
    x->caller.address = arena_str(&x->arena, str_of(address));
    x->caller.request_id = arena_str(&x->arena, x->headers.request_id);
    x->caller.traceparent = arena_str(&x->arena, x->headers.traceparent);
}

/* --- a line ----------------------------------------------------------------------------------- */

static struct str cut(struct str text, size_t max)
{
    return text.n > max ? (struct str){text.p, max} : text;
}

static void put_caller(struct buf *b, const struct access_caller *by)
{
    JSON_TEXT(b, ",\"key_id\":", cut(by->key, TEXT_MAX));
    if (!str_absent(by->tenant))
        JSON_STRING(b, ",\"tenant\":", by->tenant);
    JSON_TEXT(b, ",\"address\":", by->address);
    JSON_TEXT(b, ",\"request_id\":", cut(by->request_id, REQUEST_MAX));
    JSON_TEXT(b, ",\"traceparent\":", cut(by->traceparent, TEXT_MAX));
}

static void put_quantity(struct buf *b, const struct op *op, int64_t quantity)
{
    if (op->kind == OP_PUT && op->has_on_hand)
        JSON_INT(b, ",\"on_hand\":", op->on_hand);
    else if (op->kind == OP_ADJUST)
        JSON_INT(b, ",\"delta\":", op->delta);
    else if (op->kind != OP_PUT && op->kind != OP_DELETE)
        JSON_INT(b, ",\"quantity\":", quantity);
}

/* False: the line that began at `at` has no room for another. */
static bool put_op_item(struct buf *b, size_t at, unsigned i, const struct op *op, struct str sku,
                        int64_t quantity)
{
    if (b->n - at + ITEM_BYTES + TAIL_BYTES > ACCESS_LINE_MAX_BYTES)
        return false;
    if (i > 0)
        buf_putc(b, ',');
    JSON_SKU(b, "{\"sku\":", sku);
    put_quantity(b, op, quantity);
    buf_putc(b, '}');
    return true;
}

/* Those that were asked for; of a reservation that only its id names, those in it. */
static void put_op_items(struct buf *b, size_t at, const struct op *op)
{
    const struct reservation *r = op->line_count == 0 ? op->out.resv : NULL;
    unsigned count = r ? r->line_count : op->line_count, i = 0;
    while (i < count && put_op_item(b, at, i, op, r ? r->lines[i].sku : op->lines[i].sku,
                                    r ? r->lines[i].quantity : op->lines[i].quantity))
        i++;
    if (i < count)
        JSON_INT(b, "],\"items_left_out\":", count - i);
    else
        buf_putc(b, ']');
}

static void put_access_line(struct buf *b, const struct access_caller *by, const struct entry *e)
{
    size_t at = b->n;
    JSON_TIME(b, "{\"time\":", clock_wall_ms());
    put_caller(b, by);
    JSON_TEXT(b, ",\"operation\":", str_of(e->operation));
    JSON_TEXT(b, ",\"id\":", cut(e->id, KEY_STORED_MAX_BYTES));
    if (e->index >= 0)
        JSON_INT(b, ",\"index\":", e->index);
    JSON_INT(b, ",\"status\":", e->status);
    JSON_STRING(b, ",\"outcome\":", str_of(e->outcome));
    if (e->replayed)
        JSON_LIT(b, ",\"replayed\":true");
    if (!e->told)
        JSON_LIT(b, ",\"told\":false");
    JSON_TEXT(b, ",\"reservation\":", cut(e->reservation, TEXT_MAX));
    JSON_LIT(b, ",\"items\":[");
    if (e->op) {
        put_op_items(b, at, e->op);
    } else {
        if (!str_absent(e->sku)) {
            JSON_STRING(b, "{\"sku\":", cut(e->sku, TEXT_MAX));
            buf_putc(b, '}');
        }
        buf_putc(b, ']');
    }
    JSON_LIT(b, "}\n");
}

static void note(struct exchange *x, const struct entry *e)
{
    struct access_log *log = x->server->access;
    put_access_line(access_log_begin_line(log), &x->caller, e);
    access_log_end_line(log);
}

/* --- what became of it ------------------------------------------------------------------------ */

/* The reservation that it names, or has made; absent: none, or none yet. */
static struct str reservation_of(const struct op *op, char text[RID_TEXT_SIZE])
{
    const struct rid *id = op->out.resv                            ? &op->out.resv->id
                           : op_trait(op->kind)->names_reservation ? &op->rid
                                                                   : NULL;
    return id ? (struct str){text, rid_format(id, text)} : (struct str){NULL, 0};
}

void access_decided(struct exchange *x, const struct op *op, const struct answer *answer, int index)
{
    char text[RID_TEXT_SIZE];
    enum outcome_code code = op->out.code;
    if (!x->caller.noted || x->server->stopped || op_trait(op->kind)->event == EVENT_NONE)
        return;
    note(x, &(struct entry){.operation = op_trait(op->kind)->name,
                            .id = op->id,
                            .index = index,
                            .status = answer->status,
                            .outcome = outcome_succeeded(code)
                                           ? "done"
                                           : problem_get(problem_of_outcome(code))->name,
                            .replayed = answer->replayed,
                            .told = !x->orphan,
                            .reservation = reservation_of(op, text),
                            .op = op});
}

static struct entry refused_entry(const struct refusal *why, int index)
{
    const struct problem *problem = problem_get(why->problem);
    return (struct entry){
        .index = index, .status = problem->status, .outcome = problem->name, .told = true};
}

void access_op_refused(struct exchange *x, const struct op *op, const struct refusal *why,
                       int index)
{
    /* A name that is none has left all of it empty. */
    bool known = op->kind != OP_PUT || !str_absent(op->id);
    struct entry e = refused_entry(why, index);
    if (!x->caller.noted || (known && op_trait(op->kind)->event == EVENT_NONE))
        return;
    e.told = !x->orphan;
    e.operation = known ? op_trait(op->kind)->name : NULL;
    e.id = op->id;
    e.op = op;
    note(x, &e);
}

void access_refused(struct exchange *x, const struct refusal *why)
{
    struct entry e = refused_entry(why, -1);
    const struct op_trait *trait = x->caller.noted ? request_trait(&x->match) : NULL;
    if (!x->caller.noted)
        return;
    e.operation = trait ? trait->name : "batch";
    e.id = x->headers.key;
    if (trait && trait->names_reservation)
        e.reservation = x->match.param;
    else
        e.sku = x->match.param;
    note(x, &e);
}

void access_unknown(struct exchange *x, const struct op *op, int index)
{
    struct op asked = *op;
    const struct answer answer = {.status = problem_get(PROBLEM_OUTCOME_UNKNOWN)->status};
    if (!x->caller.noted)
        return; /* and there may be no operation */
    asked.out = (struct outcome){.code = OUT_UNKNOWN};
    access_decided(x, &asked, &answer, index);
}

int64_t access_flush(struct http_server *server)
{
    return server->access ? access_log_flush(server->access, (int64_t)uv_now(server->loop)) : -1;
}
