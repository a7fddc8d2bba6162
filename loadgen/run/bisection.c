/* bisection.c -- see bisection.h. */
#include "run/bisection.h"

#include <assert.h>
#include <math.h>

static int64_t between(const struct bisection *b, int64_t rate)
{
    return rate < b->floor ? b->floor : rate > b->ceiling ? b->ceiling : rate;
}

/* 0 when the two bounds are near enough, or no whole number lies between them. */
static int64_t middle(const struct bisection *b)
{
    assert(b->low < b->high);
    if (b->high - b->low < 2 || (double)b->high <= (double)b->low * (1 + b->precision))
        return 0;
    int64_t rate = llround(sqrt((double)b->low * (double)b->high));
    return rate <= b->low ? b->low + 1 : rate >= b->high ? b->high - 1 : rate;
}

static int64_t choose_rate(const struct bisection *b)
{
    if (b->high == 0)
        return b->low >= b->ceiling ? 0 : between(b, 2 * b->low);
    if (b->low == 0)
        return b->high <= b->floor ? 0 : between(b, b->high / 2);
    return middle(b);
}

void bisection_begin(struct bisection *b, int64_t first)
{
    assert(b->floor >= 1 && b->ceiling >= b->floor && b->tries >= 1 && b->precision >= 0);
    b->low = b->high = 0;
    b->missed = 0;
    b->next = between(b, first);
}

void bisection_tell(struct bisection *b, bool held)
{
    assert(b->next > 0);
    if (held)
        b->low = b->next;
    else if (++b->missed < b->tries)
        return;
    else
        b->high = b->next;
    b->missed = 0;
    b->next = choose_rate(b);
}
