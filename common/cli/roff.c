#include "cli/roff.h"

#include <stdbool.h>
#include <string.h>

#define LINE_MAX_COLUMNS 64 /* what is escaped makes it longer; 80 is the end */

/* Where a text is written to. */
struct roff {
    FILE *out;
    size_t column;
    bool ends;   /* the last word ended a sentence */
    bool quoted; /* between backticks */
};

static void put_char(FILE *out, char c, bool literal)
{
    static const struct {
        char c;
        const char *text;
    } escapes[] = {{'\\', "\\e"},  {'\'', "\\(aq"}, {'"', "\\(dq"},
                   {'~', "\\(ti"}, {'^', "\\(ha"},  {'`', "\\(ga"}};
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (escapes[i].c == c) {
            fputs(escapes[i].text, out);
            return;
        }
    }
    if (c == '-' && literal)
        fputc('\\', out);
    fputc(c, out);
}

void roff_literal(FILE *out, const char *text)
{
    for (; *text; text++)
        put_char(out, *text, true);
}

/* A dash of an option is no hyphen. */
static bool is_option(const char *word, size_t n)
{
    size_t at = strspn(word, "(`");
    return at + 1 < n && word[at] == '-';
}

static void put_word(struct roff *r, const char *word, size_t n)
{
    bool first = r->column == 0, literal = is_option(word, n);
    if (!first && (r->ends || r->column + 1 + n > LINE_MAX_COLUMNS)) {
        fputc('\n', r->out);
        r->column = 0;
        first = true;
    }
    fputs(first ? (strchr(".'", *word) ? "\\&" : "") : " ", r->out);
    for (size_t i = 0; i < n; i++) {
        if (word[i] == '`')
            fputs((r->quoted = !r->quoted) ? "\\fB" : "\\fR", r->out);
        else
            put_char(r->out, word[i], literal || r->quoted);
    }
    r->column += n + !first;
    while (n > 1 && strchr(")`\"", word[n - 1]))
        n--;
    r->ends = strchr(".?!", word[n - 1]) && !(n > 1 && word[n - 2] == '.');
}

static void put_roff_line(FILE *out, const char *text, size_t n)
{
    struct roff r = {.out = out};
    while (n > 0) {
        size_t blanks = strspn(text, " "), length = strcspn(text + blanks, " \n");
        blanks = blanks < n ? blanks : n;
        length = length < n - blanks ? length : n - blanks;
        if (length > 0)
            put_word(&r, text + blanks, length);
        text += blanks + length;
        n -= blanks + length;
    }
    fputs(r.quoted ? "\\fR\n" : "\n", out);
}

void roff_prose(FILE *out, const char *text)
{
    put_roff_line(out, text, strlen(text));
}

void roff_paragraphs(FILE *out, const char *text)
{
    bool example = false;
    for (size_t i = 0; *text; i++) {
        size_t n = strcspn(text, "\n");
        if (example != (*text == ' '))
            fputs(example ? ".EE\n.RE\n" : ".PP\n.RS 4\n.EX\n", out);
        else if (i > 0 && !example)
            fputs(".PP\n", out);
        if (example && *text != ' ')
            fputs(".PP\n", out);
        example = *text == ' ';
        for (size_t at = strspn(text, " "); example && at < n; at++)
            put_char(out, text[at], true);
        if (example)
            fputc('\n', out);
        else
            put_roff_line(out, text, n);
        text += n + (text[n] == '\n');
    }
    fputs(example ? ".EE\n.RE\n" : "", out);
}
