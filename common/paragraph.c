#include "paragraph.h"
#include "terminal.h"

#include <string.h>

struct paragraph paragraph_on(FILE *out)
{
    unsigned width = terminal_width(out);
    if (width == 0)
        width = PARAGRAPH_WIDTH;
    return (struct paragraph){.out = out,
                              .width = width < PARAGRAPH_WIDTH_MAX ? width : PARAGRAPH_WIDTH_MAX,
                              .colour = terminal_colours(out)};
}

/* UTF-8: the bytes that go on with a character take no column. */
static unsigned columns_of(const char *text, size_t n)
{
    unsigned columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += (text[i] & 0xc0) != 0x80;
    return columns;
}

static void put_counted(struct paragraph *p, const char *text, size_t n)
{
    fwrite(text, 1, n, p->out);
    p->column += columns_of(text, n);
}

static void go_to(struct paragraph *p, unsigned column)
{
    for (; p->column < column; p->column++)
        fputc(' ', p->out);
}

static void break_line(struct paragraph *p)
{
    fputc('\n', p->out);
    p->column = 0;
    go_to(p, p->indent);
}

static void put_word(struct paragraph *p, const char *word, size_t n, bool strong)
{
    static const char bold[] = "\033[1m", plain[] = "\033[0m";
    unsigned wide = columns_of(word, n);
    bool first = p->column <= p->indent, blank = !first && !p->joined;
    if (!first && p->column + blank + wide > p->width)
        break_line(p);
    else if (blank)
        go_to(p, p->column + 1);
    p->joined = false;
    fputs(strong && p->colour ? bold : "", p->out);
    put_counted(p, word, n);
    fputs(strong && p->colour ? plain : "", p->out);
}

void paragraph_begin(struct paragraph *p, unsigned indent)
{
    p->column = 0;
    p->joined = false;
    p->indent = indent;
    go_to(p, indent);
}

void paragraph_text(struct paragraph *p, const char *text)
{
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        size_t n = strcspn(text, " ");
        put_word(p, text, n, false);
        text += n;
    }
}

void paragraph_strong(struct paragraph *p, const char *text)
{
    put_word(p, text, strlen(text), true);
}

void paragraph_join(struct paragraph *p, const char *text)
{
    put_counted(p, text, strlen(text));
    p->joined = true;
}

void paragraph_indent(struct paragraph *p, unsigned indent)
{
    p->indent = indent;
    if (p->column + 2 > indent)
        break_line(p);
    go_to(p, indent);
}

void paragraph_end(struct paragraph *p)
{
    fputc('\n', p->out);
    p->column = 0;
}

void paragraph_heading(struct paragraph *p, const char *text)
{
    paragraph_end(p);
    paragraph_begin(p, 0);
    paragraph_strong(p, text);
    paragraph_join(p, ":");
    paragraph_end(p);
}

void paragraph_print(struct paragraph *p, unsigned indent, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        char line[1024];
        snprintf(line, sizeof(line), "%.*s", (int)n, text);
        paragraph_begin(p, indent);
        if (line[0] == ' ')
            paragraph_join(p, line);
        else
            paragraph_text(p, line);
        paragraph_end(p);
        text += n + (text[n] == '\n');
    }
}
