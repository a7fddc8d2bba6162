/* html_facts.c -- see html_facts.h. */
#include "report/html_facts.h"

#include "clock.h"
#include "report/html.h"

#include <inttypes.h>

static void fact(FILE *out, const char *name, struct str value)
{
    fprintf(out, "<div><dt>%s</dt><dd>", name);
    html_text(out, value.n > 0 ? value : STR("–"));
    fputs("</dd></div>\n", out);
}

static void fact_code(FILE *out, const char *name, struct str value)
{
    fprintf(out, "<div class=\"wide\"><dt>%s</dt><dd><code>", name);
    while (value.n > 0) {
        const char *space = memchr(value.p, ' ', value.n);
        size_t n = space ? (size_t)(space - value.p) + 1 : value.n;
        fputs("<span>", out); /* a line must not end between two dashes */
        html_text(out, (struct str){value.p, n});
        fputs("</span>", out);
        value.p += n;
        value.n -= n;
    }
    fputs("</code></dd></div>\n", out);
}

static void fact_count(FILE *out, const char *name, uint64_t value)
{
    char number[HTML_NUMBER_SIZE];
    fact(out, name, str_of(html_count(number, value)));
}

static void fact_duration(FILE *out, const char *name, uint64_t ns)
{
    char number[HTML_NUMBER_SIZE];
    fact(out, name, str_of(ns ? html_duration(number, ns) : "–"));
}

/* The wall clock to the second: "2026-11-21 01:31:37 UTC". */
static struct str started(const struct history_facts *f, char to[CLOCK_RFC3339_SIZE + 8])
{
    clock_format_rfc3339(f->started_wall_ms, to);
    to[10] = ' ';
    memcpy(to + 19, " UTC", 5);
    return str_of(to);
}

void html_facts_line(FILE *out, const struct report_run *run)
{
    const struct history_facts *f = run->summary->facts;
    char when[CLOCK_RFC3339_SIZE + 8];
    fputs("<p class=\"line\"><span>", out);
    html_text(out, HTML_FIELD(f->scenario));
    fputs("</span> <span class=\"url\">", out);
    html_text(out, HTML_FIELD(f->url));
    fputs("</span> <span>", out);
    html_text(out, started(f, when));
    fprintf(out, "</span> <span>seed %" PRIu64 "</span></p>\n", f->seed);
}

/* As many of both as were asked for: by time or by number. */
static void length_facts(FILE *out, const struct summary *s)
{
    const struct history_facts *f = s->facts;
    fact_duration(out, "Measured for", (uint64_t)(s->seconds * 1e9));
    fact_duration(out, "Warm-up", f->warmup_ns);
    if (f->warmup_ns)
        fact_count(out, "Requests in the warm-up", s->warmup);
    if (f->requests)
        fact_count(out, "Requests asked for", f->requests);
}

static void restored_fact(FILE *out, const struct history_facts *f)
{
    char text[64];
    snprintf(text, sizeof(text), "%" PRIu32 " time%s during the run", f->restores,
             f->restores == 1 ? "" : "s");
    if (f->restores)
        fact(out, "Restored", str_of(text));
}

static void load_facts(FILE *out, const struct history_facts *f)
{
    char number[HTML_NUMBER_SIZE];
    fact(out, "Arrivals", HTML_FIELD(f->arrival));
    fact(out, "Rate asked for, 1/s",
         str_of(f->rate > 0 ? html_rate(number, f->rate) : "as fast as answers come"));
    fact_count(out, "Client processes", f->processes);
    fact_count(out, "Connections", f->clients);
    fact_count(out, "Connected at the start", f->established);
    fact_count(out, "Items", f->items);
    fact_count(out, "Units of each", f->stock);
    fact_count(out, "Arrivals dropped", f->dropped);
    fact_count(out, "Connects that failed", f->attempts_unsent);
    fact_count(out, "Deaths of processes", f->deaths);
    fact_count(out, "Forked again", f->respawns);
    fact_duration(out, "Processor time of the clients", f->cpu_ns);
}

void html_facts(FILE *out, const struct report_run *run)
{
    const struct history_facts *f = run->summary->facts;
    char when[CLOCK_RFC3339_SIZE + 8], number[HTML_NUMBER_SIZE];
    fputs("<section class=\"card\"><h3>The run</h3><dl class=\"facts\">\n", out);
    fact_code(out, "Command line", HTML_FIELD(f->command));
    fact_code(out, "Target", HTML_FIELD(f->url));
    fact(out, "Scenario", HTML_FIELD(f->scenario));
    snprintf(number, sizeof(number), "%" PRIu64, f->seed);
    fact(out, "Seed", str_of(number));
    fact(out, "Started", started(f, when));
    fact(out, "Host", HTML_FIELD(f->host));
    fact(out, "stockload", HTML_FIELD(f->version));
    fact(out, "Run", HTML_FIELD(f->run));
    fact(out, "History", str_of(run->name));
    length_facts(out, run->summary);
    load_facts(out, f);
    restored_fact(out, f);
    snprintf(number, sizeof(number), "%d", run->exit_status);
    fact(out, "Exit status", str_of(number));
    fact_duration(out, "Checked in", run->verdict->took_ms * 1000000);
    fputs("</dl></section>\n", out);
}

static void gate_missed(FILE *out, const struct gate_result *gate)
{
    fputs("<li>Threshold missed: ", out);
    html_text(out, str_of(gate->text));
    if (*gate->why)
        fprintf(out, " (%s).</li>\n", gate->why);
    else
        fprintf(out, " (measured %.6g%s).</li>\n", gate->actual, gate->unit);
}

void html_facts_trouble(FILE *out, const struct report_run *run)
{
    static const struct {
        uint32_t bit;
        const char *text;
    } troubles[] = {
        {TROUBLE_INTERRUPTED, "The run was interrupted before its end."},
        {TROUBLE_WORKER_DIED, "A client process died and was not replaced."},
        {TROUBLE_UNREACHABLE, "The server could not be reached."},
        {TROUBLE_DISK, "The history could not be written completely."},
        {TROUBLE_UNSETTLED, "The server did not answer all that settling needs."},
        {TROUBLE_SETUP, "An item could not be created."},
    };
    uint32_t bits = run->summary->facts->trouble;
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
        if (bits & troubles[i].bit)
            fprintf(out, "<li>%s</li>\n", troubles[i].text);
    for (size_t i = 0; i < run->gates; i++)
        if (!run->gate[i].met)
            gate_missed(out, &run->gate[i]);
}
