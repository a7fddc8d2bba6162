#include "run/clean_steps.h"
#include "client/answer.h"
#include "grow.h"
#include "printable.h"
#include "run/caller.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define CONNECTIONS 8
#define TIMEOUT_NS  UINT64_C(10000000000)
#define PAGE        ANSWER_LINES_MAX /* items or reservations */
#define ASKS        20               /* of one page that is not answered */
#define PAUSE_NS    250000000        /* between them */
#define BODY_SHOWN  160
#define CURSOR_MAX  256
#define PATH_SIZE   512

/* --- what cannot go on ------------------------------------------------------------------------ */

/* An answer that another try would not change. */
static int refuse_answer(struct clean *c, const char *what, const struct response *response)
{
    struct buf text;
    struct str body = response->body;
    if (body.n > BODY_SHOWN)
        body.n = BODY_SHOWN;
    buf_init(&text, 4 * BODY_SHOWN + 1);
    printable_put(&text, body);
    snprintf(c->err, sizeof(c->err), "%.100s was answered with %u%s%.*s", what, response->status,
             text.n ? ": " : "", STR_ARG(buf_str(&text)));
    buf_free(&text);
    return c->rc = -EPROTO;
}

static bool is_busy(const struct call_end *end)
{
    return !end->response || end->response->status == 503 || end->response->status == 429 ||
           end->response->status >= 500;
}

static int fail_clean(struct clean *c, int rc)
{
    snprintf(c->err, sizeof(c->err), "%s", strerror(-rc));
    return c->rc = rc;
}

/* --- one question ----------------------------------------------------------------------------- */

/* Takes an answer that is neither missing nor a 503. An error is in c->rc. */
typedef void take_fn(struct clean *c, void *ctx, const struct response *response);

struct question {
    struct clean *c;
    const char *path;
    take_fn *take;
    void *ctx;
    bool asked, taken;
    int err; /* of the last try; 0: it was a 503 */
};

static bool next_question(void *ctx, struct buf *out, uint64_t *token)
{
    struct question *q = ctx;
    if (q->asked)
        return false;
    q->asked = true;
    *token = 0;
    target_get(&q->c->target, out, str_of(q->path));
    return true;
}

static void question_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct question *q = ctx;
    q->err = end->err;
    if (is_busy(end))
        return;
    q->taken = true;
    q->take(q->c, q->ctx, end->response);
}

static bool stop_question(void *ctx)
{
    const struct question *q = ctx;
    return q->c->stop && q->c->stop(NULL);
}

static int ask_service(struct clean *c, const char *path, take_fn *take, void *ctx)
{
    struct question q = {.c = c, .path = path, .take = take, .ctx = ctx};
    const struct caller_work work = {&q, next_question, question_done, stop_question};
    for (int i = 0; i < ASKS && !q.taken; i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        q.asked = false;
        int rc = caller_run(&c->target, 1, TIMEOUT_NS, &work);
        if (rc < 0)
            return fail_clean(c, rc);
        if (q.err == -ECONNREFUSED)
            break; /* nobody listens */
    }
    if (!q.taken) {
        snprintf(c->err, sizeof(c->err), "no answer: %s",
                 q.err ? strerror(-q.err) : "the service is busy");
        return c->rc = -ECONNREFUSED;
    }
    return c->rc;
}

/* --- pages ------------------------------------------------------------------------------------ */

struct page {
    char cursor[CURSOR_MAX]; /* of the next one; "": there is none */
};

/* A cursor is an item's name or a reservation's id: it needs no encoding. */
static bool take_cursor(struct page *page, struct str raw)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    char was[CURSOR_MAX];
    snprintf(was, sizeof(was), "%s", page->cursor);
    page->cursor[0] = '\0';
    if (str_absent(raw) || str_equal(raw, STR("null")))
        return true;
    if (raw.n < 3 || raw.p[0] != '"' || raw.n - 2 >= CURSOR_MAX)
        return false;
    snprintf(page->cursor, CURSOR_MAX, "%.*s", (int)raw.n - 2, raw.p + 1);
    return strspn(page->cursor, plain) == raw.n - 2 && strcmp(page->cursor, was) != 0;
}

/* All pages of the list that the filter leaves. */
static int ask_pages(struct clean *c, const char *list, const char *filter, const char *value,
                     take_fn *take)
{
    struct page page = {""};
    char path[PATH_SIZE];
    int rc;
    do {
        snprintf(path, sizeof(path), "/v1/%s?limit=%d&%s=%s%s%s", list, PAGE, filter, value,
                 page.cursor[0] ? "&cursor=" : "", page.cursor);
        rc = ask_service(c, path, take, &page);
    } while (rc == 0 && page.cursor[0]);
    return rc;
}

/* --- items ------------------------------------------------------------------------------------ */

static int add_clean_item(struct clean *c, const struct answer_line *line)
{
    struct clean_item *items = grow(c->items, c->item_count, &c->item_room, sizeof(*items));
    if (!items)
        return fail_clean(c, -ENOMEM);
    c->items = items;
    struct clean_item *item = &items[c->item_count++];
    *item = (struct clean_item){.held = line->held > 0 ? line->held : 0};
    snprintf(item->sku, sizeof(item->sku), "%.*s", STR_ARG(line->sku));
    return 0;
}

static void take_item_page(struct clean *c, void *ctx, const struct response *response)
{
    struct answer a;
    if (response->status != 200 || !answer_read(&a, response->body) || !a.listed ||
        !take_cursor(ctx, a.next_cursor)) {
        (void)refuse_answer(c, "GET /v1/items", response);
        return;
    }
    for (unsigned i = 0; i < a.lines && c->rc == 0; i++)
        if (run_name_made(a.line[i].sku, c->run))
            c->rc = add_clean_item(c, &a.line[i]);
}

int clean_list_items(struct clean *c)
{
    char prefix[RUN_SKU_SIZE] = RUN_SKUS_BEGIN;
    if (c->run)
        run_name_prefix(prefix, c->run);
    return ask_pages(c, "items", "prefix", prefix, take_item_page);
}

/* --- deleting --------------------------------------------------------------------------------- */

static bool next_item(void *ctx, struct buf *out, uint64_t *token)
{
    struct clean *c = ctx;
    char path[sizeof("/v1/items/") + RUN_SKU_SIZE];
    while (c->next < c->item_count && c->items[c->next].state == CLEAN_GONE)
        c->next++;
    if (c->next == c->item_count || c->rc < 0)
        return false;
    *token = c->next;
    snprintf(path, sizeof(path), "/v1/items/%s", c->items[c->next++].sku);
    target_request(&c->target, out, STR("DELETE"), str_of(path), (struct str){NULL, 0},
                   (struct str){NULL, 0});
    return true;
}

/* 404: the answer to an earlier try was lost, or somebody else was quicker. */
static void item_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct clean *c = ctx;
    struct clean_item *item = &c->items[token];
    if (is_busy(end))
        return;
    switch (end->response->status) {
    case 200:
    case 204:
    case 404:
        item->state = CLEAN_GONE;
        c->removed++;
        break;
    case 409: item->state = CLEAN_IN_USE; break;
    default: (void)refuse_answer(c, "DELETE of an item", end->response);
    }
}

static bool stop_step(void *ctx)
{
    const struct clean *c = ctx;
    return c->rc < 0 || (c->stop && c->stop(NULL));
}

/* Many requests, over some connections. */
static int run_step(struct clean *c, const struct caller_work *work)
{
    c->next = 0;
    int rc = caller_run(&c->target, CONNECTIONS, TIMEOUT_NS, work);
    if (c->rc < 0)
        return c->rc;
    return rc < 0 ? fail_clean(c, rc) : 0;
}

int clean_delete_items(struct clean *c)
{
    return run_step(c, &(struct caller_work){c, next_item, item_done, stop_step});
}

/* --- holds ------------------------------------------------------------------------------------ */

int clean_add_hold(struct clean *c, struct str id)
{
    struct clean_hold *holds = grow(c->holds, c->hold_count, &c->hold_room, sizeof(*holds));
    if (!holds)
        return fail_clean(c, -ENOMEM);
    c->holds = holds;
    if (id.n == 0 || id.n > HISTORY_ID_MAX)
        return 0;
    holds[c->hold_count] = (struct clean_hold){.done = false};
    memcpy(holds[c->hold_count++].id, id.p, id.n);
    return 0;
}

static bool is_ours(const struct clean *c, const struct answer *a)
{
    for (unsigned i = 0; i < a->lines; i++)
        if (!run_name_made(a->line[i].sku, c->run))
            return false;
    return a->lines > 0;
}

/* Takes a reservation out of a page of them; false: it is none. */
static bool take_hold(struct clean *c, struct str raw)
{
    struct answer a;
    if (!answer_read(&a, raw) || str_absent(a.id))
        return false;
    if (!is_ours(c, &a))
        c->foreign++;
    else if (str_equal(a.state, STR("held")))
        c->rc = clean_add_hold(c, a.id);
    return true;
}

static bool take_reservations(struct clean *c, struct str body)
{
    struct str raw;
    size_t at = 0;
    bool broken;
    while (answer_next(body, "reservations", &at, &raw, &broken))
        if (!take_hold(c, raw))
            return false;
    return !broken;
}

static void take_holds(struct clean *c, void *ctx, const struct response *response)
{
    struct answer a;
    bool read = answer_read(&a, response->body);
    if (response->status == 404 && read && str_equal(a.type, STR("ledger-missing"))) {
        c->ledgerless = true;
        ((struct page *)ctx)->cursor[0] = '\0';
        return;
    }
    if (response->status != 200 || !read || !take_cursor(ctx, a.next_cursor) ||
        !take_reservations(c, response->body))
        (void)refuse_answer(c, "GET /v1/reservations", response);
}

int clean_list_holds(struct clean *c)
{
    int rc = 0;
    c->foreign = 0;
    for (size_t i = 0; i < c->item_count && rc == 0 && !c->ledgerless; i++)
        if (c->items[i].state == CLEAN_IN_USE)
            rc = ask_pages(c, "reservations", "state=held&sku", c->items[i].sku, take_holds);
    return rc;
}

/* --- releasing -------------------------------------------------------------------------------- */

static bool next_hold(void *ctx, struct buf *out, uint64_t *token)
{
    struct clean *c = ctx;
    char path[sizeof("/v1/reservations//release") + HISTORY_ID_MAX];
    while (c->next < c->hold_count && c->holds[c->next].done)
        c->next++;
    if (c->next == c->hold_count || c->rc < 0)
        return false;
    *token = c->next;
    snprintf(path, sizeof(path), "/v1/reservations/%s/release", c->holds[c->next++].id);
    target_request(&c->target, out, STR("POST"), str_of(path), (struct str){NULL, 0},
                   (struct str){NULL, 0});
    return true;
}

/* Whatever the answer is, nothing of it is held any more; the ledger may not know that yet. */
static void hold_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct clean *c = ctx;
    if (is_busy(end))
        return;
    c->holds[token].done = true;
    c->released += end->response->status == 200 && !end->response->replayed;
    if (end->response->status == 401 || end->response->status == 403)
        (void)refuse_answer(c, "the release of a reservation", end->response);
}

int clean_release_holds(struct clean *c)
{
    return run_step(c, &(struct caller_work){c, next_hold, hold_done, stop_step});
}
