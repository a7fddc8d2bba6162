#include "http/builtin/about.h"
#include "core/limits.h"
#include "http/answer/json_write.h"
#include "http/exchange.h"
#include "version.h"

static void put_bool(struct buf *b, bool value)
{
    if (value)
        JSON_LIT(b, "true");
    else
        JSON_LIT(b, "false");
}

/* Where there are no keys, everybody may do everything and nobody has a name. */
static void put_asker(struct buf *b, const struct key_entry *key)
{
    const struct str none = {NULL, 0};
    JSON_TEXT(b, ",\"client\":", key ? str_of(key->name) : none);
    JSON_TEXT(b, ",\"tenant\":", key ? str_of(key->tenant) : none);
    JSON_STRING(b, ",\"role\":", str_of(role_name(key ? key->role : ROLE_ADMIN)));
}

void about_self(struct exchange *x)
{
    const struct http_server *server = x->server;
    const struct key_entry *key = NULL;
    struct refusal why;
    struct buf *b = &x->out;
    if (server->keys && !exchange_key(x, &key, &why)) {
        exchange_refuse(x, why.problem, why.detail);
        return;
    }
    JSON_LIT(b, "{\"keys\":");
    put_bool(b, key);
    put_asker(b, key);
    JSON_LIT(b, ",\"ledger\":");
    put_bool(b, server->queries);
    JSON_INT(b, ",\"partitions\":", server->partitions);
    JSON_STRING(b, ",\"durability\":", str_of(store_durability(server->store)));
    JSON_STRING(b, ",\"version\":", str_of(stockd_version));
    JSON_INT(b, ",\"max_hold_seconds\":", server->about->max_hold_ms / 1000);
    JSON_INT(b, ",\"default_ttl_seconds\":", TTL_DEFAULT_MS / 1000);
    buf_putc(b, '}');
}

void about_service(struct exchange *x)
{
    const struct http_about *about = x->server->about;
    buf_putc(&x->out, '{');
    buf_puts(&x->out, str_of(about->service));
    JSON_LIT(&x->out, ",\"processes\":");
    about->put_processes(about->user, &x->out);
    buf_putc(&x->out, '}');
}
