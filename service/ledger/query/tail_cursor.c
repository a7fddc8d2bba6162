#include "ledger/query/tail_cursor.h"

#define DIGITS_MAX 18

void tail_cursor_put(struct buf *out, const struct tail_position *at, unsigned partitions)
{
    for (unsigned p = 0; p < partitions; p++) {
        if (p > 0)
            buf_putc(out, '.');
        if (at[p].id.epoch == 0) {
            buf_putc(out, '0');
            continue;
        }
        buf_put_i64(out, at[p].id.epoch);
        buf_putc(out, '-');
        buf_put_i64(out, at[p].id.seq);
        buf_putc(out, '-');
        buf_put_i64(out, at[p].n);
    }
}

/* Takes a number from the front, in the one way in which it is written. */
static bool take_whole_number(struct str *text, int64_t *number)
{
    size_t n = 0;
    *number = 0;
    while (n < text->n && text->p[n] >= '0' && text->p[n] <= '9' && n < DIGITS_MAX)
        *number = *number * 10 + (text->p[n++] - '0');
    bool more = n < text->n && text->p[n] >= '0' && text->p[n] <= '9';
    if (n == 0 || more || (n > 1 && text->p[0] == '0'))
        return false;
    *text = (struct str){text->p + n, text->n - n};
    return true;
}

static bool take_char(struct str *text, char c)
{
    if (text->n == 0 || text->p[0] != c)
        return false;
    *text = (struct str){text->p + 1, text->n - 1};
    return true;
}

static bool take_position(struct str *text, struct tail_position *at)
{
    *at = (struct tail_position){.n = 0};
    if (!take_whole_number(text, &at->id.epoch))
        return false;
    return at->id.epoch == 0 || (take_char(text, '-') && take_whole_number(text, &at->id.seq) &&
                                 take_char(text, '-') && take_whole_number(text, &at->n));
}

bool tail_cursor_parse(struct str text, struct tail_position *at, unsigned partitions)
{
    for (unsigned p = 0; p < partitions; p++)
        if ((p > 0 && !take_char(&text, '.')) || !take_position(&text, &at[p]))
            return false;
    return text.n == 0;
}
