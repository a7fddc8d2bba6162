#include "store/reader.h"
#include "clock.h"
#include "store/layout.h"
#include "store/reader_state.h"

#include <stdlib.h>

#define WIDES_MAX     256 /* reads of all partitions at a time */
#define PROBE_MS      250
#define AGAIN_US      50000 /* from a reply that is no answer to the next try */
#define CLOSED_MS     1000
#define OUT_OF_MEMORY "out of memory"

/* --- one ask ---------------------------------------------------------------------------------- */

void reader_answer(struct store_read *read, enum outcome_code code, const char *why)
{
    read->out.code = code;
    read->out.why = why;
    read->done(read);
}

struct store_read *reader_read_of(const struct read_ask *ask)
{
    return ask->wide ? reader_wide_read(ask->wide) : ask->read;
}

bool reader_is_late(const struct read_ask *ask, int64_t now_us)
{
    const struct store_read *read = reader_read_of(ask);
    return !read || (!ask->wide && read->deadline_us <= now_us);
}

void reader_give_up(struct read_ask *ask, enum outcome_code code, const char *why)
{
    if (ask->wide)
        reader_wide_give_up(ask, code, why);
    else
        reader_answer(ask->read, code, why);
}

const char *reader_why_late(const struct reader *reader, unsigned partition)
{
    const struct meta_view *gate = &reader->store->partitions[partition].gate;
    return gate->gate == META_IS_WAIT ? gate->why : "Redis did not answer in time";
}

void reader_give_up_late(struct reader *reader, struct read_ask *ask)
{
    reader_give_up(ask, OUT_REDIS_UNAVAILABLE, reader_why_late(reader, ask->partition));
}

void reader_send_later(struct reader *reader, struct read_ask *ask)
{
    if (TAILQ_EMPTY(&reader->later))
        reader->later_us = clock_mono_us() + AGAIN_US;
    TAILQ_INSERT_TAIL(&reader->later, ask, next);
}

void reader_send(struct reader *reader, struct read_ask *ask)
{
    struct reader_link *link = reader->parts[ask->partition].link;
    if (link)
        TAILQ_INSERT_TAIL(&link->waiting, ask, next);
    else
        reader_send_later(reader, ask);
}

/* --- reads ------------------------------------------------------------------------------------ */

/* False: it asks all partitions, or one that is not there. */
static bool find_partition(const struct reader *reader, struct store_read *read)
{
    unsigned partitions = reader->store->config.partitions, p = partitions;
    switch (read->kind) {
    case READ_ITEM: p = layout_partition(partitions, read->sku); break;
    case READ_RESERVATION: p = read->rid.partition; break;
    case READ_REPEAT: p = read->partition; break;
    case READ_OPERATION:
    case READ_ITEMS: break;
    }
    bool found = p < partitions;
    read->ask = (struct read_ask){.read = read, .partition = (uint16_t)(found ? p : 0)};
    return found;
}

void reader_submit(struct reader *reader, struct store_read *read)
{
    read->deadline_us = clock_mono_us() + reader->store->config.request_timeout_ms * 1000;
    read->out = (struct outcome){.field_line = -1};
    if (find_partition(reader, read))
        reader_send(reader, &read->ask);
    else
        TAILQ_INSERT_TAIL(&reader->apart, &read->ask, next);
}

static void begin_apart(struct reader *reader)
{
    while (!TAILQ_EMPTY(&reader->apart) && reader->wide_count < WIDES_MAX) {
        struct store_read *read = TAILQ_FIRST(&reader->apart)->read;
        TAILQ_REMOVE(&reader->apart, &read->ask, next);
        if (read->kind == READ_RESERVATION)
            reader_answer(read, OUT_RESERVATION_NOT_FOUND, NULL);
        else if (!reader_wide_begin(reader, read))
            reader_answer(read, OUT_OVERLOADED, OUT_OF_MEMORY);
    }
}

void reader_start(struct reader *reader)
{
    struct reader_link *link;
    if (!reader->mapped || reader->version != topology_version(reader->store->topology))
        reader_map(reader);
    begin_apart(reader);
    LIST_FOREACH(link, &reader->links, next) reader_link_start(link);
}

/* --- time ------------------------------------------------------------------------------------- */

static void expire(struct reader *reader, struct read_asks *asks, int64_t now_us)
{
    for (struct read_ask *ask = TAILQ_FIRST(asks), *next; ask; ask = next) {
        next = TAILQ_NEXT(ask, next);
        if (!reader_is_late(ask, now_us))
            continue;
        TAILQ_REMOVE(asks, ask, next);
        reader_give_up_late(reader, ask);
    }
}

static void send_again(struct reader *reader, int64_t now_us)
{
    struct read_asks asks = TAILQ_HEAD_INITIALIZER(asks);
    if (TAILQ_EMPTY(&reader->later) || reader->later_us > now_us)
        return;
    TAILQ_CONCAT(&asks, &reader->later, next);
    while (!TAILQ_EMPTY(&asks)) {
        struct read_ask *ask = TAILQ_FIRST(&asks);
        TAILQ_REMOVE(&asks, ask, next);
        reader_send(reader, ask);
    }
    reader_start(reader);
}

static void free_closed(struct reader *reader, bool all)
{
    for (struct reader_link *link = LIST_FIRST(&reader->closed), *next; link; link = next) {
        next = LIST_NEXT(link, next);
        if (!all && uv_now(reader->store->loop) - link->closed_ms < CLOSED_MS)
            continue;
        LIST_REMOVE(link, next);
        reader_link_free(link);
    }
}

void reader_expire(struct reader *reader, int64_t now_us)
{
    struct reader_link *link;
    reader_wide_expire(reader, now_us);
    expire(reader, &reader->apart, now_us);
    expire(reader, &reader->later, now_us);
    LIST_FOREACH(link, &reader->links, next) reader_link_expire(link, now_us);
    send_again(reader, now_us);
    free_closed(reader, false);
}

static void on_probe(uv_timer_t *timer)
{
    struct reader *reader = timer->data;
    struct reader_link *link;
    LIST_FOREACH(link, &reader->links, next)
    {
        link->probing = true;
        conn_doubt(&link->conn); /* nothing that is read shows that it is old */
    }
    reader_start(reader);
}

/* --- what is known ---------------------------------------------------------------------------- */

enum outcome_code reader_code_of(enum meta_verdict gate)
{
    return gate == META_IS_OPEN     ? OUT_OK
           : gate == META_IS_LOST   ? OUT_STATE_LOST
           : gate == META_IS_CLOSED ? OUT_PARTITION_CLOSED
                                    : OUT_REDIS_UNAVAILABLE;
}

bool reader_idle(const struct reader *reader)
{
    const struct reader_link *link;
    if (reader->wide_count > 0 || !TAILQ_EMPTY(&reader->apart))
        return false;
    for (const struct read_ask *ask = TAILQ_FIRST(&reader->later); ask; ask = TAILQ_NEXT(ask, next))
        if (reader_read_of(ask))
            return false;
    LIST_FOREACH(link, &reader->links, next)
    if (!reader_link_idle(link))
        return false;
    return true;
}

bool reader_looks_up(const struct reader *reader)
{
    const struct reader_link *link;
    LIST_FOREACH(link, &reader->links, next)
    if (link->conn.lookup)
        return true;
    return false;
}

const char *reader_trouble(const struct reader *reader, unsigned partition)
{
    const struct reader_part *part = &reader->parts[partition];
    return part->looked ? NULL : part->why;
}

bool reader_connected(const struct reader *reader)
{
    bool looked = false;
    for (unsigned p = 0; p < reader->store->config.partitions; p++) {
        if (!reader->parts[p].judged)
            return false;
        looked |= reader->parts[p].looked;
    }
    return looked;
}

/* --- life ------------------------------------------------------------------------------------- */

struct reader *reader_new(struct store *store)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return NULL;
    reader->parts = calloc(store->config.partitions, sizeof(*reader->parts));
    if (!reader->parts) {
        free(reader);
        return NULL;
    }
    reader->store = store;
    TAILQ_INIT(&reader->apart);
    TAILQ_INIT(&reader->later);
    uv_timer_init(store->loop, &reader->probe);
    reader->probe.data = reader;
    uv_timer_start(&reader->probe, on_probe, PROBE_MS, PROBE_MS);
    reader_map(reader);
    return reader;
}

void reader_close(struct reader *reader)
{
    struct reader_link *link;
    LIST_FOREACH(link, &reader->links, next) conn_close(&link->conn);
    uv_timer_stop(&reader->probe);
    uv_close((uv_handle_t *)&reader->probe, NULL);
}

void reader_free(struct reader *reader)
{
    while (!LIST_EMPTY(&reader->links)) {
        struct reader_link *link = LIST_FIRST(&reader->links);
        LIST_REMOVE(link, next);
        reader_link_free(link);
    }
    free_closed(reader, true);
    reader_wide_free_all(reader);
    free(reader->parts);
    free(reader);
}
