#include "race/race_html.h"
#include "race/print.h"
#include "report/assets.h"
#include "report/html.h"
#include "ui/assets.h"

#include <errno.h>
#include <stdlib.h>

/* For whoever runs no script. */
static int put_plain_text(FILE *out, const struct race_view *view)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (!to)
        return -ENOMEM;
    race_print_head(to, view->options);
    race_print_table(to, view);
    int rc = fclose(to) == EOF ? -ENOMEM : 0;
    if (rc == 0)
        html_text(out, (struct str){text, bytes});
    free(text);
    return rc;
}

int race_html(FILE *out, const void *what)
{
    const struct race_view *view = what;
    const struct html_parts parts = {
        .css = UI_ASSET(css), .chart = REPORT_ASSET(chart), .script = UI_ASSET(saved)};
    int rc = html_head(out, &parts);
    if (rc < 0)
        return rc;
    fputs("<body>\n<header><h1>stockload <span>race</span></h1></header>\n"
          "<noscript><pre class=\"card\">",
          out);
    rc = put_plain_text(out, view);
    fputs("</pre></noscript>\n<main></main>\n<footer>This file is complete in itself and loads "
          "nothing.</footer>\n",
          out);
    rc = rc < 0 ? rc : html_json(out, "document", race_view_json(view));
    if (rc < 0)
        return rc;
    html_scripts(out, &parts);
    return fflush(out) == EOF || ferror(out) ? -EIO : 0;
}
