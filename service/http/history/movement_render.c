#include "http/history/movement_render.h"
#include "http/json_write.h"

static void put_number(struct buf *b, const char *name, int64_t value)
{
    buf_puts(b, str_of(name));
    buf_put_i64(b, value);
}

static void put_text(struct buf *b, const char *name, struct str text)
{
    buf_puts(b, str_of(name));
    json_put_text(b, text);
}

void movement_put(struct buf *b, const struct movement *m)
{
    put_text(b, "\"type\":", m->type);
    JSON_LIT(b, ",\"at\":");
    json_put_time(b, m->at_ms);
    put_text(b, ",\"sku\":", m->sku);
    put_number(b, ",\"version\":", m->version);
    put_number(b, ",\"available_delta\":", m->available_delta);
    put_number(b, ",\"held_delta\":", m->held_delta);
    put_number(b, ",\"sold_delta\":", m->sold_delta);
    put_number(b, ",\"available\":", m->available);
    put_number(b, ",\"held\":", m->held);
    put_number(b, ",\"sold\":", m->sold);
    put_number(b, ",\"on_hand\":", m->available + m->held);
    put_text(b, ",\"reservation\":", m->rid);
    put_text(b, ",\"customer\":", m->customer);
    put_text(b, ",\"reference\":", m->reference);
    put_text(b, ",\"reason\":", m->reason);
    JSON_LIT(b, ",\"expires_at\":");
    json_put_time(b, m->expires_ms);
}
