#include "report/page.h"
#include "printable.h"

#define FACT_INDENT 20
#define TEXT_MAX    (64 * 1024)

static void put_spaces(struct buf *b, size_t n)
{
    while (n-- > 0)
        buf_putc(b, ' ');
}

void page_title(struct buf *b, const char *title)
{
    buf_printf(b, "%s%s\n", b->n ? "\n" : "", title);
}

/* The bytes of the first `columns` characters of valid UTF-8. */
static size_t bytes_of(struct str text, size_t columns)
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
    size_t most = bytes_of(text, room);
    if (most == text.n)
        return most;
    const char *space = memrchr(text.p, ' ', most + 1); /* text.p[most] is the first left out */
    if (space && space > text.p)
        return (size_t)(space - text.p);
    return own_line ? most : 0;
}

/* The text as it can be shown, which lies in `clean`. */
static struct str cleaned(struct buf *clean, struct str raw, struct buf *b)
{
    buf_init(clean, TEXT_MAX);
    printable_put(clean, raw);
    b->failed |= clean->failed;
    return buf_str(clean);
}

void page_wrap(struct buf *b, size_t at, size_t indent, struct str raw)
{
    struct buf clean;
    struct str text = cleaned(&clean, raw, b);
    while (text.n > 0) {
        size_t room = at < PAGE_WIDTH ? PAGE_WIDTH - at : 0;
        size_t n = fitting(text, room, at <= indent);
        buf_put(b, text.p, n);
        text.p += n;
        text.n -= n;
        for (; text.n > 0 && *text.p == ' '; text.n--)
            text.p++;
        if (text.n > 0) {
            buf_putc(b, '\n');
            put_spaces(b, indent);
            at = indent;
        }
    }
    buf_putc(b, '\n');
    buf_free(&clean);
}

void page_fact(struct buf *b, const char *name, struct str text)
{
    buf_printf(b, "  %-*s", FACT_INDENT - 2, name);
    page_wrap(b, FACT_INDENT, FACT_INDENT, text);
}

void page_cell(struct buf *b, struct str raw, size_t width, bool right)
{
    struct buf clean;
    struct str text = cleaned(&clean, raw, b);
    size_t columns = printable_columns(text);
    if (columns > width) {
        assert(width > 2);
        size_t cut = bytes_of(text, columns - width + 2);
        buf_puts(b, STR(".."));
        text.p += cut;
        text.n -= cut;
        columns = width;
    }
    if (right)
        put_spaces(b, width - columns);
    buf_puts(b, text);
    if (!right)
        put_spaces(b, width - columns);
    buf_free(&clean);
}
