#include "keys/kept_use.h"

#include <assert.h>

/* A word of a window: which one it is, and what it has. */
#define COUNT_BITS 40
#define COUNT_MAX  ((INT64_C(1) << COUNT_BITS) - 1)
static_assert(KEPT_MAX <= COUNT_MAX, "a limit fits");

static uint64_t mark_of(uint64_t window)
{
    return (window + 1) << COUNT_BITS;
}

static int64_t count_in(uint64_t word, uint64_t window)
{
    return (word & ~(uint64_t)COUNT_MAX) == mark_of(window) ? (int64_t)(word & COUNT_MAX) : 0;
}

static int64_t clamp(int64_t count)
{
    return count < 0 ? 0 : count > COUNT_MAX ? COUNT_MAX : count;
}

/* Adds to a window, or takes back what was added to it. One that is written is under way, so that
 * its word is not yet another one's. */
static void add_weights(struct kept_slot *slot, uint64_t window, const int64_t weight[KEPTS],
                        int way)
{
    for (int i = 0; i < KEPTS; i++) {
        _Atomic uint64_t *word = &slot->since[i][window % KEPT_WINDOWS];
        uint64_t before = atomic_load(word), after;
        do {
            int64_t count = clamp(count_in(before, window) + way * weight[i]);
            after = mark_of(window) | (uint64_t)count;
        } while (weight[i] > 0 && !atomic_compare_exchange_weak(word, &before, after));
    }
}

/* --- in a worker ------------------------------------------------------------------------------ */

void kept_use_begin(struct kept_use *use, unsigned worker)
{
    assert(worker < KEPT_WORKERS_MAX);
    for (int i = 0; i < KEPT_WINDOWS; i++)
        atomic_store(&use->flying[worker][i], 0);
}

/* The window that counts, with one more under way in it: it can not go before that is settled. */
static uint64_t enter(struct kept_use *use, unsigned worker)
{
    for (;;) {
        uint64_t window = atomic_load(&use->now);
        atomic_fetch_add(&use->flying[worker][window % KEPT_WINDOWS], 1);
        if (atomic_load(&use->now) == window)
            return window;
        atomic_fetch_sub(&use->flying[worker][window % KEPT_WINDOWS], 1);
    }
}

static void leave(struct kept_use *use, unsigned worker, uint64_t window)
{
    atomic_fetch_sub(&use->flying[worker][window % KEPT_WINDOWS], 1);
}

/* In the windows from `first` to the one before `end`. */
static int64_t sum(const struct kept_slot *slot, int which, uint64_t first, uint64_t end)
{
    int64_t all = 0;
    for (uint64_t w = first; w < end; w++)
        all += count_in(atomic_load(&slot->since[which][w % KEPT_WINDOWS]), w);
    return all;
}

/* Counts it in the ticket's window, unless that would pass the limit. Which windows count is looked
 * at before what SQL said: those that go meanwhile are then counted twice, and not never. */
static bool take_one(const struct kept_use *use, struct kept_ticket *t, int which, int64_t limit,
                     double share)
{
    uint64_t first = atomic_load(&use->first);
    int64_t known = atomic_load(&t->slot->known[which]);
    int64_t others = sum(t->slot, which, first, t->window);
    _Atomic uint64_t *word = &t->slot->since[which][t->window % KEPT_WINDOWS];
    uint64_t before = atomic_load(word), after;
    do {
        int64_t count = count_in(before, t->window);
        if (!kept_fits(limit, share, known, others + count, t->weight[which])) {
            t->which = (enum kept_kind)which;
            t->limit = limit;
            t->used = known + others + count;
            return false;
        }
        after = mark_of(t->window) | (uint64_t)(count + t->weight[which]);
    } while (!atomic_compare_exchange_weak(word, &before, after));
    return true;
}

/* All of it, or nothing. */
static bool take_all(const struct kept_use *use, struct kept_ticket *t, const struct quota *quota,
                     double share)
{
    int64_t taken[KEPTS] = {0};
    for (int i = 0; i < KEPTS; i++) {
        if (t->weight[i] == 0)
            continue;
        if (!take_one(use, t, i, quota->limits[QUOTA_HOLDS + i], share)) {
            add_weights(t->slot, t->window, taken, -1);
            return false;
        }
        taken[i] = t->weight[i];
    }
    return true;
}

void kept_use_take(struct kept_use *use, unsigned worker, struct kept_slot *slot,
                   const struct quota *quota, double share, const int64_t weight[KEPTS],
                   struct kept_ticket *t)
{
    int64_t any = 0;
    *t = (struct kept_ticket){.slot = slot};
    for (int i = 0; i < KEPTS; i++)
        any |= t->weight[i] = quota->limits[QUOTA_HOLDS + i] ? weight[i] : 0;
    if (any == 0)
        return;
    if (!atomic_load(&use->known) || !atomic_load(&slot->told)) {
        t->verdict = KEPT_UNKNOWN;
        return;
    }
    for (;;) {
        t->window = enter(use, worker);
        bool taken = take_all(use, t, quota, share);
        /* Another window may have begun, and somebody may count in it who has not seen this. */
        bool same = atomic_load(&use->now) == t->window;
        t->verdict = taken ? KEPT_TAKEN : KEPT_FULL;
        if (taken && same)
            return;
        if (taken)
            add_weights(slot, t->window, t->weight, -1);
        leave(use, worker, t->window);
        if (!taken)
            return;
    }
}

void kept_use_settle(struct kept_use *use, unsigned worker, struct kept_ticket *t,
                     enum kept_end end)
{
    if (t->verdict != KEPT_TAKEN)
        return;
    t->verdict = KEPT_FREE;
    if (end == KEPT_DOUBT) {
        uint64_t window = enter(use, worker);
        add_weights(t->slot, window, t->weight, 1);
        leave(use, worker, window);
    }
    if (end != KEPT_CAME)
        add_weights(t->slot, t->window, t->weight, -1);
    leave(use, worker, t->window);
}

/* --- in the one that asks SQL ----------------------------------------------------------------- */

void kept_use_turn(struct kept_use *use, struct kept_turner *turner)
{
    uint64_t next = atomic_load(&use->now) + 1;
    if (next - atomic_load(&use->first) >= KEPT_WINDOWS)
        return;
    turner->quiet_ms[next % KEPT_WINDOWS] = 0;
    atomic_store(&use->now, next);
}

static bool is_quiet(const struct kept_use *use, unsigned workers, uint64_t window)
{
    for (unsigned i = 0; i < workers; i++)
        if (atomic_load(&use->flying[i][window % KEPT_WINDOWS]) > 0)
            return false;
    return true;
}

uint64_t kept_use_proven(const struct kept_use *use, struct kept_turner *turner, unsigned workers,
                         int64_t now_ms, int64_t has_until_ms)
{
    uint64_t now = atomic_load(&use->now), proven = atomic_load(&use->first);
    for (uint64_t w = proven; w < now; w++) {
        int64_t *quiet_ms = &turner->quiet_ms[w % KEPT_WINDOWS];
        if (*quiet_ms == 0 && is_quiet(use, workers, w))
            *quiet_ms = now_ms;
        if (w == proven && *quiet_ms > 0 && *quiet_ms <= has_until_ms)
            proven++;
    }
    return proven;
}

void kept_use_tell(struct kept_slot *slot, const int64_t known[KEPTS])
{
    for (int i = 0; i < KEPTS; i++)
        atomic_store(&slot->known[i], known[i]);
    atomic_store(&slot->told, true);
}

void kept_use_publish(struct kept_use *use, uint64_t first)
{
    assert(first >= atomic_load(&use->first) && first <= atomic_load(&use->now));
    atomic_store(&use->first, first);
    atomic_store(&use->known, true);
}

void kept_use_forget(struct kept_use *use)
{
    atomic_store(&use->known, false);
}
