/* shop_restore.c -- the shop of shop_world.h loses its memory and is rebuilt from its ledger, or
 * its replica takes over. */
#include "support/shop_world.h"

#include <stdlib.h>
#include <string.h>

#define STEP       (UINT64_C(1) << 20)
#define BEHIND     30       /* rows that the ledger is late, when it is */
#define SILENCE_NS 60000000 /* of a failover */

struct shop_backup {
    size_t rows, holds;
    struct shop_item *items;
    struct shop_hold *hold;
};

static void take_backup(struct shop_world *w)
{
    size_t items = w->options->items;
    struct shop_backup *b = calloc(1, sizeof(*b));
    w->backup = b;
    if (b) {
        b->items = malloc(items * sizeof(*b->items));
        b->hold = malloc((w->hold_count + 1) * sizeof(*b->hold));
    }
    if (!b || !b->items || !b->hold) {
        w->no_memory = true;
        return;
    }
    memcpy(b->items, w->items, items * sizeof(*b->items));
    if (w->hold_count > 0)
        memcpy(b->hold, w->holds, w->hold_count * sizeof(*b->hold));
    b->holds = w->hold_count;
    b->rows = w->row_count;
}

/* Nobody knows the name of a reservation whose reserve got no answer, so nobody asks for it. */
static void drop_about(struct shop_world *w, size_t from, size_t reserve)
{
    for (size_t i = from; i < w->row_count; i++) {
        struct shop_row *row = &w->rows[i];
        size_t of = row->flags & FLAG_RESENT ? w->rows[row->of].of : row->of;
        row->dropped |= row->kind != KIND_RESERVE && of == reserve;
    }
}

/* What took effect since the backup did not, as far as anybody was told. */
static void forget_answers(struct shop_world *w, size_t from)
{
    for (size_t i = from; i < w->row_count; i++) {
        struct shop_row *row = &w->rows[i];
        bool reads = row->kind == KIND_GET_ITEM || row->kind == KIND_GET_RESERVATION;
        if (reads || !row->happened)
            continue;
        row->flags &= (uint8_t)~FLAG_REPLAYED;
        row->happened = false;
        for (unsigned n = 0; n < row->lines; n++)
            row->line[n].version = 0;
        shop_answer(row, OUTCOME_UNKNOWN, 0, DETAIL_TIMEOUT);
    }
}

/* Whether anybody had been told of a transition since the backup. */
static bool anything_answered(const struct shop_world *w, size_t from)
{
    bool answered = false;
    for (size_t i = from; i < w->row_count; i++) {
        const struct shop_row *row = &w->rows[i];
        answered |= row->outcome == OUTCOME_OK && row->kind != KIND_GET_ITEM &&
                    row->kind != KIND_GET_RESERVATION && !(row->flags & FLAG_REPLAYED);
    }
    return answered;
}

static bool promised(enum shop_restore how)
{
    return how == SHOP_RESTORED_PROMISED || how == SHOP_FAILED_PROMISED;
}

bool shop_restore_loses(enum shop_restore how)
{
    return how == SHOP_RESTORED_LOSING || how == SHOP_FAILED_LOSING ||
           how == SHOP_FAILED_LOSING_MORE || how == SHOP_FAILED_UNSAID;
}

bool shop_restore_fails_over(enum shop_restore how)
{
    return how >= SHOP_FAILED_OVER;
}

/* What nobody was told of and is gone, nobody is told of when the load is over. */
static void forget_unanswered(struct shop_world *w, size_t from)
{
    for (size_t i = from; i < w->row_count; i++) {
        struct shop_row *row = &w->rows[i];
        bool reads = row->kind == KIND_GET_ITEM || row->kind == KIND_GET_RESERVATION;
        if (!reads && row->happened && row->outcome == OUTCOME_UNKNOWN)
            row->happened = false;
    }
}

static void restore(struct shop_world *w)
{
    const struct shop_backup *b = w->backup;
    enum shop_restore how = w->options->restore;
    if (promised(how))
        forget_answers(w, b->rows);
    w->lost = shop_restore_loses(how) && anything_answered(w, b->rows);
    if (shop_restore_fails_over(how) && shop_restore_loses(how))
        forget_unanswered(w, b->rows);
    if (promised(how) || shop_restore_loses(how)) {
        memcpy(w->items, b->items, w->options->items * sizeof(*b->items));
        if (b->holds > 0)
            memcpy(w->holds, b->hold, b->holds * sizeof(*b->hold));
        for (size_t i = b->holds; i < w->hold_count; i++)
            w->holds[i].lost = true;
    }
    for (size_t i = b->holds; promised(how) && i < w->hold_count; i++)
        drop_about(w, b->rows, w->holds[i].row);
    if (promised(how))
        w->hold_count = b->holds; /* nobody knows of them */
    for (uint32_t i = 0; i < w->options->items && !shop_restore_fails_over(how); i++)
        w->items[i].now.version += STEP;
    if (shop_restore_fails_over(how))
        w->now_ns += SILENCE_NS;
    w->restored = w->row_count;
}

void shop_restore_in_time(struct shop_world *w)
{
    size_t middle = w->options->steps * 2 / 5;
    if (w->options->restore == SHOP_NEVER_RESTORED || w->restored || w->no_memory)
        return;
    if (!w->backup && w->row_count + BEHIND >= middle)
        take_backup(w);
    else if (w->backup && w->row_count >= middle)
        restore(w);
}

void shop_restore_free(struct shop_world *w)
{
    if (w->backup) {
        free(w->backup->items);
        free(w->backup->hold);
    }
    free(w->backup);
    w->backup = NULL;
}
