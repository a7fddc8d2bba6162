#include "http/live/render.h"
#include "core/tenant.h"
#include "http/answer/render.h"

#include <inttypes.h>

#define RATE_NAME(id, name) [id] = (name),
static const char *const rates[LIVE_RATES] = {LIVE_EACH_RATE(RATE_NAME)};

static void put_rates(const struct live_view *view, struct buf *out)
{
    const char *before = "";
    JSON_LIT(out, ",\"rates\":{");
    for (int i = 0; i < LIVE_RATES; i++, before = ",")
        buf_printf(out, "%s\"%s\":%.1f", before, rates[i], view->rates[i]);
    buf_putc(out, '}');
}

static void put_quantile(struct buf *out, const char *name, const struct live_view *view,
                         double part)
{
    double us = live_quantile(view->took, part);
    if (us < 0)
        buf_printf(out, "\"%s\":null", name);
    else
        buf_printf(out, "\"%s\":%.3f", name, us / 1000);
}

static void put_commits(const struct live_view *view, struct buf *out)
{
    double commits = view->rates[LIVE_COMMITS], conflicts = view->rates[LIVE_CONFLICTS];
    JSON_LIT(out, ",\"latency_ms\":{");
    put_quantile(out, "p50", view, 0.5);
    buf_putc(out, ',');
    put_quantile(out, "p99", view, 0.99);
    buf_printf(out, "},\"commits\":%.1f,\"conflicts_per_commit\":%.3f", commits,
               commits > 0 ? conflicts / commits : 0.0);
    if (commits > 0)
        buf_printf(out, ",\"batch_size\":%.2f", view->rates[LIVE_BATCHED] / commits);
    else
        JSON_LIT(out, ",\"batch_size\":null");
}

/* -1 is null. */
static void put_maybe(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, ",\"%s\":", name);
    if (value < 0)
        JSON_LIT(out, "null");
    else
        buf_put_i64(out, value);
}

static void put_gauges(const struct live_view *view, struct buf *out)
{
    JSON_INT(out, ",\"queue_depth\":", view->queue_depth);
    JSON_INT(out, ",\"expiry_lag_ms\":", view->expiry_lag_ms);
    put_maybe(out, "ledger_lag_ms", view->ledger_lag_ms);
    put_maybe(out, "ledger_lag_events", view->ledger_lag_events);
    JSON_INT(out, ",\"redis_memory\":{\"used_bytes\":", view->memory_used_bytes);
    if (view->memory_used_percent > 0)
        buf_printf(out, ",\"used_ratio\":%.2f}", (double)view->memory_used_percent / 100);
    else
        JSON_LIT(out, ",\"used_ratio\":null}");
}

static void put_partitions(const struct live_view *view, struct buf *out)
{
    JSON_INT(out, ",\"partitions\":{\"count\":", view->partitions);
    JSON_INT(out, ",\"open\":", view->open);
    JSON_LIT(out, ",\"not_open\":[");
    for (unsigned i = 0; i < view->shut_count; i++) {
        if (i > 0)
            buf_putc(out, ',');
        JSON_INT(out, "{\"partition\":", view->shut[i].partition);
        JSON_STRING(out, ",\"why\":", str_of(view->shut[i].why));
        buf_putc(out, '}');
    }
    JSON_LIT(out, "]}");
}

static void put_audit(const struct live_view *view, struct buf *out)
{
    static const char *const results[] = {"equal", "drift", "unknown"};
    bool known = view->audit_result >= 0 && view->audit_result < 3;
    JSON_TEXT(out, ",\"audit\":{\"result\":", str_of(known ? results[view->audit_result] : NULL));
    JSON_INT(out, ",\"drift\":", known ? view->audit_drift : 0);
    JSON_TIME(out, ",\"at\":", known ? view->audit_at_ms : 0);
    buf_putc(out, '}');
}

static void put_live_item(const struct live_item *item, struct buf *out)
{
    JSON_SKU(out, "{\"sku\":", ((struct str){item->name, item->n}));
    buf_printf(out, ",\"rate\":%.1f", item->rate);
    JSON_INT(out, ",\"on_hand\":", item->available + item->held);
    JSON_INT(out, ",\"available\":", item->available);
    JSON_INT(out, ",\"held\":", item->held);
    JSON_INT(out, ",\"sold\":", item->sold);
    JSON_INT(out, ",\"version\":", item->version);
    buf_putc(out, '}');
}

static void put_hottest(const struct live_view *view, struct str tenant, struct buf *out)
{
    struct str whose = tenant_is_default(tenant) ? STR(TENANT_DEFAULT) : tenant;
    unsigned count = 0;
    JSON_LIT(out, ",\"hottest\":[");
    for (unsigned i = 0; i < view->item_count && count < LIVE_TENANT_ITEMS; i++) {
        const struct live_item *item = &view->items[i];
        if (!str_equal(tenant_of((struct str){item->name, item->n}, TENANT_MARK_ITEM), whose))
            continue;
        if (count++ > 0)
            buf_putc(out, ',');
        put_live_item(item, out);
    }
    buf_putc(out, ']');
}

void live_render(const struct live_view *view, uint64_t service, struct str tenant, struct buf *out)
{
    JSON_TIME(out, "{\"at\":", view->at_ms);
    JSON_INT(out, ",\"services\":", view->services);
    buf_printf(out, ",\"service\":\"%016" PRIx64 "\"", service);
    JSON_INT(out, ",\"interval_ms\":", view->interval_ms);
    put_rates(view, out);
    put_commits(view, out);
    put_gauges(view, out);
    put_partitions(view, out);
    put_audit(view, out);
    put_hottest(view, tenant, out);
    buf_putc(out, '}');
}
