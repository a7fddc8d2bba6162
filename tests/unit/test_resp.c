/* test_resp.c -- commands as bytes, and what meta says. */
#include "store/layout.h"
#include "store/meta.h"
#include "store/redis/resp.h"
#include "support/suite.h"

static void assert_bytes(const struct buf *b, const char *text)
{
    assert_false(b->failed);
    assert_int_equal(b->n, strlen(text));
    assert_memory_equal(b->p, text, b->n);
}

TEST(commands_are_arrays_of_bulk_strings)
{
    struct buf out;
    buf_init(&out, 1000);
    resp_begin(&out, 4);
    resp_arg(&out, STR("SET"));
    resp_key(&out, 12, KEY_ITEM, STR("a b"));
    resp_int(&out, -120);
    resp_arg(&out, (struct str){"\r\n\0", 3});
    assert_int_equal(out.n, 53);
    assert_memory_equal(
        out.p, "*4\r\n$3\r\nSET\r\n$14\r\n{p12}:item:a b\r\n$4\r\n-120\r\n$3\r\n\r\n\0\r\n", 53);
    buf_free(&out);
}

TEST(a_key_without_a_name_is_the_partitions)
{
    struct buf out;
    buf_init(&out, 1000);
    resp_key(&out, 0, KEY_META, NO_NAME);
    resp_words(&out, 2, "INFO", "server");
    assert_bytes(&out, "$9\r\n{p0}:meta\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n");
    buf_free(&out);
}

static enum meta_verdict judge(uint64_t known, const char *const fields[META_FIELDS])
{
    redisReply values[META_FIELDS], *elements[META_FIELDS];
    redisReply reply = {.type = REDIS_REPLY_ARRAY, .elements = META_FIELDS, .element = elements};
    struct store_shared shared = {.store_id = known};
    struct meta_view view;
    for (size_t i = 0; i < META_FIELDS; i++) {
        values[i] = (redisReply){.type = fields[i] ? REDIS_REPLY_STRING : REDIS_REPLY_NIL,
                                 .str = (char *)(uintptr_t)fields[i]};
        elements[i] = &values[i];
    }
    assert_true(meta_check_reply(&reply, "run", "replid", 2, &shared, &view));
    assert_true(view.gate == META_IS_OPEN || view.why[0]);
    return view.gate;
}

/* The fields that it goes by. */
#define META(format, partitions, store, epoch, run_id, state)                                      \
    ((const char *const[META_FIELDS]){[META_FORMAT_F] = (format),                                  \
                                      [META_PARTITIONS] = (partitions),                            \
                                      [META_STORE] = (store),                                      \
                                      [META_EPOCH] = (epoch),                                      \
                                      [META_RUN_ID] = (run_id),                                    \
                                      [META_STATE] = (state)})

/* One of them for a promotion. */
#define PROMOTED(run_id, promotion, state)                                                         \
    ((const char *const[META_FIELDS]){[META_FORMAT_F] = "2",                                       \
                                      [META_PARTITIONS] = "2",                                     \
                                      [META_STORE] = "ab",                                         \
                                      [META_EPOCH] = "3",                                          \
                                      [META_RUN_ID] = (run_id),                                    \
                                      [META_STATE] = (state),                                      \
                                      [META_PROMOTION] = (promotion),                              \
                                      [META_ORDER] = "7"})

TEST(the_gate_opens_to_the_promotion_that_the_epoch_is_of)
{
    assert_int_equal(judge(0xab, PROMOTED("run", "replid", "open")), META_IS_OPEN);
    assert_int_equal(judge(0xab, PROMOTED("run", "another", "open")), META_IS_WAIT);
    assert_int_equal(judge(0xab, PROMOTED("old", "replid", "open")), META_IS_WAIT);
}

TEST(the_gate_of_a_build_before_promotions_were_named_opens_by_the_process_alone)
{
    assert_int_equal(judge(0xab, PROMOTED("run", "", "open")), META_IS_OPEN);
    assert_int_equal(judge(0xab, PROMOTED("run", NULL, "open")), META_IS_OPEN);
}

TEST(requests_wait_while_an_epoch_is_opened)
{
    assert_int_equal(judge(0xab, PROMOTED("run", "replid", "closed: opening 12")), META_IS_WAIT);
    assert_int_equal(judge(0xab, PROMOTED("old", "another", "closed: opening 12")), META_IS_WAIT);
    assert_int_equal(judge(0xab, PROMOTED("run", "replid", "closed: opened")), META_IS_CLOSED);
}

TEST(a_meta_is_of_one_process_and_one_promotion)
{
    const struct reign here = {.run_id = "run", .promotion = "replid", .order = 7};
    struct meta meta = {.v = {{0}}};
    assert_false(meta_is_of(&meta, &here));
    meta_fill_reign(&meta, &here);
    assert_true(meta_is_of(&meta, &here));
    assert_string_equal(meta.v[META_ORDER], "7");
    snprintf(meta.v[META_PROMOTION], META_VALUE_SIZE, "another");
    assert_false(meta_is_of(&meta, &here));
    meta.v[META_PROMOTION][0] = '\0';
    assert_false(meta_is_of(&meta, &here));
}

/* It was promoted without having been a replica: all but the order is as it was. */
TEST(a_later_order_is_of_a_later_promotion)
{
    struct reign here = {.run_id = "run", .promotion = "replid", .order = 7};
    static const char *const open = "open", *const deposed = META_DEPOSED ": epoch 3 ended";
    static const char *const others[] = {"closed: stock count", "lost: all", META_MAKING};
    struct meta meta = {.v = {{0}}};
    meta_fill_reign(&meta, &here);
    for (here.order = 6; here.order <= 8; here.order++) {
        snprintf(meta.v[META_STATE], META_VALUE_SIZE, "%s", open);
        assert_int_equal(meta_wants_anew(&meta, &here, true), here.order == 8);
        assert_false(meta_wants_anew(&meta, &here, false)); /* a slot may have come to it */
        snprintf(meta.v[META_STATE], META_VALUE_SIZE, "%s", deposed);
        assert_int_equal(meta_wants_anew(&meta, &here, true), here.order == 8);
        assert_int_equal(meta_wants_anew(&meta, &here, false), here.order == 8);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        snprintf(meta.v[META_STATE], META_VALUE_SIZE, "%s", others[i]);
        assert_false(meta_wants_anew(&meta, &here, true));
    }
}

TEST(the_gate_opens_only_to_our_store_on_this_redis)
{
    assert_int_equal(judge(0xab, META("1", "2", "ab", "3", "run", "open")), META_IS_OPEN);
    assert_int_equal(judge(0xab, META("2", "2", "ab", "3", "run", "open")), META_IS_OPEN);
    assert_int_equal(judge(0, META("1", "2", "ab", "3", "run", "open")), META_IS_WAIT);
    assert_int_equal(judge(0xab, META("1", "2", "ab", "3", "old", "open")), META_IS_WAIT);
    assert_int_equal(judge(0xab, META("1", "2", "ac", "3", "run", "open")), META_IS_LOST);
    assert_int_equal(judge(0xab, META(NULL, NULL, NULL, NULL, NULL, NULL)), META_IS_LOST);
    assert_int_equal(judge(0xab, META("1", "2", "ab", "3", "run", "closed: count")),
                     META_IS_CLOSED);
    assert_int_equal(judge(0xab, META("1", "3", "ab", "3", "run", "open")), META_IS_CLOSED);
    assert_int_equal(judge(0xab, META("3", "2", "ab", "3", "run", "open")), META_IS_CLOSED);
    assert_int_equal(judge(0xab, META("1", "2", "ab", "0", "run", "open")), META_IS_CLOSED);
}
