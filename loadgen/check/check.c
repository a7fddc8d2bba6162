/* check.c -- the steps of a check, in their order. */
#include "check/check.h"
#include "check/describe.h"
#include "check/entries.h"
#include "check/groups.h"
#include "check/index.h"
#include "check/items.h"
#include "check/limits.h"
#include "check/passes.h"
#include "check/removals.h"
#include "check/restored.h"
#include "check/rewound.h"
#include "clock.h"
#include "history/names.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_MIN 20 /* requests of one kind that cannot all have been unlucky */

struct run {
    const struct check_options *options;
    struct verdict *verdict;
    struct verdict *part; /* of the group at hand */
    struct index index;
    struct rewound rewound;
    struct restored restored;
    struct removals removals;
    struct item *items;
    struct entries entries;
    struct limits limits;
};

static void tell_progress(const struct run *run, const char *step, unsigned percent)
{
    if (run->options->progress)
        run->options->progress(run->options->ctx, step, percent);
}

/* What makes a run no evidence, whatever it shows. The others only end it early. */
static const struct {
    uint32_t bit;
    bool always; /* also when nothing was to be verified */
    const char *why;
} troubles[] = {
    {TROUBLE_UNREACHABLE, true, "The server could not be reached."},
    {TROUBLE_SETUP, true, "An item could not be created."},
    {TROUBLE_DISK, true, "The history could not be written: parts of it are missing."},
    {TROUBLE_UNSETTLED, false,
     "The server did not answer what is asked when the load is over (what became of operations "
     "without an answer, and what is left), or its items did not come to rest."},
};

static void doubt_run(const struct run *run)
{
    struct verdict *v = run->verdict;
    const struct history_facts *facts = run->index.reader->facts;
    uint32_t trouble = atomic_load_explicit(&facts->trouble, memory_order_acquire);
    for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
        if ((trouble & troubles[i].bit) && (troubles[i].always || run->options->level != CHECK_OFF))
            verdict_doubt(v, "%s", troubles[i].why);
    }
    if (v->coverage.successes == 0)
        verdict_doubt(v, "Nothing succeeded: no request of the load had an effect, so there is "
                         "nothing to check.");
    if (run->options->level == CHECK_OFF)
        return;
    if (run->index.incomplete)
        verdict_doubt(v, "The history is not whole: the file is shorter than its header says, or "
                         "parts of it make no sense.");
    if (atomic_load_explicit(&facts->progress, memory_order_acquire) < RUN_SETTLED)
        verdict_doubt(v, "The run was not finished: operations without an answer were not looked "
                         "up, and the items not read at the end.");
}

/* Requests of one kind that were never answered in a way that can be judged are not known to be
 * served rightly, however right the others are. A few may be bad luck. */
static void doubt_silent(const struct run *run)
{
    const struct coverage *c = &run->verdict->coverage;
    for (int kind = 0; kind < KINDS && run->options->level != CHECK_OFF; kind++)
        if (c->asked[kind] >= ASKED_MIN && c->judged[kind] == 0)
            verdict_doubt(run->verdict,
                          "None of the %" PRIu64 " requests of one kind, %s, got an answer that "
                          "can be judged.",
                          c->asked[kind], history_kind_text((enum history_kind)kind));
}

/* A scenario that is about contention proves nothing without it. */
static void doubt_contention(const struct run *run)
{
    struct verdict *v = run->verdict;
    const struct coverage *c = &v->coverage;
    if (!run->index.reader->facts->contended || run->options->level == CHECK_OFF ||
        (c->most_in_flight >= 2 && c->sold_out_answers > 0))
        return;
    verdict_doubt(v,
                  "Nothing was contended: at most %" PRIu64 " requests were in flight on one "
                  "item at a time, and %" PRIu64 " were told that it is sold out. Use more "
                  "connections or less stock.",
                  c->most_in_flight, c->sold_out_answers);
}

/* Whatever the numbers of the rest are, these may still change them. */
static void doubt_unresolved(const struct run *run)
{
    static const enum property affected[] = {PROPERTY_SUMS, PROPERTY_VERSIONS, PROPERTY_LASTING};
    uint64_t unresolved = 0;
    uint32_t example = 0;
    for (struct index_pass pass = index_pass(&run->index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (index_role(op) != ROLE_FIRST || run->index.effect[pass.slot] != EFFECT_UNRESOLVED)
            continue;
        unresolved++;
        example = pass.slot;
    }
    for (size_t i = 0; unresolved && i < sizeof(affected) / sizeof(*affected); i++)
        verdict_unknown(run->verdict, affected[i],
                        "%" PRIu64 " operations, as %s, got no answer, and nobody found out "
                        "whether they happened.",
                        unresolved, describe_who(index_op(&run->index, example)).text);
}

/* Deletes find their places by all that quotes a version, and stand among them then. */
static int make_entries(struct run *run)
{
    int err = entries_make(&run->entries, &run->index);
    if (err < 0 || !(run->index.kinds & 1u << KIND_DELETE))
        return err;
    err = removals_make(&run->removals, &run->index, &run->entries, &run->restored, run->items,
                        run->verdict);
    run->index.removals = &run->removals;
    entries_free(&run->entries);
    return err < 0 ? err : entries_make(&run->entries, &run->index);
}

static_assert(sizeof(struct verdict) <= GROUPS_FOUND_MAX, "a group's is sent");

/* What is wrong with the items of a group, as a verdict on them alone. */
static int find_in_group(void *ctx, struct group group, struct buf *out)
{
    struct run *run = ctx;
    memset(run->part, 0, sizeof(*run->part));
    for (uint32_t i = group.first; i < group.end; i++) {
        numbers_check_item(&run->index, &run->entries, run->items, i, &run->limits,
                           run->options->level == CHECK_FULL, run->part);
        sums_check_item(&run->index, &run->entries, run->items, i, run->part);
    }
    buf_put(out, run->part, sizeof(*run->part));
    return 0;
}

static void take_group(void *ctx, struct group group, struct str found)
{
    struct run *run = ctx;
    assert(found.n == sizeof(*run->part));
    memcpy(run->part, found.p, found.n);
    verdict_merge(run->verdict, run->part);
    tell_progress(run, "items", (unsigned)((uint64_t)group.end * 100 / run->index.items));
}

static int check_each_item(struct run *run)
{
    int err = limits_make(&run->limits, &run->index);
    run->part = malloc(sizeof(*run->part));
    if (!run->part)
        err = -ENOMEM;
    struct groups groups;
    groups_cut(&groups, run->entries.first, run->index.items, GROUPS_MAX);
    history_relax(run->index.reader);
    tell_progress(run, "items", 0);
    if (err == 0)
        err = groups_run(&groups, &(struct groups_work){run, find_in_group, take_group},
                         run->options->workers, run->verdict->why_unknown);
    free(run->part);
    limits_free(&run->limits);
    return err;
}

static int check_items(struct run *run)
{
    const struct index *index = &run->index;
    history_relax(index->reader);
    int err = make_entries(run);
    if (err == 0)
        err = check_each_item(run);
    if (err == 0)
        err = presence_check(index, &run->entries, run->items, run->verdict);
    if (err < 0)
        return err;
    if (run->options->level != CHECK_FULL)
        return 0;
    tell_progress(run, "baskets", 0);
    history_relax(index->reader);
    return baskets_check(index, &run->entries, run->verdict);
}

static int check_all(struct run *run)
{
    tell_progress(run, "keys", 0);
    resolve_effects(&run->index, run->verdict);
    run->items = items_make(&run->index);
    if (!run->items)
        return -ENOMEM;
    int err = losses_check(&run->index, run->verdict);
    if (err < 0)
        return err;
    tell_progress(run, "reservations", 0);
    err = reservations_check(&run->index, run->items, run->options->level == CHECK_FULL,
                             run->verdict);
    if (err < 0)
        return err;
    keys_check(&run->index, run->items, run->verdict);
    answer_checks(&run->index, run->verdict);
    answer_checks_notes(&run->index, run->verdict);
    err = refusals_check(&run->index, run->verdict);
    if (err == 0 && run->options->level == CHECK_FULL)
        err = batches_check(&run->index, run->verdict);
    if (err == 0)
        err = check_items(run);
    doubt_unresolved(run);
    /* The largest things go before the next large thing comes. */
    entries_free(&run->entries);
    return err;
}

/* Without a check only the effects are told, as a ground for the counts. */
static int resolve_only(struct run *run)
{
    struct verdict *unused = calloc(1, sizeof(*unused));
    if (!unused)
        return -ENOMEM;
    resolve_effects(&run->index, unused);
    free(unused);
    return 0;
}

static int check_run(struct run *run, const struct history_reader *r, enum rewound_way way)
{
    tell_progress(run, "reading", 0);
    history_relax(r);
    int err = rewound_make(&run->rewound, r, way);
    if (err < 0)
        return err;
    err = index_make(&run->index, run->rewound.moments ? &run->rewound.reader : r);
    run->index.rewound = run->rewound.moments;
    run->index.may_lose = r->facts->failovers > 0 && !r->facts->waits;
    if (err == 0)
        err = restored_make(&run->restored, &run->index);
    run->index.restored = &run->restored;
    if (err == 0)
        err = run->options->level == CHECK_OFF ? resolve_only(run) : check_all(run);
    if (err < 0)
        return err;
    tell_progress(run, "coverage", 0);
    history_relax(r);
    coverage_count(&run->index, &run->verdict->coverage);
    run->verdict->coverage.unpromised = run->index.left_out + run->index.unpromised.muted;
    return coverage_flight(&run->index, run->options->workers, run->verdict);
}

/* In one way to read it. *again: it is wrong, and there is another way. */
static int check_once(struct verdict *v, const struct history_reader *r,
                      const struct check_options *options, enum rewound_way way, bool *again)
{
    memset(v, 0, sizeof(*v));
    struct run run = {.options = options, .verdict = v};
    int err = check_run(&run, r, way);
    if (err < 0)
        v->word = VERDICT_UNKNOWN;
    if (err == 0) {
        doubt_run(&run);
        doubt_silent(&run);
        doubt_contention(&run);
        verdict_conclude(v);
        tell_progress(&run, "done", 100);
    }
    *again = err == 0 && v->word == VERDICT_VIOLATION && run.rewound.moments > 0 &&
             way + 1 < REWOUND_WAYS;
    entries_free(&run.entries);
    items_free(run.items, &run.index);
    removals_free(&run.removals);
    restored_free(&run.restored);
    index_free(&run.index);
    rewound_free(&run.rewound);
    return err;
}

int check_history(struct verdict *v, const struct history_reader *r,
                  const struct check_options *options)
{
    int64_t start_ms = clock_mono_ms();
    enum rewound_way way = 0;
    bool again;
    int err = check_once(v, r, options, way, &again);
    while (again)
        err = check_once(v, r, options, ++way, &again);
    v->took_ms = (uint64_t)(clock_mono_ms() - start_ms);
    return err;
}
