/* shop_history.c -- see shop_history.h: settling, and writing. */
#include "support/shop_history.h"
#include "history/writer.h"
#include "support/shop_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITERS 3 /* two clients' processes and the parent */

/* Whether an attempt of this key was answered with 2xx; *unknown: one may have had an effect;
 * *found: the row that did. */
static bool was_answered(const struct shop_world *w, size_t first, bool *unknown, size_t *found)
{
    bool answered = false;
    *unknown = false;
    *found = SHOP_NONE;
    for (size_t i = first; i < w->row_count; i++) {
        const struct shop_row *row = &w->rows[i];
        if (i != first && !(row->of == first && (row->flags & FLAG_RESENT)))
            continue;
        answered |= row->outcome == OUTCOME_OK;
        *unknown |= row->outcome == OUTCOME_UNKNOWN;
        if (row->happened && *found == SHOP_NONE)
            *found = i;
    }
    return answered;
}

static struct shop_row *settle_row(struct shop_world *w, size_t of)
{
    struct shop_row *row = shop_world_row(w);
    if (!row)
        return NULL;
    row->phase = PHASE_SETTLE;
    row->client = w->rows[of].client;
    row->seq = w->rows[of].seq;
    row->kind = w->rows[of].kind;
    row->of = of;
    row->lines = w->rows[of].lines;
    for (unsigned n = 0; n < row->lines; n++)
        row->line[n] = (struct history_line){.item = w->rows[of].line[n].item,
                                             .quantity = w->rows[of].line[n].quantity};
    row->begin_ns = ++w->now_ns; /* one after the other */
    row->end_ns = ++w->now_ns;
    return row;
}

/* What the answer that is kept says of the reservation. */
static enum history_detail state_after(enum history_kind kind)
{
    static const enum history_detail states[KINDS] = {[KIND_RESERVE] = DETAIL_HELD,
                                                      [KIND_EXTEND] = DETAIL_HELD,
                                                      [KIND_CONFIRM] = DETAIL_CONFIRMED,
                                                      [KIND_RELEASE] = DETAIL_RELEASED,
                                                      [KIND_RERESERVE] = DETAIL_CONFIRMED};
    return states[kind];
}

static void look_up(struct shop_world *w, size_t first)
{
    bool unknown;
    size_t found;
    if (was_answered(w, first, &unknown, &found))
        return;
    bool behind = found != SHOP_NONE && w->options->fault == SHOP_FOUND_AFTER_ALL;
    struct shop_row *row = unknown || behind ? settle_row(w, first) : NULL;
    if (!row)
        return;
    if (found == SHOP_NONE) {
        memcpy(row->line, w->rows[first].line, sizeof(row->line));
        shop_answer(row, OUTCOME_FAIL, 404, DETAIL_NO_OPERATION);
    } else {
        memcpy(row->line, w->rows[found].line, sizeof(row->line));
        memcpy(row->told, w->rows[found].told, sizeof(row->told));
        row->flags |= w->rows[found].flags & FLAG_TOOK_AGAIN;
        shop_answer(row, OUTCOME_OK, 200, state_after(row->kind));
    }
}

static void look_up_all(struct shop_world *w)
{
    size_t rows = w->row_count;
    for (size_t i = 0; i < rows; i++) {
        const struct shop_row *row = &w->rows[i];
        bool changes = row->kind != KIND_GET_ITEM && row->kind != KIND_GET_RESERVATION;
        if (changes && !row->dropped && row->phase == PHASE_LOAD && !(row->flags & FLAG_RESENT))
            look_up(w, i);
    }
}

/* Whether a client was told that the hold ended. */
static bool seen_to_end(const struct shop_world *w, const struct shop_hold *hold)
{
    return hold->end != SHOP_NONE && w->rows[hold->end].outcome == OUTCOME_OK && !hold->unsure;
}

static void read_back(struct shop_world *w)
{
    for (size_t i = 0; i < w->hold_count; i++) {
        const struct shop_hold *hold = &w->holds[i];
        if (seen_to_end(w, hold) && i % 3 != 0)
            continue;
        struct shop_row *row = settle_row(w, hold->row);
        if (!row)
            return;
        row->kind = KIND_GET_RESERVATION;
        if (hold->lost)
            shop_answer(row, OUTCOME_FAIL, 404, DETAIL_NO_RESERVATION);
        else
            shop_show(w, row, hold, hold->last, hold->state);
    }
}

/* --- the file --- */

struct file {
    struct history *history;
    struct history_writer writer[WRITERS];
    uint32_t *slot; /* by row */
};

static bool tells_expiry(const struct shop_row *row)
{
    return !row->dropped && row->outcome == OUTCOME_OK && (row->flags & FLAG_TOOK_AGAIN);
}

/* What the answer in that row tells of an expiry before, if it does. */
static int write_expiry(struct file *f, const struct shop_world *w, size_t at)
{
    const struct shop_row *row = &w->rows[at];
    if (!tells_expiry(row))
        return 0;
    bool settle = row->phase == PHASE_SETTLE;
    struct history_writer *writer = &f->writer[settle ? 2 : row->client % 2];
    size_t reserve = row->of;
    while (w->rows[reserve].kind != KIND_RESERVE)
        reserve = w->rows[reserve].of;
    int err = history_reserve(writer, HISTORY_OP_SLOTS(row->lines));
    if (err < 0)
        return err;
    struct history_op *op = history_begin_expiry(writer, row->lines);
    op->kind = KIND_GET_RESERVATION;
    op->flags = (uint8_t)row->phase;
    op->client = row->client;
    op->seq = row->seq;
    op->of = f->slot[reserve];
    op->begin_ns = row->begin_ns;
    for (unsigned n = 0; n < row->lines; n++)
        *history_line(op, n) = row->told[n];
    history_finish(op, OUTCOME_OK, 200, DETAIL_EXPIRED, 0, row->end_ns);
    history_put_expiry(op);
    return 0;
}

static int write_row(struct file *f, const struct shop_world *w, size_t at)
{
    const struct shop_row *row = &w->rows[at];
    if (row->dropped)
        return 0;
    bool settle = row->phase == PHASE_SETTLE;
    struct history_writer *writer = &f->writer[settle ? 2 : row->client % 2];
    int err = history_reserve(writer, HISTORY_OP_SLOTS(row->lines));
    if (err < 0)
        return err;
    struct history_op *op = history_begin(writer, row->lines);
    f->slot[at] = history_slot(writer, op);
    op->kind = (uint8_t)row->kind;
    op->flags = (uint8_t)(row->phase | row->flags);
    if (!tells_expiry(row))
        op->flags &= (uint8_t)~FLAG_TOOK_AGAIN; /* known from an answer only */
    op->client = row->client;
    op->seq = row->seq;
    op->of = row->of == SHOP_NONE ? 0 : f->slot[row->of];
    op->begin_ns = row->begin_ns;
    for (unsigned n = 0; n < row->lines; n++) {
        *history_line(op, n) = row->line[n];
        if (row->outcome == OUTCOME_UNKNOWN)
            history_line(op, n)->version = 0;
    }
    history_finish(op, row->outcome, row->status, row->detail, 0, row->end_ns);
    if (row->kind != KIND_RESERVE || row->outcome != OUTCOME_OK || op->of)
        return 0;
    char id[32];
    snprintf(id, sizeof(id), "r-%zu", at);
    return history_put_id(writer, f->slot[at], str_of(id));
}

static int write_counters(struct file *f, const struct shop_world *w)
{
    for (uint32_t i = 0; i < w->options->items; i++) {
        const struct stock *item = &w->items[i].now;
        struct history_counters counters = {
            .found = item->version > 0 && !item->removed,
            .item = i,
            .at_ns = w->now_ns,
            .on_hand = item->available + item->held,
            .available = item->available,
            .held = item->held,
            .sold = item->sold,
            .version = item->version,
        };
        int err = history_put_counters(&f->writer[2], &counters);
        if (err < 0)
            return err;
    }
    return 0;
}

static void fill_facts(struct history_facts *facts, const struct shop_world *w, bool settled)
{
    const struct shop_options *o = w->options;
    *facts = (struct history_facts){
        .progress = settled ? RUN_SETTLED : RUN_LOADED,
        .go_ns = 1000000u * o->items,
        .stop_ns = w->now_ns,
        .seed = o->seed,
        .processes = 2,
        .clients = o->clients,
        .items = o->items,
        .contended = 1,
        .stock = (uint64_t)o->stock,
        .ttl_ms = shop_world_ttl_ns(w) / 1000000u,
        .limit = (uint32_t)o->limit,
        .limited_every = SHOP_LIMITED,
        .customers = SHOP_CUSTOMERS,
        .restores = w->restored > 0 && o->restore != SHOP_RESTORED_UNSAID &&
                    !shop_restore_fails_over(o->restore),
        .failovers = w->restored > 0 && shop_restore_fails_over(o->restore) &&
                     o->restore != SHOP_FAILED_UNSAID,
        .waits = o->restore == SHOP_FAILED_LOSING_MORE,
        .timeout_ms = 1000,
        .run = "shop",
        .prefix = "shop-",
        .scenario = "mixed",
        .arrival = "closed",
        .url = "http://shop.example",
        .version = "test",
        .host = "test",
        .command = "stockload run http://shop.example",
    };
}

static int write_all(struct file *f, const struct shop_world *w, bool counters)
{
    for (uint32_t i = 0; i < WRITERS; i++)
        history_writer_open(&f->writer[i], f->history, i < 2 ? i : HISTORY_WORKERS_MAX, 0);
    int err = 0;
    for (size_t i = 0; i < w->row_count && err == 0; i++)
        err = write_row(f, w, i);
    if (err == 0 && counters)
        err = write_counters(f, w);
    for (size_t i = 0; i < w->row_count && err == 0; i++)
        err = write_expiry(f, w, i);
    for (int i = 0; i < WRITERS; i++)
        history_writer_close(&f->writer[i]);
    return err;
}

static int write_file(const char *path, const struct shop_world *w)
{
    enum shop_fault fault = w->options->fault;
    struct history_facts facts;
    fill_facts(&facts, w, fault != SHOP_NOT_SETTLED);
    struct file f = {.slot = calloc(w->row_count + 1, sizeof(*f.slot))};
    if (!f.slot)
        return -ENOMEM;
    int err = history_create(&f.history, path, &facts);
    if (err == 0) {
        err = write_all(&f, w, fault != SHOP_NO_COUNTERS && fault != SHOP_NOT_SETTLED);
        history_close(f.history);
        if (err < 0)
            unlink(path);
    }
    free(f.slot);
    return err;
}

/* Of a batch without its first part the next one is the first. */
static void begin_batches_anew(struct shop_world *w)
{
    for (size_t i = 1; i < w->row_count; i++)
        if (w->rows[i - 1].dropped && !(w->rows[i - 1].flags & FLAG_BATCHED))
            w->rows[i].flags &= (uint8_t)~FLAG_BATCHED;
}

static int make_and_write(struct shop_world *w, const char *path)
{
    enum shop_fault fault = w->options->fault;
    shop_world_run(w);
    shop_record_plant(w);
    begin_batches_anew(w);
    if (fault != SHOP_NO_LOOKUPS && fault != SHOP_NOT_SETTLED)
        look_up_all(w);
    if (fault != SHOP_NO_READ_BACKS && fault != SHOP_NOT_SETTLED)
        read_back(w);
    if (w->no_memory)
        return -ENOMEM;
    if (!w->planted && fault != SHOP_RIGHT && fault < SHOP_NO_LOOKUPS)
        return -EAGAIN;
    if (shop_restore_loses(w->options->restore) && !w->lost)
        return -EAGAIN;
    return write_file(path, w);
}

int shop_history_write(const char *path, const struct shop_options *options)
{
    struct shop_world w;
    int err = shop_world_make(&w, options);
    if (err == 0)
        err = make_and_write(&w, path);
    shop_world_free(&w);
    return err;
}
