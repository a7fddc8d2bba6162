#include "report/page.h"
#include "printable.h"

#define FACT_INDENT 20
#define TEXT_MAX    (64 * 1024)

static void put_spaces(struct buf *b, size_t n)
{
    while (n-- > 0)
        buf_putc(b, ' ');
}

void page_init(struct page *p, size_t max, unsigned width, bool coloured)
{
    *p = (struct page){.width = width ? width : PAGE_WIDTH, .coloured = coloured};
    p->width = p->width < PAGE_WIDTH_MIN ? PAGE_WIDTH_MIN : p->width;
    p->width = p->width > PAGE_WIDTH_MAX ? PAGE_WIDTH_MAX : p->width;
    buf_init(&p->out, max);
}

void page_paint(struct page *p, enum page_paint paint, struct str text)
{
    static const char *const codes[PAGE_PAINTS] = {[PAGE_BOLD] = "\033[1m",
                                                   [PAGE_GREEN] = "\033[1;32m",
                                                   [PAGE_YELLOW] = "\033[1;33m",
                                                   [PAGE_RED] = "\033[1;31m"};
    bool coloured = p->coloured && codes[paint];
    buf_puts(&p->out, str_of(coloured ? codes[paint] : ""));
    printable_put(&p->out, text);
    buf_puts(&p->out, coloured ? STR("\033[0m") : STR(""));
}

void page_title(struct page *p, const char *title)
{
    buf_puts(&p->out, p->out.n ? STR("\n") : STR(""));
    page_paint(p, PAGE_BOLD, str_of(title));
    buf_putc(&p->out, '\n');
}

/* The bytes of the first `columns` characters of valid UTF-8. */
static size_t column_bytes(struct str text, size_t columns)
{
    size_t i = 0;
    for (; i < text.n; i++) {
        bool starts = ((unsigned char)text.p[i] & 0xc0) != 0x80;
        if (starts && columns-- == 0)
            break;
    }
    return i;
}

/* How much of the text to put into a line with that much room: up to the last space that fits, or
 * all that fits when there is none. On an own line something always goes in. */
static size_t fitting(struct str text, size_t room, bool own_line)
{
    size_t most = column_bytes(text, room);
    if (most == text.n)
        return most;
    const char *space = memrchr(text.p, ' ', most + 1); /* text.p[most] is the first left out */
    if (space && space > text.p)
        return (size_t)(space - text.p);
    return own_line ? most : 0;
}

/* The text as it can be shown, which lies in `clean`. */
static struct str cleaned(struct buf *clean, struct str raw, struct page *p)
{
    buf_init(clean, TEXT_MAX);
    printable_put(clean, raw);
    p->out.failed |= clean->failed;
    return buf_str(clean);
}

void page_wrap(struct page *p, size_t at, size_t indent, struct str raw)
{
    struct buf clean;
    struct str text = cleaned(&clean, raw, p);
    while (text.n > 0) {
        size_t room = at < p->width ? p->width - at : 0;
        size_t n = fitting(text, room, at <= indent);
        buf_put(&p->out, text.p, n);
        text.p += n;
        text.n -= n;
        for (; text.n > 0 && *text.p == ' '; text.n--)
            text.p++;
        if (text.n > 0) {
            buf_putc(&p->out, '\n');
            put_spaces(&p->out, indent);
            at = indent;
        }
    }
    buf_putc(&p->out, '\n');
    buf_free(&clean);
}

void page_fact(struct page *p, const char *name, struct str text)
{
    buf_printf(&p->out, "  %-*s", FACT_INDENT - 2, name);
    page_wrap(p, FACT_INDENT, FACT_INDENT, text);
}

void page_cell(struct page *p, struct str raw, size_t width, bool right)
{
    struct buf clean;
    struct str text = cleaned(&clean, raw, p);
    size_t columns = printable_columns(text);
    if (columns > width) {
        assert(width > 2);
        size_t cut = column_bytes(text, columns - width + 2);
        buf_puts(&p->out, STR(".."));
        text.p += cut;
        text.n -= cut;
        columns = width;
    }
    if (right)
        put_spaces(&p->out, width - columns);
    buf_puts(&p->out, text);
    if (!right)
        put_spaces(&p->out, width - columns);
    buf_free(&clean);
}
