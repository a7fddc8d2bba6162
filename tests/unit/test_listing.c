/* test_listing.c -- the order of a run's items, and what is wrong with a page of them. */
#include "client/listing.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of 30 items 3, 7, 11, ... may be removed, and 0, 10 and 20 are limited. */
static const struct history_facts facts = {
    .prefix = "load-r7-", .items = 30, .removable_every = 4, .limit = 5, .limited_every = 10};

#define MAX_ITEMS 130

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* As sorting the texts gives it. */
static void check_order(const struct listing *l, uint32_t items)
{
    static char text[MAX_ITEMS][12];
    char prefix[12] = "";
    size_t count = 0;
    if (!l->all)
        snprintf(prefix, sizeof(prefix), "%u", l->prefix);
    for (uint32_t i = 0; i < items; i++) {
        snprintf(text[count], sizeof(text[count]), "%u", i);
        count += strncmp(text[count], prefix, strlen(prefix)) == 0;
    }
    qsort(text, count, sizeof(text[0]), by_text);
    uint32_t item = listing_first(l, items);
    for (size_t n = 0; n < count; n++) {
        assert_int_equal(item, strtoul(text[n], NULL, 10));
        item = listing_next(l, items, item);
    }
    assert_int_equal(item, LISTING_END);
}

TEST(items_are_in_the_order_of_their_texts)
{
    for (uint32_t items = 1; items <= MAX_ITEMS; items++) {
        check_order(&(struct listing){.all = true}, items);
        for (uint32_t prefix = 0; prefix < items; prefix++)
            check_order(&(struct listing){.prefix = prefix}, items);
    }
    assert_int_equal(listing_first(&(struct listing){.prefix = 9}, 9), LISTING_END);
}

#define ITEM(n) "{\"sku\":\"load-r7-" #n "\",\"available\":5,\"version\":2}"
#define LIMITED(n, max)                                                                            \
    "{\"sku\":\"load-r7-" #n "\",\"available\":5,\"version\":2,\"max_per_customer\":" max "}"
#define PAGE(items)    "{\"items\":[" items "],\"next_cursor\":null}"
#define FURTHER(items) "{\"items\":[" items "],\"next_cursor\":\"x\"}"

/* The items that begin with 1: 1, 10, 11 (it may be gone), 12, 13, 14, 15 (it may be, too), 16, 17,
 * 18, 19 (the same). */
TEST(a_page_has_what_is_due_in_order)
{
    static const struct {
        uint32_t limit, after;
        const char *body, *says;
    } rows[] = {
        {3, LISTING_END, FURTHER(ITEM(1) "," ITEM(10) "," ITEM(11)), ""},
        {3, LISTING_END, FURTHER(ITEM(1) "," ITEM(10) "," ITEM(12)), ""},
        {3, LISTING_END, FURTHER(ITEM(1) "," ITEM(10)), ""}, /* 11 was there, and then it was not */
        {2, LISTING_END, FURTHER(ITEM(1)), "lists 1 items, where 2 are due"},
        {3, LISTING_END, FURTHER(ITEM(1) "," ITEM(12) "," ITEM(13)), "leaves out load-r7-10"},
        {3, LISTING_END, FURTHER(ITEM(10) "," ITEM(1) "," ITEM(11)), "leaves out load-r7-1"},
        {3, LISTING_END, FURTHER(ITEM(1) "," ITEM(10) "," ITEM(10)),
         "lists \"load-r7-10\" at place 3, where it is not due"},
        {3, LISTING_END, FURTHER(ITEM(1) "," ITEM(10) "," ITEM(2)),
         "lists \"load-r7-2\" at place 3, where it is not due"},
        {2, LISTING_END, FURTHER(ITEM(1) "," ITEM(10) "," ITEM(11)),
         "lists 3 items, where 2 are the most"},
        {3, LISTING_END, PAGE(ITEM(1) "," ITEM(10) "," ITEM(11)),
         "leaves out load-r7-12, and has no \"next_cursor\""},
        {3, 10, FURTHER(ITEM(11) "," ITEM(12) "," ITEM(13)), ""},
        {3, 10, FURTHER(ITEM(12) "," ITEM(13) "," ITEM(14)), ""},
        {3, 10, FURTHER(ITEM(10) "," ITEM(11) "," ITEM(12)),
         "lists \"load-r7-10\" at place 1, where it is not due"},
        {3, 10, FURTHER(ITEM(13) "," ITEM(14) "," ITEM(15)), "leaves out load-r7-12"},
        {3, 10, FURTHER(ITEM(1) "," ITEM(10) "," ITEM(11)),
         "lists \"load-r7-1\" at place 1, where it is not due"},
        {3, 16, PAGE(ITEM(17) "," ITEM(18)), ""},
        {3, 16, PAGE(ITEM(17) "," ITEM(18) "," ITEM(19)), ""},
        {2, 16, FURTHER(ITEM(17) "," ITEM(18)), ""}, /* 19 was there, or was not */
        {2, 16, PAGE(ITEM(17) "," ITEM(18)), ""},
        {3, 16, FURTHER(ITEM(17) "," ITEM(18) "," ITEM(19)),
         "has a \"next_cursor\", and there are no more items"},
        {3, 18, PAGE(""), ""},
        {1, LISTING_END,
         FURTHER("{\"sku\":\"load-r7-1\",\"available\":5,\"version\":2,\"on_hand\":9,\"held\":3}"),
         "lists \"available\":5 with \"on_hand\":9 and \"held\":3"},
        {2, LISTING_END, FURTHER(LIMITED(1, "null") "," LIMITED(10, "5")), ""},
        {2, LISTING_END, FURTHER(LIMITED(1, "null") "," LIMITED(10, "null")),
         "says \"max_per_customer\":0 of load-r7-10, created with 5 (0: null)"},
        {2, LISTING_END, FURTHER(LIMITED(1, "5") "," LIMITED(10, "5")),
         "says \"max_per_customer\":5 of load-r7-1, created with 0 (0: null)"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct answer a;
        char says[HISTORY_NOTE_MAX + 1];
        const struct listing l = {.prefix = 1, .limit = rows[i].limit, .after = rows[i].after};
        assert_true(answer_read(&a, str_of(rows[i].body)));
        listing_compare(&l, &facts, &a, says, sizeof(says));
        if (strcmp(says, rows[i].says) != 0)
            fail_msg("row %zu: said \"%s\"", i, says);
    }
}

TEST(the_next_page_begins_behind_the_last_item)
{
    static const struct {
        const char *body;
        uint32_t after; /* LISTING_END: it is not turned */
    } rows[] = {
        {FURTHER(ITEM(4) "," ITEM(10)), 10},
        {PAGE(ITEM(4) "," ITEM(10)), LISTING_END},
        {FURTHER(""), LISTING_END},
        {"{\"items\":[" ITEM(4) "],\"next_cursor\":\"a\\u0041\"}", LISTING_END},
        {"{\"items\":[" ITEM(4) "],\"next_cursor\":7}", LISTING_END},
        {"{\"items\":[" ITEM(4) "]}", LISTING_END},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct answer a;
        struct listing l = {.all = true, .limit = 2, .after = LISTING_END};
        assert_true(answer_read(&a, str_of(rows[i].body)));
        assert_int_equal(listing_turn(&l, &facts, &a), rows[i].after != LISTING_END);
        assert_int_equal(l.after, rows[i].after);
        assert_int_equal(l.cursor_bytes, rows[i].after == LISTING_END ? 0 : 1);
    }
}
