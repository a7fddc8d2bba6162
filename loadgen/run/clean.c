/* clean.c -- rounds of deleting and releasing until nothing is left, or nothing moves. */
#include "run/clean.h"
#include "history/reader.h"
#include "run/clean_steps.h"
#include "run/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_ROUNDS 40        /* without any progress: the ledger may be some seconds behind */
#define LATE_ROUNDS 4         /* of these */
#define PAUSE_NS    250000000 /* between two rounds */

static size_t left(const struct clean *c)
{
    return c->item_count - c->removed;
}

/* All reservations of the history; most have ended, which does no harm. */
static int holds_of_history(struct clean *c, const char *path)
{
    struct history_reader reader;
    char err[HISTORY_ERR_SIZE];
    enum history_type type;
    uint32_t slot;
    int rc = history_read(&reader, path, err, sizeof(err));
    if (rc < 0)
        return rc;
    struct history_pass pass = history_pass(&reader);
    while (rc == 0 && (type = history_next(&pass, &slot)) != SLOT_EMPTY) {
        const struct history_id *id = history_at(&reader, slot);
        /* An id of several slots is none of this service's. */
        if (type == SLOT_ID && id->offset == 0 && id->bytes < HISTORY_ID_TEXT)
            rc = clean_add_hold(c, (struct str){id->text, id->bytes});
    }
    history_unread(&reader);
    return rc;
}

/* What to release, from whoever knows: the ledger, or the history if there is none, or if it is far
 * behind. *asked: the history was. */
static int find_holds(struct clean *c, const char *history, int idle, bool *asked)
{
    c->hold_count = 0;
    int rc = c->ledgerless ? 0 : clean_list_holds(c);
    if (rc < 0 || !history || *asked || !(c->ledgerless || idle >= LATE_ROUNDS))
        return rc;
    *asked = true;
    return holds_of_history(c, history);
}

/* Nothing more can be done about what is held. */
static bool is_stuck(const struct clean *c, bool asked, const char *history)
{
    return c->ledgerless && (!history || asked) && c->hold_count == 0;
}

static int remove_all(struct clean *c, const char *history)
{
    bool asked = false;
    for (int idle = 0; idle < IDLE_ROUNDS; idle++) {
        size_t before = c->removed + c->released;
        int rc = clean_delete_items(c);
        if (rc < 0 || left(c) == 0)
            return rc;
        rc = find_holds(c, history, idle, &asked);
        if (rc == 0 && is_stuck(c, asked, history))
            return 0;
        rc = rc < 0 ? rc : clean_release_holds(c);
        if (rc < 0)
            return rc;
        if (c->removed + c->released > before)
            idle = -1;
        else
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return 0;
}

/* --- what is said ----------------------------------------------------------------------------- */

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* By run, as the list has them: sorted. */
static void say_what_would_go(const struct clean *c)
{
    for (size_t i = 0, first = 0; i < c->item_count; i++) {
        struct str run = run_name_in(str_of(c->items[i].sku));
        bool last =
            i + 1 == c->item_count || !str_equal(run, run_name_in(str_of(c->items[i + 1].sku)));
        int64_t held = 0;
        if (!last)
            continue;
        for (size_t k = first; k <= i; k++)
            held += c->items[k].held;
        printf("run %.*s: %zu item%s, %" PRId64 " unit%s held\n", STR_ARG(run), i + 1 - first,
               plural(i + 1 - first), held, plural((size_t)held));
        first = i + 1;
    }
    printf("%zu item%s would be removed\n", c->item_count, plural(c->item_count));
}

static void say_what_went(FILE *out, const char *before, const struct clean *c)
{
    fprintf(out, "%sremoved %zu item%s, released %zu reservation%s\n", before, c->removed,
            plural(c->removed), c->released, plural(c->released));
}

static void say_what_is_left(const struct clean *c)
{
    const char *why =
        c->foreign > 0  ? "reservations that hold other items, too, hold units of them"
        : c->ledgerless ? "units of them are held, and without a ledger the service cannot tell by "
                          "which reservations; clean again when those have expired"
                        : "units of them are held still, or the service was too busy; clean again";
    fprintf(stderr, "stockload: %zu item%s left: %s\n", left(c), left(c) == 1 ? " is" : "s are",
            why);
}

static void say_what_is_wrong(const struct options *o, const struct clean *c, int rc)
{
    if (rc == -EINTR)
        fprintf(stderr, "stockload: interrupted before all items were removed\n");
    else
        fprintf(stderr, "stockload: %s: items can not be removed: %s\n", o->url.text, c->err);
}

/* --- both commands ---------------------------------------------------------------------------- */

static int begin_clean(struct clean *c, const struct options *o, const char *run,
                       bool (*stop)(void *ctx))
{
    *c = (struct clean){.run = run, .stop = stop};
    snprintf(c->err, sizeof(c->err), "out of memory");
    int rc = plan_target(&c->target, o, c->err, sizeof(c->err));
    return rc < 0 ? rc : clean_list_items(c);
}

static void end_clean(struct clean *c)
{
    free(c->items);
    free(c->holds);
    target_close(&c->target);
}

int clean_command(const struct options *o)
{
    struct clean c;
    signal(SIGPIPE, SIG_IGN);
    int rc = begin_clean(&c, o, o->run, NULL);
    if (rc == 0 && o->dry_run) {
        say_what_would_go(&c);
        end_clean(&c);
        return EXITS_RIGHT;
    }
    if (rc == 0)
        rc = remove_all(&c, NULL);
    if (rc < 0)
        say_what_is_wrong(o, &c, rc);
    if (rc == 0 || c.removed > 0)
        say_what_went(stdout, "", &c);
    if (rc == 0 && left(&c) > 0)
        say_what_is_left(&c);
    int status = rc < 0 ? EXITS_INTERNAL : left(&c) > 0 ? EXITS_UNKNOWN : EXITS_RIGHT;
    end_clean(&c);
    return status;
}

void clean_run(const struct options *o, const char *history, bool (*stop)(void *ctx))
{
    struct clean c;
    struct history_reader reader;
    char err[HISTORY_ERR_SIZE], run[RUN_SKU_SIZE];
    if (history_read(&reader, history, err, sizeof(err)) < 0) {
        fprintf(stderr, "stockload: items can not be removed: %s\n", err);
        return;
    }
    snprintf(run, sizeof(run), "%s", reader.facts->run);
    history_unread(&reader);
    int rc = begin_clean(&c, o, run, stop);
    rc = rc < 0 ? rc : remove_all(&c, history);
    if (rc < 0)
        say_what_is_wrong(o, &c, rc);
    if (rc == 0 || c.removed > 0)
        say_what_went(stderr, "stockload: ", &c);
    if (rc == 0 && left(&c) > 0)
        say_what_is_left(&c);
    end_clean(&c);
}
