#include "http/check.h"
#include "http/batch.h"
#include "http/events/subscriber.h"
#include "http/exchange.h"
#include "http/history/history.h"
#include "http/live/feed.h"

#include <assert.h>

/* --- connections ------------------------------------------------------------------------------ */

static unsigned count_clients(const struct http_server *server, enum conn_list list)
{
    const struct conn_queue *queue = &server->clients.queues[list];
    const struct client_conn *p;
    int64_t since_ms = INT64_MIN;
    bool fresh = false;
    unsigned count = 0;
    TAILQ_FOREACH(p, &queue->conns, link)
    {
        assert(p->list == list && since_ms <= p->since_ms);
        assert(!p->exchange || p->exchange->client == p);
        since_ms = p->since_ms;
        fresh |= p == queue->fresh;
        count++;
    }
    assert(fresh == (queue->fresh != NULL));
    return count;
}

static void check_clients(const struct http_server *server)
{
    unsigned count = 0;
    assert(TAILQ_EMPTY(&server->clients.queues[CONN_NONE].conns));
    for (enum conn_list list = CONN_NONE + 1; list < CONN_LISTS; list++)
        count += count_clients(server, list);
    assert(count <= server->clients.count);
}

/* --- exchanges -------------------------------------------------------------------------------- */

static void check_waiting(const struct exchange *x)
{
    assert(x->state == EXCHANGE_WAITING && !x->orphan);
    assert(x->conn && x->client && x->client->exchange == x);
    assert(!x->next || x->next->prev == x);
    assert(x->prev ? x->prev->next == x : x->server->waiting == x);
    /* What the store has, the query pool or the feed has not. */
    assert((x->pending > 0) + (x->asked != NULL) + (x->subscriber != NULL) <= 1);
}

/* Batches between two runs: returns how many. */
static unsigned count_later(const struct http_server *server)
{
    unsigned count = 0;
    for (const struct batch_job *job = server->later; job; job = job->later) {
        const struct exchange *x = job->exchange;
        assert(job == x->batch && job->next < job->count);
        assert(x->state == EXCHANGE_WAITING && x->pending == 0);
        assert(!x->asked && !x->subscriber);
        count++;
        assert(count <= server->clients.count);
    }
    return count;
}

/* Everyone who waits is in the hands of somebody: else it would wait for ever. */
static void check_exchanges(const struct http_server *server)
{
    unsigned waiting = 0, polled = 0, in_hands = 0, spare = 0;
    for (const struct exchange *x = server->waiting; x; x = x->next) {
        check_waiting(x);
        waiting++;
        polled += x->polled;
        in_hands += x->pending > 0 || x->asked || x->subscriber;
    }
    assert(waiting <= server->clients.count);
    assert(polled == server->polled);
    assert(waiting - in_hands == count_later(server));
    for (const struct exchange *x = server->spare; x; x = x->next) {
        assert(x->state == EXCHANGE_NEW && x->pending == 0);
        assert(!x->orphan && !x->polled && !x->conn && !x->client && !x->asked && !x->subscriber);
        assert(!x->watcher);
        spare++;
    }
    assert(spare == server->spare_count);
}

/* The questions to the ledger that somebody waits for. */
static void check_asked(const struct http_server *server)
{
    unsigned count = 0;
    for (const struct exchange *x = server->waiting; x; x = x->next)
        count += x->asked != NULL;
    assert(count == history_job_check(server));
}

/* --- who follows the events ------------------------------------------------------------------- */

static void check_follower(const struct subscriber *f)
{
    const struct exchange *x = f->x;
    assert(x->subscriber == f && x->conn && x->client && x->client->exchange == x);
    assert(x->state == (f->started ? EXCHANGE_ANSWERED : EXCHANGE_WAITING) && !x->polled);
    assert(f->request.stream || (!f->started && f->state != SUBSCRIBER_SENDING));
    assert(!f->suspended || (f->started && !f->ended && stream_is_silent(f)));
    bool has_sheet =
        f->state == SUBSCRIBER_WANTING || (f->state == SUBSCRIBER_READY && f->news == NEWS_PAGE);
    assert(has_sheet == (f->sheet != NULL));
}

/* Returns how many of them are streams. */
static unsigned check_followers(const struct subscriber_queue *queue, enum subscriber_state state)
{
    const struct subscriber *f;
    unsigned count = 0, streams = 0;
    TAILQ_FOREACH(f, &queue->list, link)
    {
        assert(f->state == state);
        check_follower(f);
        count++;
        streams += f->request.stream;
    }
    assert(queue->count == count);
    return streams;
}

/* Somebody wants each sheet that is not read yet, and nobody one that is. */
static unsigned check_sheets(const struct events *events, enum sheet_state state)
{
    const struct sheet_list *list = &events->sheets.lists[state];
    const struct events_sheet *s;
    const struct subscriber *f;
    unsigned count = 0, streams = 0;
    TAILQ_FOREACH(s, &list->list, link)
    {
        assert(s->state == state && s->listed && s->refs > 0);
        assert(state != SHEET_WANTED || s->followers.count > 0);
        assert(state != SHEET_READ || s->followers.count == 0);
        TAILQ_FOREACH(f, &s->followers.list, link) assert(f->sheet == s);
        streams += check_followers(&s->followers, SUBSCRIBER_WANTING);
        count++;
    }
    assert(list->count == count);
    return streams;
}

static void check_events(const struct events *events)
{
    unsigned streams = 0;
    assert(events->queues[SUBSCRIBER_NONE].count + events->queues[SUBSCRIBER_WANTING].count == 0);
    for (enum subscriber_state state = SUBSCRIBER_NONE + 1; state < SUBSCRIBER_STATES; state++)
        streams += check_followers(&events->queues[state], state);
    for (enum sheet_state state = SHEET_WANTED; state <= SHEET_READ; state++)
        streams += check_sheets(events, state);
    assert(streams == events->streams);
    assert(events->sheets.lists[SHEET_ASKED].count <= EVENTS_ASKING_MAX);
    assert(events->sheets.lists[SHEET_READ].count <= EVENTS_KEPT_MAX);
}

/* --- who watches samples ---------------------------------------------------------------------- */

static void check_live(const struct live_feed *feed)
{
    const struct live_watcher *w;
    unsigned count = 0;
    TAILQ_FOREACH(w, &feed->watchers, link)
    {
        const struct exchange *x = w->x;
        assert(w->feed == feed && x->watcher == w && x->conn && x->client);
        assert(x->client->exchange == x && x->state == EXCHANGE_ANSWERED);
        assert(!w->suspended || (!w->text && !w->ended));
        assert(!w->text || (w->text->refs > 0 && w->sent <= w->text->body.n));
        count++;
    }
    assert(count == feed->streams);
}

void server_check(const struct http_server *server)
{
    check_clients(server);
    check_exchanges(server);
    check_asked(server);
    if (server->events)
        check_events(server->events);
    if (server->live)
        check_live(server->live);
}
