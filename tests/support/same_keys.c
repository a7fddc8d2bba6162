#include "support/same_keys.h"
#include "store/layout.h"
#include "support/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_left_out(const struct layout_key *key)
{
    return str_equal(key->kind, KEY_LANE) || str_equal(key->kind, KEY_TURN) ||
           str_equal(key->kind, KEY_META) || str_equal(key->kind, KEY_EVENTS) ||
           str_equal(key->kind, KEY_AUDIT) || str_equal(key->kind, KEY_LIVE);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

/* A value as lines in their order. */
struct lines {
    char **line;
    size_t count;
};

static void add_line(struct lines *lines, const char *p, size_t n)
{
    lines->line = realloc(lines->line, (lines->count + 1) * sizeof(char *));
    char *line = malloc(n + 1);
    memcpy(line, p, n);
    line[n] = '\0';
    lines->line[lines->count++] = line;
}

static void free_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->line[i]);
    free(lines->line);
    *lines = (struct lines){.line = NULL};
}

/* Bytes that a line can hold: records are no text. */
static size_t put_bytes(char *out, const redisReply *reply)
{
    size_t n = 0;
    for (size_t i = 0; i < reply->len; i++)
        n += (size_t)sprintf(out + n, "%02x", (unsigned char)reply->str[i]);
    return n;
}

/* `each` elements of the answer make a line. */
static void add_answer(struct lines *lines, redisReply *reply, size_t each)
{
    if (reply->type != REDIS_REPLY_ARRAY) {
        char *line = malloc(2 * reply->len + 1);
        add_line(lines, line, put_bytes(line, reply));
        free(line);
    }
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + each <= reply->elements; i += each) {
        size_t n = 0, room = 2;
        for (size_t k = 0; k < each; k++)
            room += 2 * reply->element[i + k]->len + 1;
        char *line = malloc(room);
        for (size_t k = 0; k < each; k++) {
            n += put_bytes(line + n, reply->element[i + k]);
            line[n++] = ' ';
        }
        add_line(lines, line, n);
        free(line);
    }
    freeReplyObject(reply);
    if (lines->count > 0)
        qsort(lines->line, lines->count, sizeof(char *), by_text);
}

/* When an item has a hold due is a bound where the service has it; the copy knows better. */
static void read_item(struct lines *lines, redisReply *reply)
{
    struct item item;
    char line[ITEM_TEXT_SIZE];
    assert_int_equal(layout_item(reply, &item), LAYOUT_FOUND);
    item.due_ms = item.held > 0;
    item.due_exact = true;
    add_line(lines, line, item_encode(&item, line));
    freeReplyObject(reply);
}

static struct lines read_key(redisContext *c, const char *key, const struct layout_key *is)
{
    struct lines lines = {.line = NULL};
    bool named = str_equal(is->kind, KEY_SKUS) || str_equal(is->kind, KEY_DUE);
    if (str_equal(is->kind, KEY_ITEM))
        read_item(&lines, redisCommand(c, "GET %s", key));
    else if (str_equal(is->kind, KEY_RECORDS) || str_equal(is->kind, KEY_CUSTOMERS))
        add_answer(&lines, redisCommand(c, "HGETALL %s", key), 2);
    else if (named)
        add_answer(&lines, redisCommand(c, "ZRANGE %s 0 -1", key), 1);
    else if (str_equal(is->kind, KEY_HOLDS) || str_equal(is->kind, KEY_BUCKETS))
        add_answer(&lines, redisCommand(c, "ZRANGE %s 0 -1 WITHSCORES", key), 2);
    else
        add_answer(&lines, redisCommand(c, "GET %s", key), 1);
    if (str_equal(is->kind, KEY_OPERATION)) {
        redisReply *until = redisCommand(c, "PEXPIRETIME %s", key);
        const char *line = text("%lld", until->integer);
        add_line(&lines, line, strlen(line));
        freeReplyObject(until);
    }
    return lines;
}

static void check_key(redisContext *one, redisContext *other, const char *key)
{
    struct layout_key is;
    assert_true(layout_key(str_of(key), &is));
    if (is_left_out(&is))
        return;
    struct lines a_lines = read_key(one, key, &is), b_lines = read_key(other, key, &is);
    bool same = a_lines.count == b_lines.count;
    for (size_t i = 0; same && i < a_lines.count; i++)
        same = strcmp(a_lines.line[i], b_lines.line[i]) == 0;
    for (size_t i = 0; !same && i < a_lines.count; i++)
        print_message("%s has  %s\n", key, a_lines.line[i]);
    for (size_t i = 0; !same && i < b_lines.count; i++)
        print_message("%s not  %s\n", key, b_lines.line[i]);
    free_lines(&a_lines);
    free_lines(&b_lines);
    if (!same)
        fail_msg("%s differs", key);
}

/* Every key of `one` has the same value in `other`. */
static size_t check_keys(redisContext *one, redisContext *other)
{
    redisReply *keys = redisCommand(one, "KEYS *");
    assert_int_equal(keys->type, REDIS_REPLY_ARRAY);
    size_t count = keys->elements;
    for (size_t i = 0; i < count; i++)
        check_key(one, other, keys->element[i]->str);
    freeReplyObject(keys);
    return count;
}

void same_keys_check(const struct tredis *one, const struct tredis *other)
{
    redisContext *first = tredis_connect(one), *second = tredis_connect(other);
    assert_true(check_keys(first, second) > 0);
    assert_true(check_keys(second, first) > 0);
    redisFree(first);
    redisFree(second);
}
