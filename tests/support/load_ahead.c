/* load_ahead.c -- see load_ahead.h. */
#include "support/load_ahead.h"

#include <stdio.h>
#include <string.h>

#define MORE_S 10 /* of time, each time */

static void start(struct load_case *c, const struct load_row *row)
{
    c->started = true;
    c->tries++;
    c->err = tshop_start(&c->shop, row->fault, row->every);
    if (c->err == 0)
        c->err = tload_start(&c->load, c->shop.port, row->scenario, row->flags);
}

struct load_case *load_ahead(struct load_case *cases, size_t count, size_t at, load_row_fn *row)
{
    for (size_t i = at; i < count && i <= at + LOAD_AHEAD; i++) {
        struct load_row next;
        if (cases[i].started)
            continue;
        row(i, &next);
        start(&cases[i], &next);
    }
    return &cases[at];
}

void load_again(struct load_case *c, size_t at, load_row_fn *row)
{
    struct load_row again;
    row(at, &again);
    size_t n = strlen(again.flags);
    if (strstr(again.flags, "-d ")) /* the last one counts */
        snprintf(again.flags + n, sizeof(again.flags) - n, " -d %ds", MORE_S * c->tries);
    start(c, &again);
}

void load_ahead_end(struct load_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!cases[i].started || cases[i].err != 0 || cases[i].load.proc.pid == 0)
            continue;
        tproc_kill9(&cases[i].load.proc);
        tload_free(&cases[i].load);
        tshop_bury(&cases[i].shop);
    }
}
