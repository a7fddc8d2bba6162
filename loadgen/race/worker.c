/* worker.c -- the loop that all the contention comes from. */
#include "race/worker.h"

#include "clock.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* So that the parent can make sure that nothing of a dead worker is executed late. A Redis too old
 * or too strict to tell is no reason to give up. */
static void note_client_id(struct race_link *link, struct race_page *page)
{
    int64_t id;
    redisReply *reply = RACE_CALL(link, "CLIENT", "ID");
    if (reply && race_reply_number(reply, &id))
        atomic_store(&page->client_id, id);
    if (reply)
        freeReplyObject(reply);
    page->err[0] = '\0';
}

static bool connect_to(const struct race_plan *plan, struct race_link *link, struct race_page *page)
{
    if (!race_link_open(link, plan->address, plan->key, page->err))
        return false;
    note_client_id(link, page);
    if (!plan->strategy->prepare || plan->strategy->prepare(link))
        return true;
    race_link_close(link);
    return false;
}

static void sleep_until(int64_t at_us)
{
    struct timespec at = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

/* `sold` first: killed in between, the units count twice in the upper bound and never get lost. */
static void book(struct race_page *page, int64_t units, int64_t waited_us)
{
    for (int64_t i = 0; i < units; i++)
        histogram_add(&page->wait, (uint64_t)waited_us * 1000);
    atomic_fetch_add(&page->sold, units);
    atomic_store(&page->pending, 0);
}

/* Takes units until there is a reason not to. False when Redis failed. */
static bool race(const struct race_plan *plan, struct race_link *link, struct race_page *page,
                 int64_t end_us)
{
    int64_t now_us = clock_mono_us(), wanted_us = now_us;
    while (now_us < end_us && !atomic_load_explicit(&plan->books->stop, memory_order_relaxed)) {
        int64_t units = plan->strategy->batches ? plan->batch_max : 1;
        enum race_outcome outcome = plan->strategy->take(link, &page->pending, &units);
        now_us = clock_mono_us();
        switch (outcome) {
        case RACE_GOT:
            book(page, units, now_us - wanted_us);
            wanted_us = now_us;
            break;
        case RACE_CONFLICT:
            atomic_store(&page->pending, 0);
            atomic_fetch_add_explicit(&page->conflicts, 1, memory_order_relaxed);
            break;
        case RACE_EMPTY: atomic_store(&page->pending, 0); return true;
        case RACE_ERROR: return false;
        }
    }
    return true;
}

int race_worker_run(struct pool_child *child, void *arg)
{
    const struct race_plan *plan = arg;
    struct race_page *page = &plan->books->page[child->slot - plan->first_slot];
    struct race_link link;
    struct race_go go;
    signal(SIGINT, SIG_IGN); /* a terminal sends it to all: the parent decides what it means */
    signal(SIGPIPE, SIG_IGN);
    if (!connect_to(plan, &link, page))
        return 1;
    bool ok =
        pool_ready(child) == 0 && pool_child_receive(child, &go, sizeof(go), -1) == sizeof(go);
    if (ok) {
        sleep_until(go.begin_us);
        ok = race(plan, &link, page, go.end_us);
    }
    race_link_close(&link);
    atomic_store(&page->ended_us, clock_mono_us());
    return ok ? 0 : 1;
}
