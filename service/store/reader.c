#include "store/reader.h"
#include "clock.h"
#include "core/record.h"
#include "store/commit/lane.h"
#include "store/item_list.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <stdio.h>
#include <stdlib.h>

#define READS_MAX         256 /* an exchange */
#define PROBE_MS          250
#define SILENCE_US        1000000 /* of Redis, after which it does not count as ready */
#define ARENA_FIRST_BYTES (128u << 10)
#define ARENA_MAX_BYTES   (64u << 20)

struct reader {
    struct store *store;
    struct conn conn;
    struct arena arena;
    STAILQ_HEAD(, store_read) waiting;
    struct store_read *flying[READS_MAX];
    unsigned count;
    int64_t asked_us; /* when the exchange under way began */
    bool probing;
    bool listing; /* the second half of a list: names are known, values asked */
    bool looked;  /* the metas have been read on this connection */
    bool judged;  /* at least one look at Redis has come to an end */
    uv_timer_t probe;
    char not_ready[128]; /* empty: ready */
    char shut[160];      /* which partition kept the last read over all of them from its answer */
    enum outcome_code not_ready_code;
    struct item_list list;
};

static void on_read(struct conn *conn, redisReply **replies, size_t count);

/* --- answering -------------------------------------------------------------------------------- */

static void answer_read(struct store_read *read, enum outcome_code code, const char *why)
{
    read->out.code = code;
    read->out.why = why;
    read->done(read);
}

static void answer_all(struct reader *reader, enum outcome_code code, const char *why)
{
    unsigned count = reader->count;
    reader->count = 0;
    for (unsigned i = 0; i < count; i++)
        if (reader->flying[i])
            answer_read(reader->flying[i], code, why);
}

static void set_not_ready(struct reader *reader, enum outcome_code code, const char *why)
{
    reader->judged = true;
    reader->not_ready_code = code;
    snprintf(reader->not_ready, sizeof(reader->not_ready), "%s", why);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* The commands of one read; returns how many. */
static size_t ask_for(struct reader *reader, struct buf *out, const struct store_read *read)
{
    unsigned partitions = reader->store->config.partitions;
    switch (read->kind) {
    case READ_ITEM:
        layout_command(out, STR("GET"), layout_partition(partitions, read->sku), KEY_ITEM,
                       read->sku, 0);
        return 1;
    case READ_RESERVATION:
        layout_command_records(out, STR("HGET"), read->rid.partition, rid_bucket(&read->rid), 1);
        layout_put_id(out, &read->rid);
        return 1;
    case READ_OPERATION:
        resp_begin(out, 1 + partitions);
        resp_arg(out, STR("MGET"));
        for (unsigned p = 0; p < partitions; p++)
            resp_key(out, p, KEY_OPERATION, read->key);
        return 1;
    case READ_ITEMS:
        for (unsigned p = 0; p < partitions; p++)
            item_list_ask_names(out, p, read);
        return partitions;
    }
    abort();
}

/* Sends what was asked, and behind it TIME and the meta of every partition. */
static void send_off(struct reader *reader, struct buf *out, size_t replies)
{
    resp_words(out, 1, "PING");
    resp_words(out, 1, "TIME");
    for (unsigned p = 0; p < reader->store->config.partitions; p++)
        layout_ask_meta(out, p);
    replies += 2 + reader->store->config.partitions;
    reader->asked_us = clock_mono_us();
    if (conn_exchange(&reader->conn, replies, reader->store->config.request_timeout_ms, on_read) <
        0)
        answer_all(reader, OUT_OVERLOADED, "out of memory");
}

static struct store_read *pop(struct reader *reader)
{
    struct store_read *read = STAILQ_FIRST(&reader->waiting);
    STAILQ_REMOVE_HEAD(&reader->waiting, next);
    return read;
}

void reader_start(struct reader *reader)
{
    if (reader->conn.state != CONN_READY || (STAILQ_EMPTY(&reader->waiting) && !reader->probing))
        return;
    size_t replies = 0;
    struct buf *out = conn_begin(&reader->conn);
    arena_reset(&reader->arena);
    reader->count = 0;
    reader->probing = reader->listing = false;
    while (!STAILQ_EMPTY(&reader->waiting) && reader->count < READS_MAX) {
        /* A list takes two round trips: it goes alone. */
        if (STAILQ_FIRST(&reader->waiting)->kind == READ_ITEMS && reader->count > 0)
            break;
        struct store_read *read = pop(reader);
        reader->flying[reader->count++] = read;
        replies += ask_for(reader, out, read);
        if (read->kind == READ_ITEMS)
            break;
    }
    send_off(reader, out, replies);
}

/* --- what came -------------------------------------------------------------------------------- */

static enum outcome_code code_of(enum meta_verdict gate)
{
    return gate == META_IS_OPEN     ? OUT_OK
           : gate == META_IS_LOST   ? OUT_STATE_LOST
           : gate == META_IS_CLOSED ? OUT_PARTITION_CLOSED
                                    : OUT_REDIS_UNAVAILABLE;
}

/* Ready while one partition is open; else what is said is what is worst. */
static void judge_readiness(struct reader *reader)
{
    const struct store *store = reader->store;
    const struct meta_view *worst = &store->partitions[0].gate;
    for (unsigned p = 0; p < store->config.partitions; p++) {
        const struct meta_view *gate = &store->partitions[p].gate;
        if (gate->gate == META_IS_OPEN) {
            set_not_ready(reader, OUT_OK, "");
            return;
        }
        if (gate->gate > worst->gate)
            worst = gate;
    }
    set_not_ready(reader, code_of(worst->gate), worst->why);
}

/* Judges PING, TIME and the metas at the end of the replies; sets *now_ms. Returns OUT_OK, or the
 * code with which every read is answered, of whatever partition. */
static enum outcome_code judge_metas(struct reader *reader, redisReply **tail, int64_t *now_ms)
{
    struct store *store = reader->store;
    const redisReply *ping = tail[0], *time = tail[1];
    set_not_ready(reader, OUT_REDIS_UNAVAILABLE, ping->type == REDIS_REPLY_ERROR ? ping->str : "");
    *now_ms = reply_time_ms(time);
    if (*now_ms < 0)
        return OUT_REDIS_UNAVAILABLE;
    for (unsigned p = 0; p < store->config.partitions; p++) {
        struct meta_view gate;
        if (!meta_check_reply(tail[2 + p], reader->conn.run_id, reader->conn.replid,
                              store->config.partitions, store->shared, &gate)) {
            set_not_ready(reader, OUT_REDIS_UNAVAILABLE,
                          "Redis refuses to read the meta of the store");
            return OUT_REDIS_UNAVAILABLE;
        }
        store->partitions[p].gate = gate;
    }
    judge_readiness(reader);
    reader->looked = true;
    return OUT_OK;
}

/* Answers a read of one object whose partition is not open. */
static bool answer_shut(struct reader *reader, struct store_read *read)
{
    const struct store *store = reader->store;
    unsigned p = read->kind == READ_ITEM ? layout_partition(store->config.partitions, read->sku)
                                         : read->rid.partition;
    if (p >= store->config.partitions || store->partitions[p].gate.gate == META_IS_OPEN)
        return false;
    const struct meta_view *gate = &store->partitions[p].gate;
    answer_read(read, code_of(gate->gate), gate->why);
    return true;
}

/* The code for what is looked for in all partitions, one of which is not open: it may be there.
 * OUT_OK: all are. */
static enum outcome_code any_shut(struct reader *reader)
{
    const struct store *store = reader->store;
    for (unsigned p = 0; p < store->config.partitions; p++) {
        const struct meta_view *gate = &store->partitions[p].gate;
        if (gate->gate == META_IS_OPEN)
            continue;
        snprintf(reader->shut, sizeof(reader->shut), "partition %u is not open: %s", p, gate->why);
        return code_of(gate->gate);
    }
    return OUT_OK;
}

static void take_item(struct store_read *read, const redisReply *reply)
{
    bool there = layout_item(reply, &read->out.item) == LAYOUT_FOUND && read->out.item.exists;
    read->out.sku = read->sku;
    answer_read(read, there ? OUT_OK : OUT_ITEM_NOT_FOUND, NULL);
}

static void take_reservation(struct reader *reader, struct store_read *read,
                             const redisReply *reply)
{
    enum layout_found found;
    struct reservation *r = arena_alloc(&reader->arena, sizeof(*r));
    bool there = r && layout_record(&reader->arena, reply, &read->rid, r, &found) == 0 &&
                 found == LAYOUT_FOUND;
    if (there && r->ended_ms > 0)
        there = r->ended_ms + reader->store->config.reservation_retention_ms > read->out.now_ms;
    read->out.resv = there ? r : NULL;
    answer_read(read, there ? OUT_OK : OUT_RESERVATION_NOT_FOUND, NULL);
}

static void take_operation(struct reader *reader, struct store_read *read, const redisReply *reply)
{
    int64_t now_ms = read->out.now_ms;
    for (size_t i = 0; i < reply->elements; i++) {
        struct str text = reply_text(reply->element[i]);
        uint8_t fingerprint[RECORD_FINGERPRINT_BYTES];
        if (reader->store->partitions[i].gate.gate != META_IS_OPEN || str_absent(text) ||
            !record_decode_result(&reader->arena, text, fingerprint, &read->recorded_kind,
                                  &read->out))
            continue;
        read->out.now_ms = now_ms;
        read->done(read);
        return;
    }
    enum outcome_code code = any_shut(reader);
    answer_read(read, code == OUT_OK ? OUT_NONE : code, code == OUT_OK ? NULL : reader->shut);
}

/* The names of a page are here; then their values are asked. False: there is nothing to ask. */
static bool ask_values(struct reader *reader, redisReply **replies)
{
    unsigned partitions = reader->store->config.partitions;
    const char *why = reader->shut;
    enum outcome_code code = any_shut(reader);
    if (code == OUT_OK)
        code = item_list_merge(&reader->list, &reader->arena, partitions, reader->flying[0],
                               replies, &why);
    if (code != OUT_OK || reader->list.count == 0) {
        answer_all(reader, code, why);
        return false;
    }
    struct buf *out = conn_begin(&reader->conn);
    item_list_ask_values(out, partitions, &reader->list);
    reader->listing = true;
    send_off(reader, out, 1);
    return true;
}

static void take_list(struct reader *reader, struct store_read *read, const redisReply *reply)
{
    enum outcome_code code = any_shut(reader);
    if (code == OUT_OK)
        item_list_take(&reader->list, read, reply);
    answer_read(read, code, code == OUT_OK ? NULL : reader->shut);
}

/* What is not there is nil; anything else is no answer to this read. */
static bool fits(const struct reader *reader, const struct store_read *read,
                 const redisReply *reply)
{
    switch (read->kind) {
    case READ_ITEM:
    case READ_RESERVATION:
        return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_NIL;
    case READ_OPERATION:
        return reply->type == REDIS_REPLY_ARRAY &&
               reply->elements == reader->store->config.partitions;
    case READ_ITEMS:
        return reply->type == REDIS_REPLY_ARRAY && reply->elements == reader->list.count;
    }
    abort();
}

static void take_reply(struct reader *reader, struct store_read *read, const redisReply *reply)
{
    if (!fits(reader, read, reply)) {
        answer_read(read, OUT_REDIS_UNAVAILABLE, READ_REFUSED);
        return;
    }
    switch (read->kind) {
    case READ_ITEM:
        if (!answer_shut(reader, read))
            take_item(read, reply);
        return;
    case READ_RESERVATION:
        if (!answer_shut(reader, read))
            take_reservation(reader, read, reply);
        return;
    case READ_OPERATION: take_operation(reader, read, reply); return;
    case READ_ITEMS: take_list(reader, read, reply); return;
    }
}

static void on_read(struct conn *conn, redisReply **replies, size_t count)
{
    struct reader *reader = conn->user;
    size_t tail = count - 2 - reader->store->config.partitions;
    int64_t now_ms = 0;
    enum outcome_code code = judge_metas(reader, replies + tail, &now_ms);
    unsigned n = reader->count;
    if (code != OUT_OK) {
        answer_all(reader, code, reader->not_ready);
    } else if (n == 1 && reader->flying[0] && reader->flying[0]->kind == READ_ITEMS &&
               !reader->listing) {
        if (ask_values(reader, replies))
            return;
    } else {
        reader->count = 0;
        for (unsigned i = 0; i < n; i++) {
            if (!reader->flying[i])
                continue;
            reader->flying[i]->out = (struct outcome){.now_ms = now_ms, .field_line = -1};
            take_reply(reader, reader->flying[i], replies[i]);
        }
    }
    reader_start(reader);
}

/* --- life ------------------------------------------------------------------------------------- */

static void on_ready(struct conn *conn)
{
    struct reader *reader = conn->user;
    reader->probing = true;
    reader_start(reader);
}

static void on_lost(struct conn *conn, bool busy)
{
    struct reader *reader = conn->user;
    (void)busy;
    reader->looked = false;
    set_not_ready(reader, OUT_REDIS_UNAVAILABLE, conn->error);
    /* Reads change nothing: what was under way is asked again on the next connection. */
    for (unsigned i = reader->count; i-- > 0;)
        if (reader->flying[i])
            STAILQ_INSERT_HEAD(&reader->waiting, reader->flying[i], next);
    reader->count = 0;
}

static void on_probe(uv_timer_t *timer)
{
    struct reader *reader = timer->data;
    reader->probing = true;
    conn_doubt(&reader->conn); /* nothing that is read shows that it is old */
    reader_start(reader);
}

void reader_submit(struct reader *reader, struct store_read *read)
{
    read->deadline_us = clock_mono_us() + reader->store->config.request_timeout_ms * 1000;
    read->out = (struct outcome){.field_line = -1};
    STAILQ_INSERT_TAIL(&reader->waiting, read, next);
}

void reader_expire(struct reader *reader, int64_t now_us)
{
    bool down = reader->conn.state < CONN_READY && reader->conn.failures >= 3;
    while (!STAILQ_EMPTY(&reader->waiting) &&
           (down || STAILQ_FIRST(&reader->waiting)->deadline_us <= now_us))
        answer_read(pop(reader), OUT_REDIS_UNAVAILABLE, "Redis did not answer in time");
    if (reader->conn.state == CONN_BUSY && now_us - reader->asked_us > SILENCE_US)
        set_not_ready(reader, OUT_REDIS_UNAVAILABLE, "Redis does not answer");
    for (unsigned i = 0; i < reader->count; i++) {
        struct store_read *read = reader->flying[i];
        if (!read || read->deadline_us > now_us)
            continue;
        reader->flying[i] = NULL;
        set_not_ready(reader, OUT_REDIS_UNAVAILABLE, "Redis did not answer in time");
        answer_read(read, OUT_REDIS_UNAVAILABLE, "Redis did not answer in time");
    }
}

bool reader_idle(const struct reader *reader)
{
    if (!STAILQ_EMPTY(&reader->waiting))
        return false;
    for (unsigned i = 0; i < reader->count; i++)
        if (reader->flying[i])
            return false;
    return true;
}

bool reader_looks_up(const struct reader *reader)
{
    return reader->conn.lookup != NULL;
}

const char *reader_not_ready(const struct reader *reader, enum outcome_code *code)
{
    *code = OUT_REDIS_UNAVAILABLE;
    if (!reader->judged)
        return "Redis has not been reached yet";
    *code = reader->not_ready_code;
    return reader->not_ready[0] ? reader->not_ready : NULL;
}

bool reader_connected(const struct reader *reader)
{
    return reader->looked && reader->conn.state >= CONN_READY;
}

struct reader *reader_new(struct store *store)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return NULL;
    reader->store = store;
    STAILQ_INIT(&reader->waiting);
    arena_init(&reader->arena, ARENA_FIRST_BYTES, ARENA_MAX_BYTES);
    conn_init(&reader->conn, store->loop, store->topology, 0);
    reader->conn.user = reader;
    reader->conn.on_ready = on_ready;
    reader->conn.on_lost = on_lost;
    uv_timer_init(store->loop, &reader->probe);
    reader->probe.data = reader;
    uv_timer_start(&reader->probe, on_probe, PROBE_MS, PROBE_MS);
    conn_open(&reader->conn);
    return reader;
}

void reader_close(struct reader *reader)
{
    conn_close(&reader->conn);
    uv_timer_stop(&reader->probe);
    uv_close((uv_handle_t *)&reader->probe, NULL);
}

void reader_free(struct reader *reader)
{
    arena_free(&reader->arena);
    free(reader);
}
