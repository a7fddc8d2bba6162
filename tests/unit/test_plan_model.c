/* test_plan_model.c -- millions of random operations, decided by plan() and by a naive model.
 *
 * SEED and STEPS come from the environment; the seed is printed, and with the first difference the
 * number of its operation and both sides. See model.h for what the model is and plan_world.h for
 * what surrounds plan().
 */
#include "core/record.h"
#include "support/env_number.h"
#include "support/plan_run.h"
#include "support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define STEPS_DEFAULT 120000
#else
#define STEPS_DEFAULT 2000000
#endif

static uint64_t seed, at_op;
static const struct op *now_op;

/* --- the first difference --------------------------------------------------------------------- */

static void say_where(void)
{
    fprintf(stderr, "SEED=%llu operation %llu, at %lld ms, batch %u", (unsigned long long)seed,
            (unsigned long long)at_op, (long long)run.world.now_ms, run.model.batch);
    if (now_op) {
        fprintf(stderr, ": %s", op_trait(now_op->kind)->name);
        for (unsigned i = 0; i < now_op->line_count; i++)
            fprintf(stderr, " %.*s x %lld", STR_ARG(now_op->lines[i].sku),
                    (long long)now_op->lines[i].quantity);
        if (now_op->out.why)
            fprintf(stderr, " (%s)", now_op->out.why);
    }
    fprintf(stderr, "\n");
}

static void on_abort(int signal_number)
{
    say_where(); /* not async-signal-safe, but the process is lost anyway and this finds the bug */
    _exit(1);
}

static void same(const char *what, int64_t code, int64_t model)
{
    if (code == model)
        return;
    say_where();
    fail_msg("%s: the code says %lld, the model says %lld", what, (long long)code,
             (long long)model);
}

/* --- one operation, both sides ---------------------------------------------------------------- */

static void compare_resv(const struct reservation *r, const struct model_resv *m)
{
    if (!r) {
        same("there is a reservation", 0, 1);
        return;
    }
    same("id", memcmp(r->id.b, m->id.b, RID_BYTES), 0);
    same("state", r->state, m->state);
    same("rereserved", r->rereserved, m->rereserved);
    same("created", r->created_ms, m->created_ms);
    same("expires", r->expires_ms, m->expires_ms);
    same("ended", r->ended_ms, m->ended_ms);
    same("customer", model_customer_of(r->customer), m->customer);
    same("lines", r->line_count, m->line_count);
    for (unsigned i = 0; i < r->line_count; i++) {
        const struct reservation_line *a = &r->lines[i];
        const struct model_line *b = &m->lines[i];
        same("line's item", model_item_of(a->sku), b->item);
        same("line's quantity", a->quantity, b->quantity);
        same("line's reserved", a->reserved, b->reserved);
        same("line's remaining", a->remaining, b->remaining);
        same("line's version", a->version, b->version);
        same("line's expired remaining", a->expired_remaining, b->expired_remaining);
        same("line's expired version", a->expired_version, b->expired_version);
    }
}

static void compare_item(const struct item *a, const struct model_item *b)
{
    same("exists", a->exists, b->exists);
    same("available", a->available, b->available);
    same("held", a->held, b->held);
    same("sold", a->sold, b->sold);
    same("version", a->version, b->version);
    same("max per customer", a->max_per_customer, b->max);
}

/* What was read of a long index may give a bound only. */
static void compare_earliest(const struct outcome *out, const struct model_answer *a)
{
    for (unsigned i = 0; i < a->short_count; i++)
        if (run.index_before[a->shorts[i].item] >= VIEW_DUE_MAX && out->earliest_release_ms > 0 &&
            out->earliest_release_ms <= a->earliest_ms)
            return;
    same("earliest release", out->earliest_release_ms, a->earliest_ms);
}

static void compare_shorts(const struct outcome *out, const struct model_answer *a)
{
    same("shorts", out->short_count, a->short_count);
    for (unsigned i = 0; i < a->short_count; i++) {
        same("short's item", model_item_of(out->shorts[i].sku), a->shorts[i].item);
        same("short's requested", out->shorts[i].requested, a->shorts[i].requested);
        same("short's available", out->shorts[i].available, a->shorts[i].available);
        same("short's limit", out->shorts[i].limit, a->shorts[i].limit);
        same("short's used", out->shorts[i].used, a->shorts[i].used);
        same("short's version", out->shorts[i].version, a->shorts[i].version);
    }
    if (out->code == OUT_INSUFFICIENT_STOCK)
        compare_earliest(out, a);
}

static void compare_success(const struct op *op, const struct model_answer *a)
{
    const struct outcome *out = &op->out;
    switch (op->kind) {
    case OP_PUT:
    case OP_ADJUST:
        same("item", model_item_of(out->sku), a->item);
        compare_item(&out->item, &a->counters);
        break;
    case OP_DECREMENT:
        same("item", model_item_of(out->sku), a->item);
        same("quantity", out->quantity, a->quantity);
        same("remaining", out->remaining, a->remaining);
        same("version", out->version, a->version);
        same("id", str_equal(out->id, str_of(a->id)), true);
        break;
    case OP_TRANSFER:
        same("from", model_item_of(out->sku), a->item);
        same("quantity", out->quantity, a->quantity);
        same("remaining", out->remaining, a->remaining);
        same("version", out->version, a->version);
        same("to", model_item_of(out->to.sku), a->to);
        same("remaining there", out->to.remaining, a->to_remaining);
        same("version there", out->to.version, a->to_version);
        same("id", str_equal(out->id, str_of(a->id)), true);
        break;
    case OP_DELETE:
    case OP_SWEEP: break;
    default: compare_resv(out->resv, &a->resv);
    }
}

static void compare(const struct op *op, const struct model_answer *a)
{
    const struct outcome *out = &op->out;
    if (a->wrong) {
        say_where();
        fail_msg("code %d: %s", out->code, a->wrong);
    }
    same("outcome", out->code, a->code);
    if (out->code == OUT_NONE)
        return;
    same("replayed", out->replayed, a->replayed);
    same("now", out->now_ms, run.world.now_ms);
    if (outcome_succeeded(out->code))
        compare_success(op, a);
    compare_shorts(out, a);
    if (out->code == OUT_ITEM_NOT_FOUND)
        same("missing item", model_item_of(out->sku), a->item);
    if (a->field)
        same("field", strcmp(out->field, a->field), 0);
    if (out->code == OUT_RESERVATION_EXPIRED || out->code == OUT_RESERVATION_RELEASED ||
        out->code == OUT_RESERVATION_CONFIRMED)
        compare_resv(out->resv, &a->resv);
    if (out->code == OUT_CREATED && op->kind == OP_RESERVE && !out->replayed)
        run.recent[run.recent_count++ % RECENT] = out->resv->id;
}

/* --- the state, both sides -------------------------------------------------------------------- */

static uint64_t mix(const struct rid *id, int64_t deadline_ms)
{
    uint64_t tail;
    memcpy(&tail, id->b + RID_BYTES - 8, 8);
    return (tail ^ (uint64_t)deadline_ms * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
}

struct tally {
    uint64_t sum;
    size_t holds;
    int64_t units;
};

static void tally_holds(struct tally tallies[MODEL_ITEMS])
{
    for (size_t i = 0; i < run.model.resv_count; i++) {
        const struct model_resv *r = &run.model.resvs[i];
        for (unsigned l = 0; r->state == RESERVATION_HELD && l < r->line_count; l++) {
            struct tally *t = &tallies[r->lines[l].item];
            t->sum += mix(&r->id, r->expires_ms);
            t->holds++;
            t->units += r->lines[l].quantity;
        }
    }
}

/* The index is exactly the held reservations; due_ms is a bound below it, or its first. */
static void check_index(const struct world_item *stored, const struct item *item,
                        const struct tally *t)
{
    uint64_t sum = 0;
    size_t n = stored ? stored->due_count : 0;
    same("entries of the index", (int64_t)n, (int64_t)t->holds);
    for (size_t i = 0; i < n; i++)
        sum += mix(&stored->index[i].id, stored->index[i].deadline_ms);
    same("sum of the index", (int64_t)sum, (int64_t)t->sum);
    same("no due time without holds", item->due_ms == 0, n == 0);
    if (n == 0)
        return;
    if (item->due_exact)
        same("the earliest deadline", item->due_ms, stored->index[0].deadline_ms);
    same("no hold is due before due_ms", item->due_ms <= stored->index[0].deadline_ms, true);
}

static void check_items(void)
{
    struct tally tallies[MODEL_ITEMS] = {0};
    tally_holds(tallies);
    for (int i = 0; i < MODEL_ITEMS; i++) {
        const struct model_item *m = &run.model.items[i];
        struct item item = world_read_item(&run.world, skus[i]);
        const struct replica *copy = &run.replicas[i];
        item_check(&item);
        compare_item(&item, m);
        same("received = available + held + sold", item.available + item.held + item.sold,
             m->received);
        same("held = what reservations hold", item.held, tallies[i].units);
        check_index(world_find_item(&run.world, str_of(skus[i])), &item, &tallies[i]);
        same("events: exists", copy->exists, item.exists);
        same("events: available", copy->available, item.available);
        same("events: held", copy->held, item.held);
        same("events: sold", copy->sold, item.sold);
        same("events: version", copy->version, item.version);
        same("events: max per customer", copy->max, item.max_per_customer);
        for (int c = 0; c < MODEL_CUSTOMERS; c++)
            same("units of a customer", world_units(&run.world, skus[i], people[c]), m->used[c]);
    }
}

static void check_records(void)
{
    same("records", (int64_t)run.world.record_count, (int64_t)run.model.resv_count);
    for (size_t i = 0; i < run.model.resv_count; i++)
        compare_resv(world_read_record(&run.world, &run.model.resvs[i].id), &run.model.resvs[i]);
}

static void replay_line(const struct event *event, const struct event_line *line)
{
    struct replica *copy = &run.replicas[model_item_of(line->sku)];
    same("events: versions are dense", line->version, copy->version + 1);
    *copy = (struct replica){.exists = event->type != EVENT_DELETE,
                             .available = line->available,
                             .held = line->held,
                             .sold = line->sold,
                             .version = line->version,
                             .max = line->max_per_customer};
}

static void check_events(void)
{
    static size_t seen;
    if (run.world.attempts == 1)
        seen = 0;
    same("events", (int64_t)(run.world.event_count - seen), run.model.event_count);
    for (unsigned e = 0; e < run.model.event_count; e++) {
        const struct event *event = &run.world.events[seen + e];
        const struct model_event *m = &run.model.events[e];
        same("event's type", event->type, m->type);
        same("event's reservation", event->has_rid, m->has_rid);
        same("event's id", !m->has_rid || memcmp(event->rid.b, m->id.b, RID_BYTES) == 0, true);
        same("event's deadline", event->expires_ms, m->expires_ms);
        same("event's lines", event->line_count, m->line_count);
        for (unsigned i = 0; i < event->line_count; i++) {
            const struct event_line *line = &event->lines[i];
            same("event's item", model_item_of(line->sku), m->lines[i].item);
            same("event's quantity", line->quantity, m->lines[i].quantity);
            same("event's version", line->version, m->lines[i].version);
            same("event's available", line->available, m->available[i]);
            same("event's held", line->held, m->held[i]);
            same("event's sold", line->sold, m->sold[i]);
            replay_line(event, line);
        }
    }
    seen = run.world.event_count;
}

/* --- a batch ---------------------------------------------------------------------------------- */

static bool chain_waits(struct op *const *ops, unsigned i)
{
    for (unsigned before = 0; ops[i]->chain && before < i; before++)
        if (ops[before]->chain == ops[i]->chain && ops[before]->out.code == OUT_NONE)
            return true;
    return false;
}

static void note_indexes(void)
{
    for (int i = 0; i < MODEL_ITEMS; i++) {
        const struct world_item *item = world_find_item(&run.world, str_of(skus[i]));
        run.index_before[i] = item ? item->due_count : 0;
    }
}

/* Returns how many were deferred: they are moved to the front. */
static unsigned attempt(struct op **ops, unsigned count)
{
    unsigned kept = 0;
    struct model_answer answer;
    note_indexes();
    model_batch(&run.model, run.world.now_ms);
    now_op = NULL;
    world_attempt(&run.world, ops, count);
    for (unsigned i = 0; i < count; i++) {
        now_op = ops[i];
        bool deferred = ops[i]->out.code == OUT_NONE;
        if (chain_waits(ops, i)) {
            same("an operation behind a deferred one", ops[i]->out.code, OUT_NONE);
            continue;
        }
        model_apply(&run.model, ops[i], deferred, &answer);
        compare(ops[i], &answer);
        run.codes[ops[i]->out.code]++;
        run.replays += ops[i]->out.replayed;
        run.deferred += deferred;
        at_op += !deferred;
    }
    now_op = NULL;
    check_events();
    check_items();
    for (unsigned i = 0; i < count; i++)
        if (ops[i]->out.code == OUT_NONE)
            ops[kept++] = ops[i];
    return kept;
}

static void drop_record(void *user, const struct rid *id)
{
    world_drop_record(&run.world, id);
}

static void forget_old(void)
{
    char name[32];
    while (run.model.key_count > MODEL_KEYS - BATCH_MOST) {
        memcpy(name, run.model.keys[0].key, sizeof(name));
        model_drop_oldest_key(&run.model);
        world_drop_key(&run.world, str_of(name));
    }
    if (run.batches % 16 == 0)
        model_drop(&run.model, run.world.now_ms - limits.reservation_retention_ms - 20000,
                   drop_record, NULL);
}

static void step_clock(void)
{
    int64_t step = below(run.phase.step_most + 1);
    if (percent(run.phase.jump_percent))
        step = below(3) > 0 ? 2 * run.phase.ttl_most : below(70000);
    if (percent(1) && percent(30))
        step = -below(3000); /* another Redis was promoted, its clock is behind */
    run.world.now_ms += step;
}

static void one_batch(void)
{
    static struct sent sent[BATCH_MOST];
    static char chains[CHAINS];
    struct op *ops[BATCH_MOST];
    unsigned count = 1 + (unsigned)below(run.phase.batch_most);
    for (unsigned i = 0; i < count; i++) {
        plan_run_generate(&sent[i]);
        sent[i].op.overload = percent(run.phase.overload_percent) ? "too much waits" : NULL;
        sent[i].op.over_quota = percent(run.phase.overload_percent);
        ops[i] = &sent[i].op;
        ops[i]->chain = percent(run.phase.chain_percent) ? &chains[below(CHAINS)] : NULL;
    }
    step_clock();
    world_begin(&run.world);
    for (unsigned tries = 0; count > 0; tries++) {
        same("attempts are bounded", tries < 200, true);
        count = attempt(ops, count);
        run.world.now_ms += below(3);
    }
    run.batches++;
    run.attempts += run.world.attempts;
    run.rounds += run.world.rounds;
    if (run.batches % 64 == 0)
        check_records();
    forget_old();
}

TEST(test_plan_and_a_naive_model_agree_on_everything)
{
    uint64_t steps = env_number("STEPS", STEPS_DEFAULT), next_phase = 0;
    seed = env_number("SEED", (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32);
    printf("SEED=%llu STEPS=%llu\n", (unsigned long long)seed, (unsigned long long)steps);
    fflush(stdout);
    signal(SIGABRT, on_abort);
    rng_seed(&run.rng, seed);
    world_init(&run.world, &limits, INT64_C(1800000000000));
    model_init(&run.model, &limits);
    while (at_op < steps) {
        if (at_op >= next_phase) {
            plan_run_stretch(at_op);
            next_phase = at_op + 500 + (uint64_t)below(8000);
        }
        one_batch();
    }
    check_records();
    printf("%llu batches, %llu attempts, %llu rounds, %llu replays, %llu deferred\noutcomes:",
           (unsigned long long)run.batches, (unsigned long long)run.attempts,
           (unsigned long long)run.rounds, (unsigned long long)run.replays,
           (unsigned long long)run.deferred);
    for (int i = 0; i < OUT_CODES; i++)
        printf(" %llu", (unsigned long long)run.codes[i]);
    printf("\n");
    world_free(&run.world);
    model_free(&run.model);
}
