#include "client/answer.h"

#include "buf.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

#define RESERVATION                                                                                \
    "{\"id\":\"r0-38fs4t3se7elb1hhb69cuco\",\"state\":\"held\",\"lines\":[{\"sku\":\"apple\","     \
    "\"quantity\":4,\"remaining\":6,\"version\":2}],\"customer\":\"c-1\",\"reference\":null,"      \
    "\"metadata\":{},\"created_at\":\"2026-11-21T03:21:32.460Z\",\"expires_at\":"                  \
    "\"2026-11-21T03:23:32.460Z\",\"ttl_ms\":120000}"
#define ITEM                                                                                       \
    "{\"sku\":\"apple\",\"on_hand\":10,\"available\":7,\"held\":2,\"sold\":1,\"version\":12,"      \
    "\"max_per_customer\":null,\"updated_at\":\"2026-11-21T03:21:32.422Z\"}"
#define NOT_FOUND                                                                                  \
    "{\"type\":\"/problems/item-not-found\",\"title\":\"There is no such item\",\"status\":404,"   \
    "\"detail\":\"there is no item plum\",\"sku\":\"plum\"}"

/* Reads a copy that is just as long, so that a read beyond its end is seen. The copy is kept until
 * the next call, for the texts of the answer. */
static bool reads_text(struct answer *a, struct str text)
{
    static char *kept;
    free(kept);
    kept = malloc(text.n > 0 ? text.n : 1);
    assert_non_null(kept);
    memcpy(kept, text.p, text.n);
    return answer_read(a, (struct str){kept, text.n});
}

static bool reads(struct answer *a, const char *text)
{
    return reads_text(a, str_of(text));
}

static void assert_text(struct str text, const char *expected)
{
    if (!str_equal(text, str_of(expected)))
        fail_msg("%.*s is not %s", STR_ARG(text), expected ? expected : "absent");
}

static void assert_line(const struct answer_line *line, const char *sku, int64_t quantity,
                        int64_t remaining, uint64_t version)
{
    assert_text(line->sku, sku);
    assert_true(line->quantity == quantity);
    assert_true(line->remaining == remaining);
    assert_true(line->version == version);
}

TEST(says_nothing_of_an_empty_object)
{
    struct answer a;
    memset(&a, 0x5a, sizeof(a));
    assert_true(reads(&a, " {\t} \r\n"));
    assert_true(str_absent(a.id) && str_absent(a.state) && str_absent(a.type));
    assert_true(str_absent(a.sku) && str_absent(a.body));
    assert_true(a.on_hand == ANSWER_UNSAID && a.available == ANSWER_UNSAID);
    assert_true(a.held == ANSWER_UNSAID && a.sold == ANSWER_UNSAID);
    assert_true(a.remaining == ANSWER_UNSAID && a.quantity == ANSWER_UNSAID);
    assert_true(a.version == 0 && a.status == 0 && a.lines == 0 && !a.replayed);
}

TEST(reads_an_item)
{
    struct answer a;
    assert_true(reads(&a, ITEM));
    assert_text(a.sku, "apple");
    assert_true(a.on_hand == 10 && a.available == 7 && a.held == 2 && a.sold == 1);
    assert_true(a.version == 12);
    assert_true(a.remaining == ANSWER_UNSAID && a.quantity == ANSWER_UNSAID);
    assert_int_equal(a.lines, 0);
}

TEST(reads_a_reservation)
{
    struct answer a;
    assert_true(reads(&a, RESERVATION));
    assert_text(a.id, "r0-38fs4t3se7elb1hhb69cuco");
    assert_text(a.state, "held");
    assert_int_equal(a.lines, 1);
    assert_line(&a.line[0], "apple", 4, 6, 2);
    assert_true(str_absent(a.sku) && a.version == 0);
}

TEST(reads_a_confirmed_reservation_of_two_lines)
{
    struct answer a;
    assert_true(reads(&a,
                      "{\"id\":\"r0-1\",\"state\":\"confirmed\",\"lines\":[{\"sku\":\"apple\","
                      "\"quantity\":3,\"reserved\":4,\"remaining\":7,\"version\":3}, {\"version\":"
                      "9,\"remaining\":0,\"quantity\":1,\"sku\":\"a.b:c_d-1\"}],\"ttl_ms\":0}"));
    assert_text(a.state, "confirmed");
    assert_int_equal(a.lines, 2);
    assert_line(&a.line[0], "apple", 3, 7, 3);
    assert_line(&a.line[1], "a.b:c_d-1", 1, 0, 9);
}

TEST(reads_a_decrement)
{
    struct answer a;
    assert_true(reads(&a, "{\"id\":\"op-hep5kok2cmbnhefzdudg\",\"sku\":\"apple\",\"quantity\":1,"
                          "\"remaining\":6,\"version\":7}"));
    assert_text(a.id, "op-hep5kok2cmbnhefzdudg");
    assert_text(a.sku, "apple");
    assert_true(a.quantity == 1 && a.remaining == 6 && a.version == 7);
}

TEST(reads_a_stock_refusal)
{
    struct answer a;
    assert_true(reads(&a,
                      "{\"type\":\"/problems/insufficient-stock\",\"title\":\"There is not "
                      "enough stock\",\"status\":409,\"detail\":\"apple: 1 requested, 0 "
                      "available\",\"lines\":[{\"sku\":\"apple\",\"requested\":1,\"available\":"
                      "0,\"version\":4}],\"earliest_release_at\":\"2026-11-21T03:22:33.771Z\"}"));
    assert_text(a.type, "insufficient-stock");
    assert_int_equal(a.status, 409);
    assert_int_equal(a.lines, 1);
    assert_line(&a.line[0], "apple", 1, 0, 4);
}

TEST(reads_limits_and_what_is_used_of_them)
{
    struct answer a;
    assert_true(reads(&a, "{\"max_per_customer\":3}"));
    assert_int_equal(a.limit, 3);
    assert_true(reads(&a, "{\"max_per_customer\":null}"));
    assert_int_equal(a.limit, 0); /* said, and none */
    assert_true(reads(&a, "{\"sku\":\"x\"}"));
    assert_int_equal(a.limit, ANSWER_UNSAID);
    assert_true(reads(&a, "{\"items\":[{\"max_per_customer\":null},{\"max_per_customer\":4},{}]}"));
    assert_int_equal(a.line[0].limit, 0);
    assert_int_equal(a.line[1].limit, 4);
    assert_int_equal(a.line[2].limit, ANSWER_UNSAID);
    assert_true(reads(&a, "{\"lines\":[{\"sku\":\"x\",\"requested\":2,\"limit\":5,\"used\":4,"
                          "\"version\":9},{\"version\":9}]}"));
    assert_true(a.line[0].limit == 5 && a.line[0].used == 4 && a.line[0].quantity == 2);
    assert_true(a.line[1].limit == ANSWER_UNSAID && a.line[1].used == ANSWER_UNSAID);
}

TEST(keeps_the_name_of_a_problem)
{
    struct answer a;
    assert_true(reads(&a, NOT_FOUND));
    assert_text(a.type, "item-not-found");
    assert_int_equal(a.status, 404);
    assert_text(a.sku, "plum");
    assert_true(reads(&a, "{\"type\":\"https:\\/\\/x.example\\/problems\\/overloaded\"}"));
    assert_text(a.type, "overloaded");
    assert_true(reads(&a, "{\"type\":\"about:blank\"}"));
    assert_text(a.type, "about:blank");
    assert_true(reads(&a, "{\"type\":\"/\"}"));
    assert_text(a.type, "");
    assert_true(reads(&a, "{\"type\":\"\"}"));
    assert_text(a.type, "");
}

TEST(reads_the_record_of_an_operation)
{
    struct answer a;
    assert_true(reads(&a, "{\"id\":\"order-10\",\"status\":201,\"body\": " RESERVATION " }"));
    assert_text(a.id, "order-10");
    assert_int_equal(a.status, 201);
    assert_text(a.body, RESERVATION);
    assert_true(str_absent(a.state) && a.lines == 0);
    assert_true(answer_read(&a, a.body));
    assert_text(a.state, "held");
}

TEST(takes_any_value_as_a_body)
{
    static const char *const bodies[] = {
        "{}", "[]", "[1, {\"a\":[]}]", "\"x\\n\"", "-1.5e+3", "0", "true", "false"};
    struct answer a;
    char text[64];
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        snprintf(text, sizeof(text), "{\"body\" : %s ,\"status\":1}", bodies[i]);
        assert_true(reads(&a, text));
        assert_text(a.body, bodies[i]);
    }
}

TEST(takes_null_as_not_said)
{
    struct answer a;
    assert_true(reads(&a, "{\"id\":null,\"state\":null,\"type\":null,\"sku\":null,\"on_hand\":null,"
                          "\"available\":null,\"held\":null,\"sold\":null,\"remaining\":null,"
                          "\"quantity\":null,\"version\":null,\"status\":null,\"body\":null,"
                          "\"replayed\":null,\"lines\":null}"));
    assert_true(str_absent(a.id) && str_absent(a.state) && str_absent(a.type));
    assert_true(str_absent(a.sku) && str_absent(a.body) && !a.replayed);
    assert_true(a.on_hand == ANSWER_UNSAID && a.available == ANSWER_UNSAID);
    assert_true(a.held == ANSWER_UNSAID && a.sold == ANSWER_UNSAID);
    assert_true(a.remaining == ANSWER_UNSAID && a.quantity == ANSWER_UNSAID);
    assert_true(a.version == 0 && a.status == 0 && a.lines == 0);
    assert_true(reads(&a, "{\"lines\":[{\"sku\":null,\"quantity\":null,\"version\":null},{}]}"));
    assert_int_equal(a.lines, 2);
    assert_line(&a.line[0], NULL, ANSWER_UNSAID, ANSWER_UNSAID, 0);
    assert_line(&a.line[1], NULL, ANSWER_UNSAID, ANSWER_UNSAID, 0);
}

TEST(takes_the_last_of_two)
{
    struct answer a;
    assert_true(reads(&a, "{\"version\":1,\"lines\":[{},{}],\"version\":2,\"lines\":[{\"sku\":"
                          "\"a\",\"sku\":\"b\"}],\"sold\":3,\"sold\":null}"));
    assert_true(a.version == 2);
    assert_int_equal(a.lines, 1);
    assert_text(a.line[0].sku, "b");
    assert_true(a.sold == ANSWER_UNSAID);
}

TEST(prefers_a_lines_own_names_in_any_order)
{
    struct answer a;
    assert_true(reads(&a, "{\"lines\":[{\"remaining\":1,\"available\":2,\"quantity\":3,"
                          "\"requested\":4},{\"available\":2,\"remaining\":1,\"requested\":4,"
                          "\"quantity\":3},{\"available\":2,\"remaining\":null}]}"));
    assert_line(&a.line[0], NULL, 3, 1, 0);
    assert_line(&a.line[1], NULL, 3, 1, 0);
    assert_line(&a.line[2], NULL, ANSWER_UNSAID, 2, 0);
}

TEST(passes_over_what_it_does_not_know)
{
    struct answer a;
    assert_true(reads(&a,
                      "{\"\":0,\"Id\":1,\"s\\u006bu\":2,\"versions\":\"x\",\"lines_\":-0.5E-7,"
                      "\"deep\":{\"id\":[{\"sku\":5}]},\"\xc3\xa9\":\"\xf0\x9f\x8d\x8e\\ud83c\","
                      "\"e\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fF\\u0000\x7f\",\"sku\":\"a\"}"));
    assert_text(a.sku, "a");
    assert_true(str_absent(a.id) && a.version == 0 && a.lines == 0);
}

TEST(reads_numbers_up_to_their_limits)
{
    struct answer a;
    assert_true(reads(&a, "{\"on_hand\":9223372036854775807,\"available\":-9223372036854775807,"
                          "\"held\":-1,\"sold\":-0,\"version\":18446744073709551615,"
                          "\"status\":999}"));
    assert_true(a.on_hand == INT64_MAX && a.available == -INT64_MAX);
    assert_true(a.held == -1 && a.sold == 0 && a.version == UINT64_MAX);
    assert_int_equal(a.status, 999);
}

TEST(a_time_to_live_that_is_no_whole_number_was_not_said)
{
    static const struct {
        const char *json;
        int64_t ttl_ms;
    } rows[] = {{"{\"ttl_ms\":1999}", 1999},
                {"{\"ttl_ms\":-1}", -1},
                {"{\"ttl_ms\":1999.5}", ANSWER_UNSAID},
                {"{\"ttl_ms\":2e3}", ANSWER_UNSAID},
                {"{\"ttl_ms\":99999999999999999999}", ANSWER_UNSAID},
                {"{\"ttl_ms\":\"2\"}", ANSWER_UNSAID},
                {"{\"ttl_ms\":null}", ANSWER_UNSAID}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a;
        assert_true(answer_read(&a, str_of(rows[i].json)));
        assert_int_equal(a.ttl_ms, rows[i].ttl_ms);
    }
}

TEST(refuses_another_type_or_range)
{
    static const char *const fields[] = {
        "\"id\":1",
        "\"state\":{}",
        "\"type\":[]",
        "\"sku\":true",
        "\"on_hand\":\"1\"",
        "\"on_hand\":1.0",
        "\"available\":1e2",
        "\"held\":1E2",
        "\"sold\":[]",
        "\"remaining\":{}",
        "\"quantity\":true",
        "\"version\":-1",
        "\"version\":\"1\"",
        "\"version\":1.5",
        "\"version\":18446744073709551616",
        "\"on_hand\":9223372036854775808",
        "\"on_hand\":-9223372036854775809",
        "\"on_hand\":99999999999999999999999",
        "\"status\":\"200\"",
        "\"status\":1000",
        "\"status\":-1",
        "\"status\":200.0",
        "\"replayed\":0",
        "\"replayed\":\"true\"",
        "\"lines\":{}",
        "\"lines\":1",
        "\"lines\":[1]",
        "\"lines\":[null]",
        "\"lines\":[[]]",
        "\"lines\":[{\"sku\":1}]",
        "\"lines\":[{\"quantity\":\"1\"}]",
        "\"lines\":[{\"remaining\":0.5}]",
        "\"lines\":[{\"available\":[]}]",
        "\"lines\":[{\"requested\":false}]",
        "\"lines\":[{\"version\":-1}]",
    };
    struct answer a;
    char text[128];
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        snprintf(text, sizeof(text), "{%s}", fields[i]);
        if (reads(&a, text))
            fail_msg("taken: %s", text);
        /* It is the field that was refused, not the JSON. */
        snprintf(text, sizeof(text), "{\"body\":{%s}}", fields[i]);
        if (!reads(&a, text))
            fail_msg("refused: %s", text);
    }
}

TEST(refuses_broken_json)
{
    static const char *const broken[] = {
        "[]",
        "1",
        "null",
        "{}{}",
        "{,}",
        "{\"a\":1,}",
        "{\"a\":tru}",
        "{\"a\":\"\xff\"}",
        "{\"version\":}",
        "{\"version\":01}",
        "{\"version\":1x}",
        "{\"sold\":- 1}",
        "{\"sold\":-}",
        "{\"sold\":-",
        "{\"sold\":--1}",
        "{\"sku\":\"a}",
        "{\"sku\":\"\\q\"}",
        "{\"body\":}",
        "{\"body\":[}",
        "{\"lines\":[{}",
        "{\"lines\":[{},]}",
        "{\"lines\":[{}{}]}",
        "{\"lines\":[,{}]}",
        "{\"replayed\":tru}",
        "{\"status\":200",
        "{\"id\":nul}",
    };
    struct answer a;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        if (reads(&a, broken[i]))
            fail_msg("taken: %s", broken[i]);
    assert_false(reads_text(&a, (struct str){"{}\0", 3}));
    assert_false(reads_text(&a, (struct str){"{\0}", 3}));
    assert_false(answer_read(&a, (struct str){NULL, 0}));
}

TEST(refuses_every_beginning_of_an_answer)
{
    struct answer a;
    struct str whole = STR("{\"id\":\"order-10\",\"status\":201,\"body\":" RESERVATION "}");
    for (size_t n = 0; n < whole.n; n++)
        assert_false(reads_text(&a, (struct str){whole.p, n}));
    assert_true(reads_text(&a, whole));
}

TEST(bounds_the_number_of_lines)
{
    struct answer a;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (unsigned lines = ANSWER_LINES_MAX - 1; lines <= ANSWER_LINES_MAX + 1; lines++) {
        buf_reset(&text);
        buf_puts(&text, STR("{\"lines\":["));
        for (unsigned i = 0; i < lines; i++)
            buf_printf(&text, "%s{\"sku\":\"s%u\",\"version\":%u}", i > 0 ? "," : "", i, i + 1);
        buf_puts(&text, STR("]}"));
        assert_false(text.failed);
        bool fits = lines <= ANSWER_LINES_MAX;
        assert_int_equal(reads_text(&a, buf_str(&text)), fits);
        if (fits) {
            assert_int_equal(a.lines, lines);
            assert_true(a.line[lines - 1].version == lines);
        }
    }
    buf_free(&text);
}

TEST(gives_the_results_of_a_batch_one_by_one)
{
    struct str json = STR("{\"more\":[1], \"results\":[{\"status\":201,\"body\":" ITEM
                          ",\"replayed\":false}, {\"status\":201,\"body\":" RESERVATION
                          ",\"replayed\":true} ,{\"status\":404,\"body\":" NOT_FOUND
                          ",\"replayed\":false}], \"end\":{}}");
    static const struct {
        int status;
        bool replayed;
        const char *body;
    } expected[] = {{201, false, ITEM}, {201, true, RESERVATION}, {404, false, NOT_FOUND}};
    size_t at = 0;
    struct str result;
    bool broken;
    for (size_t i = 0; i < 3; i++) {
        struct answer a;
        assert_true(answer_next(json, "results", &at, &result, &broken));
        assert_false(broken);
        assert_true(answer_read(&a, result));
        assert_int_equal(a.status, expected[i].status);
        assert_int_equal(a.replayed, expected[i].replayed);
        assert_text(a.body, expected[i].body);
    }
    for (int again = 0; again < 2; again++) {
        broken = true;
        assert_false(answer_next(json, "results", &at, &result, &broken));
        assert_false(broken);
    }
}

/* How many results come before the end; -1 when it is a broken one. */
static int count_results(struct str json)
{
    size_t at = 0;
    struct str result;
    bool broken;
    int count = 0;
    while (answer_next(json, "results", &at, &result, &broken))
        count++;
    return broken ? -1 : count;
}

TEST(tells_the_end_of_the_results_from_a_broken_text)
{
    assert_int_equal(count_results(STR("{\"results\":[]}")), 0);
    assert_int_equal(count_results(STR(" { \"results\" : [ 1 , [] ] } ")), 2);
    static const char *const broken[] = {
        "",
        "{",
        "{}",
        "[]",
        "[1]",
        "{\"result\":[1]}",
        "{\"results\":null}",
        "{\"results\":{}}",
        "{\"results\":[",
        "{\"results\":[1",
        "{\"results\":[1,",
        "{\"results\":[1,]}",
        "{\"results\":[1 2]}",
        "{\"results\":[1]",
        "{\"results\":[1]]",
        "{\"results\":[1]}}",
        "{\"results\":[1],}",
        "{\"results\":[1] \"a\":1}",
        "{\"results\":[1],\"a\":}",
        "{\"results\":[x]}",
        "{\"a\":x,\"results\":[1]}",
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        if (count_results(str_of(broken[i])) != -1)
            fail_msg("taken: %s", broken[i]);
    size_t beyond = 15;
    struct str result;
    bool is_broken = false;
    assert_false(answer_next(STR("{\"results\":[]}"), "results", &beyond, &result, &is_broken));
    assert_true(is_broken);
}

TEST(sums_a_metric_over_its_labels)
{
    struct str text = STR("# HELP stockd_conflicts_total Lost.\n"
                          "# TYPE stockd_conflicts_total counter\n"
                          "stockd_batches_total 13\n"
                          "stockd_conflicts_total_bytes 1000\n"
                          "stockd_conflicts_total{worker=\"0\"} 5\n"
                          "stockd_conflicts_total{worker=\"} 7\\\"\",x=\"\"}\t2.5 1395066363000\r\n"
                          "stockd_conflicts_total{worker=\"3\n"
                          "stockd_conflicts_total{} x\n"
                          "stockd_conflicts_total 1e2\n"
                          "stockd_queue_depth 0");
    double value;
    assert_true(answer_metric(text, "stockd_conflicts_total", &value));
    assert_true(value == 107.5);
    assert_true(answer_metric(text, "stockd_batches_total", &value));
    assert_true(value == 13);
    assert_true(answer_metric(text, "stockd_queue_depth", &value));
    assert_true(value == 0);
    assert_false(answer_metric(text, "stockd_conflicts", &value));
    assert_false(answer_metric(text, "stockd", &value));
    assert_false(answer_metric((struct str){NULL, 0}, "stockd", &value));
    assert_false(answer_metric(STR("stockd"), "stockd", &value));
    assert_false(answer_metric(STR("stockd "), "stockd", &value));
    assert_false(answer_metric(STR("stockd{"), "stockd", &value));
    assert_false(answer_metric(STR("stockd{a=\"\\"), "stockd", &value));
}
