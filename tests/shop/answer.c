/* answer.c -- see answer.h. */
#include "shop/answer.h"

#include "clock.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#define PROBLEM_ROW(name, status, title) {#name, status, title},
static const struct {
    const char *name;
    unsigned status;
    const char *title;
} problems[PROBLEMS] = {EACH_PROBLEM(PROBLEM_ROW)};

void answer_init(struct answer *a)
{
    *a = (struct answer){0};
    buf_init(&a->body, ANSWER_BODY_MAX);
}

void answer_reset(struct answer *a)
{
    struct buf body = a->body;
    buf_reset(&body);
    *a = (struct answer){.body = body};
}

void answer_free(struct answer *a)
{
    buf_free(&a->body);
}

void answer_put_string(struct buf *b, const char *text)
{
    buf_putc(b, '"');
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == '"' || *p == '\\')
            buf_printf(b, "\\u%04x", (unsigned char)*p);
        else
            buf_putc(b, *p);
    }
    buf_putc(b, '"');
}

static void put_time(struct buf *b, int64_t unix_ms)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(unix_ms, text);
    buf_putc(b, '"');
    buf_puts(b, str_of(text));
    buf_putc(b, '"');
}

/* A problem up to its own members and the closing brace. */
static void open_problem(struct answer *a, enum problem problem)
{
    assert(problem < PROBLEMS);
    answer_reset(a);
    a->status = problems[problem].status;
    PUT(&a->body, "{\"type\":\"/problems/");
    for (const char *p = problems[problem].name; *p; p++)
        buf_putc(&a->body, *p == '_' ? '-' : (char)tolower(*p));
    buf_printf(&a->body, "\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s.\"",
               problems[problem].title, problems[problem].status, problems[problem].title);
}

void answer_problem(struct answer *a, enum problem problem)
{
    open_problem(a, problem);
    buf_putc(&a->body, '}');
}

void answer_invalid(struct answer *a, const char *field)
{
    open_problem(a, PROBLEM_INVALID_FIELD);
    PUT(&a->body, ",\"field\":");
    answer_put_string(&a->body, field);
    buf_putc(&a->body, '}');
}

void answer_no_item(struct answer *a, const char *sku)
{
    open_problem(a, PROBLEM_ITEM_NOT_FOUND);
    PUT(&a->body, ",\"sku\":");
    answer_put_string(&a->body, sku);
    buf_putc(&a->body, '}');
}

void answer_shorts_begin(struct answer *a)
{
    open_problem(a, PROBLEM_INSUFFICIENT_STOCK);
    PUT(&a->body, ",\"lines\":[");
}

static void next_line(struct answer *a)
{
    if (a->body.p[a->body.n - 1] != '[')
        buf_putc(&a->body, ',');
}

void answer_short(struct answer *a, const char *sku, int64_t requested, const struct stock *state)
{
    next_line(a);
    buf_printf(&a->body,
               "{\"sku\":\"%s\",\"requested\":%" PRId64 ",\"available\":%" PRId64
               ",\"version\":%" PRIu64 "}",
               sku, requested, state->available, state->version);
}

void answer_shorts_end(struct answer *a)
{
    PUT(&a->body, "]}");
}

void answer_overs_begin(struct answer *a)
{
    open_problem(a, PROBLEM_LIMIT_EXCEEDED);
    PUT(&a->body, ",\"lines\":[");
}

void answer_over(struct answer *a, const struct item *item, int64_t requested, int64_t used)
{
    next_line(a);
    buf_printf(&a->body,
               "{\"sku\":\"%s\",\"requested\":%" PRId64 ",\"limit\":%" PRId64 ",\"used\":%" PRId64
               ",\"version\":%" PRIu64 "}",
               item->sku, requested, item->limit, used, item->now.version);
}

void answer_put_item(struct buf *b, const struct item *item, const struct stock *state)
{
    buf_printf(b,
               "{\"sku\":\"%s\",\"on_hand\":%" PRId64 ",\"available\":%" PRId64 ",\"held\":%" PRId64
               ",\"sold\":%" PRId64 ",\"version\":%" PRIu64 ",\"max_per_customer\":",
               item->sku, state->available + state->held, state->available, state->held,
               state->sold, state->version);
    if (item->limit > 0)
        buf_printf(b, "%" PRId64, item->limit);
    else
        PUT(b, "null");
    PUT(b, ",\"updated_at\":");
    put_time(b, item->updated_ms);
    buf_putc(b, '}');
}

void answer_item(struct answer *a, unsigned status, const struct item *item,
                 const struct stock *state)
{
    answer_reset(a);
    a->status = status;
    a->etag = state->version;
    answer_put_item(&a->body, item, state);
}

static void put_line(struct buf *b, const struct hold_line *line, bool confirmed)
{
    buf_printf(b, "{\"sku\":\"%s\",\"quantity\":%" PRId64, line->item->sku, line->quantity);
    if (confirmed)
        buf_printf(b, ",\"reserved\":%" PRId64, line->reserved);
    buf_printf(b, ",\"remaining\":%" PRId64 ",\"version\":%" PRIu64 "}", line->remaining,
               line->version);
}

static void put_expired_lines(struct buf *b, const struct hold *hold)
{
    PUT(b, ",\"expired_lines\":[");
    for (unsigned i = 0; i < hold->line_count; i++)
        buf_printf(b, "%s{\"sku\":\"%s\",\"remaining\":%" PRId64 ",\"version\":%" PRIu64 "}",
                   i > 0 ? "," : "", hold->line[i].item->sku, hold->line[i].expired_remaining,
                   hold->line[i].expired_version);
    PUT(b, "]");
}

void answer_hold(struct answer *a, unsigned status, const struct hold *hold)
{
    struct buf *b = &a->body;
    answer_reset(a);
    a->status = status;
    a->open = true;
    a->expires_ms = hold->state == HOLD_HELD ? hold->expires_ms : 0;
    if (status == 201)
        snprintf(a->location, sizeof(a->location), "/v1/reservations/%s", hold->id);
    buf_printf(b, "{\"id\":\"%s\",\"state\":\"%s\",\"lines\":[", hold->id,
               hold_state_name(hold->state));
    for (unsigned i = 0; i < hold->line_count; i++) {
        if (i > 0)
            buf_putc(b, ',');
        put_line(b, &hold->line[i], hold->state == HOLD_CONFIRMED);
    }
    PUT(b, "]");
    if (hold->taken_again)
        put_expired_lines(b, hold);
    buf_printf(b, ",\"customer\":%s,\"reference\":%s,\"metadata\":%s,\"created_at\":",
               hold->customer ? hold->customer : "null", hold->reference ? hold->reference : "null",
               hold->metadata ? hold->metadata : "{}");
    put_time(b, hold->created_ms);
    PUT(b, ",\"expires_at\":");
    put_time(b, hold->expires_ms);
}

void answer_close(struct answer *a, int64_t now_ms)
{
    if (!a->open)
        return;
    a->open = false;
    buf_printf(&a->body, ",\"ttl_ms\":%" PRId64 "}",
               a->expires_ms > now_ms ? a->expires_ms - now_ms : 0);
}
