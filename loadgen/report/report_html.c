/* report_html.c -- the HTML report: one file (html.h) with the report's document.
 *
 * The page embeds what --output-format json writes and, beside it, how to show that (layout.h);
 * page/report.js draws it. Where no script runs the text report is shown.
 */
#include "report/assets.h"
#include "report/document.h"
#include "report/html.h"
#include "report/layout.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static int put_page_body(FILE *out, const struct report *report)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (!to)
        return -ENOMEM;
    struct report whole = *report;
    whole.style = (struct report_style){.whole = true};
    int result = report_text(to, &whole);
    if (fclose(to) == EOF && result == 0)
        result = -ENOMEM;
    fputs("<body>\n<header><h1>stockload <span>load, and proof</span></h1></header>\n"
          "<noscript><pre class=\"card\">",
          out);
    if (result == 0)
        html_text(out, (struct str){text, bytes});
    fputs("</pre></noscript>\n<main></main>\n<footer>This file is complete in itself and loads "
          "nothing.</footer>\n",
          out);
    free(text);
    return result;
}

int report_html(FILE *out, const struct report *report)
{
    const struct html_parts parts = {
        .css = REPORT_ASSET(css), .chart = REPORT_ASSET(chart), .script = REPORT_ASSET(script)};
    assert(report->count > 0);
    int err = html_head(out, &parts);
    if (err == 0)
        err = put_page_body(out, report);
    if (err == 0)
        err = html_json(out, "document", document_make(report));
    if (err == 0)
        err = html_json(out, "layout", layout_json());
    if (err < 0)
        return err;
    html_scripts(out, &parts);
    return fflush(out) == EOF || ferror(out) ? -EIO : 0;
}
