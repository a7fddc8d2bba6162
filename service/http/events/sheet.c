#include "http/events/sheet.h"
#include "clock.h"
#include "http/events/render.h"
#include "http/exchange.h"
#include "ledger/query/history.h"
#include "log.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* --- lists ------------------------------------------------------------------------------------ */

static void enlist(struct events_sheet *sheet, enum sheet_state state)
{
    struct sheet_list *list = &sheet->events->sheets.lists[state];
    assert(!sheet->listed);
    sheet->state = state;
    sheet->listed = true;
    TAILQ_INSERT_TAIL(&list->list, sheet, link);
    list->count++;
}

static void delist(struct events_sheet *sheet)
{
    struct sheet_list *list = &sheet->events->sheets.lists[sheet->state];
    assert(sheet->listed);
    TAILQ_REMOVE(&list->list, sheet, link);
    list->count--;
    sheet->listed = false;
}

static struct events_sheet **bucket_of(const struct events_sheet *sheet)
{
    return &sheet->events->sheets.buckets[sheet->hash % EVENTS_BUCKETS];
}

static void unhash(struct events_sheet *sheet)
{
    struct events_sheet **at = bucket_of(sheet);
    while (*at && *at != sheet)
        at = &(*at)->beside;
    if (*at)
        *at = sheet->beside;
    sheet->beside = NULL;
}

void sheet_hold(struct events_sheet *sheet)
{
    sheet->refs++;
}

void sheet_let_go(struct events_sheet *sheet)
{
    assert(sheet->refs > 0);
    if (--sheet->refs > 0)
        return;
    assert(!sheet->listed && sheet->followers.count == 0);
    text_let_go(sheet->text);
    arena_free(&sheet->arena);
    free(sheet);
}

/* Nobody finds it any more. */
static void drop_sheet(struct events_sheet *sheet)
{
    unhash(sheet);
    delist(sheet);
    sheet_let_go(sheet);
}

void sheet_left(struct events_sheet *sheet)
{
    if (sheet->followers.count > 0 || sheet->state == SHEET_READ)
        return;
    if (sheet->state == SHEET_WANTED || query_pool_withdraw(&sheet->question))
        drop_sheet(sheet);
}

void sheets_forget(struct events *events)
{
    const struct sheet_list *kept = &events->sheets.lists[SHEET_READ];
    for (struct events_sheet *sheet = TAILQ_FIRST(&kept->list), *next; sheet; sheet = next) {
        next = TAILQ_NEXT(sheet, link);
        drop_sheet(sheet);
    }
}

/* --- who wants which -------------------------------------------------------------------------- */

/* Whether the page has to end where the ledger ends now. */
static bool wants_fresh(const struct subscriber *f)
{
    const struct events *events = f->events;
    bool waits = f->request.stream ? f->started : f->request.wait_s > 0;
    if (!waits || f->request.latest || !events->ends_known)
        return true;
    for (unsigned p = 0; p < events->partitions; p++)
        if (tail_compare(&f->at[p], &events->ends[p]) > 0)
            return true;
    return false;
}

static bool is_for(const struct events_sheet *sheet, const struct subscriber *f, bool fresh)
{
    const struct events *events = f->events;
    if (sheet->fresh != fresh || sheet->latest != f->request.latest ||
        sheet->limit != f->request.limit || !str_equal(str_of(sheet->tenant), f->tenant) ||
        (!sheet->latest && memcmp(sheet->at, f->at, events_positions_bytes(events)) != 0))
        return false;
    if (fresh) /* that there was nothing may be older than the request */
        return sheet->state == SHEET_WANTED;
    return memcmp(sheet->bound, events->ends, events_positions_bytes(events)) == 0;
}

static uint64_t hash_of(const struct subscriber *f)
{
    struct str bytes = {(const char *)f->at, events_positions_bytes(f->events)};
    return str_hash(f->tenant) ^ (f->request.latest ? 0 : str_hash(bytes));
}

static struct events_sheet *sheet_new(const struct subscriber *f, bool fresh)
{
    struct events *events = f->events;
    size_t bytes = events_positions_bytes(events);
    struct events_sheet *sheet = calloc(1, sizeof(*sheet) + 2 * bytes);
    if (!sheet)
        return NULL;
    sheet->events = events;
    sheet->refs = 1;
    sheet->fresh = fresh;
    sheet->latest = f->request.latest;
    sheet->limit = f->request.limit;
    memcpy(sheet->tenant, f->tenant.p, f->tenant.n);
    sheet->hash = hash_of(f);
    sheet->bound = sheet->at + events->partitions;
    memcpy(sheet->at, f->at, bytes);
    memcpy(sheet->bound, events->ends, bytes);
    arena_init(&sheet->arena, EVENTS_PAGE_BLOCK, EVENTS_PAGE_MAX);
    TAILQ_INIT(&sheet->followers.list);
    sheet->beside = *bucket_of(sheet);
    *bucket_of(sheet) = sheet;
    enlist(sheet, SHEET_WANTED);
    return sheet;
}

struct events_sheet *sheet_find(struct subscriber *f)
{
    bool fresh = wants_fresh(f);
    struct events_sheet *sheet = f->events->sheets.buckets[hash_of(f) % EVENTS_BUCKETS];
    while (sheet && !is_for(sheet, f, fresh))
        sheet = sheet->beside;
    return sheet ? sheet : sheet_new(f, fresh);
}

/* --- the question ----------------------------------------------------------------------------- */

static bool is_ahead(const struct events_page *page, unsigned partitions)
{
    for (unsigned p = 0; p < partitions; p++)
        if (tail_compare(&page->from[p], &page->ends[p]) > 0)
            return true;
    return false;
}

static void bound_page(struct events_page *page, const struct tail_position *bound,
                       unsigned partitions)
{
    for (unsigned p = 0; p < partitions; p++)
        if (tail_compare(&bound[p], &page->ends[p]) < 0)
            page->ends[p] = bound[p];
}

static struct events_sheet *sheet_of(struct query *question)
{
    return (struct events_sheet *)(void *)((char *)question -
                                           offsetof(struct events_sheet, question));
}

/* In a thread. Of the sheet only what nobody else touches while it is ASKED. */
static enum db_result ask_page(struct query *question, struct db *db)
{
    struct events_sheet *sheet = sheet_of(question);
    struct events_page *page = &sheet->page;
    unsigned partitions = sheet->events->partitions;
    size_t bytes = partitions * sizeof(*page->from);
    page->from = arena_copy(&sheet->arena, sheet->at, bytes);
    page->ends = arena_zalloc(&sheet->arena, bytes);
    page->to = arena_zalloc(&sheet->arena, bytes);
    if (!page->from || !page->ends || !page->to)
        return DB_NO_MEMORY;
    enum db_result result = tail_ends(db, page->ends, partitions);
    if (result == DB_OK)
        result = history_as_of(db, &page->as_of_ms);
    if (result != DB_OK)
        return result;
    if (sheet->latest)
        memcpy(page->from, page->ends, bytes);
    memcpy(page->to, page->from, bytes);
    page->ahead = is_ahead(page, partitions);
    if (page->ahead)
        return DB_OK;
    if (!sheet->fresh)
        bound_page(page, sheet->bound, partitions);
    return tail_page(db, &sheet->arena, str_of(sheet->tenant), page->to, page->ends, partitions,
                     sheet->limit, &page->events, &page->count);
}

/* A page may have been read before the last answer about the checkpoints: ends only go up. */
static void note_ends(struct events *events, const struct events_page *page)
{
    for (unsigned p = 0; p < events->partitions; p++)
        if (tail_compare(&events->ends[p], &page->ends[p]) < 0)
            events->ends[p] = page->ends[p];
    if (page->as_of_ms > events->as_of_ms)
        events->as_of_ms = page->as_of_ms;
    events->ends_known = true;
}

void sheet_log_failure(const struct query *question)
{
    static struct log_gate gate;
    if (question->result != DB_OK && log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "cannot read events of the ledger", LOG_STR("why", question->why),
                  LOG_STR("result", db_result_name(question->result)));
}

/* Whoever comes to the same position until the watch sees more is told the same. */
static void keep_sheet(struct events_sheet *sheet)
{
    struct sheet_list *kept = &sheet->events->sheets.lists[SHEET_READ];
    if (kept->count == EVENTS_KEPT_MAX)
        drop_sheet(TAILQ_FIRST(&kept->list));
    sheet_hold(sheet);
    enlist(sheet, SHEET_READ);
}

static void on_page(struct query *question)
{
    struct events_sheet *sheet = sheet_of(question);
    struct events *events = sheet->events;
    enum subscriber_news news = question->result == DB_OK          ? NEWS_PAGE
                                : question->result == DB_NO_MEMORY ? NEWS_NO_MEMORY
                                                                   : NEWS_UNAVAILABLE;
    bool keeps = news == NEWS_PAGE && !sheet->fresh && sheet->page.count > 0;
    sheet_log_failure(question);
    delist(sheet);
    sheet->state = SHEET_READ;
    if (news == NEWS_PAGE && !events->server->stopped)
        note_ends(events, &sheet->page);
    if (keeps && !events->server->stopped)
        keep_sheet(sheet);
    else
        unhash(sheet);
    events->on_sheet(sheet, news);
}

void sheets_ask(struct events *events)
{
    const struct sheet_list *lists = events->sheets.lists;
    while (lists[SHEET_ASKED].count < EVENTS_ASKING_MAX && lists[SHEET_WANTED].count > 0) {
        struct events_sheet *sheet = TAILQ_FIRST(&lists[SHEET_WANTED].list);
        sheet->question = (struct query){.ask = ask_page, .done = on_page};
        if (!query_pool_ask(events->server->queries, &sheet->question))
            return;
        delist(sheet);
        enlist(sheet, SHEET_ASKED);
    }
}

/* --- the text --------------------------------------------------------------------------------- */

void text_let_go(struct events_text *text)
{
    if (!text || --text->refs > 0)
        return;
    server_let_go(text->server, text->held_bytes);
    buf_free(&text->body);
    free(text);
}

struct events_text *sheet_text(struct events_sheet *sheet)
{
    struct events *events = sheet->events;
    const struct events_page *page = &sheet->page;
    const struct events_list list = events_list_of(events, page);
    const struct history_lag lag = history_lag_of(events->server->stats, page->as_of_ms);
    struct events_text *text = sheet->text ? sheet->text : calloc(1, sizeof(*text));
    if (!text || sheet->text)
        return text;
    text->refs = 1;
    text->server = events->server;
    buf_init(&text->body, EVENTS_TEXT_MAX);
    events_render_page(&list, &lag, &text->body);
    if (text->body.failed || !server_hold(text->server, text->body.cap)) {
        text_let_go(text);
        return NULL;
    }
    text->held_bytes = text->body.cap;
    sheet->text = text;
    return text;
}
