/* html.c -- see html.h. */
#include "report/html.h"

#include <inttypes.h>
#include <stdbool.h>

#define TEXT_BYTES_MAX (1u << 20) /* of one text, as shown */

static struct str entity(char c)
{
    switch (c) {
    case '&': return STR("&amp;");
    case '<': return STR("&lt;");
    case '>': return STR("&gt;");
    case '"': return STR("&quot;");
    case '\'': return STR("&#39;");
    default: return (struct str){NULL, 0};
    }
}

void html_text(FILE *out, struct str text)
{
    struct buf shown;
    buf_init(&shown, TEXT_BYTES_MAX);
    printable_put(&shown, text);
    for (size_t i = 0; i < shown.n; i++) {
        struct str escape = entity(shown.p[i]);
        if (escape.p)
            fwrite(escape.p, 1, escape.n, out);
        else
            putc(shown.p[i], out);
    }
    if (shown.failed)
        fputs("…", out);
    buf_free(&shown);
}

/* "-1,234,567" */
static const char *grouped(char to[HTML_NUMBER_SIZE], uint64_t magnitude, bool negative)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, magnitude);
    char *p = to;
    if (negative)
        *p++ = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return to;
}

const char *html_count(char to[HTML_NUMBER_SIZE], uint64_t value)
{
    return grouped(to, value, false);
}

const char *html_signed(char to[HTML_NUMBER_SIZE], int64_t value)
{
    return grouped(to, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

const char *html_duration(char to[HTML_NUMBER_SIZE], uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "µs"}, {1, "ns"}};
    size_t u = 0;
    while (u < 3 && ns < units[u].ns)
        u++;
    double value = (double)ns / (double)units[u].ns;
    int decimals = u == 3 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
    snprintf(to, HTML_NUMBER_SIZE, "%.*f %s", decimals, value, units[u].name);
    return to;
}

const char *html_rate(char to[HTML_NUMBER_SIZE], double value)
{
    if (value >= 100 && value < 1e15)
        return html_count(to, (uint64_t)(value + 0.5));
    snprintf(to, HTML_NUMBER_SIZE, "%.*f", value >= 10 ? 1 : 2, value);
    return to;
}

void html_table(FILE *out, const char *title, const char *note, const char *const *heads)
{
    fprintf(out, "<section class=\"card table\"><h3>%s</h3>", title);
    if (note)
        fprintf(out, "<p class=\"note\">%s</p>", note);
    fputs("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>", out);
    for (; *heads; heads++)
        fprintf(out, "<th scope=\"col\">%s</th>", *heads);
    fputs("</tr></thead><tbody>\n", out);
}

void html_table_end(FILE *out)
{
    fputs("</tbody></table></div></section>\n", out);
}

void html_cell_name(FILE *out, struct str text)
{
    fputs("<th scope=\"row\">", out);
    html_text(out, text);
    fputs("</th>", out);
}

void html_cell_count(FILE *out, uint64_t value)
{
    char number[HTML_NUMBER_SIZE];
    fprintf(out, "<td%s>%s</td>", value == 0 ? " class=\"zero\"" : "", html_count(number, value));
}

void html_cell_signed(FILE *out, int64_t value)
{
    char number[HTML_NUMBER_SIZE];
    fprintf(out, "<td>%s</td>", html_signed(number, value));
}

void html_cell_duration(FILE *out, uint64_t ns)
{
    char number[HTML_NUMBER_SIZE];
    fprintf(out, "<td>%s</td>", html_duration(number, ns));
}

void html_cell_rate(FILE *out, double value)
{
    char number[HTML_NUMBER_SIZE];
    fprintf(out, "<td>%s</td>", html_rate(number, value));
}

void html_cell_none(FILE *out)
{
    fputs("<td class=\"zero\">–</td>", out);
}
