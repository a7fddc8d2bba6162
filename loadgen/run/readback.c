/* readback.c -- the reservations and the items, as they are when everything is over. */
#include "run/settle.h"

#include "client/answer.h"
#include "client/client.h"
#include "run/caller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GETS_A_BATCH  200
#define SAMPLE        10000 /* of reservations that were seen to end */
#define CALLS_MAX     16    /* batches in flight, by token: a server keeps room for each answer */
#define PASSES_MIN    3     /* for a server that is slow to come to rest */
#define ITEM_TRIES    20    /* of reading all items once */
#define ITEM_PAUSE_NS 250000000 /* between them */

struct kept {
    uint32_t slot; /* of the reserve */
    uint8_t tries;
    bool seen;    /* at least once */
    bool settled; /* it can not change any more, or there is nothing to ask */
};

struct gets {
    uint32_t first, count; /* of the list */
    bool used;
};

struct readback {
    struct settle *s;
    struct kept *kept;
    uint32_t count, next, unseen;
    bool singly;         /* the server has no /v1/batch */
    bool refused;        /* in this pass: more at once than the server takes */
    unsigned calls_most; /* batches in flight; halved behind a pass with refusals */
    struct gets call[CALLS_MAX];
    struct buf body;
    uint64_t *version; /* of each item: twice, before and after the reservations */
    struct history_counters *counters;
    bool *got; /* counters of this pass */
    uint32_t next_item, items_left;
    bool moved; /* an item changed in between */
};

/* --- reservations --- */

/* A reservation that gets no useful answer is not asked for without end. */
static void give_up_if_tired(struct readback *r, struct kept *k)
{
    if (k->settled || k->tries < SETTLE_TRIES)
        return;
    k->settled = true;
    r->unseen -= !k->seen;
    r->s->unsettled = true;
}

static void keep_get(struct readback *r, struct kept *k, const struct response *response,
                     const struct call_end *end)
{
    struct settle *s = r->s;
    const struct history_op *reserve = history_op_at(&s->reader, k->slot);
    struct history_op *op = settle_begin(s, reserve, k->slot, end);
    if (!op)
        return;
    op->kind = KIND_GET_RESERVATION;
    const struct mismatch_request request = {
        .id = settle_id(s, k->slot), .reserve = reserve, .named = s->load->workload.named};
    struct lesson lesson = settle_finish(s, op, &request, response, k->slot, end);
    bool useful = lesson.outcome == OUTCOME_OK || lesson.detail == DETAIL_NO_RESERVATION;
    if (!useful)
        k->tries++;
    r->unseen -= useful && !k->seen;
    k->seen |= useful;
    k->settled = useful && lesson.detail != DETAIL_HELD;
    give_up_if_tired(r, k);
}

static uint32_t pick_gets(struct readback *r, uint32_t most)
{
    uint32_t n = 0;
    buf_reset(&r->body);
    buf_puts(&r->body, STR("{\"operations\":["));
    while (r->next < r->count && n < most && !r->kept[r->next].settled) { /* one run of the list */
        buf_puts(&r->body,
                 n > 0 ? STR(",{\"op\":\"get\",\"id\":\"") : STR("{\"op\":\"get\",\"id\":\""));
        buf_puts(&r->body, settle_id(r->s, r->kept[r->next].slot));
        buf_puts(&r->body, STR("\"}"));
        n++;
        r->next++;
    }
    buf_puts(&r->body, STR("]}"));
    return n;
}

static bool next_gets(void *ctx, struct buf *out, uint64_t *token)
{
    struct readback *r = ctx;
    unsigned call = 0;
    while (call < r->calls_most && r->call[call].used)
        call++;
    while (r->next < r->count && r->kept[r->next].settled)
        r->next++;
    if (r->next == r->count || call == r->calls_most || settle_is_over(r->s))
        return false;
    uint32_t first = r->next;
    uint32_t count = pick_gets(r, r->singly ? 1 : GETS_A_BATCH);
    r->call[call] = (struct gets){first, count, true};
    const struct target *target = &r->s->load->target;
    if (r->singly) {
        char path[32 + HISTORY_ID_MAX] = "/v1/reservations/";
        struct str id = settle_id(r->s, r->kept[first].slot);
        memcpy(path + 17, id.p, id.n);
        target_get(target, out, (struct str){path, 17 + id.n});
    } else {
        target_request(target, out, STR("POST"), STR("/v1/batch"), (struct str){NULL, 0},
                       buf_str(&r->body));
    }
    *token = call;
    return true;
}

/* How many results of a batch were used. */
static uint32_t take_results(struct readback *r, const struct gets *gets,
                             const struct call_end *end)
{
    struct response one;
    size_t at = 0;
    uint32_t n = 0;
    while (n < gets->count && attempt_result(end->response, &at, &one))
        keep_get(r, &r->kept[gets->first + n++], &one, end);
    return n;
}

static void gets_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct readback *r = ctx;
    struct gets *gets = &r->call[token];
    unsigned status = settle_heard(r->s, end);
    uint32_t used = 0;
    gets->used = false;
    if (r->singly && status > 0) {
        keep_get(r, &r->kept[gets->first], end->response, end);
        used = 1;
    } else if (status == 200) {
        used = take_results(r, gets, end);
    } else if (status == 404 || status == 405 || status == 501) {
        r->singly = true;
        return;
    } else if ((status == 503 || status == 429) && r->calls_most > 1) {
        r->refused = true;
        return; /* fewer at once, in the next pass */
    }
    for (uint32_t n = used; n < gets->count; n++) {
        r->kept[gets->first + n].tries++;
        give_up_if_tired(r, &r->kept[gets->first + n]);
    }
}

static bool stop_gets(void *ctx)
{
    struct readback *r = ctx;
    return r->s->progress(r->s->ctx, "reading reservations back", r->next, r->count);
}

/* One look at every reservation that may still change. */
static int get_all(struct readback *r)
{
    const struct caller_work work = {r, next_gets, gets_done, stop_gets};
    r->calls_most = r->refused ? r->calls_most / 2 : r->calls_most;
    r->refused = false;
    for (bool singly = !r->singly;
         singly != r->singly;) { /* again, if batches turned out missing */
        singly = r->singly;
        r->next = 0;
        int rc = caller_run(&r->s->load->target, r->s->connections, SETTLE_TIMEOUT_NS, &work);
        rc = rc < 0 ? rc : r->s->rc;
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* --- items --- */

static bool next_counters(void *ctx, struct buf *out, uint64_t *token)
{
    struct readback *r = ctx;
    while (r->next_item < r->s->facts->items && r->got[r->next_item])
        r->next_item++;
    if (r->next_item == r->s->facts->items || settle_is_over(r->s))
        return false;
    char path[64];
    int n = snprintf(path, sizeof(path), "/v1/items/%s%u", r->s->facts->prefix, r->next_item);
    target_get(&r->s->load->target, out, (struct str){path, (size_t)n});
    *token = r->next_item++;
    return true;
}

static bool has_counters(const struct answer *a)
{
    return a->version > 0 && a->on_hand != ANSWER_UNSAID && a->available != ANSWER_UNSAID &&
           a->held != ANSWER_UNSAID && a->sold != ANSWER_UNSAID;
}

/* A read like any of the load. */
static void keep_item_get(struct readback *r, uint32_t item, const struct call_end *end)
{
    struct settle *s = r->s;
    const struct history_op get = {.kind = KIND_GET_ITEM,
                                   .lines = 1,
                                   .client = s->load->clients, /* as in the set-up */
                                   .seq = item + 1,
                                   .line.item = item};
    struct history_op *op = settle_begin(s, &get, 0, end);
    if (op)
        (void)settle_finish(s, op, &(struct mismatch_request){0}, end->response, 0, end);
}

static void counters_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct readback *r = ctx;
    struct history_counters *c = &r->counters[token];
    unsigned status = settle_heard(r->s, end);
    struct answer a;
    if (status > 0)
        keep_item_get(r, (uint32_t)token, end);
    *c = (struct history_counters){.type = SLOT_COUNTERS,
                                   .item = (uint32_t)token,
                                   .at_ns = end->begin_ns - r->s->facts->zero_ns};
    if (status == 200 && answer_read(&a, end->response->body) && has_counters(&a)) {
        c->found = 1;
        c->on_hand = a.on_hand;
        c->available = a.available;
        c->held = a.held;
        c->sold = a.sold;
        c->version = a.version;
    } else if (status != 404) {
        return; /* items_left says that it is missing */
    }
    r->got[token] = true;
    r->items_left--;
    r->moved |= r->version[token] != c->version;
    r->version[token] = c->version;
}

static bool stop_counters(void *ctx)
{
    struct readback *r = ctx;
    return r->s->progress(r->s->ctx, "reading items", r->next_item, r->s->facts->items);
}

static int read_back_items(struct readback *r)
{
    const struct caller_work work = {r, next_counters, counters_done, stop_counters};
    r->items_left = r->s->facts->items;
    r->moved = false;
    memset(r->got, 0, r->s->facts->items * sizeof(*r->got));
    int rc = 0;
    for (int tries = 0; tries < ITEM_TRIES && r->items_left > 0 && rc == 0; tries++) {
        if (settle_is_over(r->s))
            break;
        if (tries > 0)
            nanosleep(&(struct timespec){.tv_nsec = ITEM_PAUSE_NS}, NULL);
        r->next_item = 0;
        rc = caller_run(&r->s->load->target, r->s->connections, SETTLE_TIMEOUT_NS, &work);
    }
    return rc;
}

static int keep_counters(struct readback *r)
{
    for (uint32_t i = 0; i < r->s->facts->items; i++) {
        int rc = history_put_counters(r->s->w, &r->counters[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* --- both, until nothing moves in between --- */

static bool any_held(const struct readback *r)
{
    uint32_t i = 0;
    while (i < r->count && r->kept[i].settled)
        i++;
    return i < r->count;
}

static int look_until_still(struct readback *r, uint64_t overdue_ns, uint64_t until_ns)
{
    int rc = read_back_items(r);
    for (int pass = 0; rc == 0; pass++) {
        bool early = load_now_ns() <= overdue_ns; /* to say that what is held is overdue */
        rc = get_all(r);
        rc = rc < 0 ? rc : read_back_items(r);
        if (rc < 0)
            return rc;
        if (!r->moved && r->items_left == 0 && r->unseen == 0 && !(early && any_held(r)))
            return keep_counters(r);
        if (settle_is_over(r->s) || (load_now_ns() > until_ns && pass >= PASSES_MIN))
            break;
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    r->s->unsettled = true;
    return rc;
}

/* The reservations to look at: each that may still be held, and some of the others. */
static int list_reservations(struct readback *r)
{
    struct settle *s = r->s;
    uint32_t ended = 0, all = 0;
    for (uint32_t slot = 0; slot < s->reader.slots; slot++) {
        const struct history_op *op = s->mark[slot] ? history_op_at(&s->reader, slot) : NULL;
        if (!op || op->kind != KIND_RESERVE || s->id_slot[slot] == 0)
            s->mark[slot] = 0;
        all += s->mark[slot] != 0;
        ended += (s->mark[slot] & MARK_ENDED) != 0;
    }
    uint32_t step = ended / SAMPLE + 1, seen = 0;
    r->kept = calloc(all + 1u, sizeof(*r->kept));
    if (!r->kept)
        return -ENOMEM;
    for (uint32_t slot = 0; slot < s->reader.slots; slot++)
        if (s->mark[slot] && (!(s->mark[slot] & MARK_ENDED) || seen++ % step == 0))
            r->kept[r->count++].slot = slot;
    r->unseen = r->count;
    return 0;
}

int settle_readback(struct settle *s, uint64_t overdue_ns, uint64_t until_ns)
{
    struct readback r = {.s = s, .calls_most = CALLS_MAX};
    uint32_t items = s->facts->items;
    buf_init(&r.body, TARGET_REQUEST_MAX / 2);
    r.version = calloc(items, sizeof(*r.version));
    r.counters = calloc(items, sizeof(*r.counters));
    r.got = calloc(items, sizeof(*r.got));
    int rc = r.version && r.counters && r.got ? list_reservations(&r) : -ENOMEM;
    rc = rc < 0 ? rc : look_until_still(&r, overdue_ns, until_ns);
    free(r.kept);
    free(r.version);
    free(r.counters);
    free(r.got);
    buf_free(&r.body);
    return rc;
}
