#include "hooks/window.h"

#include <assert.h>
#include <stdlib.h>

/* --- events ----------------------------------------------------------------------------------- */

struct window_event *window_event_new(struct str id, struct str type, struct str sku,
                                      struct str body)
{
    struct window_event *event = calloc(1, sizeof(*event) + id.n + type.n + sku.n + body.n);
    if (!event)
        return NULL;
    char *to = (char *)(event + 1);
    struct str *const texts[] = {&event->id, &event->type, &event->sku, &event->body};
    const struct str from[] = {id, type, sku, body};
    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        *texts[i] = (struct str){to, from[i].n};
        if (from[i].n > 0)
            to = mempcpy(to, from[i].p, from[i].n);
    }
    return event;
}

/* --- chains ----------------------------------------------------------------------------------- */

static struct window_chain **bucket_of(struct window *w, struct str sku)
{
    return &w->chains[str_hash(sku) % WINDOW_BUCKETS];
}

static struct window_chain *find_chain(struct window_chain *chain, struct str sku)
{
    while (chain && !str_equal(TAILQ_FIRST(&chain->events)->sku, sku))
        chain = chain->next;
    return chain;
}

/* That of its item, made if need be; NULL: out of memory. */
static struct window_chain *join_chain(struct window *w, struct window_event *event)
{
    struct window_chain **bucket = bucket_of(w, event->sku);
    struct window_chain *chain = find_chain(*bucket, event->sku);
    if (!chain) {
        chain = malloc(sizeof(*chain));
        if (!chain)
            return NULL;
        TAILQ_INIT(&chain->events);
        chain->next = *bucket;
        *bucket = chain;
    }
    TAILQ_INSERT_TAIL(&chain->events, event, in_chain);
    return event->chain = chain;
}

static bool is_first(const struct window_event *event)
{
    return TAILQ_FIRST(&event->chain->events) == event;
}

/* The first of a chain may fly when its time has come. */
static void give_turn(struct window *w, struct window_event *event)
{
    assert(is_first(event) && event->state == WINDOW_WAITS);
    if (event->due_ms > 0)
        TAILQ_INSERT_TAIL(&w->delayed, event, in_turn);
    else
        TAILQ_INSERT_TAIL(&w->ready, event, in_turn);
}

/* The event goes out of its chain, and the one behind it may fly. */
static void leave_chain(struct window *w, struct window_event *event)
{
    struct window_chain *chain = event->chain;
    assert(is_first(event));
    TAILQ_REMOVE(&chain->events, event, in_chain);
    event->chain = NULL;
    if (!TAILQ_EMPTY(&chain->events)) {
        give_turn(w, TAILQ_FIRST(&chain->events));
        return;
    }
    struct window_chain **at = bucket_of(w, event->sku);
    while (*at != chain)
        at = &(*at)->next;
    *at = chain->next;
    free(chain);
}

/* --- lists ------------------------------------------------------------------------------------ */

void window_tell(struct window *w, struct window_event *event)
{
    if (event->unsaved)
        return;
    TAILQ_INSERT_TAIL(&w->unsaved, event, in_unsaved);
    event->unsaved = true;
}

static void leave_order(struct window *w, struct window_event *event)
{
    TAILQ_REMOVE(&w->ordered, event, in_order);
    event->ordered = false;
}

void window_init(struct window *w)
{
    *w = (struct window){.count = 0};
    TAILQ_INIT(&w->ordered);
    TAILQ_INIT(&w->ready);
    TAILQ_INIT(&w->delayed);
    TAILQ_INIT(&w->unsaved);
}

static void free_event(struct window *w, struct window_event *event)
{
    if (event->ordered)
        leave_order(w, event);
    w->count--;
    free(event);
}

void window_free(struct window *w)
{
    struct window_event *event;
    while ((event = TAILQ_FIRST(&w->unsaved))) {
        TAILQ_REMOVE(&w->unsaved, event, in_unsaved);
        if (!event->chain) /* the others go with their chains */
            free_event(w, event);
    }
    for (size_t i = 0; i < WINDOW_BUCKETS; i++)
        for (struct window_chain *chain = w->chains[i], *next; chain; chain = next) {
            next = chain->next;
            while ((event = TAILQ_FIRST(&chain->events))) {
                TAILQ_REMOVE(&chain->events, event, in_chain);
                free_event(w, event);
            }
            free(chain);
        }
    /* Delivered ones that no letter is to be taken of are on the list of the order alone. */
    while ((event = TAILQ_FIRST(&w->ordered)))
        free_event(w, event);
    assert(w->count == 0);
    window_init(w);
}

/* --- flying ----------------------------------------------------------------------------------- */

bool window_add(struct window *w, struct window_event *event)
{
    assert(window_room(w) > 0 && event->state == WINDOW_WAITS);
    if (!join_chain(w, event))
        return false;
    w->count++;
    if (!event->lettered) {
        TAILQ_INSERT_TAIL(&w->ordered, event, in_order);
        event->ordered = true;
    }
    if (is_first(event))
        give_turn(w, event);
    return true;
}

bool window_has(const struct window *w, struct str sku, unsigned partition,
                const struct tail_position *at)
{
    const struct window_chain *chain = find_chain(w->chains[str_hash(sku) % WINDOW_BUCKETS], sku);
    const struct window_event *event = chain ? TAILQ_FIRST(&chain->events) : NULL;
    while (event && (event->partition != partition || tail_compare(&event->at, at) != 0))
        event = TAILQ_NEXT(event, in_chain);
    return event != NULL;
}

/* The delayed one that is due first; NULL: none. */
static struct window_event *soonest(const struct window *w)
{
    struct window_event *found = NULL, *event;
    TAILQ_FOREACH(event, &w->delayed, in_turn)
    if (!found || event->due_ms < found->due_ms)
        found = event;
    return found;
}

struct window_event *window_next(struct window *w, int64_t now_ms)
{
    struct window_event *event = soonest(w);
    if (event && event->due_ms <= now_ms) {
        TAILQ_REMOVE(&w->delayed, event, in_turn);
    } else {
        event = TAILQ_FIRST(&w->ready);
        if (!event)
            return NULL;
        TAILQ_REMOVE(&w->ready, event, in_turn);
    }
    event->state = WINDOW_FLIES;
    w->flying++;
    return event;
}

int64_t window_due_ms(const struct window *w)
{
    const struct window_event *first = soonest(w);
    return !TAILQ_EMPTY(&w->ready) ? 0 : first ? first->due_ms : INT64_MAX;
}

static void land_event(struct window *w, struct window_event *event, enum window_state state)
{
    assert(event->state == WINDOW_FLIES && w->flying > 0);
    w->flying--;
    event->state = state;
}

void window_delivered(struct window *w, struct window_event *event)
{
    land_event(w, event, WINDOW_DONE);
    window_tell(w, event);
    leave_chain(w, event);
}

/* The one behind it waits until SQL knows: else a process that is killed would send this one
 * again, behind that. */
void window_dead(struct window *w, struct window_event *event)
{
    land_event(w, event, WINDOW_DEAD);
    event->lettered = true;
    window_tell(w, event);
}

void window_failed(struct window *w, struct window_event *event, int64_t due_ms)
{
    land_event(w, event, WINDOW_WAITS);
    event->due_ms = due_ms;
    event->lettered = true;
    window_tell(w, event);
    give_turn(w, event);
}

void window_put_back(struct window *w, struct window_event *event, int64_t due_ms)
{
    land_event(w, event, WINDOW_WAITS);
    event->due_ms = due_ms;
    if (due_ms > 0)
        TAILQ_INSERT_TAIL(&w->delayed, event, in_turn);
    else
        TAILQ_INSERT_HEAD(&w->ready, event, in_turn);
}

/* --- what SQL has ----------------------------------------------------------------------------- */

/* Behind one with a letter the position may pass it, if it gets one, too. */
static bool may_pass(struct window *w, struct window_event *event)
{
    if (event->state == WINDOW_DONE || event->lettered)
        return true;
    if (is_first(event) || !TAILQ_FIRST(&event->chain->events)->lettered)
        return false;
    event->lettered = true;
    window_tell(w, event);
    return true;
}

bool window_advance(struct window *w, struct tail_position *at)
{
    struct window_event *event = TAILQ_FIRST(&w->ordered), *next;
    for (; event && may_pass(w, event); event = next) {
        next = TAILQ_NEXT(event, in_order);
        at[event->partition] = event->at;
        leave_order(w, event);
        if (event->state >= WINDOW_DONE && !event->unsaved)
            free_event(w, event);
    }
    return !event;
}

struct window_event *window_unsaved(const struct window *w, const struct window_event *after)
{
    return after ? TAILQ_NEXT(after, in_unsaved) : TAILQ_FIRST(&w->unsaved);
}

void window_kept(struct window *w)
{
    struct window_event *event;
    while ((event = TAILQ_FIRST(&w->unsaved))) {
        TAILQ_REMOVE(&w->unsaved, event, in_unsaved);
        event->unsaved = false;
        if (event->state == WINDOW_DEAD)
            leave_chain(w, event);
        if (event->state >= WINDOW_DONE && !event->ordered)
            free_event(w, event);
    }
}

int64_t window_oldest_ms(const struct window *w)
{
    int64_t oldest_ms = 0;
    for (size_t i = 0; i < WINDOW_BUCKETS; i++)
        for (const struct window_chain *chain = w->chains[i]; chain; chain = chain->next) {
            int64_t ms = TAILQ_FIRST(&chain->events)->at_ms;
            oldest_ms = oldest_ms == 0 || ms < oldest_ms ? ms : oldest_ms;
        }
    return oldest_ms;
}
