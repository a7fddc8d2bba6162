/* model.c -- see model.h. */
#include "support/model_steps.h"

#include <assert.h>
#include <stdlib.h>

void model_init(struct model *m, const struct plan_limits *limits)
{
    *m = (struct model){.limits = *limits};
    m->events = calloc(MODEL_EVENTS, sizeof(*m->events));
    assert(m->events);
}

void model_free(struct model *m)
{
    free(m->events);
    free(m->resvs);
    free(m->tags);
}

void model_batch(struct model *m, int64_t now_ms)
{
    m->now_ms = now_ms;
    m->batch++;
    m->event_count = 0;
    for (int i = 0; i < MODEL_ITEMS; i++)
        m->items[i].settled = false;
}

int model_item_of(struct str sku)
{
    return sku.n == 2 && sku.p[0] == 'i' && sku.p[1] >= '0' && sku.p[1] < '0' + MODEL_ITEMS
               ? sku.p[1] - '0'
               : -1;
}

int model_customer_of(struct str customer)
{
    return str_absent(customer) ? -1 : customer.p[1] - '0';
}

static uint64_t tag_of(const struct rid *id)
{
    uint64_t tag;
    memcpy(&tag, id->b + RID_BYTES - 8, 8);
    return tag;
}

struct model_resv *model_find(struct model *m, const struct rid *id)
{
    uint64_t tag = tag_of(id);
    for (size_t i = m->resv_count; i-- > 0;)
        if (m->tags[i] == tag && rid_equal(&m->resvs[i].id, id))
            return &m->resvs[i];
    return NULL;
}

void naive_add(struct model *m, const struct model_resv *r)
{
    if (m->resv_count == m->resv_cap) {
        m->resv_cap = m->resv_cap ? 2 * m->resv_cap : 256;
        m->resvs = realloc(m->resvs, m->resv_cap * sizeof(*m->resvs));
        m->tags = realloc(m->tags, m->resv_cap * sizeof(*m->tags));
        assert(m->resvs && m->tags);
    }
    m->tags[m->resv_count] = tag_of(&r->id);
    m->resvs[m->resv_count++] = *r;
}

void model_drop(struct model *m, int64_t before_ms, void (*gone)(void *, const struct rid *),
                void *user)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->resv_count; i++) {
        if (m->resvs[i].state != RESERVATION_HELD && m->resvs[i].ended_ms < before_ms) {
            gone(user, &m->resvs[i].id);
            continue;
        }
        m->tags[kept] = m->tags[i];
        m->resvs[kept++] = m->resvs[i];
    }
    m->resv_count = kept;
}

void model_drop_oldest_key(struct model *m)
{
    assert(m->key_count > 0);
    memmove(m->keys, m->keys + 1, --m->key_count * sizeof(*m->keys));
}

/* --- one operation ---------------------------------------------------------------------------- */

static enum outcome_code decide(struct model *m, const struct op *op, bool deferred,
                                struct model_answer *a)
{
    static naive_decision *const decisions[OP_KINDS] = {
        [OP_PUT] = naive_put,           [OP_ADJUST] = naive_adjust,
        [OP_DELETE] = naive_delete,     [OP_DECREMENT] = naive_decrement,
        [OP_TRANSFER] = naive_transfer, [OP_RESERVE] = naive_reserve,
    };
    if (op->kind == OP_SWEEP) {
        naive_settle(m, model_item_of(op->lines[0].sku));
        return OUT_OK;
    }
    return (decisions[op->kind] ? decisions[op->kind] : naive_of_reservation)(m, op, deferred, a);
}

static struct model_key *key_of(struct model *m, struct str key)
{
    for (unsigned i = 0; !str_absent(key) && i < m->key_count; i++)
        if (str_equal(str_of(m->keys[i].key), key))
            return &m->keys[i];
    return NULL;
}

void model_apply(struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    *a = (struct model_answer){.item = -1};
    if (deferred)
        a->wrong = "deferred without a reason";
    const struct model_key *key = key_of(m, op->key);
    if (key && key->fingerprint != op->fingerprint[0]) {
        a->code = OUT_KEY_REUSED;
        return;
    }
    if (key) {
        *a = key->answer;
        a->replayed = true;
        if (deferred)
            a->wrong = "deferred a replay";
        return;
    }
    if (op->over_quota || op->overload) {
        a->code = op->over_quota ? OUT_QUOTA_USED : OUT_OVERLOADED;
        if (deferred)
            a->wrong = "deferred a refusal";
        return;
    }
    a->code = decide(m, op, deferred, a);
    if (str_absent(op->key) || a->wrong || op->kind == OP_GET)
        return;
    if (a->code == OUT_OK || a->code == OUT_CREATED || a->code == OUT_NO_CONTENT) {
        assert(m->key_count < MODEL_KEYS && op->key.n < sizeof(m->keys[0].key));
        struct model_key *new = &m->keys[m->key_count++];
        *new = (struct model_key){.fingerprint = op->fingerprint[0], .answer = *a};
        memcpy(new->key, op->key.p, op->key.n);
    }
}
