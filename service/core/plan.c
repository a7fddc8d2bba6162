#include "core/plan.h"
#include "core/decide.h"
#include "core/record.h"
#include "core/tenant.h"

#define DECIDER(KIND, name, ...) [OP_##KIND] = decide_##name,
static decide_fn *const deciders[] = {OP_TABLE(DECIDER)};

/* --- what an operation needs -------------------------------------------------------------------
 */

static bool collect_items(struct view *view, struct op *op)
{
    op->share = tenant_inner(view->arena, owner_tenant(op->owner), TENANT_MARK_SHARE, op->customer);
    if (str_absent(op->share) != str_absent(op->customer))
        return false;
    for (unsigned i = 0; i < op->line_count; i++) {
        uint32_t slot = view_add_item(view, op->lines[i].sku);
        if (slot == VIEW_NONE)
            return false;
        op->lines[i].slot = slot;
        if (!str_absent(op->share) && view_add_customer(view, slot, op->share) == VIEW_NONE)
            return false;
    }
    return true;
}

bool plan_collect(struct view *view, struct op *op)
{
    if (!str_absent(op->key) && view_add_key(view, op->key) == VIEW_NONE)
        return false;
    if (!op_trait(op->kind)->names_reservation)
        return collect_items(view, op);
    op->resv_slot = view_add_reservation(view, &op->rid);
    return op->resv_slot != VIEW_NONE;
}

bool plan_is_covered(const struct view *view, const struct op *op)
{
    if (!str_absent(op->key) || !str_absent(op->customer) || op_trait(op->kind)->names_reservation)
        return false;
    for (unsigned i = 0; i < op->line_count; i++) {
        uint32_t slot = view_find_item(view, op->lines[i].sku);
        if (slot == VIEW_NONE || !view_item(view, slot)->known)
            return false;
    }
    return true;
}

/* --- events and results ----------------------------------------------------------------------- */

struct event_line planner_line(const struct view_item *item, int64_t quantity)
{
    return (struct event_line){.sku = item->sku,
                               .quantity = quantity,
                               .available = item->now.available,
                               .held = item->now.held,
                               .sold = item->now.sold,
                               .version = item->now.version,
                               .max_per_customer = item->now.max_per_customer};
}

/* Records the result of op for its key; *result is what was recorded. */
static enum step record(struct planner *p, struct op *op, struct str *result)
{
    struct buf *scratch = p->view->scratch;
    uint32_t slot = view_add_key(p->view, op->key);
    if (slot == VIEW_NONE)
        return STEP_NO_MEMORY;
    buf_reset(scratch);
    record_encode_result(scratch, op, &op->out);
    *result = arena_str(p->view->arena, (struct str){scratch->p, scratch->n});
    if (scratch->failed || str_absent(*result))
        return STEP_NO_MEMORY;
    view_key(p->view, slot)->now = *result;
    return STEP_DONE;
}

/* Leaves the result of a reserve out of its event if it can be made of the rest. */
static enum step leave_out_result(struct planner *p, struct event *event)
{
    const uint8_t *fingerprint = (const uint8_t *)event->result.p + RECORD_FINGERPRINT_AT;
    struct str follows =
        record_result_of(p->view->arena, p->view->scratch, event, fingerprint, p->now_ms);
    if (str_absent(follows))
        return STEP_NO_MEMORY;
    if (!str_equal(follows, event->result))
        return STEP_DONE;
    memcpy(event->fingerprint, fingerprint, sizeof(event->fingerprint));
    event->result_follows = true;
    event->result = (struct str){NULL, 0};
    return STEP_DONE;
}

static void put_event(struct planner *p, const struct event *event)
{
    struct buf *out = p->view->events;
    bool first = p->view->event_count++ == 0;
    if (!p->limits->brief_events) {
        if (first)
            event_begin(out, p->now_ms);
        event_put(out, event, p->now_ms);
        return;
    }
    if (first)
        event_begin_brief(out, p->now_ms);
    event_put_brief(out, event, p->now_ms, &p->before);
}

enum step planner_event(struct planner *p, struct event *event, struct op *op)
{
    struct str result = {NULL, 0};
    bool keyed = op && !str_absent(op->key);
    if (keyed && record(p, op, &result) != STEP_DONE)
        return STEP_NO_MEMORY;
    if (!event)
        return STEP_DONE;
    if (op) {
        event->owner = op->owner;
        event->trace = op->trace;
    }
    if (keyed) {
        event->key = op->key;
        event->result = result;
    }
    if (keyed && event->type == EVENT_RESERVE && p->limits->brief_events &&
        leave_out_result(p, event) != STEP_DONE)
        return STEP_NO_MEMORY;
    put_event(p, event);
    return p->view->events->failed ? STEP_NO_MEMORY : STEP_DONE;
}

/* --- replays ---------------------------------------------------------------------------------- */

/* Decides the operation from what its key has recorded; OUT_NONE: nothing is. */
static enum step replay(struct planner *p, struct op *op)
{
    uint8_t fingerprint[RECORD_FINGERPRINT_BYTES];
    enum op_kind kind;
    struct outcome recorded;
    uint32_t slot = view_add_key(p->view, op->key);
    if (slot == VIEW_NONE)
        return STEP_NO_MEMORY;
    const struct view_key *key = view_key(p->view, slot);
    if (!key->known)
        return STEP_READ;
    struct str bytes = str_absent(key->now) ? key->was : key->now;
    if (str_absent(bytes))
        return STEP_DONE;
    if (!record_decode_result(p->view->arena, bytes, fingerprint, &kind, &recorded) ||
        kind != op->kind || memcmp(fingerprint, op->fingerprint, sizeof(fingerprint)) != 0)
        return refuse(op, OUT_KEY_REUSED);
    op->out = recorded;
    op->out.replayed = true;
    op->out.now_ms = p->now_ms;
    return STEP_DONE;
}

static enum step decide(struct planner *p, struct op *op)
{
    op->out = (struct outcome){.now_ms = p->now_ms, .field_line = -1};
    if (!str_absent(op->key)) {
        enum step step = replay(p, op);
        if (step != STEP_DONE || op->out.code != OUT_NONE)
            return step;
    }
    if (op->over_quota)
        return refuse(op, OUT_QUOTA_USED);
    if (op->overload) {
        op->out.why = op->overload;
        return refuse(op, OUT_OVERLOADED);
    }
    return deciders[op->kind](p, op);
}

/* True if an operation that this one must follow was deferred: then so is this one. */
static bool behind_deferred(struct op *const *ops, unsigned i)
{
    for (unsigned before = 0; ops[i]->chain && before < i; before++)
        if (ops[before]->chain == ops[i]->chain && ops[before]->out.code == OUT_NONE)
            return true;
    return false;
}

enum plan_result plan(struct view *view, struct op *const *ops, unsigned count, int64_t now_ms,
                      const struct plan_limits *limits)
{
    struct planner p = {.view = view, .limits = limits, .now_ms = now_ms};
    bool read_more = false, deferred = false;
    view_rewind(view);
    for (unsigned i = 0; i < count; i++) {
        if (deferred && behind_deferred(ops, i)) {
            ops[i]->out = (struct outcome){.code = OUT_NONE};
            continue;
        }
        switch (decide(&p, ops[i])) {
        case STEP_DONE: break;
        case STEP_READ: read_more = true; break;
        case STEP_DEFER:
            ops[i]->out.code = OUT_NONE;
            deferred = true;
            break;
        case STEP_NO_MEMORY: return PLAN_NO_MEMORY;
        case STEP_BROKEN: return PLAN_BROKEN;
        }
    }
    if (view->out_of_memory)
        return PLAN_NO_MEMORY;
    return read_more ? PLAN_READ_MORE : PLAN_DONE;
}

bool plan_writes(const struct view *view)
{
    if (view->event_count > 0)
        return true;
    for (uint32_t i = 0; i < view->items.count; i++)
        if (view_item(view, i)->dirty)
            return true;
    for (uint32_t i = 0; i < view->keys.count; i++)
        if (!str_absent(view_key(view, i)->now))
            return true;
    return false;
}
