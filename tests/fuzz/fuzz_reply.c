/* fuzz_reply.c -- any bytes that a Redis could send, through hiredis' reader, a round of a batch's
 * reads, the plan and the transaction that it becomes. Nothing may crash, leak or read astray; an
 * item or record that is not ours must be refused. */
#include "store/commit/batch.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

#define REPLIES_MAX 64
#define OPS         5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct op_line lines[] = {{.sku = {"a", 1}, .quantity = 2},
                                 {.sku = {"b", 1}, .quantity = 2}};
static struct store_shared shared = {.store_id = 1};

static bool known_bucket(void *user, int64_t bucket)
{
    (void)user, (void)bucket;
    return false;
}

static struct store_op operation(enum op_kind kind)
{
    struct store_op op = {.op = {.kind = kind, .key = STR("k"), .id = STR("k"), .ttl_ms = 1000}};
    op.op.customer = kind == OP_RESERVE ? STR("c") : (struct str){NULL, 0};
    if (!op_trait(kind)->names_reservation) {
        op.op.lines = lines;
        op.op.line_count = kind == OP_TRANSFER ? 2 : 1;
    }
    if (kind == OP_TRANSFER)
        op.op.key = (struct str){NULL, 0}; /* it is decided whatever the others have recorded */
    return op;
}

/* hiredis before 1.0 makes room for as many elements as an array announces. What a hostile Redis
 * could do with that is known; here it would only hide what is looked for. */
static bool announces_too_much(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        size_t digits = 0;
        while (data[i] == '*' && i + 1 + digits < size && data[i + 1 + digits] >= '0' &&
               data[i + 1 + digits] <= '9')
            digits++;
        if (digits > 4)
            return true;
    }
    return false;
}

/* The replies that the data holds, from `from` on; as many as are asked, or -1. */
static int read_replies(redisReader *reader, redisReply **replies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *reply = NULL;
        if (redisReaderGetReply(reader, &reply) != REDIS_OK || !reply)
            return (int)i;
        replies[i] = reply;
    }
    return (int)count;
}

/* One round; true if another is to follow. */
static bool run_round(struct batch *batch, redisReader *reader, struct buf *out)
{
    redisReply *replies[REPLIES_MAX];
    struct plan_limits limits = {.max_hold_ms = 1000000, .reservation_retention_ms = 86400000};
    struct str error;
    bool more = false;
    buf_reset(out);
    size_t count = batch_ask(batch, out, STR("marker"), false);
    if (count == 0 || count > REPLIES_MAX)
        return false;
    int got = read_replies(reader, replies, count);
    if (got == (int)count) {
        enum batch_read taken = batch_take(batch, replies, count, "run", "replid", &shared, &error);
        enum plan_result planned =
            taken == BATCH_READ ? batch_plan(batch, &limits) : PLAN_NO_MEMORY;
        more = taken == BATCH_AGAIN || planned == PLAN_READ_MORE;
        if (planned == PLAN_DONE && plan_writes(&batch->view)) {
            buf_reset(out);
            size_t commands =
                batch_write(batch, out, STR("marker"), STR("1"), 1000, known_bucket, NULL);
            assert(commands == 0 || commands >= 4);
        }
    }
    for (int i = 0; i < got; i++)
        freeReplyObject(replies[i]);
    return more;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum op_kind kinds[] = {OP_RESERVE, OP_DECREMENT, OP_CONFIRM, OP_GET, OP_TRANSFER};
    struct store_op ops[OPS];
    struct batch batch;
    struct buf out;
    if (announces_too_much(data, size))
        return 0;
    redisReader *reader = redisReaderCreate();
    if (!reader || !batch_init(&batch, 1, 0, OPS))
        abort();
    buf_init(&out, 1u << 20);
    batch.count = OPS;
    for (unsigned i = 0; i < OPS; i++) {
        ops[i] = operation(kinds[i]);
        batch.ops[i] = &ops[i];
    }
    if (redisReaderFeed(reader, (const char *)data, size) == REDIS_OK && batch_begin(&batch))
        for (int round = 0; round < 4 && run_round(&batch, reader, &out); round++)
            ;
    buf_free(&out);
    batch_free(&batch);
    redisReaderFree(reader);
    return 0;
}
