/* builtin.c -- answers that need no store: health, metrics, documents. */
#include "http/answer/json_write.h"
#include "http/answer/render.h"
#include "http/builtin/about.h"
#include "http/builtin/assets.h"
#include "http/builtin/audits.h"
#include "http/exchange.h"
#include "http/server.h"
#include "stats.h"

#include <assert.h>

/* Which partitions are not open, and why: a part of the answer of a store that is ready for others.
 */
static void put_shut(const struct store *store, struct buf *out)
{
    const char *why, *before = ",\"not_open\":[", *end = "";
    for (unsigned p = 0; store_next_shut(store, &p, &why); p++, before = ",", end = "]") {
        buf_printf(out, "%s{\"partition\":%u,\"why\":", before, p);
        json_put_string(out, str_of(why));
        buf_putc(out, '}');
    }
    buf_put(out, end, strlen(end));
}

/* What has no store, has somebody who knows. */
static void health(struct exchange *x)
{
    const char *why = NULL;
    JSON_LIT(&x->out, "{\"status\":\"ready\"");
    enum problem_id problem = x->server->health->look(x->server->health->user, &x->out, &why);
    buf_putc(&x->out, '}');
    if (problem != PROBLEMS)
        exchange_refuse(x, problem, why);
}

static void ready(struct exchange *x)
{
    enum outcome_code code;
    if (x->server->leaving) {
        exchange_refuse(x, PROBLEM_STOPPING, "it was told to stop");
        return;
    }
    const char *why = store_not_ready(x->server->store, &code);
    if (why) {
        exchange_refuse(x, problem_of_outcome(code), why);
        return;
    }
    JSON_INT(&x->out, "{\"status\":\"ready\",\"restores\":", store_restores(x->server->store));
    JSON_STRING(&x->out, ",\"durability\":", str_of(store_durability(x->server->store)));
    if (store_failovers(x->server->store) > 0)
        JSON_INT(&x->out, ",\"failovers\":", store_failovers(x->server->store));
    put_shut(x->server->store, &x->out);
    buf_putc(&x->out, '}');
}

static void metrics(struct exchange *x)
{
    x->answer.content = CONTENT_METRICS;
    if (x->server->stats)
        stats_render(x->server->stats, &x->out);
}

/* All texts are our own and hold neither `<` nor `&`, except where a request is shown. */
static void put_html(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            JSON_LIT(b, "&lt;");
        else if (*text == '&')
            JSON_LIT(b, "&amp;");
        else
            buf_putc(b, *text);
    }
}

static void problem_page(struct exchange *x)
{
    const struct problem *problem = problem_find(x->match.param);
    struct buf *b = &x->out;
    if (!problem) {
        exchange_refuse(x, PROBLEM_ROUTE_NOT_FOUND, "there is no problem of that name");
        return;
    }
    x->answer.content = CONTENT_HTML;
    buf_printf(b,
               "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width\"><title>%s</title>"
               "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;"
               "padding:0 1rem}</style></head><body>\n<h1>%s</h1>\n"
               "<p><code>%s</code>, status %u</p>\n<p>",
               problem->title, problem->title, problem->name, problem->status);
    put_html(b, problem->description);
    JSON_LIT(b, "</p>\n<p><a href=\"/\">stockd</a></p>\n</body></html>\n");
}

/* A file of the dashboard, unless the browser has it already. */
static void page(struct exchange *x)
{
    const struct asset *asset = asset_find(x->match.param);
    struct op_condition known;
    if (!asset) {
        exchange_refuse(x, PROBLEM_ROUTE_NOT_FOUND, "the dashboard has no file of that name");
        return;
    }
    if (!condition_parse(x->headers.if_none_match, ETAG_WEAK, &known)) {
        exchange_refuse(x, PROBLEM_MALFORMED_HEADER, "If-None-Match must be * or a list of tags");
        return;
    }
    x->answer.page = true;
    x->answer.etag = asset_tag(asset);
    if (condition_names(&known, x->answer.etag)) {
        x->answer.status = 304;
        x->answer.content = CONTENT_NONE;
        return;
    }
    x->answer.content = asset->content;
    x->fixed = asset_text(asset);
}

void builtin_answer(struct exchange *x)
{
    x->answer = (struct answer){.status = 200, .content = CONTENT_JSON};
    buf_reset(&x->out);
    switch (x->match.id) {
    case ROUTE_HEALTHZ: JSON_LIT(&x->out, "{\"status\":\"ok\"}"); break;
    case ROUTE_READYZ: x->server->health ? health(x) : ready(x); break;
    case ROUTE_METRICS: metrics(x); break;
    case ROUTE_SELF: about_self(x); break;
    case ROUTE_SERVICE: about_service(x); break;
    case ROUTE_AUDITS: audits_answer(x); break;
    case ROUTE_OPENAPI: x->fixed = ASSET(openapi); break;
    case ROUTE_PROBLEM: problem_page(x); break;
    default:
        assert(x->match.id == ROUTE_INDEX || x->match.id == ROUTE_PAGE);
        page(x);
        break;
    }
    exchange_answered(x);
}
