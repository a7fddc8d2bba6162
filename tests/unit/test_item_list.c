/* test_item_list.c -- pages of items over partitions: names merged as they come, values behind. */
#include "core/item.h"
#include "store/item_list.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES 200

static redisReply *reply_of(const char *resp)
{
    void *reply = NULL;
    redisReader *reader = redisReaderCreate();
    assert_int_equal(redisReaderFeed(reader, resp, strlen(resp)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    redisReaderFree(reader);
    assert_non_null(reply);
    return reply;
}

/* `words` are joined by blanks. */
static redisReply *array_of(const char *words)
{
    char resp[32768], copy[16384];
    size_t n = 0, count = 0;
    char body[24576] = "";
    snprintf(copy, sizeof(copy), "%s", words);
    for (char *at = copy, *word; (word = strsep(&at, " ")) != NULL;)
        if (*word) {
            n += (size_t)snprintf(body + n, sizeof(body) - n, "$%zu\r\n%s\r\n", strlen(word), word);
            count++;
        }
    snprintf(resp, sizeof(resp), "*%zu\r\n%s", count, body);
    return reply_of(resp);
}

static bool add(struct item_list *list, unsigned partition, const char *words)
{
    redisReply *reply = array_of(words);
    bool taken = item_list_add_names(list, partition, reply);
    freeReplyObject(reply);
    return taken;
}

/* As a page of the store's. */
static bool cut(struct item_list *list)
{
    struct store_read read = {.kind = READ_ITEMS, .prefix = STR("")};
    return item_list_cut(list, &read);
}

static void check_names(const struct item_list *list, const char *words)
{
    char text[16384] = "";
    size_t n = 0;
    for (unsigned i = 0; i < list->count; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? " " : "",
                              (int)list->names[i].n, list->names[i].p);
    assert_string_equal(text, words);
}

TEST(names_are_merged_in_whatever_order_partitions_answer)
{
    static const char *const of[] = {"b e h", "", "a c d i", "f g"};
    static const unsigned orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}};
    for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
        struct item_list list;
        assert_int_equal(item_list_init(&list, 20), 0);
        for (int i = 0; i < 4; i++)
            assert_true(add(&list, orders[o][i], of[orders[o][i]]));
        assert_true(cut(&list));
        check_names(&list, "a b c d e f g h i");
        assert_false(list.more);
        for (unsigned p = 0; p < 4; p++)
            assert_int_equal(item_list_count_in(&list, p), (strlen(of[p]) + 1) / 2);
        item_list_free(&list);
    }
}

TEST(a_page_has_the_first_names_of_all_and_says_that_there_are_more)
{
    struct item_list list;
    assert_int_equal(item_list_init(&list, 3), 0);
    assert_true(add(&list, 0, "m n o p"));
    assert_true(add(&list, 1, "b z"));
    assert_true(add(&list, 2, "a"));
    assert_true(cut(&list));
    check_names(&list, "a b m");
    assert_true(list.more);
    item_list_free(&list);
    /* As many as there is room for. */
    assert_int_equal(item_list_init(&list, 3), 0);
    assert_true(add(&list, 0, "m"));
    assert_true(add(&list, 1, "b z"));
    assert_true(cut(&list));
    check_names(&list, "b m z");
    assert_false(list.more);
    item_list_free(&list);
}

/* As Redis sorts: bytes, and what is shorter first. */
TEST(names_are_compared_as_bytes)
{
    struct item_list list;
    assert_int_equal(item_list_init(&list, 20), 0);
    assert_true(add(&list, 0, "A a a10 b"));
    assert_true(add(&list, 1, "Z a-1 a1 aa"));
    check_names(&list, "A Z a a-1 a1 a10 aa b");
    item_list_free(&list);
}

TEST(what_is_no_list_of_names_is_refused)
{
    static const char *const replies[] = {
        "-MOVED 1 a:1\r\n",        "$-1\r\n",          ":1\r\n",
        "*2\r\n$1\r\na\r\n:1\r\n", "*1\r\n$0\r\n\r\n", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"};
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct item_list list;
        redisReply *reply = reply_of(replies[i]);
        assert_int_equal(item_list_init(&list, 1), 0);
        assert_false(item_list_add_names(&list, 0, reply));
        freeReplyObject(reply);
        item_list_free(&list);
    }
}

/* As many units as the numbers say; "-": there is no such item. */
static void take(struct item_list *list, unsigned partition, const char *const *units)
{
    char resp[1024], body[512] = "";
    size_t n = 0, count = 0;
    for (; *units; units++, count++) {
        struct item item = {.exists = true, .available = atoi(*units), .version = 1};
        char text[ITEM_TEXT_SIZE];
        size_t bytes = item_encode(&item, text);
        if (**units == '-')
            n += (size_t)snprintf(body + n, sizeof(body) - n, "$-1\r\n");
        else
            n += (size_t)snprintf(body + n, sizeof(body) - n, "$%zu\r\n%.*s\r\n", bytes, (int)bytes,
                                  text);
    }
    snprintf(resp, sizeof(resp), "*%zu\r\n%s", count, body);
    redisReply *reply = reply_of(resp);
    assert_true(item_list_take_values(list, partition, reply));
    freeReplyObject(reply);
}

TEST(values_go_to_their_names_and_what_was_deleted_meanwhile_is_left_out)
{
    struct item_list list;
    struct store_read read = {.kind = READ_ITEMS};
    assert_int_equal(item_list_init(&list, 4), 0);
    assert_true(add(&list, 7, "b c e"));
    assert_true(add(&list, 2, "a d"));
    assert_true(cut(&list));
    check_names(&list, "a b c d");
    struct buf out;
    buf_init(&out, 4096);
    item_list_ask_values(&out, 7, &list);
    static const char asked[] = "*3\r\n$4\r\nMGET\r\n$11\r\n{p7}:item:b\r\n$11\r\n{p7}:item:c\r\n";
    assert_true(str_equal(buf_str(&out), STR(asked)));
    buf_free(&out);
    take(&list, 2, (const char *const[]){"1", "-", NULL});
    take(&list, 7, (const char *const[]){"2", "3", NULL});
    item_list_answer(&list, &read);
    assert_int_equal(read.item_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(read.items[i].item.available, i + 1);
        assert_int_equal(read.items[i].sku.p[0], 'a' + (int)i);
    }
    assert_true(str_equal(read.last, STR("d")));
    assert_true(read.more);
    redisReply *reply = array_of("x");
    assert_false(item_list_take_values(&list, 7, reply));
    freeReplyObject(reply);
    item_list_free(&list);
}

TEST(an_empty_store_has_an_empty_page)
{
    struct item_list list;
    struct store_read read = {.kind = READ_ITEMS};
    assert_int_equal(item_list_init(&list, 500), 0);
    for (unsigned p = 0; p < 64; p++)
        assert_true(add(&list, p, ""));
    assert_true(cut(&list));
    item_list_answer(&list, &read);
    assert_int_equal(read.item_count, 0);
    assert_false(read.more);
    item_list_free(&list);
}

/* The names 000 .. 199, spread over many partitions: each page is the next part of the whole. */
TEST(pages_follow_each_other_without_a_gap)
{
    enum { PARTS = 16, LIMIT = 7 };
    unsigned next = 0;
    bool more = true;
    while (more) {
        struct item_list list;
        assert_int_equal(item_list_init(&list, LIMIT), 0);
        for (unsigned p = 0; p < PARTS; p++) {
            char words[1024] = "";
            size_t n = 0, count = 0;
            for (unsigned i = next; i < NAMES && count <= LIMIT; i++)
                if (i * 7919 % 31 % PARTS == p) {
                    n += (size_t)snprintf(words + n, sizeof(words) - n, "%03u ", i);
                    count++;
                }
            assert_true(add(&list, p, words));
        }
        assert_true(cut(&list));
        for (unsigned i = 0; i < list.count; i++) {
            char name[16];
            snprintf(name, sizeof(name), "%03u", next++);
            assert_memory_equal(list.names[i].p, name, 3);
        }
        more = list.more;
        item_list_free(&list);
    }
    assert_int_equal(next, NAMES);
}

/* --- tenants ---------------------------------------------------------------------------------- */

TEST(a_page_of_the_store_passes_over_the_items_of_tenants)
{
    struct item_list list;
    struct store_read read = {.kind = READ_ITEMS, .prefix = STR("")};
    assert_int_equal(item_list_init(&list, 4), 0);
    assert_true(add(&list, 0, "a acme/a acme/b c"));
    assert_true(add(&list, 1, "acme-x b/a d"));
    assert_true(item_list_cut(&list, &read));
    check_names(&list, "a acme-x");
    assert_true(list.more);
    item_list_answer(&list, &read);
    assert_true(str_equal(read.last, STR("acme-x"))); /* and not the name of a tenant's */
    item_list_free(&list);
}

TEST(a_page_of_nothing_but_tenants_items_goes_on_behind_the_tenant)
{
    struct item_list list;
    struct store_read read = {.kind = READ_ITEMS, .prefix = STR("ac"), .limit = 2};
    struct buf out;
    assert_int_equal(item_list_init(&list, 2), 0);
    assert_true(add(&list, 0, "acme/a acme/c acme/d"));
    assert_true(add(&list, 1, "acme/b"));
    assert_false(item_list_cut(&list, &read));
    assert_int_equal(list.count, 0);
    assert_true(str_equal(read.after, STR("acme/\x7f")));
    buf_init(&out, 4096);
    item_list_ask_names(&out, 0, &read);
    buf_putc(&out, '\0');
    assert_non_null(strstr(out.p, "\r\n(acme/\x7f\r\n"));
    assert_non_null(strstr(out.p, "\r\n(ac\x7f\r\n"));
    buf_free(&out);
    assert_true(add(&list, 0, "acme0"));
    assert_true(add(&list, 1, ""));
    assert_true(item_list_cut(&list, &read));
    check_names(&list, "acme0");
    item_list_free(&list);
}

TEST(the_last_page_may_have_nothing_but_tenants_items)
{
    struct item_list list;
    assert_int_equal(item_list_init(&list, 2), 0);
    assert_true(add(&list, 0, "z/a z/b"));
    assert_true(cut(&list));
    assert_int_equal(list.count, 0);
    assert_false(list.more);
    item_list_free(&list);
}

TEST(a_page_of_a_tenant_has_its_items_alone)
{
    struct item_list list;
    char longest[SKU_STORED_MAX_BYTES + 1];
    struct store_read read = {.kind = READ_ITEMS, .prefix = STR("acme/")};
    assert_int_equal(item_list_init(&list, 3), 0);
    memset(longest, 'x', SKU_STORED_MAX_BYTES);
    longest[SKU_STORED_MAX_BYTES] = '\0';
    memcpy(longest, "acme/", 5);
    assert_true(add(&list, 0, "acme/a"));
    assert_true(add(&list, 1, longest));
    assert_true(item_list_cut(&list, &read));
    assert_int_equal(list.count, 2);
    item_list_answer(&list, &read);
    assert_true(str_equal(read.last, str_of(longest)));
    item_list_free(&list);
}
