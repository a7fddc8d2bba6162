/* record.c -- see record.h. */
#include "shop/record.h"

#include "shop/memory.h"

#include <stdio.h>

void record_put(struct table *records, const char *key, uint64_t fingerprint,
                const struct answer *a)
{
    size_t key_bytes = strlen(key);
    struct record *r = memory_zalloc(sizeof(*r) + key_bytes + 1 + a->body.n);
    char *body = r->key + key_bytes + 1;
    memcpy(r->key, key, key_bytes);
    if (a->body.n > 0) /* a delete is answered with none */
        memcpy(body, a->body.p, a->body.n);
    r->fingerprint = fingerprint;
    r->status = a->status;
    r->open = a->open;
    r->expires_ms = a->expires_ms;
    r->etag = a->etag;
    snprintf(r->location, sizeof(r->location), "%s", a->location);
    r->body = body;
    r->body_bytes = a->body.n;
    void *before = table_find(records, str_of(key));
    table_put(records, (struct str){r->key, key_bytes}, r);
    free(before);
}

const struct record *record_find(const struct table *records, const char *key)
{
    const struct record *record = table_find(records, str_of(key));
    return record && !record->gone ? record : NULL;
}

void record_answer(const struct record *r, struct answer *a, int64_t now_ms)
{
    answer_reset(a);
    a->status = r->status;
    a->replayed = true;
    a->open = r->open;
    a->expires_ms = r->expires_ms;
    a->etag = r->etag;
    snprintf(a->location, sizeof(a->location), "%s", r->location);
    buf_put(&a->body, r->body, r->body_bytes);
    answer_close(a, now_ms);
}

void record_show(const struct record *r, struct answer *a, int64_t now_ms)
{
    answer_reset(a);
    PUT(&a->body, "{\"id\":");
    answer_put_string(&a->body, r->key);
    buf_printf(&a->body, ",\"status\":%u,\"body\":", r->status);
    if (r->body_bytes > 0)
        buf_put(&a->body, r->body, r->body_bytes);
    else
        PUT(&a->body, "null");
    a->open = r->open;
    a->expires_ms = r->expires_ms;
    answer_close(a, now_ms);
    buf_putc(&a->body, '}');
    a->status = 200;
}
