/* batch.c -- see batch.h. */
#include "shop/batch.h"

#include "shop/memory.h"

#include <stdio.h>
#include <stdlib.h>

#define OPERATIONS_MAX 1000

/* What stands in a batch for the method, the path and the header fields. It is taken out of the
 * object, so that the rest is the body that the single call would have. */
enum part { PART_OP, PART_TARGET, PART_KEY, PART_IF_MATCH, PART_IF_NONE_MATCH, PARTS };

struct envelope {
    json_t *part[PARTS]; /* owned; NULL when absent */
    enum op_kind kind;
    const char *wrong; /* the first field that is not valid, or NULL */
};

/* Takes a member that must be a string if it is there. */
static void take(struct envelope *e, enum part part, json_t *object, const char *name)
{
    e->part[part] = json_incref(json_object_get(object, name));
    json_object_del(object, name);
    if (e->part[part] && !json_is_string(e->part[part]) && !e->wrong)
        e->wrong = name;
}

static const char *text_of(const struct envelope *e, enum part part)
{
    return json_string_value(e->part[part]);
}

static void envelope_open(struct envelope *e, json_t *object)
{
    *e = (struct envelope){.kind = OP_KINDS};
    take(e, PART_OP, object, "op");
    if (text_of(e, PART_OP))
        e->kind = op_kind_named(text_of(e, PART_OP));
    if (e->kind == OP_KINDS) {
        e->wrong = "op";
        return;
    }
    take(e, PART_KEY, object, "idempotency_key");
    take(e, PART_IF_MATCH, object, "if_match");
    take(e, PART_IF_NONE_MATCH, object, "if_none_match");
    if (e->kind == OP_RESERVE)
        return;
    const char *name = op_is_of_item(e->kind) ? "sku" : "id";
    take(e, PART_TARGET, object, name);
    if (!e->part[PART_TARGET] && !e->wrong)
        e->wrong = name;
}

static void envelope_close(struct envelope *e)
{
    for (unsigned i = 0; i < PARTS; i++)
        json_decref(e->part[i]);
}

static void run_one(struct store *s, json_t *object, const char *outer_key, size_t index,
                    struct answer *a)
{
    struct envelope e;
    struct op op;
    if (!json_is_object(object)) {
        answer_invalid(a, "operations");
        return;
    }
    envelope_open(&e, object);
    const char *target = text_of(&e, PART_TARGET) ? text_of(&e, PART_TARGET) : "";
    if (e.wrong) {
        answer_invalid(a, e.wrong);
    } else if (!op_read(&op, e.kind, target, object) || !op_set_key(&op, text_of(&e, PART_KEY))) {
        answer_invalid(a, op.field);
    } else {
        op_set_conditions(&op, text_of(&e, PART_IF_MATCH), text_of(&e, PART_IF_NONE_MATCH));
        if (op.key[0] == '\0' && outer_key)
            snprintf(op.key, sizeof(op.key), "%.255s/%zu", outer_key, index);
        if (op.key[0] != '\0' && fault_fires(&s->faults, FAULT_BATCH_UNKEYED))
            op.key[0] = '\0';
        decide(s, &op, a);
    }
    envelope_close(&e);
}

/* The results, in the order of the operations. */
static void run_all(struct store *s, const json_t *operations, const char *key,
                    struct answer *results)
{
    size_t count = json_array_size(operations);
    s->in_batch = count > 1;
    bool reversed = s->in_batch && fault_fires(&s->faults, FAULT_BATCH_REVERSED);
    for (size_t i = 0; i < count; i++) {
        size_t nth = reversed ? count - 1 - i : i;
        run_one(s, json_array_get(operations, nth), key, nth, &results[nth]);
    }
    s->in_batch = false;
}

/* Operations that another time have another effect are not known by their key then. */
static void apply_again(struct store *s, const json_t *operations)
{
    struct answer unsaid;
    json_t *again = json_deep_copy(json_array_get(operations, 0));
    json_object_del(again, "idempotency_key");
    answer_init(&unsaid);
    run_one(s, again, NULL, 0, &unsaid);
    answer_free(&unsaid);
    json_decref(again);
}

static void put_results(struct fault_plan *plan, const struct answer *results, size_t count,
                        struct answer *a)
{
    size_t moved = count > 1 && fault_fires(plan, FAULT_BATCH_ROTATED) ? 1 : 0;
    size_t shown = count > 1 && fault_fires(plan, FAULT_BATCH_SHORT) ? count - 1 : count;
    size_t hollow = count > 1 && fault_fires(plan, FAULT_BATCH_HOLLOW) ? count - 1 : count;
    PUT(&a->body, "{\"results\":[");
    for (size_t i = 0; i < shown; i++) {
        const struct answer *one = &results[(i + moved) % count];
        if (i > 0)
            buf_putc(&a->body, ',');
        buf_printf(&a->body, "{\"status\":%u,\"%s\":", one->status, i < hollow ? "body" : "text");
        buf_puts(&a->body, buf_str(&one->body));
        buf_printf(&a->body, ",\"replayed\":%s}", one->replayed ? "true" : "false");
    }
    PUT(&a->body, "]}");
    a->status = 200;
}

void batch_run(struct store *s, json_t *body, const char *key, struct answer *a)
{
    json_t *operations = json_object_get(body, "operations");
    size_t count = json_array_size(operations);
    bool refused = count > 1 && fault_fires(&s->faults, FAULT_BATCH_REFUSED);
    if (!json_is_array(operations) || count < 1 || count > OPERATIONS_MAX ||
        json_object_size(body) != 1 || refused) {
        answer_invalid(a, "operations");
        return;
    }
    struct answer *results = memory_zalloc(count * sizeof(*results));
    for (size_t i = 0; i < count; i++)
        answer_init(&results[i]);
    answer_reset(a);
    json_t *again = s->faults.fault == FAULT_BATCH_TWICE ? json_deep_copy(operations) : NULL;
    run_all(s, operations, key, results);
    put_results(&s->faults, results, count, a);
    if (again && count > 1 && results[0].status < 300 && fault_fires(&s->faults, FAULT_BATCH_TWICE))
        apply_again(s, again);
    if (count > 1 && fault_fires(&s->faults, FAULT_BATCH_503))
        answer_problem(a, PROBLEM_REDIS_UNAVAILABLE);
    json_decref(again);
    for (size_t i = 0; i < count; i++)
        answer_free(&results[i]);
    free(results);
}
