/* reader_wide.c -- reads that ask all partitions: a page of items, what a key has recorded. */
#include "store/item_list.h"
#include "store/layout.h"
#include "store/reader_state.h"

#include <stdio.h>
#include <stdlib.h>

struct reader_wide {
    LIST_ENTRY(reader_wide) next;
    struct reader *reader;
    struct store_read *read; /* NULL: it was answered */
    unsigned left;           /* partitions that have not answered */
    bool named;              /* READ_ITEMS: the names are known, their values asked */
    struct item_list list;
    enum outcome_code code; /* OUT_OK, or with which it is answered unless it is found: */
    char why[READER_WHY_SIZE + 32];
    bool asked[PARTITIONS_MAX]; /* which have not */
    struct read_ask asks[];
};

struct store_read *reader_wide_read(const struct reader_wide *wide)
{
    return wide->read;
}

static void ask_of(struct reader_wide *wide, unsigned partition)
{
    wide->left++;
    wide->asked[partition] = true;
    reader_send(wide->reader, &wide->asks[partition]);
}

bool reader_wide_begin(struct reader *reader, struct store_read *read)
{
    unsigned partitions = reader->store->config.partitions;
    struct reader_wide *wide = calloc(1, sizeof(*wide) + partitions * sizeof(wide->asks[0]));
    if (!wide || (read->kind == READ_ITEMS && item_list_init(&wide->list, read->limit) < 0)) {
        free(wide);
        return false;
    }
    wide->reader = reader;
    wide->read = read;
    wide->code = OUT_OK;
    LIST_INSERT_HEAD(&reader->wides, wide, next);
    reader->wide_count++;
    for (unsigned p = 0; p < partitions; p++) {
        wide->asks[p] = (struct read_ask){.wide = wide, .partition = (uint16_t)p};
        ask_of(wide, p);
    }
    return true;
}

static void free_wide(struct reader_wide *wide)
{
    LIST_REMOVE(wide, next);
    item_list_free(&wide->list);
    free(wide);
}

void reader_wide_free_all(struct reader *reader)
{
    for (struct reader_wide *wide = LIST_FIRST(&reader->wides), *next; wide; wide = next) {
        next = LIST_NEXT(wide, next);
        free_wide(wide);
    }
}

void reader_wide_put_command(struct buf *out, const struct read_ask *ask)
{
    const struct reader_wide *wide = ask->wide;
    if (wide->read->kind == READ_OPERATION)
        layout_command(out, STR("GET"), ask->partition, KEY_OPERATION, wide->read->key, 0);
    else if (wide->named)
        item_list_ask_values(out, ask->partition, &wide->list);
    else
        item_list_ask_names(out, ask->partition, wide->read);
}

/* --- answering -------------------------------------------------------------------------------- */

static struct store_read *release_read(struct reader_wide *wide)
{
    struct store_read *read = wide->read;
    wide->read = NULL;
    wide->reader->wide_count--;
    return read;
}

static void answer_page(struct reader_wide *wide)
{
    struct store_read *read = release_read(wide);
    item_list_answer(&wide->list, read);
    reader_answer(read, OUT_OK, NULL);
}

/* The names are here: their values are asked, or other names if none of these was for the page.
 * False: there is nothing to ask. */
static bool ask_more(struct reader_wide *wide)
{
    wide->named = item_list_cut(&wide->list, wide->read);
    for (unsigned p = 0; p < wide->reader->store->config.partitions; p++)
        if (!wide->named || item_list_count_in(&wide->list, p) > 0)
            ask_of(wide, p);
    return wide->left > 0;
}

/* The partition has answered, or will not. */
static void come_home(struct read_ask *ask)
{
    struct reader_wide *wide = ask->wide;
    wide->asked[ask->partition] = false;
    if (--wide->left > 0)
        return;
    if (wide->read && wide->read->kind == READ_ITEMS) {
        if (!wide->named && ask_more(wide))
            return;
        answer_page(wide);
    } else if (wide->read) {
        bool whole = wide->code == OUT_OK;
        reader_answer(release_read(wide), whole ? OUT_NONE : wide->code, whole ? NULL : wide->why);
    }
    free_wide(wide);
}

bool reader_wide_take(struct arena *arena, struct read_ask *ask, const redisReply *reply)
{
    struct reader_wide *wide = ask->wide;
    if (wide->read->kind == READ_OPERATION) {
        if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL)
            return false;
        if (reader_take_result(arena, wide->read, reply))
            release_read(wide);
    } else if (wide->named ? !item_list_take_values(&wide->list, ask->partition, reply)
                           : !item_list_add_names(&wide->list, ask->partition, reply)) {
        return false;
    }
    come_home(ask);
    return true;
}

/* --- one that is not to be had ---------------------------------------------------------------- */

/* A page would have a hole; what has recorded a key may be another. */
static void miss(struct reader_wide *wide, unsigned partition, enum outcome_code code,
                 const char *why)
{
    const struct meta_view *gate = &wide->reader->store->partitions[partition].gate;
    if (wide->code != OUT_OK)
        return;
    wide->code = code;
    snprintf(wide->why, sizeof(wide->why), "partition %u %s: %s", partition,
             why == gate->why ? "is not open" : "cannot be read", why);
    if (wide->read->kind == READ_ITEMS)
        reader_answer(release_read(wide), code, wide->why);
}

void reader_wide_give_up(struct read_ask *ask, enum outcome_code code, const char *why)
{
    if (ask->wide->read)
        miss(ask->wide, ask->partition, code, why);
    come_home(ask);
}

void reader_wide_expire(struct reader *reader, int64_t now_us)
{
    struct reader_wide *wide;
    LIST_FOREACH(wide, &reader->wides, next)
    {
        if (!wide->read || wide->read->deadline_us > now_us)
            continue;
        unsigned p = 0;
        while (!wide->asked[p])
            p++;
        miss(wide, p, OUT_REDIS_UNAVAILABLE, reader_why_late(reader, p));
        if (wide->read)
            reader_answer(release_read(wide), wide->code, wide->why);
    }
}
