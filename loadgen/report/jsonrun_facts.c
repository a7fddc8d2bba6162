/* jsonrun_facts.c -- what a run was, in JSON. */
#include "report/jsonrun.h"

#include "clock.h"
#include "report/printable.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define FIELD(array) printable_field((array), sizeof(array))

static const char *const progress_names[] = {
    [RUN_STARTED] = "started", [RUN_LOADED] = "loaded", [RUN_SETTLED] = "settled"};
static const char *const verify_names[] = {"full", "counts", "off"};

void jsonrun_sku(struct jsonput *j, json_t *parent, const char *key,
                 const struct history_facts *facts, uint32_t item)
{
    char sku[sizeof facts->prefix + 16];
    snprintf(sku, sizeof sku, "%.*s%" PRIu32, (int)sizeof facts->prefix, facts->prefix, item);
    jsonput_text(j, parent, key, str_of(sku));
}

static void count_or_null(struct jsonput *j, json_t *o, const char *key, uint64_t count)
{
    if (count)
        jsonput_count(j, o, key, count);
    else
        jsonput_null(j, o, key);
}

/* What was asked for. */
static void put_settings(struct jsonput *j, json_t *o, const struct history_facts *facts)
{
    jsonput_text(j, o, "arrival", FIELD(facts->arrival));
    jsonput_number(j, o, "rate", facts->rate > 0 ? facts->rate : (double)NAN);
    jsonput_count(j, o, "processes", facts->processes);
    jsonput_count(j, o, "clients", facts->clients);
    jsonput_count(j, o, "items", facts->items);
    jsonput_count(j, o, "stock", facts->stock);
    count_or_null(j, o, "limit", facts->limit);
    jsonput_count(j, o, "limited_every", facts->limited_every);
    jsonput_count(j, o, "customers", facts->customers);
    jsonput_bool(j, o, "contended", facts->contended);
    jsonput_count(j, o, "ttl_ms", facts->ttl_ms);
    jsonput_count(j, o, "timeout_ms", facts->timeout_ms);
    jsonput_count(j, o, "warmup_ns", facts->warmup_ns);
    count_or_null(j, o, "duration_ns", facts->duration_ns);
    count_or_null(j, o, "requests", facts->requests);
    jsonput_text(j, o, "verify", str_of(facts->verify < 3 ? verify_names[facts->verify] : "off"));
}

/* How it went. */
static void put_course(struct jsonput *j, json_t *o, const struct history_facts *facts)
{
    uint32_t progress = facts->progress, trouble = facts->trouble;
    jsonput_count(j, o, "established", facts->established);
    jsonput_count(j, o, "go_ns", facts->go_ns);
    count_or_null(j, o, "stop_ns", facts->stop_ns);
    jsonput_text(j, o, "progress",
                 str_of(progress_names[progress <= RUN_SETTLED ? progress : RUN_STARTED]));
    json_t *troubles = jsonput_array(j, o, "trouble");
    for (size_t i = 0; i < SUMMARY_TROUBLES; i++)
        if (trouble & summary_troubles[i].bit)
            jsonput_text(j, troubles, NULL, str_of(summary_troubles[i].name));
    jsonput_count(j, o, "unsent", facts->attempts_unsent);
    jsonput_count(j, o, "deaths", facts->deaths);
    jsonput_count(j, o, "respawns", facts->respawns);
    jsonput_count(j, o, "restores", facts->restores);
    jsonput_count(j, o, "cpu_ns", facts->cpu_ns);
}

void jsonrun_facts(struct jsonput *j, json_t *run, const struct history_facts *facts)
{
    json_t *o = jsonput_object(j, run, "facts");
    char started[CLOCK_RFC3339_SIZE], seed[24];
    clock_format_rfc3339(facts->started_wall_ms, started);
    snprintf(seed, sizeof seed, "%" PRIu64, facts->seed);
    jsonput_text(j, o, "run", FIELD(facts->run));
    jsonput_text(j, o, "scenario", FIELD(facts->scenario));
    jsonput_text(j, o, "url", FIELD(facts->url));
    jsonput_text(j, o, "command", FIELD(facts->command));
    jsonput_text(j, o, "version", FIELD(facts->version));
    jsonput_text(j, o, "host", FIELD(facts->host));
    jsonput_text(j, o, "seed", str_of(seed));
    jsonput_text(j, o, "started_at", str_of(started));
    put_settings(j, o, facts);
    put_course(j, o, facts);
}
