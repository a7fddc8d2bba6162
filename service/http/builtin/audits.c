#include "http/builtin/audits.h"
#include "http/answer/json_write.h"
#include "http/exchange.h"
#include "http/request/json_body.h"

#include <assert.h>

static void put_progress(struct buf *b, const struct http_audit *audit)
{
    JSON_INT(b, "{\"items\":", audit->items);
    JSON_INT(b, ",\"reservations\":", audit->reservations);
    JSON_INT(b, ",\"shares\":", audit->shares);
    buf_putc(b, '}');
}

static void put_last(struct buf *b, const struct http_audit *audit)
{
    static const char *const names[] = {"equal", "drift", "unknown"};
    assert(audit->result >= 0 && audit->result < (int)(sizeof(names) / sizeof(names[0])));
    JSON_STRING(b, "{\"result\":", str_of(names[audit->result]));
    JSON_INT(b, ",\"drift\":", audit->drift);
    JSON_TIME(b, ",\"at\":", audit->at_ms);
    buf_putc(b, '}');
}

static void render_audit(struct exchange *x, const struct http_audit *audit)
{
    struct buf *b = &x->out;
    bool runs = audit->requested_ms > 0;
    JSON_STRING(b, "{\"state\":", runs ? STR("running") : STR("idle"));
    JSON_TIME(b, ",\"requested_at\":", audit->requested_ms);
    JSON_LIT(b, ",\"progress\":");
    if (runs)
        put_progress(b, audit);
    else
        JSON_LIT(b, "null");
    JSON_LIT(b, ",\"last\":");
    if (audit->at_ms > 0)
        put_last(b, audit);
    else
        JSON_LIT(b, "null");
    buf_putc(b, '}');
}

/* There is nothing to say of an audit: a member is a mistake. */
static bool body_is_good(struct exchange *x, struct refusal *why)
{
    struct json_body body;
    if (x->body.n == 0)
        return true;
    if (!json_body_parse(&body, &x->arena, x->body.p, x->body.n, why))
        return false;
    void *member = json_object_iter(body.root);
    struct str name = {NULL, 0};
    if (member)
        name = arena_str(&x->arena, str_of(json_object_iter_key(member)));
    json_body_free(&body);
    return !member || refuse(why, PROBLEM_INVALID_FIELD, name.p, "an audit has no such field");
}

void audits_answer(struct exchange *x)
{
    const struct http_audits *audits = x->server->audits;
    struct http_audit audit;
    struct refusal why;
    bool begins = x->match.method == METHOD_POST;
    if (begins && !body_is_good(x, &why)) {
        exchange_refuse_with(x, &why);
        return;
    }
    if (!audits) {
        exchange_refuse(x, PROBLEM_LEDGER_MISSING, NULL);
        return;
    }
    if (begins && !audits->begin(audits->user)) {
        exchange_refuse(x, PROBLEM_STOPPING, NULL);
        return;
    }
    audits->look(audits->user, &audit);
    x->answer.status = begins ? 202 : 200;
    render_audit(x, &audit);
}
