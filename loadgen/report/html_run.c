/* html_run.c -- see html_run.h. */
#include "report/html_run.h"

#include "check/describe.h"
#include "report/html.h"
#include "report/html_data.h"
#include "report/html_facts.h"
#include "report/html_tables.h"

#include <errno.h>
#include <inttypes.h>

#define OP_LINE_BYTES_MAX (64u << 10)

#define UNCHECKED (VERDICT_VIOLATION + 1)

/* Not by colour alone: each word has a sign and its text. */
static const struct {
    const char *class, *word, *sign;
} words[] = {
    [VERDICT_RIGHT] = {"right", "RIGHT", "✓"},
    [VERDICT_UNKNOWN] = {"unknown", "UNKNOWN", "?"},
    [VERDICT_VIOLATION] = {"violation", "VIOLATION", "✕"},
    [UNCHECKED] = {"unchecked", "NOT CHECKED", "–"},
};

bool html_unchecked(const struct property_result *p)
{
    return p->word == VERDICT_RIGHT && p->checked == 0;
}

/* The row in words: with --verify off there is nothing to call right. */
static size_t shown_as(const struct verdict *v)
{
    bool unchecked = v->word == VERDICT_RIGHT;
    for (int p = 0; p < PROPERTIES; p++)
        unchecked = unchecked && html_unchecked(&v->property[p]);
    return unchecked ? UNCHECKED : v->word;
}

const char *html_verdict_class(const struct verdict *v)
{
    return words[shown_as(v)].class;
}

const char *html_verdict_word(const struct verdict *v)
{
    return words[shown_as(v)].word;
}

unsigned html_verdict_rank(const struct verdict *v)
{
    static const unsigned ranks[] = {
        [VERDICT_RIGHT] = 0, [UNCHECKED] = 1, [VERDICT_UNKNOWN] = 2, [VERDICT_VIOLATION] = 3};
    return ranks[shown_as(v)];
}

static void verdict_sentence(FILE *out, const struct verdict *v)
{
    char number[HTML_NUMBER_SIZE];
    html_count(number, v->coverage.operations);
    uint64_t violations = 0;
    unsigned holding = 0, looked_at = 0;
    for (int p = 0; p < PROPERTIES; p++) {
        violations += v->property[p].violations;
        looked_at += !html_unchecked(&v->property[p]);
        holding += v->property[p].word == VERDICT_RIGHT && !html_unchecked(&v->property[p]);
    }
    if (v->word == VERDICT_VIOLATION) {
        char many[HTML_NUMBER_SIZE];
        fprintf(out, "%s %s found in %s operations.", html_count(many, violations),
                violations == 1 ? "violation was" : "violations were", number);
    } else if (v->word == VERDICT_UNKNOWN) {
        html_text(out, str_of(v->why_unknown));
    } else if (looked_at == 0) {
        fprintf(out, "Nothing was checked; %s operations were sent.", number);
    } else {
        fprintf(out, "Every answer to %s operations was right: %u of %u properties hold.", number,
                holding, looked_at);
    }
}

static void verdict(FILE *out, const struct report_run *run)
{
    size_t word = shown_as(run->verdict);
    fprintf(out,
            "<section class=\"card verdict %s\"><p class=\"word\"><span class=\"sign\" "
            "aria-hidden=\"true\">%s</span>%s</p><div><p class=\"sentence\">",
            words[word].class, words[word].sign, words[word].word);
    verdict_sentence(out, run->verdict);
    fputs("</p>\n", out);
    html_facts_line(out, run);
    fputs("<ul class=\"trouble\">", out);
    html_facts_trouble(out, run);
    fputs("</ul></div></section>\n", out);
}

static void tile(FILE *out, const char *name, const char *value, const char *unit, const char *note,
                 const char *class)
{
    fprintf(out,
            "<div class=\"card tile%s%s\"><p class=\"name\">%s</p><p class=\"value\">%s<span "
            "class=\"unit\">%s</span></p><p class=\"note\">%s</p></div>\n",
            *class ? " " : "", class, name, value, unit, note);
}

static void latency_tile(FILE *out, const char *name, const struct summary *s, double percent)
{
    char value[HTML_NUMBER_SIZE], service[HTML_NUMBER_SIZE], note[80];
    if (!html_data_latency(s)) {
        tile(out, name, "–", "", "nothing was answered", "");
        return;
    }
    html_duration(value, histogram_percentile(s->response, percent));
    html_duration(service, histogram_percentile(s->service, percent));
    snprintf(note, sizeof(note), "service time %s", service);
    tile(out, name, value, "", note, "");
}

static void conflict_tile(FILE *out, const struct summary *s)
{
    char value[HTML_NUMBER_SIZE], total[HTML_NUMBER_SIZE], note[80];
    if (s->conflicts_per_success < 0) {
        tile(out, "Conflicts / success", "–", "", "the server shows no counters", "");
        return;
    }
    snprintf(value, sizeof(value), "%.3g", s->conflicts_per_success);
    snprintf(note, sizeof(note), "%s transactions lost", html_count(total, s->conflicts));
    tile(out, "Conflicts / success", value, "", note, "");
}

static void sold_tile(FILE *out, const struct coverage *c)
{
    char value[HTML_NUMBER_SIZE], other[HTML_NUMBER_SIZE], note[120];
    int n = snprintf(note, sizeof(note), "of %s units", html_signed(other, c->received));
    if (c->held_units > 0)
        snprintf(note + n, sizeof(note) - (size_t)n, ", %s held",
                 html_signed(other, c->held_units));
    tile(out, "Sold", html_signed(value, c->sold_units), "", note, "");
}

/* Nothing oversold is a claim: it is made only where the sums were checked and hold, and nothing
 * else says that a unit may have gone twice. */
static void oversold_tile(FILE *out, const struct verdict *v)
{
    const struct property_result *sums = &v->property[PROPERTY_SUMS];
    char value[HTML_NUMBER_SIZE];
    html_signed(value, v->coverage.oversold_units);
    if (v->coverage.oversold_units)
        tile(out, "Oversold", value, "", "units that were not there", "violation");
    else if (html_unchecked(sums) || v->coverage.operations == 0)
        tile(out, "Oversold", "–", "", "not checked", "");
    else if (sums->word == VERDICT_RIGHT && v->word != VERDICT_VIOLATION)
        tile(out, "Oversold", value, "", "no unit was sold twice", "right");
    else
        tile(out, "Oversold", value, "", "none found; see what was checked", "");
}

static void tiles(FILE *out, const struct report_run *run)
{
    const struct summary *s = run->summary;
    const struct coverage *c = &run->verdict->coverage;
    char value[HTML_NUMBER_SIZE], other[HTML_NUMBER_SIZE], note[80];
    fputs("<section class=\"tiles\" aria-label=\"Key figures\">\n", out);
    snprintf(note, sizeof(note), "%s operations", html_count(other, s->operations));
    tile(out, "Answers", html_rate(value, s->per_second), "/s", note, "");
    latency_tile(out, "p50", s, 50);
    latency_tile(out, "p99", s, 99);
    conflict_tile(out, s);
    sold_tile(out, c);
    oversold_tile(out, run->verdict);
    uint64_t resolved = c->happened + c->absent;
    snprintf(note, sizeof(note), "of %s mutations", html_count(other, resolved + c->unresolved));
    tile(out, "Unknown resolved", html_count(value, resolved), "", note,
         c->unresolved ? "unknown" : "");
    fputs("</section>\n", out);
}

static void property_result(FILE *out, const struct property_result *result)
{
    static const char *const said[] = {"holds", "unknown", "violated"};
    char number[HTML_NUMBER_SIZE];
    if (html_unchecked(result)) {
        fputs("<p class=\"note\"><strong>not checked</strong></p>", out);
        return;
    }
    fprintf(out, "<p class=\"note\"><strong>%s</strong>, %s checked", said[result->word],
            html_count(number, result->checked));
    if (result->violations)
        fprintf(out, ", %s violations", html_count(number, result->violations));
    fputs("</p>", out);
    if (result->why[0]) {
        fputs("<p class=\"note\">", out);
        html_text(out, str_of(result->why));
        fputs("</p>", out);
    }
}

static void property(FILE *out, enum property p, const struct property_result *result)
{
    size_t word = html_unchecked(result) ? UNCHECKED : result->word;
    fprintf(out,
            "<li class=\"%s\"><span class=\"sign\" aria-hidden=\"true\">%s</span><div><p>%s</p>",
            words[word].class, words[word].sign, property_title(p));
    property_result(out, result);
    fputs("</div></li>\n", out);
}

static void properties(FILE *out, const struct verdict *v)
{
    fputs("<section class=\"card\"><h3>What was checked</h3><ul class=\"properties\">\n", out);
    for (int p = 0; p < PROPERTIES; p++)
        property(out, (enum property)p, &v->property[p]);
    fputs("</ul></section>\n", out);
}

static void witness(FILE *out, const struct history_reader *r, const struct witness *w,
                    struct buf *line)
{
    fprintf(out, "<li><p class=\"text\"><span class=\"tag\">%s</span> ",
            property_name(w->property));
    html_text(out, str_of(w->text));
    fputs("</p><ol class=\"ops\">", out);
    for (unsigned i = 0; i < w->ops; i++) {
        buf_reset(line);
        describe_op(line, r, w->op[i]);
        fputs("<li><code>", out);
        html_text(out, buf_str(line));
        fputs("</code></li>", out);
    }
    fputs("</ol>", out);
    char number[HTML_NUMBER_SIZE];
    if (w->also)
        fprintf(out, "<p class=\"note\">and %s more about one of these operations</p>",
                html_count(number, w->also));
    if (w->alike)
        fprintf(out, "<p class=\"note\">and %s more of this sort</p>",
                html_count(number, w->alike));
    fputs("</li>\n", out);
}

static int witnesses(FILE *out, const struct report_run *run)
{
    const struct verdict *v = run->verdict;
    if (v->witnesses == 0)
        return 0;
    uint64_t violations = 0;
    for (int p = 0; p < PROPERTIES; p++)
        violations += v->property[p].violations;
    char number[HTML_NUMBER_SIZE];
    fprintf(out,
            "<section class=\"card witnesses\"><h3>Witnesses</h3><p class=\"note\">%u of %s "
            "shown, with the operations that prove each.</p><ol>\n",
            v->witnesses, html_count(number, violations));
    struct buf line;
    buf_init(&line, OP_LINE_BYTES_MAX);
    bool failed = false;
    for (unsigned i = 0; i < v->witnesses; i++) {
        witness(out, run->history, &v->witness[i], &line);
        failed = failed || line.failed;
    }
    buf_free(&line);
    fputs("</ol></section>\n", out);
    return failed ? -ENOMEM : 0;
}

void html_chart(FILE *out, const char *chart, size_t run, const char *title, const char *note)
{
    fprintf(out,
            "<figure class=\"card chart\"><figcaption><h3>%s</h3><p class=\"note\">%s</p>"
            "</figcaption><div class=\"plot\"><canvas data-chart=\"%s\" data-run=\"%zu\" "
            "role=\"img\" aria-label=\"%s\"></canvas></div></figure>\n",
            title, note, chart, run, title);
}

static void chart_if(FILE *out, bool there, const char *chart, size_t run, const char *title,
                     const char *note)
{
    if (there)
        html_chart(out, chart, run, title, note);
    else
        fprintf(out,
                "<figure class=\"card chart\"><figcaption><h3>%s</h3></figcaption>"
                "<p class=\"empty\">The run has nothing to show here.</p></figure>\n",
                title);
}

static void charts(FILE *out, const struct summary *s, size_t index)
{
    bool timed = html_data_over_time(s);
    fputs("<section class=\"charts\" aria-label=\"Charts\">\n", out);
    chart_if(out, timed, "rate", index, "Answers per second, by outcome",
             "Stacked: the upper edge is the whole rate.");
    chart_if(out, timed, "latency", index, "Response time over time",
             "From the planned send, so that a stall is not left out. Log scale.");
    chart_if(out, html_data_latency(s), "curve", index, "Response time by percentile",
             "Each step to the right is ten times rarer. Service time starts at the real send.");
    chart_if(out, html_data_stock(s), "stock", index, "Stock left on the hottest items",
             "Dashed: the moment an item was seen sold out.");
    chart_if(out, timed, "conflicts", index, "Conflicts, and requests in flight",
             s->facts->metrics ? "Transactions that the server lost to another and tried again."
                               : "The server shows no counters of its conflicts.");
    chart_if(out, html_data_workers(s), "workers", index, "Balance over the client processes",
             "Operations of each.");
    fputs("</section>\n", out);
}

int html_run(FILE *out, const struct report_run *run, size_t index)
{
    fprintf(out, "<article class=\"run\" id=\"run-%zu\">\n", index + 1);
    verdict(out, run);
    tiles(out, run);
    int err = witnesses(out, run);
    charts(out, run->summary, index);
    properties(out, run->verdict);
    html_tables(out, run);
    html_facts(out, run);
    fputs("</article>\n", out);
    return err;
}
