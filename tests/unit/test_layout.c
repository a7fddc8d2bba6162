/* test_layout.c -- what is put into Redis is what is read from it, and nothing else is believed. */
#include "core/limits.h"
#include "store/layout.h"
#include "support/suite.h"

#include <errno.h>
#include <stdio.h>

static struct buf out, scratch;
static struct arena arena;

/* The n-th argument of the command in `out`, as Redis would give it back. */
static redisReply given_back(size_t n)
{
    struct str words[16];
    size_t count = 0;
    for (const char *p = out.p, *end = out.p + out.n; p < end;) {
        size_t bytes = strtoul(p + 1, NULL, 10);
        bool is_word = *p == '$';
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        if (!is_word)
            continue;
        assert_true(count < 16);
        words[count++] = (struct str){p, bytes};
        p += bytes + 2;
    }
    assert_true(n < count);
    struct str copy = arena_str(&arena, words[n]);
    char *text = arena_alloc(&arena, copy.n + 1); /* hiredis ends every text with NUL */
    memcpy(text, copy.p, copy.n);
    text[copy.n] = '\0';
    return (redisReply){.type = REDIS_REPLY_STRING, .str = text, .len = copy.n};
}

static redisReply text_reply(const char *text)
{
    return (redisReply){
        .type = REDIS_REPLY_STRING, .str = (char *)(uintptr_t)text, .len = strlen(text)};
}

static const redisReply nil = {.type = REDIS_REPLY_NIL}, status = {.type = REDIS_REPLY_STATUS};

TEST(items_come_back)
{
    const struct item put = {
        .exists = true, .available = 4, .held = 1, .sold = 2, .version = 7, .due_ms = 99};
    struct item item;
    resp_begin(&out, 3);
    resp_arg(&out, STR("MSET"));
    layout_put_item(&out, 1, STR("apple"), &put);
    redisReply reply = given_back(2);
    assert_int_equal(layout_item(&reply, &item), LAYOUT_FOUND);
    assert_true(item.exists && !item.due_exact && item.due_ms == 99 && item.version == 7);
    assert_true(item.available == 4 && item.held == 1 && item.sold == 2);
    assert_int_equal(layout_item(&nil, &item), LAYOUT_MISSING);
    assert_int_equal(item.version, 0);
    reply = text_reply("1 4 1");
    assert_int_equal(layout_item(&reply, &item), LAYOUT_BROKEN);
    assert_int_equal(layout_item(&status, &item), LAYOUT_BROKEN);
}

TEST(records_come_back)
{
    struct reservation_line line = {
        .sku = STR("apple"), .quantity = 2, .reserved = 2, .version = 3};
    const struct reservation put = {.id = {.partition = 3, .b = "\0\0\2ABCDEFGHIJK"},
                                    .created_ms = 1000,
                                    .expires_ms = 2000,
                                    .customer = STR("ann"),
                                    .line_count = 1,
                                    .lines = &line};
    struct reservation r;
    struct rid id;
    enum layout_found found;
    layout_command_records(&out, STR("HSET"), 3, rid_bucket(&put.id), 2);
    layout_put_record(&out, &scratch, &put);
    redisReply key = given_back(1), field = given_back(2), value = given_back(3);
    assert_string_equal(key.str, "{p3}:resv:2");
    assert_true(layout_id(&field, 3, &id) && rid_equal(&id, &put.id));
    assert_int_equal(layout_record(&arena, &value, &id, &r, &found), 0);
    assert_int_equal(found, LAYOUT_FOUND);
    assert_true(r.expires_ms == 2000 && str_equal(r.customer, STR("ann")));
    assert_true(str_equal(r.lines[0].sku, STR("apple")));
    value.len--;
    assert_int_equal(layout_record(&arena, &value, &id, &r, &found), 0);
    assert_int_equal(found, LAYOUT_BROKEN);
    assert_int_equal(layout_record(&arena, &nil, &id, &r, &found), 0);
    assert_int_equal(found, LAYOUT_MISSING);
    field.len--;
    assert_false(layout_id(&field, 3, &id));
}

TEST(no_memory_is_not_a_broken_record)
{
    struct arena none;
    struct reservation r;
    struct rid id = {.partition = 0};
    enum layout_found found;
    redisReply value = text_reply("not a record");
    arena_init(&none, 64, 64);
    assert_int_equal(layout_record(&none, &value, &id, &r, &found), -ENOMEM);
    arena_free(&none);
}

TEST(deadlines_are_whole_and_positive)
{
    static const struct {
        const char *text;
        int64_t ms;
    } scores[] = {{"1", 1},      {"1795231293825", 1795231293825},
                  {"0", -1},     {"-5", -1},
                  {"1.5", -1},   {"nan", -1},
                  {"1e300", -1}, {"", -1},
                  {"1e3", 1000}};
    const struct rid id = {.partition = 0};
    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++) {
        redisReply reply = text_reply(scores[i].text);
        assert_int_equal(layout_deadline(&reply), scores[i].ms);
    }
    assert_int_equal(layout_deadline(&nil), 0);
    layout_command(&out, STR("ZADD"), 0, KEY_HOLDS, STR("apple"), 2);
    layout_put_hold(&out, 1795231293825, &id);
    redisReply put = given_back(2), member = given_back(3);
    assert_int_equal(layout_deadline(&put), 1795231293825);
    redisReply *pair[] = {&member, &put};
    redisReply list = {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = pair};
    assert_int_equal(layout_first_deadline(&list), 1795231293825);
    list.elements = 0;
    assert_int_equal(layout_first_deadline(&list), 0);
}

TEST(units_are_positive_numbers)
{
    static const char *const bad[] = {"", "0", "-1", "1.5", "two", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        redisReply reply = text_reply(bad[i]);
        assert_int_equal(layout_units(&reply), -1);
    }
    assert_int_equal(layout_units(&nil), 0);
    layout_command(&out, STR("HSET"), 0, KEY_CUSTOMERS, STR("apple"), 2);
    layout_put_share(&out, STR("ann"), 12);
    redisReply put = given_back(3);
    assert_int_equal(layout_units(&put), 12);
}

TEST(keys_are_taken_apart)
{
    struct layout_key key;
    static const char *const none[] = {"",          "item:a", "{p}:item:a", "{p1}item",
                                       "{q1}:item", "{p1}:",  "{p1}::a",    "{p1234567}:item:a"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_false(layout_key(str_of(none[i]), &key));
    assert_true(layout_key(STR("{p12}:item:a:b"), &key));
    assert_int_equal(key.partition, 12);
    assert_true(str_equal(key.kind, KEY_ITEM) && str_equal(key.name, STR("a:b")));
    assert_true(layout_key(STR("{p0}:meta"), &key));
    assert_true(str_equal(key.kind, KEY_META) && str_absent(key.name));
    layout_put_result(&out, 7, STR("ns key"), STR("bytes"), 5);
    redisReply put = given_back(1);
    assert_true(layout_key((struct str){put.str, put.len}, &key));
    assert_true(key.partition == 7 && str_equal(key.kind, KEY_OPERATION));
    assert_true(str_equal(key.name, STR("ns key")));
}

static int begin(void **state)
{
    buf_init(&out, 4096);
    buf_init(&scratch, 4096);
    arena_init(&arena, 4096, 1 << 20);
    return 0;
}

static int end(void **state)
{
    buf_free(&out);
    buf_free(&scratch);
    arena_free(&arena);
    return 0;
}

EACH_BETWEEN(begin, end)
