#include "process/about.h"
#include "clock.h"
#include "http/answer/json_write.h"
#include "version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX_BYTES (256 * 1024)

/* In quotes what a function of args.h has written; null for nothing. Frees it. */
static void put_shown(struct buf *out, struct buf *shown)
{
    json_put_text(out, shown->n > 0 ? buf_str(shown) : (struct str){NULL, 0});
    out->failed |= shown->failed;
    buf_free(shown);
}

static void put_url(struct buf *out, const char *url)
{
    struct buf shown;
    buf_init(&shown, SHOWN_MAX_BYTES);
    args_put_url(&shown, url);
    put_shown(out, &shown);
}

/* As it would be typed, without what is secret in it. */
static void put_shown_value(struct buf *out, const struct arg_spec *spec,
                            const struct config *config)
{
    struct buf shown;
    buf_init(&shown, SHOWN_MAX_BYTES);
    args_put_value(spec, config, &shown);
    put_shown(out, &shown);
}

static void put_configuration(struct buf *out, const struct config *config,
                              const enum arg_from *from)
{
    for (size_t i = 0; config_specs[i].name; i++) {
        buf_putc(out, i > 0 ? ',' : '[');
        JSON_STRING(out, "{\"name\":", str_of(config_specs[i].name));
        JSON_LIT(out, ",\"value\":");
        put_shown_value(out, &config_specs[i], config);
        JSON_STRING(out, ",\"from\":", str_of(args_from_name(from[i])));
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_bool(struct buf *out, bool value)
{
    if (value)
        JSON_LIT(out, "true");
    else
        JSON_LIT(out, "false");
}

static void put_stores(struct buf *out, const struct shared_state *shared)
{
    static const char *const levels[] = {STORE_DURABILITY_NAMES};
    const struct config *config = shared->config;
    JSON_LIT(out, "\"redis\":{\"url\":");
    put_url(out, shared->store_config.redis_url);
    JSON_LIT(out, ",\"embedded\":");
    put_bool(out, !config->redis);
    JSON_STRING(out, ",\"durability\":", str_of(levels[config->durability]));
    JSON_INT(out, ",\"partitions\":", shared->store_config.partitions);
    JSON_LIT(out, "},\"ledger\":");
    if (!config_has_ledger(config)) {
        JSON_LIT(out, "null");
        return;
    }
    JSON_LIT(out, "{\"url\":");
    put_url(out, config->ledger);
    JSON_LIT(out, ",\"applied_here\":");
    put_bool(out, config->ledger_apply);
    buf_putc(out, '}');
}

static void put_processes(const void *user, struct buf *out)
{
    roster_put(user, out);
}

bool about_make(struct shared_state *shared, const enum arg_from *from)
{
    struct buf text;
    buf_init(&text, SHOWN_MAX_BYTES);
    JSON_STRING(&text, "\"version\":", str_of(stockd_version));
    buf_printf(&text, ",\"service\":\"%016" PRIx64 "\"", stats_service(shared->stats));
    JSON_TIME(&text, ",\"started_at\":", clock_wall_ms());
    buf_putc(&text, ',');
    put_stores(&text, shared);
    JSON_LIT(&text, ",\"configuration\":");
    put_configuration(&text, shared->config, from);
    buf_putc(&text, '\0');
    shared->about = (struct http_about){.max_hold_ms = shared->config->max_hold_ms,
                                        .service = text.failed ? NULL : strdup(text.p),
                                        .put_processes = put_processes,
                                        .user = shared->roster};
    buf_free(&text);
    return shared->about.service;
}

void about_free(struct shared_state *shared)
{
    free((char *)(uintptr_t)shared->about.service);
    shared->about.service = NULL;
}
