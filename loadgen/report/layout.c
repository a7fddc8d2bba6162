/* layout.c -- see layout.h. A place that no document has fails a test. */
#include "report/layout.h"
#include "report/jsonput.h"
#include "report/units.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define FIELDS(array) .field = (array), .fields = COUNT(array)

/* A pass that met nothing would be empty. */
static const struct layout_field coverage[] = {
    {.label = "attempts", .text = "{operations}: {ok} ok, {fail} failed, {unknown} unknown"},
    {.label = "unknown mutations",
     .text = "{happened} happened, {absent} did not, {unresolved} nobody could tell"},
    {.label = "effects", .text = "{successes}, of them {baskets} of baskets"},
    {.label = "batches", .text = "{batches} of several operations", .when = "batches"},
    {.label = "sent again", .text = "{resent} with the key of an earlier attempt"},
    {.label = "replays",
     .text = "{replays} answers told again what had been done before, under that key or to that "
             "reservation, and nothing was done twice"},
    {.label = "sold out", .text = "items {sold_out_items}, answers {sold_out_answers}"},
    {.label = "limits", .text = "{limit_answers} answers that a customer has enough"},
    {.label = "unpromised",
     .text = "{unpromised} reads and refusals not looked at: a primary was perhaps being replaced",
     .when = "unpromised"},
    {.label = "most in flight",
     .text = "{most_in_flight} at one time on item {most_in_flight_item}"},
    {.label = "reservations",
     .text = "{reservations}: {confirmed} confirmed ({taken_again} taken again), {released} "
             "released, {expired} expired, "
             "{held} held; {read_back} read back"},
    {.label = "units",
     .text =
         "{received} received, {sold_units} sold, {held_units} held, {oversold_units} oversold"},
};

static const struct layout_field run[] = {
    {.label = "name", .text = "{name}"},
    {.label = "command", .text = "{facts.command}"},
    {.label = "server", .text = "{facts.url}"},
    {.label = "scenario", .text = "{facts.scenario}"},
    {.label = "seed", .text = "{facts.seed}"},
    {.label = "started", .text = "{facts.started_at}"},
    {.label = "host", .text = "{facts.host}"},
    {.label = "stockload", .text = "{facts.version}"},
    {.label = "clients", .text = "{facts.clients}, {facts.established} connected"},
    {.label = "processes",
     .text = "{facts.processes}, {facts.deaths} died, {facts.respawns} forked again"},
    {.label = "items", .text = "{facts.items}, with {facts.stock} units each"},
    {.label = "limits",
     .text = "{facts.limit} units for each of {facts.customers} customers, one item in "
             "{facts.limited_every}",
     .when = "facts.limited_every"},
    {.label = "arrivals",
     .text = "{facts.arrival}, {facts.rate:number}/s",
     .otherwise = "closed loop: each client waits for its answer"},
    {.label = "restores", .text = "{facts.restores} during the run", .when = "facts.restores"},
    {.label = "failovers", .text = "{facts.failovers} during the run", .when = "facts.failovers"},
    {.label = "epochs",
     .text = "{facts.failovers} opened during the run, as Redis failed over",
     .when = "facts.failovers"},
    {.label = "checked in", .text = "{verdict.took_ms:ms}"},
    {.label = "exit status", .text = "{exit_status}"},
};

static const struct layout_field throughput[] = {
    {.label = "measured",
     .text = "nothing: all {load.warmup_attempts} attempts came within the warm-up",
     .when = "!load.attempts"},
    {.label = "measured", .text = "{load.seconds:s}", .when = "load.attempts"},
    {.label = "warm-up",
     .text = "{load.warmup_attempts} attempts before that",
     .when = "load.warmup_attempts"},
    {.label = "sent",
     .text = "{load.attempts_per_second:number}/s, {load.attempts} attempts in {load.requests} "
             "requests"},
    {.label = "answered", .text = "{load.answers_per_second:number}/s, {load.answers} answers"},
    {.label = "target", .text = "{facts.rate:number}/s: reached", .when = "load.target_reached"},
    {.label = "target",
     .text = "{facts.rate:number}/s: not reached",
     .when = "!load.target_reached"},
    {.label = "dropped arrivals", .text = "{load.dropped}", .when = "facts.rate"},
    {.label = "generator lag", .text = "p99 {load.late.p99_ns:ns} behind the planned send"},
    {.label = "client CPU", .text = "{load.cpu_share:share} of a processor for each process"},
    {.label = "connects failed", .text = "{facts.unsent}", .when = "facts.unsent"},
    {.label = "conflicts",
     .text = "{conflicts.per_success:number} per success, {conflicts.lost} lost, {load.successes} "
             "successes",
     .otherwise = "not known: {conflicts_doubt}"},
    {.label = "transactions",
     .text = "{conflicts.batches}, with {conflicts.batch_operations} operations",
     .when = "conflicts.batches"},
};

static const struct layout_field latency[] = {
    {.label = "count", .text = "{count}"},
    {.label = "mean", .text = "{mean_ns:ns}", .only = LAYOUT_PAGE},
    {.label = "p50", .text = "{p50_ns:ns}"},
    {.label = "p75", .text = "{p75_ns:ns}", .only = LAYOUT_PAGE},
    {.label = "p90", .text = "{p90_ns:ns}"},
    {.label = "p95", .text = "{p95_ns:ns}", .only = LAYOUT_PAGE},
    {.label = "p99", .text = "{p99_ns:ns}"},
    {.label = "p99.9", .text = "{p99_9_ns:ns}"},
    {.label = "p99.99", .text = "{p99_99_ns:ns}"},
    {.label = "max", .text = "{max_ns:ns}"},
};

static const struct layout_field items[] = {
    {.label = "requests", .text = "{requests}"},
    {.label = "no stock", .text = "{sold_out_answers}"},
    {.label = "asked", .text = "{demand}"},
    {.label = "taken", .text = "{taken}"},
    {.label = "left", .text = "{remaining}"},
    {.label = "sold out at", .text = "{sold_out_after_ns:ns}"},
};

static const struct layout_field outcomes[] = {
    {.label = "ok", .text = "{ok}"},           {.label = "no-stock", .text = "{no-stock}"},
    {.label = "refused", .text = "{refused}"}, {.label = "busy", .text = "{busy}"},
    {.label = "unknown", .text = "{unknown}"},
};

static const struct layout_field statuses[] = {
    {.label = "ok", .text = "{ok}"},
    {.label = "fail", .text = "{fail}"},
    {.label = "unknown", .text = "{unknown}"},
};

static const struct layout_field workers[] = {
    {.label = "attempts", .text = "{attempts}"},
    {.label = "ok", .text = "{ok}"},
    {.label = "unknown", .text = "{unknown}"},
    {.label = "lives", .text = "{lives}"},
};

static const struct layout_field thresholds[] = {
    {.label = "measured", .text = "{actual:measured}{unit}", .otherwise = "not known"},
    {.label = "result", .text = "{result:gate}"},
};

const struct layout_section layout_sections[LAYOUT_SECTIONS] = {
    {"Coverage of the check", .when = "verdict.checked", .object = "coverage", FIELDS(coverage)},
    {"Throughput", .when = "workers", FIELDS(throughput)},
    {"Run", FIELDS(run)},
    {"Latency of answers", "Response: from the planned send; service: from the real one.",
     .when = "latency.response", .head = "operation", FIELDS(latency), .sources = 5, .wide = true,
     .rows = {{NULL, "latency.response", "all response"},
              {"kinds", "response", "{kind} response"},
              {NULL, "latency.service", "all service"},
              {"kinds", "service", "{kind} service"},
              {NULL, "load.late", "sent late by"}}},
    {"Items with most requests", "Sold out at: after the clients were let go.", .when = "items",
     .head = "sku", FIELDS(items), .sources = 1, .wide = true, .rows = {{"items", "", "{sku}"}}},
    {"Outcomes",
     "Unknown: no whole answer, or one that says so; the check finds out what became of it.",
     .when = "load.attempts", .head = "operation", FIELDS(outcomes), .sources = 2,
     .rows = {{NULL, "outcomes", "all"}, {"kinds", "outcomes", "{kind}"}}},
    {"Answers", .when = "statuses", .head = "status", FIELDS(statuses), .sources = 1,
     .rows = {{"statuses", "", "{status:status}"}}},
    {"What the answers said", .when = "load.attempts", .object = "details",
     .head = "state or problem"},
    {"Client processes", .when = "workers", .head = "worker", FIELDS(workers), .sources = 1,
     .rows = {{"workers", "", "{worker}"}}},
    {"Thresholds", .when = "gates", .head = "threshold", FIELDS(thresholds), .sources = 1,
     .brief = true, .rows = {{"gates", "", "{text}"}}},
};

static const struct layout_field headline[] = {
    {.label = "answers",
     .text = "{load.answers_per_second:number}/s: {load.answers} in {load.seconds:s}, "
             "{load.successes} successes",
     .when = "load.attempts"},
    {.label = "warm-up",
     .text = "{load.warmup_attempts} attempts, not among these",
     .when = "load.warmup_attempts"},
    {.label = "response time",
     .text = "p50 {latency.response.p50_ns:ns}, p99 {latency.response.p99_ns:ns}",
     .otherwise = "no answer came",
     .when = "load.attempts"},
    {.label = "units sold",
     .text = "{coverage.sold_units} of {coverage.received}, {coverage.held_units} held, "
             "{coverage.oversold_known} oversold",
     .otherwise = "{coverage.sold_units} of {coverage.received}, {coverage.held_units} held; "
                  "oversold: {coverage.oversold:oversold}",
     .when = "coverage.received"},
    {.label = "conflicts",
     .text = "{conflicts.per_success:number} a success, {conflicts.lost} transactions lost",
     .otherwise = "not known: {conflicts_doubt}",
     .when = "load.attempts"},
    {.label = "left unknown",
     .text = "{coverage.unresolved} of {coverage.unknown} requests that got no answer",
     .when = "coverage.received"},
    {.label = "restores", .text = "{facts.restores} during the run", .when = "facts.restores"},
    {.label = "failovers", .text = "{facts.failovers} during the run", .when = "facts.failovers"},
    {.label = "epochs",
     .text = "{facts.failovers} opened during the run, as Redis failed over",
     .when = "facts.failovers"},
};

const struct layout_section layout_headline = {FIELDS(headline)};

static const struct layout_field whole_search[] = {
    {.label = "goal", .text = "p99 within {goal_p99_ns:ns}, from the planned send"},
    {.label = "held", .text = "{rate}/s, p99 {p99_ns:ns}", .otherwise = "no rate"},
    {.label = "missed", .text = "{missed_rate}/s", .otherwise = "no rate up to {rate_max}/s"},
    {.label = "ended by", .text = "{limit:limit}"},
    {.label = "steps", .text = "{duration_ns:ns} each, {warmup_ns:ns} of warm-up before"},
    {.label = "precision",
     .text = "{precision:share}; a rate is missed when {tries} tries of it were"},
    {.label = "command", .text = "{command}"},
    {.label = "server", .text = "{url}"},
    {.label = "scenario", .text = "{scenario}, {items} items, seed {seed}"},
    {.label = "arrivals", .text = "{arrival}, open loop"},
    {.label = "clients", .text = "{clients} in {processes} processes"},
    {.label = "answers checked", .text = "{verify:verify}"},
};

static const struct layout_field each_step[] = {
    {.label = "answered", .text = "{answered_per_second:number}/s"},
    {.label = "p99", .text = "{p99_ns:ns}"},
    {.label = "service", .text = "{service_p99_ns:ns}"},
    {.label = "own lag", .text = "{lag_p99_ns:ns}"},
    {.label = "CPU", .text = "{cpu_share:share}"},
    {.label = "errors", .text = "{errors}"},
    {.label = "result", .text = "{word:limit}"},
    {.label = "answers", .text = "{verdict:verdict}"},
};

const struct layout_section layout_capacity[LAYOUT_CAPACITY] = {
    {"Search", FIELDS(whole_search)},
    {"Steps",
     "Service: p99 from the real send. Own lag and CPU: of the generator, whatever the service "
     "did.",
     .when = "steps", .head = "rate", FIELDS(each_step), .sources = 1, .wide = true,
     .rows = {{"steps", "", "{rate}/s"}}},
};

static const struct layout_field figures[] = {
    {.label = "answers a second",
     .text = "{load.answers_per_second:number}",
     .note = "{load.attempts} attempts"},
    {.label = "p50",
     .text = "{latency.response.p50_ns:ns}",
     .note = "service {latency.service.p50_ns:ns}"},
    {.label = "p99",
     .text = "{latency.response.p99_ns:ns}",
     .note = "service {latency.service.p99_ns:ns}"},
    {.label = "conflicts a success",
     .text = "{conflicts.per_success:number}",
     .note = "{conflicts.lost} transactions lost"},
    {.label = "units sold",
     .text = "{coverage.sold_units}",
     .note = "of {coverage.received}, {coverage.held_units} held"},
    {.label = "units oversold",
     .text = "{coverage.oversold_known}",
     .note = "{coverage.oversold:oversold}"},
    {.label = "left unknown",
     .text = "{coverage.unresolved}",
     .note = "{coverage.happened} happened, {coverage.absent} did not"},
};
const struct layout_fields layout_figures = {COUNT(figures), figures};

static const struct layout_field comparison[] = {
    {.label = "run", .text = "{name}"},
    {.label = "verdict", .text = "{verdict.shown:verdict}"},
    {.label = "scenario", .text = "{facts.scenario}"},
    {.label = "answers a second", .text = "{load.answers_per_second:number}/s"},
    {.label = "p50", .text = "{latency.response.p50_ns:ns}"},
    {.label = "p99", .text = "{latency.response.p99_ns:ns}"},
    {.label = "conflicts a success", .text = "{conflicts.per_success:number}"},
    {.label = "successes", .text = "{coverage.successes}", .only = LAYOUT_TEXT},
    {.label = "units sold", .text = "{coverage.sold_units}"},
    {.label = "units oversold", .text = "{coverage.oversold_known}"},
    {.label = "left unknown", .text = "{coverage.unresolved}"},
    {.label = "thresholds missed", .text = "{gates_missed}"},
    {.label = "exit status", .text = "{exit_status}", .only = LAYOUT_TEXT},
};
const struct layout_fields layout_comparison = {COUNT(comparison), comparison};

static const struct layout_field property[] = {
    {.label = "result", .text = "{shown:finding}", .when = "!checked"},
    {.label = "result", .text = "{shown:finding}, {checked} checked", .when = "checked"},
    {.label = "violations", .text = "violations: {violations}", .when = "violations"},
    {.label = "why", .text = "{why}"},
};
const struct layout_fields layout_property = {COUNT(property), property};

static const struct layout_field witness[] = {
    {.label = "", .text = "and {also} more about one of these operations", .when = "also"},
    {.label = "", .text = "and {alike} more of this sort", .when = "alike"},
};
const struct layout_fields layout_witness = {COUNT(witness), witness};

static const struct layout_field verdict[] = {
    {.label = "", .text = "and {more_violations} more violations", .when = "more_violations"},
};
const struct layout_fields layout_verdict = {COUNT(verdict), verdict};

/* --- as the page gets it ---------------------------------------------------------------------- */

static void put_literal(struct jsonput *j, json_t *o, const char *key, const char *text)
{
    if (text)
        jsonput_text(j, o, key, str_of(text));
}

static void put_fields(struct jsonput *j, json_t *o, const char *key,
                       const struct layout_field *field, size_t count)
{
    json_t *list = jsonput_array(j, o, key);
    for (size_t i = 0; i < count; i++) {
        if (field[i].only == LAYOUT_TEXT)
            continue;
        json_t *row = jsonput_object(j, list, NULL);
        put_literal(j, row, "label", field[i].label);
        put_literal(j, row, "text", field[i].text);
        put_literal(j, row, "otherwise", field[i].otherwise);
        put_literal(j, row, "when", field[i].when);
        put_literal(j, row, "note", field[i].note);
    }
}

static void put_section(struct jsonput *j, json_t *list, const struct layout_section *section)
{
    json_t *o = jsonput_object(j, list, NULL);
    put_literal(j, o, "title", section->title);
    put_literal(j, o, "note", section->note);
    put_literal(j, o, "when", section->when);
    put_literal(j, o, "object", section->object);
    put_literal(j, o, "head", section->head);
    jsonput_bool(j, o, "wide", section->wide);
    put_fields(j, o, "fields", section->field, section->fields);
    json_t *rows = jsonput_array(j, o, "rows");
    for (size_t i = 0; i < section->sources; i++) {
        json_t *row = jsonput_object(j, rows, NULL);
        put_literal(j, row, "list", section->rows[i].list);
        put_literal(j, row, "object", section->rows[i].object);
        put_literal(j, row, "name", section->rows[i].name);
    }
}

static void put_unit(struct jsonput *j, json_t *all, const struct unit *unit)
{
    json_t *o = jsonput_object(j, all, unit->name);
    jsonput_number(j, o, "times", unit->times);
    json_t *steps = jsonput_array(j, o, "steps");
    for (size_t i = 0; i < unit->steps; i++) {
        json_t *step = jsonput_object(j, steps, NULL);
        jsonput_number(j, step, "below", unit->step[i].below);
        jsonput_number(j, step, "per", unit->step[i].per);
        jsonput_integer(j, step, "decimals", unit->step[i].decimals);
        put_literal(j, step, "suffix", unit->step[i].suffix);
        jsonput_number(j, step, "rest_per", unit->step[i].rest_per);
        put_literal(j, step, "rest_suffix", unit->step[i].rest_suffix);
    }
    json_t *words = jsonput_object(j, o, "words");
    for (size_t i = 0; i < unit->words; i++)
        put_literal(j, words, unit->word[i].value, unit->word[i].word);
}

json_t *layout_json(void)
{
    static const struct {
        const char *key;
        const struct layout_fields *fields;
    } lists[] = {{"figures", &layout_figures},
                 {"comparison", &layout_comparison},
                 {"property", &layout_property},
                 {"witness", &layout_witness},
                 {"verdict", &layout_verdict}};
    struct jsonput j = {0};
    json_t *root = json_object();
    json_t *sections = jsonput_array(&j, root, "sections");
    for (size_t i = 0; i < LAYOUT_SECTIONS; i++)
        put_section(&j, sections, &layout_sections[i]);
    json_t *capacity = jsonput_array(&j, root, "capacity");
    for (size_t i = 0; i < LAYOUT_CAPACITY; i++)
        put_section(&j, capacity, &layout_capacity[i]);
    for (size_t i = 0; i < COUNT(lists); i++)
        put_fields(&j, root, lists[i].key, lists[i].fields->field, lists[i].fields->count);
    json_t *all = jsonput_object(&j, root, "units");
    for (size_t i = 0; i < UNITS; i++)
        put_unit(&j, all, &all_units[i]);
    return jsonput_end(&j, root);
}
