/* report_html.c -- the HTML report: one file with its style, its script and its numbers.
 *
 * The page loads nothing. A content security policy says so to the browser, and names the two
 * scripts by their digests: a text that got past the escaping could still not run.
 */
#include "report/assets.h"
#include "report/html.h"
#include "report/html_data.h"
#include "report/html_run.h"
#include "report/report.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>

#define DIGEST_BYTES 32                                 /* SHA-256 */
#define DIGEST_TEXT  (4 * ((DIGEST_BYTES + 2) / 3) + 1) /* in Base64, with its NUL */

static int digest(struct str asset, char to[DIGEST_TEXT])
{
    unsigned char bytes[DIGEST_BYTES];
    unsigned int n = 0;
    if (EVP_Digest(asset.p, asset.n, bytes, &n, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    assert(n == DIGEST_BYTES);
    EVP_EncodeBlock((unsigned char *)to, bytes, DIGEST_BYTES);
    return 0;
}

static void put(FILE *out, struct str bytes)
{
    fwrite(bytes.p, 1, bytes.n, out);
}

static const struct verdict *worst(const struct report_run *runs, size_t count)
{
    const struct verdict *v = runs[0].verdict;
    for (size_t i = 1; i < count; i++)
        if (html_verdict_rank(runs[i].verdict) > html_verdict_rank(v))
            v = runs[i].verdict;
    return v;
}

static void title(FILE *out, const struct report_run *runs, size_t count)
{
    fprintf(out, "<title>%s: ", html_verdict_word(worst(runs, count)));
    if (count == 1)
        html_text(out, HTML_FIELD(runs[0].summary->facts->scenario));
    else
        fprintf(out, "%zu runs", count);
    fputs(" – stockload</title>\n", out);
}

static int head(FILE *out, const struct report_run *runs, size_t count)
{
    char chart[DIGEST_TEXT], script[DIGEST_TEXT];
    if (digest(REPORT_ASSET(chart), chart) < 0 || digest(REPORT_ASSET(script), script) < 0)
        return -ENOMEM;
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", out);
    fprintf(out,
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; "
            "script-src 'sha256-%s' 'sha256-%s'\">\n",
            chart, script);
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n",
          out);
    title(out, runs, count);
    fputs("<style>\n", out);
    put(out, REPORT_ASSET(css));
    fputs("</style>\n</head>\n", out);
    return 0;
}

static void comparison_row(FILE *out, const struct report_run *run, size_t index)
{
    const struct summary *s = run->summary;
    const struct coverage *c = &run->verdict->coverage;
    fputs("<tr>", out);
    fprintf(out, "<th scope=\"row\"><a href=\"#run-%zu\">", index + 1);
    html_text(out, str_of(run->name));
    fputs("</a></th><td>", out);
    html_text(out, HTML_FIELD(s->facts->scenario));
    fprintf(out, "</td><td class=\"%s\">%s</td>", html_verdict_class(run->verdict),
            html_verdict_word(run->verdict));
    html_cell_rate(out, s->per_second);
    html_cell_duration(out, s->response ? histogram_percentile(s->response, 50) : 0);
    html_cell_duration(out, s->response ? histogram_percentile(s->response, 99) : 0);
    if (s->conflicts_per_success < 0)
        html_cell_none(out);
    else
        fprintf(out, "<td>%.3g</td>", s->conflicts_per_success);
    html_cell_signed(out, c->sold_units);
    bool wrong = run->verdict->word == VERDICT_VIOLATION && c->oversold_units == 0;
    if (wrong || html_unchecked(&run->verdict->property[PROPERTY_SUMS]))
        html_cell_none(out);
    else
        html_cell_signed(out, c->oversold_units);
    fprintf(out, "<td>%d</td></tr>\n", run->exit_status);
}

static void comparison(FILE *out, const struct report_run *runs, size_t count)
{
    static const char *const heads[] = {
        "Run",  "Scenario", "Verdict", "Answers/s", "p50", "p99", "Conflicts per success",
        "Sold", "Oversold", "Exit",    NULL};
    fprintf(out, "<h2>%zu runs side by side</h2>\n<div class=\"compare\">", count);
    html_table(out, "Comparison", NULL, heads);
    for (size_t i = 0; i < count; i++)
        comparison_row(out, &runs[i], i);
    html_table_end(out);
    fputs("</div>\n<section class=\"charts\" aria-label=\"Charts of all runs\">\n", out);
    html_chart(out, "compare-curve", 0, "Response time by percentile",
               "Each step to the right is ten times rarer.");
    html_chart(out, "compare-rate", 0, "Answers per second", "All but the unknown ones.");
    fputs("</section>\n", out);
}

static int sections(FILE *out, const struct report_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *class = html_verdict_class(runs[i].verdict);
        fprintf(out, "<details class=\"%s\"><summary><span class=\"tag\">%s</span> ", class,
                html_verdict_word(runs[i].verdict));
        html_text(out, str_of(runs[i].name));
        fputs("</summary>\n", out);
        int err = html_run(out, &runs[i], i);
        if (err < 0)
            return err;
        fputs("</details>\n", out);
    }
    return 0;
}

static int body(FILE *out, const struct report_run *runs, size_t count)
{
    fputs("<body>\n<header><h1>stockload <span>load, and proof</span></h1></header>\n"
          "<main>\n<noscript><p class=\"card\">The charts need JavaScript; everything they show is "
          "in the tables too.</p></noscript>\n",
          out);
    if (count > 1)
        comparison(out, runs, count);
    int err = count > 1 ? sections(out, runs, count) : html_run(out, &runs[0], 0);
    if (err < 0)
        return err;
    fputs("</main>\n<footer>Made by stockload ", out);
    html_text(out, HTML_FIELD(runs[0].summary->facts->version));
    fputs(". This file is complete in itself and loads nothing.</footer>\n", out);
    return 0;
}

/* The scripts stand between their tags byte for byte: their digests are in the policy. */
static int scripts(FILE *out, const struct report_run *runs, size_t count)
{
    fputs("<script type=\"application/json\" id=\"data\">", out);
    int err = html_data(out, runs, count);
    fputs("</script>\n<script>", out);
    put(out, REPORT_ASSET(chart));
    fputs("</script>\n<script>", out);
    put(out, REPORT_ASSET(script));
    fputs("</script>\n</body>\n</html>\n", out);
    return err;
}

int report_html(FILE *out, const struct report_run *runs, size_t count)
{
    assert(count > 0);
    int err = head(out, runs, count);
    if (err == 0)
        err = body(out, runs, count);
    if (err == 0)
        err = scripts(out, runs, count);
    if (err < 0)
        return err;
    return fflush(out) == EOF || ferror(out) ? -EIO : 0;
}
