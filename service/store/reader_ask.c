/* reader_ask.c -- what is asked of one partition, as a command, and what its reply says. */
#include "core/record.h"
#include "core/tenant.h"
#include "store/layout.h"
#include "store/reader_state.h"
#include "store/redis/reply.h"

#include <stdlib.h>

void reader_put_command(struct buf *out, const struct read_ask *ask)
{
    const struct store_read *read = ask->read;
    if (ask->wide) {
        reader_wide_put_command(out, ask);
        return;
    }
    switch (read->kind) {
    case READ_ITEM: layout_command(out, STR("GET"), ask->partition, KEY_ITEM, read->sku, 0); return;
    case READ_REPEAT:
        layout_command(out, STR("GET"), ask->partition, KEY_OPERATION, read->key, 0);
        return;
    case READ_RESERVATION:
        layout_command_records(out, STR("HGET"), ask->partition, rid_bucket(&read->rid), 1);
        layout_put_id(out, &read->rid);
        return;
    case READ_OPERATION:
    case READ_ITEMS: break;
    }
    abort();
}

static void answer_item(struct store_read *read, const redisReply *reply)
{
    bool there = layout_item(reply, &read->out.item) == LAYOUT_FOUND && read->out.item.exists;
    read->out.sku = read->sku;
    reader_answer(read, there ? OUT_OK : OUT_ITEM_NOT_FOUND, NULL);
}

static void take_reservation(struct reader *reader, struct arena *arena, struct store_read *read,
                             const redisReply *reply)
{
    enum layout_found found;
    struct reservation *r = arena_alloc(arena, sizeof(*r));
    bool there =
        r && layout_record(arena, reply, &read->rid, r, &found) == 0 && found == LAYOUT_FOUND;
    if (there)
        there = owner_shares_tenant(r->owner, read->owner);
    if (there && r->ended_ms > 0)
        there = r->ended_ms + reader->store->config.reservation_retention_ms > read->out.now_ms;
    read->out.resv = there ? r : NULL;
    reader_answer(read, there ? OUT_OK : OUT_RESERVATION_NOT_FOUND, NULL);
}

bool reader_take_result(struct arena *arena, struct store_read *read, const redisReply *reply)
{
    uint8_t fingerprint[RECORD_FINGERPRINT_BYTES];
    int64_t now_ms = read->out.now_ms;
    struct str text = reply_text(reply);
    if (str_absent(text) ||
        !record_decode_result(arena, text, fingerprint, &read->recorded_kind, &read->out))
        return false;
    read->out.now_ms = now_ms;
    read->done(read);
    return true;
}

bool reader_take_reply(struct reader *reader, struct arena *arena, struct read_ask *ask,
                       const redisReply *reply, int64_t now_ms)
{
    struct store_read *read = reader_read_of(ask);
    read->out = (struct outcome){.now_ms = now_ms, .field_line = -1};
    if (ask->wide)
        return reader_wide_take(arena, ask, reply);
    /* What is not there is nil. */
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL)
        return false;
    if (read->kind == READ_ITEM)
        answer_item(read, reply);
    else if (read->kind == READ_RESERVATION)
        take_reservation(reader, arena, read, reply);
    else if (!reader_take_result(arena, read, reply))
        reader_answer(read, OUT_NONE, NULL);
    return true;
}
