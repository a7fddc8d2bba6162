/* test_refusal.c -- what an answer that is no success counts as, by status, document and request.
 */
#include "client/refusal.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

/* Item 10 is limited, item 4 is not. */
static const struct history_facts facts = {
    .prefix = "load-r7-", .items = 100, .ttl_ms = 30000, .limit = 5, .limited_every = 10};

/* Two lines: 1 unit of item 4, and 3 of item 10. */
static const struct history_op *operation(enum history_kind kind, unsigned lines)
{
    static struct history_op basket[2];
    struct history_lines *more = (struct history_lines *)(basket + 1);
    memset(basket, 0, sizeof(basket));
    basket->kind = (uint8_t)kind;
    basket->lines = (uint8_t)lines;
    bool gives = kind == KIND_ADJUST || kind == KIND_TRANSFER;
    basket->line = (struct history_line){.item = 4, .quantity = gives ? -1 : 1};
    more->line[0] = (struct history_line){.item = 10, .quantity = 3};
    return basket;
}

static struct refusal read_answer(enum history_kind kind, unsigned lines,
                                  const struct response *response)
{
    struct answer a;
    bool readable = answer_read(&a, response->body);
    return refusal_read(&facts, operation(kind, lines), response, readable ? &a : NULL);
}

static void expect(size_t row, const struct refusal *r, enum history_outcome outcome,
                   enum history_detail detail, const char *says)
{
    bool text = says ? strncmp(r->mismatch.text, says, strlen(says)) == 0 : !r->mismatch.text[0];
    if (r->outcome != outcome || r->detail != detail || !text)
        fail_msg("row %zu: outcome %d, detail %d, said \"%s\"", row, (int)r->outcome,
                 (int)r->detail, r->mismatch.text);
}

#define DOCUMENT(name, status)                                                                     \
    "{\"type\":\"/problems/" name "\",\"title\":\"T\",\"status\":" #status ",\"detail\":\"D\"}"
#define NO_GROUND(name) "gives \"" name "\" as the reason, for which there is none"

TEST(a_problem_needs_a_ground_and_its_own_status)
{
    static const struct {
        enum history_kind kind;
        uint16_t status;
        const char *body;
        enum history_detail detail;
        const char *says;
    } rows[] = {
        {KIND_RESERVE, 404, DOCUMENT("item-not-found", 404), DETAIL_NO_ITEM, NULL},
        {KIND_CONFIRM, 409, DOCUMENT("limit-exceeded", 409), DETAIL_OTHER,
         NO_GROUND("limit-exceeded")},
        {KIND_ADJUST, 409, DOCUMENT("limit-exceeded", 409), DETAIL_OTHER,
         NO_GROUND("limit-exceeded")},
        {KIND_RESERVE, 409, DOCUMENT("item-not-found", 409), DETAIL_OTHER,
         "gives \"item-not-found\", which is a 404"},
        {KIND_RESERVE, 422, DOCUMENT("invalid-field", 422), DETAIL_OTHER,
         NO_GROUND("invalid-field")},
        {KIND_RESERVE, 422, DOCUMENT("idempotency-key-reused", 422), DETAIL_OTHER,
         NO_GROUND("idempotency-key-reused")},
        {KIND_RESERVE, 422, DOCUMENT("cross-partition", 422), DETAIL_APART, NULL},
        {KIND_TRANSFER, 422, DOCUMENT("cross-partition", 422), DETAIL_APART, NULL},
        {KIND_TRANSFER, 404, DOCUMENT("item-not-found", 404), DETAIL_NO_ITEM, NULL},
        {KIND_TRANSFER, 409, DOCUMENT("limit-exceeded", 409), DETAIL_OTHER,
         NO_GROUND("limit-exceeded")},
        {KIND_DECREMENT, 422, DOCUMENT("cross-partition", 422), DETAIL_OTHER,
         NO_GROUND("cross-partition")},
        {KIND_RESERVE, 409, DOCUMENT("reservation-expired", 409), DETAIL_OTHER,
         NO_GROUND("reservation-expired")},
        {KIND_ADJUST, 404, DOCUMENT("reservation-not-found", 404), DETAIL_OTHER,
         NO_GROUND("reservation-not-found")},
        {KIND_CONFIRM, 409, DOCUMENT("reservation-confirmed", 409), DETAIL_CONFIRMED, NULL},
        {KIND_RERESERVE, 409, DOCUMENT("reservation-released", 409), DETAIL_RELEASED, NULL},
        {KIND_RERESERVE, 409, DOCUMENT("insufficient-stock", 409), DETAIL_NO_STOCK,
         "has no line that says which item fell short"},
        {KIND_CONFIRM, 422, DOCUMENT("invalid-field", 422), DETAIL_OTHER,
         NO_GROUND("invalid-field")},
        {KIND_RELEASE, 409, DOCUMENT("reservation-released", 409), DETAIL_OTHER,
         NO_GROUND("reservation-released")},
        {KIND_EXTEND, 422, DOCUMENT("invalid-field", 422), DETAIL_TOO_LONG, NULL},
        {KIND_GET_ITEM, 404, DOCUMENT("route-not-found", 404), DETAIL_OTHER,
         NO_GROUND("route-not-found")},
        {KIND_GET_RESERVATION, 404, DOCUMENT("reservation-not-found", 404), DETAIL_NO_RESERVATION,
         NULL},
        {KIND_RESERVE, 401, DOCUMENT("unauthenticated", 401), DETAIL_OTHER,
         NO_GROUND("unauthenticated")},
        {KIND_GET_ITEM, 403, DOCUMENT("forbidden", 403), DETAIL_OTHER, NO_GROUND("forbidden")},
        {KIND_RESERVE, 503, DOCUMENT("whatever", 503), DETAIL_UNAVAILABLE, NULL},
        {KIND_RESERVE, 429, DOCUMENT("rate-limited", 429), DETAIL_UNAVAILABLE, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct response response = {
            .status = rows[i].status, .content = CONTENT_PROBLEM, .body = str_of(rows[i].body)};
        struct refusal r = read_answer(rows[i].kind, 1, &response);
        expect(i, &r, OUTCOME_FAIL, rows[i].detail, rows[i].says);
    }
}

TEST(what_is_no_problem_document_proves_nothing)
{
    static const struct {
        uint16_t status;
        enum response_content content;
        const char *body;
        enum history_detail detail; /* OTHER: nobody is blamed, and nothing is missing */
        const char *says;
    } rows[] = {
        {409, CONTENT_UNSAID, "", DETAIL_FOREIGN, "is empty"},
        {409, CONTENT_PROBLEM, "", DETAIL_FOREIGN, "is empty"},
        {409, CONTENT_JSON, "{}", DETAIL_FOREIGN, "is no problem document"},
        {409, CONTENT_PROBLEM, "[]", DETAIL_FOREIGN, "is no JSON object"},
        {409, CONTENT_PROBLEM, "{\"type\":\"/problems/insufficient-stock\"}", DETAIL_FOREIGN,
         "is no problem document"},
        {404, CONTENT_PROBLEM, DOCUMENT("item-not-found", 409), DETAIL_FOREIGN,
         "says another \"status\""},
        {404, CONTENT_JSON, DOCUMENT("item-not-found", 404), DETAIL_FOREIGN, "is not of type"},
        {409, CONTENT_OTHER, "<html>", DETAIL_FOREIGN, NULL},
        {403, CONTENT_OTHER, "<html>", DETAIL_FOREIGN, NULL},
        {403, CONTENT_UNSAID, "", DETAIL_FOREIGN, "is empty"},
        {413, CONTENT_UNSAID, "", DETAIL_FOREIGN, NULL},
        {431, CONTENT_OTHER, "<html>", DETAIL_FOREIGN, NULL},
        {302, CONTENT_UNSAID, "", DETAIL_FOREIGN, NULL},
        {304, CONTENT_UNSAID, "", DETAIL_FOREIGN, "is none that such a request can get"},
        {503, CONTENT_UNSAID, "", DETAIL_OTHER, NULL},
        {502, CONTENT_OTHER, "<html>", DETAIL_OTHER, NULL},
        {504, CONTENT_PROBLEM, DOCUMENT("outcome-unknown", 504), DETAIL_OTHER, NULL},
        {500, CONTENT_PROBLEM, DOCUMENT("internal-error", 500), DETAIL_OTHER, NULL},
        {429, CONTENT_OTHER, "<html>", DETAIL_OTHER, NULL},
        {408, CONTENT_UNSAID, "", DETAIL_OTHER, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct response response = {
            .status = rows[i].status, .content = rows[i].content, .body = str_of(rows[i].body)};
        struct refusal r = read_answer(KIND_RESERVE, 1, &response);
        expect(i, &r, OUTCOME_UNKNOWN, rows[i].detail, rows[i].says);
    }
}

#define SHORTS(lines)                                                                              \
    "{\"type\":\"/problems/insufficient-stock\",\"title\":\"T\",\"status\":409,\"detail\":\"D\","  \
    "\"lines\":[" lines "]}"
#define SHORT(item, requested)                                                                     \
    "{\"sku\":\"load-r7-" #item "\",\"requested\":" #requested ",\"available\":0,\"version\":9}"

TEST(a_want_of_stock_is_said_in_numbers)
{
    static const struct {
        enum history_kind kind;
        unsigned lines;
        const char *body;
        const char *says;
    } rows[] = {
        {KIND_RESERVE, 2, SHORTS(SHORT(10, 3)), NULL},
        {KIND_RESERVE, 2, SHORTS(SHORT(10, 3) "," SHORT(4, 1)), NULL},
        {KIND_RESERVE, 2, SHORTS(SHORT(10, 2)), "says 2 units of load-r7-10 were requested, not 3"},
        {KIND_RESERVE, 2, SHORTS(SHORT(11, 3)), "has a line for \"load-r7-11\", not asked for"},
        {KIND_RESERVE, 2, SHORTS(SHORT(4, 1) "," SHORT(4, 1)), "has two lines for \"load-r7-4\""},
        {KIND_RESERVE, 2, SHORTS(""), "has no line"},
        {KIND_DECREMENT, 1, DOCUMENT("insufficient-stock", 409), "has no line"},
        {KIND_DECREMENT, 1, SHORTS(SHORT(4, 2)), "says 2 units"},
        {KIND_ADJUST, 1, SHORTS(SHORT(4, 1)), NULL},
        {KIND_TRANSFER, 2, SHORTS(SHORT(4, 1)), NULL},
        {KIND_TRANSFER, 2, SHORTS(SHORT(10, 3)), "says 3 units"}, /* who takes lacks nothing */
        {KIND_RESERVE, 1, SHORTS("{\"sku\":\"load-r7-4\",\"requested\":1,\"available\":0}"),
         "has a line for load-r7-4 without requested, available or version"},
        {KIND_RESERVE, 1, SHORTS("{\"sku\":\"load-r7-4\",\"requested\":1,\"version\":9}"),
         "has a line for load-r7-4 without"},
        {KIND_RESERVE, 1, SHORTS("{\"sku\":\"load-r7-4\",\"available\":0,\"version\":9}"),
         "has a line for load-r7-4 without"},
        {KIND_RESERVE, 1, SHORTS("{\"requested\":1,\"available\":0,\"version\":9}"),
         "has a line for \"\", not asked for"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct response response = {
            .status = 409, .content = CONTENT_PROBLEM, .body = str_of(rows[i].body)};
        struct refusal r = read_answer(rows[i].kind, rows[i].lines, &response);
        expect(i, &r, OUTCOME_FAIL, DETAIL_NO_STOCK, rows[i].says);
    }
}

#define OVERS(lines)                                                                               \
    "{\"type\":\"/problems/limit-exceeded\",\"title\":\"T\",\"status\":409,\"detail\":\"D\","      \
    "\"lines\":[" lines "]}"
#define OVER(item, more) "{\"sku\":\"load-r7-" #item "\",\"used\":5,\"version\":9" more "}"

TEST(a_limit_is_said_in_numbers)
{
    static const struct {
        enum history_kind kind;
        unsigned lines;
        const char *body;
        const char *says;
    } rows[] = {
        {KIND_RESERVE, 2, OVERS(OVER(10, ",\"limit\":5")), NULL},
        {KIND_RESERVE, 2, OVERS(OVER(10, ",\"limit\":5,\"requested\":3")), NULL},
        {KIND_DECREMENT, 2, OVERS(OVER(10, ",\"limit\":5,\"requested\":2")),
         "says 2 units of load-r7-10 were requested, not 3"},
        {KIND_RESERVE, 2, OVERS(OVER(10, ",\"limit\":6")),
         "says that load-r7-10 has a limit of 6, and not 5"},
        {KIND_RESERVE, 2, OVERS(OVER(4, ",\"limit\":5")),
         "says that load-r7-4 has a limit of 5, and not 0"},
        {KIND_RESERVE, 2, OVERS(OVER(10, "")),
         "has a line for load-r7-10 without limit, used or version"},
        {KIND_RESERVE, 2, OVERS("{\"sku\":\"load-r7-10\",\"limit\":5,\"version\":9}"),
         "has a line for load-r7-10 without"},
        {KIND_RESERVE, 2, OVERS("{\"sku\":\"load-r7-10\",\"limit\":5,\"used\":5}"),
         "has a line for load-r7-10 without"},
        {KIND_RESERVE, 2, OVERS(OVER(15, ",\"limit\":5")),
         "has a line for \"load-r7-15\", not asked for"},
        {KIND_RESERVE, 2, OVERS(OVER(10, ",\"limit\":5") "," OVER(10, ",\"limit\":5")),
         "has two lines for \"load-r7-10\""},
        {KIND_RESERVE, 2, OVERS(""), "has no line"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct response response = {
            .status = 409, .content = CONTENT_PROBLEM, .body = str_of(rows[i].body)};
        struct refusal r = read_answer(rows[i].kind, rows[i].lines, &response);
        expect(i, &r, OUTCOME_FAIL, DETAIL_LIMIT, rows[i].says);
    }
}

TEST(only_the_service_knows_what_it_has_not_recorded)
{
    static const struct {
        enum response_content content;
        const char *body;
        bool absent;
    } rows[] = {
        {CONTENT_PROBLEM, DOCUMENT("operation-not-found", 404), true},
        {CONTENT_PROBLEM, DOCUMENT("route-not-found", 404), false},
        {CONTENT_OTHER, "{}", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct response response = {
            .status = 404, .content = rows[i].content, .body = str_of(rows[i].body)};
        struct answer a;
        assert_true(answer_read(&a, response.body));
        assert_int_equal(refusal_of_lookup(&response, &a), rows[i].absent);
    }
}
