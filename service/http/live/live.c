#include "http/live/live.h"
#include "clock.h"
#include "http/answer/json_write.h"
#include "http/events/request.h"
#include "http/exchange.h"
#include "http/live/feed.h"
#include "http/live/render.h"
#include "stats.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#define STOPPING     "the service is being stopped"
#define FRAME_BEFORE "event: sample\ndata: "
#define FRAME_BEHIND "\n\n"

/* --- texts ------------------------------------------------------------------------------------ */

static void text_let_go(struct live_feed *feed, struct live_text *text)
{
    if (!text || --text->refs > 0)
        return;
    server_let_go(feed->server, text->held_bytes);
    buf_free(&text->body);
    free(text);
}

static void forget_texts(struct live_feed *feed)
{
    while (!SLIST_EMPTY(&feed->texts)) {
        struct live_text *text = SLIST_FIRST(&feed->texts);
        SLIST_REMOVE_HEAD(&feed->texts, link);
        text_let_go(feed, text);
    }
}

/* Looks for a newer sample. */
static void look_for_sample(struct live_feed *feed)
{
    if (live_board_turn(feed->board) == feed->turn)
        return;
    feed->turn = live_board_get(feed->board, &feed->view);
    forget_texts(feed);
}

/* True if there is one that says something of now. */
static bool has_sample(const struct live_feed *feed)
{
    return feed->turn > 0 && clock_mono_ms() - feed->view.mono_ms < LIVE_STALE_MS;
}

/* With one reference, the caller's. NULL: no memory, or no room in the budget. */
static struct live_text *text_new(struct live_feed *feed, struct str body, struct str tenant)
{
    struct live_text *text = calloc(1, sizeof(*text));
    if (!text)
        return NULL;
    text->refs = 1;
    buf_init(&text->body, LIVE_TEXT_BYTES);
    if (str_absent(body)) {
        JSON_LIT(&text->body, FRAME_BEFORE);
        live_render(&feed->view, stats_service(feed->server->stats), tenant, &text->body);
        JSON_LIT(&text->body, FRAME_BEHIND);
    }
    buf_puts(&text->body, body);
    buf_trim(&text->body);
    if (!text->body.failed && server_hold(feed->server, text->body.cap)) {
        text->held_bytes = text->body.cap;
        return text;
    }
    text_let_go(feed, text);
    return NULL;
}

/* The newest sample as this tenant sees it, the feed's own. NULL: as above. */
static struct live_text *text_for(struct live_feed *feed, struct str tenant)
{
    struct live_text *text;
    struct str whose = tenant_is_default(tenant) ? STR("") : tenant;
    assert(whose.n <= TENANT_MAX_BYTES);
    SLIST_FOREACH(text, &feed->texts, link)
    if (str_equal(str_of(text->tenant), whose))
        return text;
    text = text_new(feed, (struct str){NULL, 0}, tenant);
    if (!text)
        return NULL;
    text->turn = feed->turn;
    memcpy(text->tenant, whose.p, whose.n);
    SLIST_INSERT_HEAD(&feed->texts, text, link);
    return text;
}

/* --- streams ---------------------------------------------------------------------------------- */

static int64_t now_ms(const struct live_feed *feed)
{
    return (int64_t)uv_now(feed->server->loop);
}

static void give(struct live_watcher *w, struct live_text *text)
{
    assert(!w->text);
    text->refs++;
    w->text = text;
    w->sent = 0;
    w->given_ms = now_ms(w->feed);
    if (text->turn > 0)
        w->turn = text->turn;
    TAILQ_REMOVE(&w->feed->watchers, w, link);
    TAILQ_INSERT_TAIL(&w->feed->watchers, w, link);
}

/* Not from within a callback of the library. */
static void wake(struct live_watcher *w)
{
    if (!w->suspended)
        return;
    w->suspended = false;
    w->feed->server->resumed = true;
    MHD_resume_connection(w->x->conn);
}

/* What it has is sent, and no more. While the server drains it has as long as an idle connection
 * to take that. */
static void end_watcher(struct live_watcher *w)
{
    if (w->ended)
        return;
    w->ended = true;
    client_conn_move(w->x->client, w->feed->server->draining ? CONN_IDLE : CONN_WRITING);
    wake(w);
}

/* Bytes for the library. */
static ssize_t feed_bytes(void *cls, uint64_t position, char *to, size_t max)
{
    struct live_watcher *w = ((struct exchange *)cls)->watcher;
    assert(!w->suspended);
    w->feed->server->progress = true;
    if (w->text && w->sent < w->text->body.n) {
        size_t left = w->text->body.n - w->sent, n = left < max ? left : max;
        memcpy(to, w->text->body.p + w->sent, n);
        w->sent += n;
        return (ssize_t)n;
    }
    text_let_go(w->feed, w->text);
    w->text = NULL;
    if (w->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    w->suspended = true;
    client_conn_move(w->x->client, CONN_NONE);
    MHD_suspend_connection(w->x->conn);
    return 0;
}

static void watcher_gone(struct exchange *x)
{
    struct live_watcher *w = x->watcher;
    struct live_feed *feed = w->feed;
    /* All was sent. Nobody will ask for anything more here, and a drain need not wait for that. */
    if (w->ended && feed->server->draining && x->client->intake.fd >= 0)
        shutdown(x->client->intake.fd, SHUT_RDWR);
    TAILQ_REMOVE(&feed->watchers, w, link);
    feed->streams--;
    text_let_go(feed, w->text);
    x->watcher = NULL;
    free(w);
    if (feed->streams == 0)
        uv_timer_stop(&feed->timer);
}

static const struct exchange_work watcher_work = {.gone = watcher_gone, .stream = feed_bytes};

/* --- time ------------------------------------------------------------------------------------- */

/* True if it was woken. */
static bool feed_watcher(struct live_watcher *w)
{
    struct live_feed *feed = w->feed;
    if (!w->suspended || w->ended)
        return false;
    bool newer = feed->turn != w->turn && has_sample(feed);
    struct live_text *text = newer ? text_for(feed, w->x->by.items) : NULL;
    if (!text && now_ms(feed) - w->given_ms >= LIVE_BEAT_MS)
        text = feed->beat;
    if (!text)
        return false;
    give(w, text);
    client_conn_move(w->x->client, CONN_WRITING);
    wake(w);
    return true;
}

static void look_at_some(struct live_feed *feed)
{
    unsigned share = feed->streams / (LIVE_SPREAD_MS / LIVE_LOOK_MS) + 1;
    unsigned most = share > LIVE_WAKE_MIN ? share : LIVE_WAKE_MIN, woken = 0;
    struct live_watcher *w, *next;
    for (w = TAILQ_FIRST(&feed->watchers); w && woken < most; w = next) {
        next = TAILQ_NEXT(w, link);
        if (feed_watcher(w))
            woken++;
    }
}

/* Keys come and go. */
static void judge_watchers(struct live_feed *feed)
{
    struct live_watcher *w;
    if (now_ms(feed) - feed->judged_ms < LIVE_JUDGE_MS)
        return;
    feed->judged_ms = now_ms(feed);
    TAILQ_FOREACH(w, &feed->watchers, link)
    if (!exchange_may_go_on(w->x))
        end_watcher(w);
}

static void on_time(uv_timer_t *timer)
{
    struct live_feed *feed = ((struct http_server *)timer->data)->live;
    look_for_sample(feed);
    judge_watchers(feed);
    look_at_some(feed);
}

/* --- requests --------------------------------------------------------------------------------- */

static enum MHD_Result each_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_n, const char *value, size_t value_n)
{
    if (name_n == strlen("Accept") && strncasecmp(name, "Accept", name_n) == 0)
        events_accept_add(cls, (struct str){value ? value : "", value_n});
    return MHD_YES;
}

static bool wants_stream(const struct exchange *x)
{
    struct events_accept accept = {.stream = 0};
    if (x->match.method != METHOD_GET)
        return false;
    MHD_get_connection_values_n(x->conn, MHD_HEADER_KIND, each_header, &accept);
    return events_accept_stream(&accept);
}

/* NULL: it can be taken. */
static const char *no_room(const struct live_feed *feed)
{
    if (feed->server->stopped || feed->server->draining)
        return STOPPING;
    return feed->streams >= LIVE_STREAMS_MAX ? "too many streams are open" : NULL;
}

static void begin_stream(struct exchange *x, struct live_text *text)
{
    struct live_feed *feed = x->server->live;
    const char *full = no_room(feed);
    if (!full && !exchange_hold(x, 0))
        full = EXCHANGE_NO_ROOM;
    struct live_watcher *w = full ? NULL : calloc(1, sizeof(*w));
    if (!w) {
        const struct refusal why = {.problem = PROBLEM_OVERLOADED,
                                    .detail = full ? full : "out of memory"};
        exchange_answer_refusal(x, &why);
        return;
    }
    w->feed = feed;
    w->x = x;
    x->watcher = w;
    x->work = &watcher_work;
    TAILQ_INSERT_TAIL(&feed->watchers, w, link);
    feed->streams++;
    give(w, text);
    if (!uv_is_active((uv_handle_t *)&feed->timer))
        uv_timer_start(&feed->timer, on_time, LIVE_LOOK_MS, LIVE_LOOK_MS);
    x->answer = (struct answer){.status = 200, .content = CONTENT_EVENTS};
    exchange_answered(x);
}

static void answer_once(struct exchange *x, const struct live_text *text)
{
    const size_t before = strlen(FRAME_BEFORE), behind = strlen(FRAME_BEHIND);
    x->answer = (struct answer){.status = 200, .content = CONTENT_JSON};
    buf_reset(&x->out);
    buf_put(&x->out, text->body.p + before, text->body.n - before - behind);
    exchange_answered(x);
}

void live_begin(struct exchange *x)
{
    struct live_feed *feed = x->server->live;
    if (feed)
        look_for_sample(feed);
    struct live_text *text = feed && has_sample(feed) ? text_for(feed, x->by.items) : NULL;
    if (text && wants_stream(x)) {
        begin_stream(x, text);
    } else if (text) {
        answer_once(x, text);
    } else {
        bool known = feed && has_sample(feed);
        const struct refusal why = {.problem =
                                        known ? PROBLEM_OVERLOADED : PROBLEM_LIVE_UNAVAILABLE,
                                    .detail = known ? EXCHANGE_NO_ROOM : NULL};
        exchange_answer_refusal(x, &why);
    }
}

/* --- its life --------------------------------------------------------------------------------- */

void live_end_streams(struct live_feed *feed)
{
    struct live_watcher *w;
    TAILQ_FOREACH(w, &feed->watchers, link)
    end_watcher(w);
}

struct live_feed *live_feed_new(struct http_server *server, const struct live_board *board)
{
    struct live_feed *feed = calloc(1, sizeof(*feed));
    if (!feed)
        return NULL;
    feed->server = server;
    feed->board = board;
    TAILQ_INIT(&feed->watchers);
    SLIST_INIT(&feed->texts);
    feed->beat = text_new(feed, STR(":\n\n"), STR(""));
    if (feed->beat)
        return feed;
    free(feed);
    return NULL;
}

uv_timer_t *live_timer(struct live_feed *feed)
{
    return &feed->timer;
}

void live_feed_free(struct live_feed *feed)
{
    if (!feed)
        return;
    assert(feed->streams == 0);
    forget_texts(feed);
    text_let_go(feed, feed->beat);
    free(feed);
}
