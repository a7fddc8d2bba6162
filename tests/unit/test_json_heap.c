/* test_json_heap.c -- what jansson takes for a text is never more than was said before, and not so
 * much less that what clients send is refused. */
#include "http/request/json_heap.h"
#include "support/suite.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 200000

static size_t live_bytes, peak_bytes;

static size_t bytes_of(void *p)
{
    return malloc_usable_size(p) + sizeof(size_t);
}

static void *count(size_t n)
{
    void *p = malloc(n);
    assert_non_null(p);
    live_bytes += bytes_of(p);
    if (live_bytes > peak_bytes)
        peak_bytes = live_bytes;
    return p;
}

static void discount(void *p)
{
    live_bytes -= p ? bytes_of(p) : 0;
    free(p);
}

/* What jansson takes for it. */
static size_t taken(struct str text)
{
    live_bytes = peak_bytes = 0;
    json_set_alloc_funcs(count, discount);
    json_decref(json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL));
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(live_bytes, 0);
    return peak_bytes;
}

/* A text of about n bytes: head, part (with a number that grows for each #) again and again, tail.
 */
static struct str text_of(const char *head, const char *part, const char *tail, size_t n)
{
    static char room[TEXT_BYTES + 256];
    size_t used = (size_t)snprintf(room, sizeof(room), "%s", head);
    for (int i = 0; used < n; i++)
        for (const char *c = part; *c; c++)
            if (*c == '#')
                used += (size_t)snprintf(room + used, sizeof(room) - used, "%d", i);
            else
                room[used++] = *c;
    used--; /* the last comma */
    used += (size_t)snprintf(room + used, sizeof(room) - used, "%s", tail);
    return (struct str){room, used};
}

static const struct {
    const char *head, *part, *tail;
} texts[] = {
    {"[", "{},", "]"},
    {"[", "[],", "]"},
    {"[", "[0],", "]"},
    {"[", "{\"\":0},", "]"},
    {"[", "{\"a\":{\"\":\"\"}},", "]"},
    {"[", "\"\",", "]"},
    {"[", "0,", "]"},
    {"[", "1.5,", "]"},
    {"[", "true,", "]"},
    {"{", "\"#\":0,", "}"},
    {"{", "\"#\":\"\",", "}"},
    {"{", "\"some longer name #\":[],", "}"},
    {"{\"operations\":[",
     "{\"op\":\"reserve\",\"sku\":\"apple\",\"quantity\":1,\"customer\":\"c-#\"},", "]}"},
    {"{\"a\":\"", "0123456789,", "\"}"},
    {"{\"a\":\"", "\\u0041\\n,", "\"}"},
    {"[", "{},", "] and more"},
    {"[", "{},{", ""},
    {"", "\"a\"", ""},
    {"[", "-", ""},
    {"[", "1e5", ""},
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

TEST(no_text_takes_more_than_was_said)
{
    for (size_t i = 0; i < TEXTS; i++)
        for (size_t n = 1; n <= TEXT_BYTES; n = n * 5 / 3 + 1) {
            struct str text = text_of(texts[i].head, texts[i].part, texts[i].tail, n);
            size_t took = taken(text), bound = json_heap_bound(text);
            if (took > bound)
                print_error("%.60s: %zu bytes take %zu, not %zu\n", text.p, text.n, took, bound);
            assert_true(took <= bound);
            assert_true(bound <= JSON_HEAP_LEAST + text.n * JSON_HEAP_WORST);
        }
}

TEST(every_beginning_takes_no_more_either)
{
    for (size_t i = 0; i < TEXTS; i++) {
        struct str text = text_of(texts[i].head, texts[i].part, texts[i].tail, 300);
        for (size_t n = 0; n <= text.n; n++)
            assert_true(taken((struct str){text.p, n}) <= json_heap_bound((struct str){text.p, n}));
    }
}

/* A sanitizer's heap rounds sizes up less than the one that the bound is for. */
TEST(what_is_said_is_not_much_more)
{
    static const size_t which[] = {0, 1, 6, 9, 12};
    for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
        struct str text =
            text_of(texts[which[i]].head, texts[which[i]].part, texts[which[i]].tail, TEXT_BYTES);
        assert_true(json_heap_bound(text) < 3 * taken(text));
    }
}
