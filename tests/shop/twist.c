/* twist.c -- lies that are only told: each is one text put in another's place. */
#include "shop/answer.h"

/* In an answer with this status, the first `from` becomes `to`. */
static const struct twist {
    enum fault fault;
    unsigned status;
    struct str from, to;
} twists[] = {
    {FAULT_SAYS_QUANTITY, 201, STR("\"quantity\":1"), STR("\"quantity\":9")},
    {FAULT_SAYS_QUANTITY, 200, STR("\"quantity\":1"), STR("\"quantity\":9")},
    {FAULT_SAYS_STATE, 201, STR("\"state\":\"held\""), STR("\"state\":\"hold\"")},
    {FAULT_SAYS_OTHER_SKU, 409, STR("\"sku\":\"load"), STR("\"sku\":\"lord")},
    {FAULT_SAYS_SUM, 200, STR("\"held\":"), STR("\"held\":1")},
    {FAULT_SAYS_NO_VERSION, 200, STR("\"version\":"), STR("\"revision\":")},
    {FAULT_SAYS_CUSTOMER, 200, STR("\"customer\":\"c1"), STR("\"customer\":\"c2")},
    {FAULT_SAYS_NO_REFERENCE, 201, STR("\"reference\":\""), STR("\"reference\":null,\"was\":\"")},
    {FAULT_SAYS_USED, 409, STR("\"used\":"), STR("\"used\":1")},
    {FAULT_SAYS_NO_USED, 409, STR("\"used\":"), STR("\"uses\":")},
    {FAULT_SAYS_LIMIT, 409, STR("\"limit\":"), STR("\"limit\":1")},
    {FAULT_SAYS_MAX, 200, STR("\"max_per_customer\":4"), STR("\"max_per_customer\":5")},
    {FAULT_SAYS_METADATA, 200, STR("\"no\":"), STR("\"no\":1")},
    {FAULT_SAYS_NO_METADATA, 201, STR("\"metadata\":{"), STR("\"metadata\":{},\"was\":{")},
    {FAULT_SAYS_STATUS, 409, STR("\"status\":409"), STR("\"status\":404")},
    {FAULT_SAYS_NO_DETAIL, 409, STR("\"detail\":"), STR("\"message\":")},
};

static char *find(struct buf *body, struct str text)
{
    return body->n > 0 ? memmem(body->p, body->n, text.p, text.n) : NULL;
}

static void replace(struct buf *body, char *at, const struct twist *t)
{
    size_t before = (size_t)(at - body->p), behind = before + t->from.n;
    size_t rest = body->n - behind;
    if (t->to.n > t->from.n && !buf_reserve(body, t->to.n - t->from.n))
        return;
    memmove(body->p + before + t->to.n, body->p + behind, rest);
    memcpy(body->p + before, t->to.p, t->to.n);
    body->n = before + t->to.n + rest;
}

void twist_answer(struct fault_plan *plan, struct answer *a)
{
    for (size_t i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
        const struct twist *t = &twists[i];
        char *at =
            t->fault == plan->fault && t->status == a->status ? find(&a->body, t->from) : NULL;
        if (at && fault_fires(plan, t->fault))
            replace(&a->body, at, t);
    }
    if (a->status == 201 && a->location[0] && fault_fires(plan, FAULT_SAYS_200))
        a->status = 200;
    if (a->etag > 0 && a->status == 200 && fault_fires(plan, FAULT_SAYS_ETAG))
        a->etag++;
}
