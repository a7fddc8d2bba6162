/* test_mismatch.c -- an answer that contradicts its request is told from one that fits. */
#include "client/mismatch.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

/* Item 10 is limited, item 4 is not. */
static const struct history_facts facts = {
    .prefix = "load-r7-", .items = 100, .ttl_ms = 30000, .limit = 5, .limited_every = 10};

/* Two lines: 1 unit of item 4, and 3 of item 10. One slot for the second one. */
static struct history_op basket[2];

static const struct history_op *operation(enum history_kind kind, unsigned lines, unsigned flags)
{
    struct history_lines *more = (struct history_lines *)(basket + 1);
    memset(basket, 0, sizeof(basket));
    basket->kind = (uint8_t)kind;
    basket->lines = (uint8_t)lines;
    basket->flags = (uint8_t)flags;
    basket->line = (struct history_line){.item = 4, .quantity = 1};
    more->line[0] = (struct history_line){.item = 10, .quantity = 3};
    return basket;
}

struct row {
    enum history_kind kind;
    unsigned lines, flags;
    bool replayed;
    const char *body;
    const char *says; /* what the note begins with; NULL: it fits */
};

/* What the server said that it is, or was, about; and how long ago it was asked. */
static const struct mismatch_request request = {.id = STR("r7"), .passed_ms = 400};

static const char *mismatch_in(const struct row *row)
{
    static struct mismatch m;
    struct answer a;
    memset(&m, 'x', sizeof(m)); /* whatever was there before */
    m.text[sizeof(m.text) - 1] = '\0';
    assert_true(answer_read(&a, str_of(row->body)));
    bool creates = row->kind == KIND_RESERVE || row->kind == KIND_PUT;
    const struct response response = {.status = creates ? 201 : 200, .replayed = row->replayed};
    mismatch_of_success(&m, &facts, operation(row->kind, row->lines, row->flags), &request, &a,
                        &response);
    return m.text;
}

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = mismatch_in(&rows[i]);
        if (rows[i].says ? strncmp(text, rows[i].says, strlen(rows[i].says)) != 0 : text[0] != '\0')
            fail_msg("row %zu, %s: said \"%s\", expected \"%s\"", i, rows[i].body, text,
                     rows[i].says ? rows[i].says : "");
    }
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(*(rows)))

#define LINE4(quantity)  "{\"sku\":\"load-r7-4\",\"quantity\":" #quantity "}"
#define LINE10(quantity) "{\"sku\":\"load-r7-10\",\"quantity\":" #quantity "}"

TEST(an_answer_that_fits_leaves_no_note)
{
    static const struct row rows[] = {
        {KIND_RESERVE, 2, 0, false, "{\"lines\":[" LINE10(3) "," LINE4(1) "]}", NULL},
        {KIND_RELEASE, 2, 0, false, "{\"lines\":[" LINE4(1) "," LINE10(3) "]}", NULL},
        {KIND_CONFIRM, 1, 0, false, "{\"lines\":[" LINE4(1) "]}", NULL},
        {KIND_DECREMENT, 1, 0, false, "{\"sku\":\"load-r7-4\",\"quantity\":1}", NULL},
        {KIND_TRANSFER, 2, 0, false,
         "{\"quantity\":3,\"from\":{\"sku\":\"load-r7-4\"},\"to\":{\"sku\":\"load-r7-10\"}}", NULL},
        {KIND_GET_ITEM, 1, 0, false,
         "{\"sku\":\"load-r7-4\",\"on_hand\":9,\"held\":4,\"available\":5}", NULL},
        {KIND_ADJUST, 1, 0, false, "{\"available\":5}", NULL}, /* what is not said is not wrong */
        {KIND_DECREMENT, 1, 0, false, "{\"remaining\":5}", NULL},
        {KIND_RESERVE, 1, 0, false, "{\"lines\":[{\"sku\":\"load-r7-4\"}]}", NULL},
    };
    CHECK(rows);
}

TEST(another_quantity_is_told)
{
    static const struct row rows[] = {
        {KIND_RESERVE, 2, 0, false, "{\"lines\":[" LINE10(2) "," LINE4(1) "]}",
         "says 2 units of load-r7-10 and not 3"},
        {KIND_EXTEND, 1, 0, false, "{\"lines\":[" LINE4(2) "]}",
         "says 2 units of load-r7-4 and not 1"},
        {KIND_CONFIRM, 1, 0, false, "{\"lines\":[" LINE4(0) "]}",
         "says 0 units of load-r7-4 and not 1"},
        {KIND_TRANSFER, 2, 0, false, "{\"quantity\":1}", "says \"quantity\":1 and not 3"},
        {KIND_DECREMENT, 1, 0, false, "{\"quantity\":2}", "says \"quantity\":2 and not 1"},
        {KIND_GET_RESERVATION, 2, 0, false,
         "{\"state\":\"released\",\"lines\":[" LINE10(2) "," LINE4(1) "]}",
         "says 2 units of load-r7-10 and not 3"},
    };
    CHECK(rows);
}

/* Another client, or an earlier request, may have sold a part of it. */
TEST(what_was_sold_in_part_may_be_less)
{
    static const struct row rows[] = {
        {KIND_GET_RESERVATION, 2, 0, false,
         "{\"state\":\"confirmed\",\"lines\":[" LINE10(2) "," LINE4(1) "]}", NULL},
        {KIND_GET_RESERVATION, 2, 0, false,
         "{\"state\":\"confirmed\",\"lines\":[" LINE10(4) "," LINE4(1) "]}", "says 4 units"},
        {KIND_CONFIRM, 2, 0, true, "{\"lines\":[" LINE10(2) "," LINE4(1) "]}", NULL},
        {KIND_CONFIRM, 2, FLAG_AGAIN, false, "{\"lines\":[" LINE10(2) "," LINE4(1) "]}", NULL},
        {KIND_CONFIRM, 2, 0, true, "{\"lines\":[" LINE10(0) "," LINE4(1) "]}", NULL},
        {KIND_CONFIRM, 2, 0, true, "{\"lines\":[" LINE10(-1) "," LINE4(1) "]}", "says -1 units"},
        {KIND_RELEASE, 2, 0, true, "{\"lines\":[" LINE10(2) "," LINE4(1) "]}", "says 2 units"},
    };
    CHECK(rows);
}

TEST(lines_that_are_missing_or_of_others_are_told)
{
    static const struct row rows[] = {
        {KIND_RESERVE, 2, 0, false, "{\"lines\":[" LINE10(3) "]}",
         "has 1 line where 2 were asked for"},
        {KIND_RESERVE, 1, 0, false, "{\"lines\":[" LINE4(1) "," LINE10(3) "]}",
         "has a line for \"load-r7-10\", not asked for"},
        {KIND_RESERVE, 1, 0, false, "{\"lines\":[{\"sku\":\"other\"}]}",
         "has a line for \"other\", not asked for"},
        {KIND_RESERVE, 1, 0, false, "{\"lines\":[{\"quantity\":1}]}", "has a line for \"\""},
        {KIND_RESERVE, 2, 0, false, "{\"lines\":[" LINE4(1) "," LINE4(1) "," LINE10(3) "]}",
         "has 3 lines where 2 were asked for"},
    };
    CHECK(rows);
}

TEST(an_item_s_numbers_must_be_of_that_item_and_add_up)
{
    static const struct row rows[] = {
        {KIND_GET_ITEM, 1, 0, false, "{\"sku\":\"load-r7-5\"}",
         "says \"sku\":\"load-r7-5\", asked about load-r7-4"},
        {KIND_DECREMENT, 1, 0, false, "{\"sku\":\"load-r7-5\",\"quantity\":1}", "says \"sku\""},
        {KIND_TRANSFER, 2, 0, false, "{\"from\":{\"sku\":\"load-r7-10\"}}", "says \"sku\""},
        {KIND_TRANSFER, 2, 0, false, "{\"to\":{\"sku\":\"load-r7-4\"}}",
         "says \"sku\":\"load-r7-4\", asked about load-r7-10"},
        {KIND_ADJUST, 1, 0, false, "{\"on_hand\":9,\"held\":4,\"available\":6}",
         "says \"available\":6 with \"on_hand\":9 and \"held\":4"},
        {KIND_ADJUST, 1, 0, false, "{\"on_hand\":-9223372036854775807,\"held\":4,\"available\":6}",
         "says \"available\":6"},
        {KIND_PUT, 1, 0, false, "{\"max_per_customer\":null}", NULL},
        {KIND_GET_ITEM, 1, 0, false, "{\"max_per_customer\":5}",
         "says \"max_per_customer\":5 of load-r7-4, created with 0"},
    };
    CHECK(rows);
}

TEST(a_reservation_keeps_its_id)
{
    static const struct row rows[] = {
        {KIND_CONFIRM, 1, 0, false, "{\"id\":\"r7\",\"lines\":[" LINE4(1) "]}", NULL},
        {KIND_CONFIRM, 1, 0, false, "{\"id\":\"r8\",\"lines\":[" LINE4(1) "]}",
         "says \"id\":\"r8\", it was about \"r7\""},
        {KIND_RESERVE, 1, FLAG_RESENT, true, "{\"id\":\"r8\",\"lines\":[" LINE4(1) "]}",
         "says \"id\":\"r8\""},
        {KIND_GET_RESERVATION, 1, 0, false, "{\"id\":\"r8\",\"lines\":[" LINE4(1) "]}",
         "says \"id\":\"r8\""},
        {KIND_DECREMENT, 1, 0, false, "{\"id\":\"op-9\",\"quantity\":1}", NULL},
    };
    CHECK(rows);
}

TEST(a_new_deadline_is_the_time_to_live_away)
{
    static const struct row rows[] = {
        {KIND_RESERVE, 1, 0, false, "{\"ttl_ms\":30000,\"lines\":[" LINE4(1) "]}", NULL},
        {KIND_EXTEND, 1, 0, false, "{\"ttl_ms\":28600,\"lines\":[" LINE4(1) "]}", NULL},
        {KIND_EXTEND, 1, 0, false, "{\"ttl_ms\":28599,\"lines\":[" LINE4(1) "]}",
         "says \"ttl_ms\":28599 when 30000 were asked for"},
        {KIND_RESERVE, 1, 0, false, "{\"ttl_ms\":31001,\"lines\":[" LINE4(1) "]}",
         "says \"ttl_ms\":31001"},
        {KIND_RESERVE, 1, 0, true, "{\"ttl_ms\":5,\"lines\":[" LINE4(1) "]}", NULL},
        {KIND_GET_RESERVATION, 1, 0, false, "{\"ttl_ms\":5,\"lines\":[" LINE4(1) "]}", NULL},
    };
    CHECK(rows);
}

TEST(status_and_headers_go_with_the_body)
{
    static const struct {
        enum history_kind kind;
        uint16_t status;
        struct str etag, location;
        const char *says;
    } rows[] = {
        {KIND_RESERVE, 201, STR(""), STR("/v1/reservations/r7"), NULL},
        {KIND_RESERVE, 201, STR(""), STR("http://shop/api/v1/reservations/r7"), NULL},
        {KIND_RESERVE, 201, STR(""), STR("/v1/reservations/xr7"), "has the Location"},
        {KIND_RESERVE, 201, STR(""), STR("r7"), "has the Location"},
        {KIND_RESERVE, 200, STR(""), STR(""), "is due with status 201"},
        {KIND_CONFIRM, 201, STR(""), STR(""), "is due with status 200"},
        {KIND_GET_ITEM, 200, STR("\"17\""), STR(""), NULL},
        {KIND_GET_ITEM, 200, STR("W/\"17\""), STR(""), NULL},
        {KIND_GET_ITEM, 200, STR("\"16\""), STR(""), "has the ETag \"16\" at version 17"},
        {KIND_GET_ITEM, 200, STR("17"), STR(""), "has the ETag 17 at version 17"},
        {KIND_ADJUST, 200, STR("\"x\""), STR(""), NULL}, /* the contract gives it none */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct mismatch m;
        struct answer a;
        struct str none = {NULL, 0};
        const struct response response = {
            .status = rows[i].status,
            .etag = rows[i].etag.n ? rows[i].etag : none,
            .location = rows[i].location.n ? rows[i].location : none,
        };
        assert_true(
            answer_read(&a, STR("{\"id\":\"r7\",\"version\":17,\"lines\":[" LINE4(1) "]}")));
        mismatch_of_success(&m, &facts, operation(rows[i].kind, 1, 0), &request, &a, &response);
        if (rows[i].says ? strncmp(m.text, rows[i].says, strlen(rows[i].says)) != 0 : m.text[0])
            fail_msg("row %zu: said \"%s\"", i, m.text);
    }
}

#define METADATA(no, of)                                                                           \
    "\"metadata\":{\"order\":{\"no\":" no ",\"of\":[" of "],\"gift\":true},"                       \
    "\"note\":\"f\\u00fcr \\\"345\\\"\",\"coupon\":null}"

TEST(who_reserved_and_what_for_comes_back)
{
    static const struct {
        const char *members, *says;
    } rows[] = {
        {"\"customer\":\"c12\",\"reference\":\"r7-12-345\"", NULL},
        {"\"x\":1", NULL}, /* not said */
        {"\"customer\":\"c1\"", "says \"customer\":\"c1\" and not \"c12\""},
        {"\"customer\":null", "says \"customer\":null"},
        {"\"customer\":\"c12\",\"reference\":\"r7-12-346\"", "says \"reference\":"},
        {METADATA("345", "12,\"r7\""), NULL},
        {"\"metadata\":{\"coupon\":null,\"note\":\"f\u00fcr \\u0022345\\\"\",\"order\":"
         "{\"gift\":true, \"no\":345, \"of\":[12, \"r7\"]}}",
         NULL},
        {METADATA("346", "12,\"r7\""), "says \"metadata\":{\"order\":{\"no\":346"},
        {METADATA("345", "\"r7\",12"), "says \"metadata\":"},
        {METADATA("345", "12"), "says \"metadata\":"},
        {"\"metadata\":{}", "says \"metadata\":{} and not {\"order\":"},
        {"\"metadata\":null", "says \"metadata\":null and not"},
        {"\"lines\":[{\"sku\":\"load-r7-4\",\"quantity\":1,\"reserved\":2}]",
         "says that 2 units of load-r7-4 were reserved, not 1"},
    };
    static const struct history_facts named = {.run = "r7", .prefix = "load-r7-", .items = 100};
    static const struct history_op reserve = {.kind = KIND_RESERVE,
                                              .lines = 1,
                                              .client = 12,
                                              .seq = 345,
                                              .line = {.item = 4, .quantity = 1}};
    const struct mismatch_request about = {.reserve = &reserve, .named = true};
    const struct response response = {.status = 200};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct mismatch m;
        struct answer a;
        char body[300];
        snprintf(body, sizeof(body), "{\"lines\":[" LINE4(1) "],%s}", rows[i].members);
        assert_true(answer_read(&a, str_of(body)));
        mismatch_of_success(&m, &named, operation(KIND_CONFIRM, 1, 0), &about, &a, &response);
        if (rows[i].says ? strncmp(m.text, rows[i].says, strlen(rows[i].says)) != 0 : m.text[0])
            fail_msg("row %zu: said \"%s\"", i, m.text);
    }
}

TEST(a_new_item_begins_with_nothing_held_or_sold)
{
    static const struct row rows[] = {
        {KIND_PUT, 1, 0, false, "{\"on_hand\":1,\"held\":0,\"sold\":0,\"version\":7}", NULL},
        {KIND_PUT, 1, 0, false, "{\"on_hand\":2,\"version\":7}", "says \"on_hand\":2 and not 1"},
        {KIND_PUT, 1, 0, false, "{\"on_hand\":1,\"sold\":4,\"version\":7}",
         "says \"held\":0 and \"sold\":4 of a new item"},
        {KIND_PUT, 1, 0, false, "{\"on_hand\":1,\"held\":2,\"version\":7}",
         "says \"held\":2 and \"sold\":0 of a new item"},
    };
    check_rows(rows, sizeof(rows) / sizeof(*rows));
}

TEST(a_delete_is_answered_with_204)
{
    struct mismatch m;
    mismatch_of_removal(&m, &(struct response){.status = 204});
    assert_string_equal(m.text, "");
    mismatch_of_removal(&m, &(struct response){.status = 200});
    assert_string_equal(m.text, "is due with status 204");
}

TEST(a_set_makes_the_next_version)
{
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"{\"on_hand\":1,\"version\":18}", NULL},
        {"{\"on_hand\":2,\"version\":18}", "says \"on_hand\":2 and not 1"},
        {"{\"on_hand\":1,\"version\":19}", "makes version 19 of what If-Match says is at 17"},
    };
    const struct mismatch_request set = {.if_match = 17};
    const struct response response = {.status = 200};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct mismatch m;
        struct answer a;
        assert_true(answer_read(&a, str_of(rows[i].body)));
        mismatch_of_success(&m, &facts, operation(KIND_SET, 1, 0), &set, &a, &response);
        assert_string_equal(m.text, rows[i].says ? rows[i].says : "");
    }
}

TEST(json_that_lacks_what_was_promised_is_told_from_what_is_no_json)
{
    struct mismatch m;
    mismatch_of_garbled(&m, operation(KIND_DECREMENT, 1, 0), STR("{\"version\":1.5}"));
    assert_string_equal(m.text, "is JSON without whole numbers \"remaining\" and \"version\"");
    mismatch_of_garbled(&m, operation(KIND_RESERVE, 1, 0), STR(" [] "));
    assert_string_equal(m.text, "is JSON without id, state and each line's \"remaining\" and "
                                "\"version\"");
    static const char *const none[] = {"", "<html>", "{\"version\":1", "{} {}"};
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        mismatch_of_garbled(&m, operation(KIND_RESERVE, 1, 0), str_of(none[i]));
        assert_string_equal(m.text, "");
    }
}

/* Whatever a server says, the note is a text that ends. */
TEST(long_texts_are_shown_in_part)
{
    static char body[3000];
    snprintf(body, sizeof(body), "{\"lines\":[{\"sku\":\"%02000d\",\"quantity\":1}]}", 7);
    const struct row row = {KIND_RESERVE, 1, 0, false, body, NULL};
    assert_string_equal(mismatch_in(&row),
                        "has a line for \"000000000000000000000000\", not asked for");
}
