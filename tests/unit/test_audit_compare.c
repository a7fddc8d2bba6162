/* test_audit_compare.c -- what is equal, and in which words it is said what is not. */
#include "audit/compare.h"
#include "ledger/apply/projection.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

static char text[COMPARE_TEXT_SIZE];

static void says(const char *words)
{
    if (!strstr(text, words))
        print_error("no \"%s\" in: %s\n", words, text);
    assert_non_null(strstr(text, words));
}

/* --- items ------------------------------------------------------------------------------------ */

/* available, held, sold, max_per_customer */
#define AT(v, a, h, s, m)                                                                          \
    {                                                                                              \
        .exists = true, .version = (v), .available = (a), .held = (h), .sold = (s),                \
        .max_per_customer = (m)                                                                    \
    }
#define ITEM(v) AT(v, 6, 2, 1, 0)

TEST(items_and_what_differs)
{
    static const struct {
        struct item redis, ledger;
        const char *words; /* NULL: equal */
    } rows[] = {
        {ITEM(9), ITEM(9), NULL},
        {{.version = 9, .updated_ms = 5}, {.version = 9, .updated_ms = 7}, NULL},
        {{.version = 9, .due_ms = 5}, {.version = 9}, NULL},
        {{.version = 4}, {.version = 4}, NULL},
        {ITEM(9), {.version = 0}, "is in Redis at version 9, not in the ledger"},
        {ITEM(8), ITEM(9), "Redis is at version 8, behind the ledger's 9"},
        {ITEM(9), ITEM(7), "Redis is at version 9, the ledger's last one up to it is 7"},
        {ITEM(9 + PROJECTION_RESTORE_STEP), ITEM(9), NULL},
        {ITEM(9 + 7 * PROJECTION_RESTORE_STEP), ITEM(9), NULL},
        {ITEM(10 + PROJECTION_RESTORE_STEP), ITEM(9), "the ledger's last one"},
        {ITEM(9), ITEM(9 + PROJECTION_RESTORE_STEP), "behind"},
        {AT(9 + PROJECTION_RESTORE_STEP, 6, 3, 1, 0), ITEM(9), "has held 3"},
        {ITEM(9), {.version = 9}, "exists in Redis at version 9, not in the ledger"},
        {{.version = 9}, ITEM(9), "is deleted in Redis at version 9, not in"},
        {AT(9, 5, 2, 1, 0), ITEM(9), "Redis has available 5 at version 9, the ledger 6"},
        {AT(9, 6, 2, 0, 0), ITEM(9), "Redis has sold 0"},
        {AT(9, 6, 2, 1, 4), ITEM(9), "Redis has max_per_customer 4 at version 9, the ledger 0"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(compare_item(&rows[i].redis, &rows[i].ledger, text), !rows[i].words);
        if (rows[i].words)
            says(rows[i].words);
    }
}

#define HELD(due)                                                                                  \
    {                                                                                              \
        .exists = true, .held = 1, .version = 3, .due_ms = (due)                                   \
    }

TEST(places_of_items)
{
    static const struct {
        struct scan_item item;
        const char *words;
    } rows[] = {
        {{.found = LAYOUT_MISSING}, NULL},
        {{.found = LAYOUT_MISSING, .listed = true}, "lists the item, which does not exist"},
        {{.found = LAYOUT_MISSING, .due_ms = 5000}, "the set due says 1970-01-01T00:00:05.000Z"},
        {{.found = LAYOUT_MISSING, .earliest_ms = 5}, "its index has deadlines"},
        {{.found = LAYOUT_FOUND, .item = {.version = 2}}, NULL},
        {{.found = LAYOUT_FOUND, .item = {.version = 2}, .listed = true}, "does not exist"},
        {{.found = LAYOUT_FOUND, .item = {.exists = true, .version = 2}, .listed = true}, NULL},
        {{.found = LAYOUT_FOUND, .item = {.exists = true}}, "skus does not list the item"},
        {{.found = LAYOUT_FOUND, .item = HELD(7), .listed = true, .due_ms = 7, .earliest_ms = 9},
         NULL},
        {{.found = LAYOUT_FOUND, .item = HELD(7), .listed = true, .due_ms = 7, .earliest_ms = 7},
         NULL},
        {{.found = LAYOUT_FOUND, .item = HELD(7), .listed = true, .due_ms = 7, .earliest_ms = 6},
         "the first deadline in the index is"},
        {{.found = LAYOUT_FOUND, .item = HELD(7), .listed = true, .due_ms = 8, .earliest_ms = 9},
         "the set due says"},
        {{.found = LAYOUT_FOUND, .item = HELD(7), .listed = true, .earliest_ms = 9},
         "the set due says nothing, the item 1970-01-01T00:00:00.007Z"},
        {{.found = LAYOUT_FOUND, .item = HELD(7), .listed = true, .due_ms = 7},
         "the item has held 1, its index has no deadline"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(compare_places(&rows[i].item, text), !rows[i].words);
        if (rows[i].words)
            says(rows[i].words);
    }
    struct scan_item exact = rows[8].item;
    exact.item.due_exact = true;
    assert_false(compare_places(&exact, text));
    exact.earliest_ms = 7;
    assert_true(compare_places(&exact, text));
}

/* --- reservations ----------------------------------------------------------------------------- */

static struct reservation_line lines[2];

static struct reservation a_reservation(void)
{
    lines[0] = (struct reservation_line){STR("apple"), 2, 2, 7, 4, 0, 0};
    lines[1] = (struct reservation_line){STR("pear"), 1, 1, 8, 5, 0, 0};
    return (struct reservation){.state = RESERVATION_HELD,
                                .created_ms = 1000,
                                .expires_ms = 9000,
                                .customer = STR("anna"),
                                .line_count = 2,
                                .lines = lines};
}

TEST(every_field_of_a_reservation_counts)
{
    struct reservation_line others[2];
    const struct reservation was = a_reservation();
    struct reservation r = was;
    memcpy(others, lines, sizeof(lines));
    r.lines = others;
    assert_true(compare_reservation(&r, &was, text));
#define DIFFERS(change, words)                                                                     \
    do {                                                                                           \
        struct reservation keep = r;                                                               \
        change;                                                                                    \
        assert_false(compare_reservation(&r, &was, text));                                         \
        says(words);                                                                               \
        r = keep;                                                                                  \
        memcpy(others, lines, sizeof(lines));                                                      \
        assert_true(compare_reservation(&r, &was, text));                                          \
    } while (0)
    DIFFERS(r.state = RESERVATION_CONFIRMED, "is confirmed in Redis, held in the ledger");
    DIFFERS(r.rereserved = true, "held (rereserved) in Redis");
    DIFFERS(r.created_ms++, "Redis has begin 1970-01-01T00:00:01.001Z, the ledger 1970-01-01T");
    DIFFERS(r.expires_ms++, "Redis has deadline");
    DIFFERS(r.ended_ms++, "Redis has end 1970-01-01T00:00:00.001Z, the ledger nothing");
    DIFFERS(r.customer = STR("anne"), "Redis has customer \"anne\", the ledger \"anna\"");
    DIFFERS(r.customer.p = NULL; r.customer.n = 0, "Redis has customer nothing, the ledger");
    DIFFERS(r.reference = STR(""), "Redis has reference \"\", the ledger nothing");
    DIFFERS(r.metadata = STR("{}"), "Redis has metadata \"{}\", the ledger nothing");
    DIFFERS(r.line_count = 1, "Redis has 1 lines, the ledger 2");
    DIFFERS(others[1].sku = STR("plum"), "in line 2 sku \"plum\", the ledger \"pear\"");
    DIFFERS(others[0].quantity++, "in line 1 quantity 3, the ledger 2");
    DIFFERS(others[0].reserved++, "in line 1 reserved 3");
    DIFFERS(others[1].remaining++, "in line 2 remaining 9");
    DIFFERS(others[1].version++, "in line 2 version 6");
}

/* The pair is nobody's unless a rereserve made it. */
TEST(pairs_count_after_a_rereserve_only)
{
    struct reservation_line others[2];
    struct reservation was = a_reservation(), r = was;
    memcpy(others, lines, sizeof(lines));
    r.lines = others;
    others[1].expired_version = 7;
    assert_true(compare_reservation(&r, &was, text));
    r.rereserved = was.rereserved = true;
    r.state = was.state = RESERVATION_CONFIRMED;
    assert_false(compare_reservation(&r, &was, text));
    says("in line 2 expired version 7, the ledger 0");
}

TEST(presence_is_needed_as_long_as_it_is_kept)
{
    struct reservation held = a_reservation(), ended = held;
    ended.state = RESERVATION_RELEASED;
    ended.ended_ms = 5000;
    assert_true(compare_presence(NULL, NULL, 0, text));
    assert_true(compare_presence(&held, &held, 0, text));
    assert_false(compare_presence(&held, &ended, 0, text));
    assert_false(compare_presence(&held, NULL, 0, text));
    says("is held in Redis, not in the ledger");
    assert_false(compare_presence(NULL, &held, INT64_MAX, text));
    says("is held in the ledger, not in Redis");
    assert_false(compare_presence(NULL, &ended, 4999, text));
    says("is released in the ledger, not in Redis");
    assert_true(compare_presence(NULL, &ended, 5000, text));
}

TEST(links_and_records)
{
    struct scan_record record = {.found = LAYOUT_FOUND, .r = a_reservation()};
    struct scan_link link = {.sku = STR("pear"), .record = &record, .deadline_ms = 9000};
    assert_true(compare_link(&link, text));
    link.deadline_ms = 8000;
    assert_false(compare_link(&link, text));
    says("the index of pear says 1970-01-01T00:00:08.000Z, the record 1970-01-01T00:00:09.000Z");
    link.deadline_ms = 0;
    assert_false(compare_link(&link, text));
    says("says nothing, the record");
    record.r.state = RESERVATION_EXPIRED;
    assert_true(compare_link(&link, text));
    link.deadline_ms = 9000;
    assert_false(compare_link(&link, text));
    record.r.state = RESERVATION_HELD;
    link.sku = STR("plum"); /* no line of it */
    assert_false(compare_link(&link, text));
    record.found = LAYOUT_MISSING;
    assert_false(compare_link(&link, text));
    says("the record nothing: there is none");
    link.deadline_ms = -1; /* a score that is none of ours */
    assert_false(compare_link(&link, text));
    says("says no time");
}
