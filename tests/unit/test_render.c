#include "http/answer/json_write.h"
#include "http/answer/render.h"
#include "support/suite.h"

#include <stdio.h>

#define NOW INT64_C(1795224697123)

static struct buf body;
static struct answer answer;

static int begin(void **state)
{
    buf_init(&body, 1 << 20);
    answer = (struct answer){0};
    return 0;
}

static int end(void **state)
{
    buf_free(&body);
    return 0;
}

static void assert_body(const char *want)
{
    assert_false(body.failed);
    if (!str_equal(buf_str(&body), str_of(want)))
        fail_msg("%.*s\ninstead of\n%s", STR_ARG(buf_str(&body)), want);
    json_t *json = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    json_decref(json);
}

TEST(writes_strings_that_parse)
{
    json_put_string(&body, STR("a\"\\\n\t\r\x01\x7f\xc3\xa9\xff\xc0\x80\xed\xa0\x80z"));
    assert_body("\"a\\\"\\\\\\n\\t\\r\\u0001\\u007f\xc3\xa9"
                "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
    buf_reset(&body);
    json_put_string(&body, STR("\xf0\x9f\x8d\x8e"));
    assert_body("\"\xf0\x9f\x8d\x8e\"");
    buf_reset(&body);
    json_put_string(&body, STR("\xf0\x9f"));
    assert_body("\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(writes_reals_shortly)
{
    json_t *value = json_pack("[f,f,f,f,I]", 1.1, 0.1 + 0.2, 3.0, 1e300, (json_int_t)-5);
    json_put_value(&body, value);
    assert_body("[1.1,0.30000000000000004,3.0,1e+300,-5]");
    json_decref(value);
}

static const struct item apple = {.exists = true,
                                  .available = 98,
                                  .held = 2,
                                  .sold = 5,
                                  .version = 17,
                                  .updated_ms = NOW,
                                  .due_ms = NOW};

TEST(an_item)
{
    struct op op = {.kind = OP_PUT};
    op.out = (struct outcome){.code = OUT_CREATED, .sku = STR("apple"), .item = apple};
    render_op(&op, &answer, &body);
    assert_int_equal(answer.status, 201);
    assert_int_equal(answer.content, CONTENT_JSON);
    assert_true(answer.etag == 17);
    assert_body("{\"sku\":\"apple\",\"on_hand\":100,\"available\":98,\"held\":2,\"sold\":5,"
                "\"version\":17,\"max_per_customer\":null,"
                "\"updated_at\":\"2026-11-21T01:31:37.123Z\"}");
    op.kind = OP_ADJUST;
    op.out.code = OUT_OK;
    op.out.item.max_per_customer = 3;
    buf_reset(&body);
    render_op(&op, &answer, &body);
    assert_int_equal(answer.status, 200);
    assert_non_null(memmem(body.p, body.n, "\"max_per_customer\":3,", 21));
}

TEST(nothing_left_of_a_deleted_item)
{
    struct op op = {.kind = OP_DELETE, .out = {.code = OUT_NO_CONTENT, .replayed = true}};
    render_op(&op, &answer, &body);
    assert_int_equal(answer.status, 204);
    assert_int_equal(answer.content, CONTENT_NONE);
    assert_true(answer.replayed);
    assert_int_equal(body.n, 0);
}

TEST(a_decrement)
{
    struct op op = {.kind = OP_DECREMENT};
    op.out = (struct outcome){.code = OUT_OK,
                              .sku = STR("a"),
                              .id = STR("k\"1"),
                              .quantity = 2,
                              .remaining = 0,
                              .version = 9};
    render_op(&op, &answer, &body);
    assert_body("{\"id\":\"k\\\"1\",\"sku\":\"a\",\"quantity\":2,\"remaining\":0,\"version\":9}");
}

TEST(a_transfer)
{
    struct op op = {.kind = OP_TRANSFER};
    op.out = (struct outcome){.code = OUT_OK,
                              .id = STR("k"),
                              .quantity = 5,
                              .sku = STR("a"),
                              .remaining = 0,
                              .version = 9,
                              .to = {.sku = STR("b"), .remaining = 7, .version = 2}};
    render_op(&op, &answer, &body);
    assert_int_equal(answer.status, 200);
    assert_body(
        "{\"id\":\"k\",\"quantity\":5,\"from\":{\"sku\":\"a\",\"remaining\":0,\"version\":9},"
        "\"to\":{\"sku\":\"b\",\"remaining\":7,\"version\":2}}");
}

static struct reservation_line lines[2];
static struct reservation resv;

static struct op reserved(void)
{
    lines[0] = (struct reservation_line){.sku = STR("a"),
                                         .quantity = 2,
                                         .reserved = 3,
                                         .remaining = 8,
                                         .version = 4,
                                         .expired_remaining = 10,
                                         .expired_version = 3};
    resv = (struct reservation){.created_ms = NOW,
                                .expires_ms = NOW + 600000,
                                .customer = STR("c"),
                                .line_count = 1,
                                .lines = lines};
    struct op op = {.kind = OP_RESERVE};
    op.out = (struct outcome){.code = OUT_CREATED, .now_ms = NOW + 1000, .resv = &resv};
    return op;
}

#define ID "r0-00000000000000000000000"
#define TIMES                                                                                      \
    "\"created_at\":\"2026-11-21T01:31:37.123Z\",\"expires_at\":\"2026-11-21T01:41:37.123Z\","

TEST(a_held_reservation)
{
    struct op op = reserved();
    render_op(&op, &answer, &body);
    assert_int_equal(answer.status, 201);
    assert_string_equal(answer.location, "/v1/reservations/" ID);
    assert_body("{\"id\":\"" ID "\",\"state\":\"held\",\"lines\":[{\"sku\":\"a\",\"quantity\":2,"
                "\"remaining\":8,\"version\":4}],\"customer\":\"c\",\"reference\":null,"
                "\"metadata\":{}," TIMES "\"ttl_ms\":599000}");
    op.out.now_ms = resv.expires_ms + 5; /* late, not negative */
    buf_reset(&body);
    render_op(&op, &answer, &body);
    assert_non_null(memmem(body.p, body.n, "\"ttl_ms\":0}", 11));
}

TEST(a_rereserved_one)
{
    struct op op = reserved();
    op.kind = OP_CONFIRM;
    op.out.code = OUT_OK;
    resv.state = RESERVATION_CONFIRMED;
    resv.rereserved = true;
    resv.metadata = STR("{\"a\":1}");
    render_op(&op, &answer, &body);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.location, "");
    assert_body("{\"id\":\"" ID
                "\",\"state\":\"confirmed\",\"lines\":[{\"sku\":\"a\",\"quantity\":2,"
                "\"reserved\":3,\"remaining\":8,\"version\":4}],\"expired_lines\":[{\"sku\":\"a\","
                "\"remaining\":10,\"version\":3}],\"customer\":\"c\",\"reference\":null,"
                "\"metadata\":{\"a\":1}," TIMES "\"ttl_ms\":0}");
}

static json_t *refused(struct op *op)
{
    buf_reset(&body);
    render_op(op, &answer, &body);
    assert_int_equal(answer.content, CONTENT_PROBLEM);
    json_t *json = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "status")), answer.status);
    assert_true(json_is_string(json_object_get(json, "detail")));
    return json;
}

TEST(short_stock)
{
    const struct outcome_short shorts[2] = {
        {.sku = STR("a"), .requested = 3, .available = 1, .version = 5},
        {.sku = STR("b"), .requested = 1, .available = 0, .limit = 2, .used = 2, .version = 6}};
    struct op op = {.kind = OP_RESERVE};
    op.out = (struct outcome){.code = OUT_INSUFFICIENT_STOCK,
                              .shorts = shorts,
                              .short_count = 2,
                              .earliest_release_ms = NOW,
                              .field_line = -1};
    json_t *json = refused(&op);
    json_t *line = json_array_get(json_object_get(json, "lines"), 0);
    assert_int_equal(answer.status, 409);
    assert_int_equal(json_array_size(json_object_get(json, "lines")), 2);
    assert_int_equal(json_object_size(line), 4);
    assert_int_equal(json_integer_value(json_object_get(line, "requested")), 3);
    assert_int_equal(json_integer_value(json_object_get(line, "available")), 1);
    assert_string_equal(json_string_value(json_object_get(json, "earliest_release_at")),
                        "2026-11-21T01:31:37.123Z");
    json_decref(json);
    op.out.code = OUT_LIMIT_EXCEEDED;
    op.out.earliest_release_ms = 0;
    json = refused(&op);
    line = json_array_get(json_object_get(json, "lines"), 1);
    assert_int_equal(json_object_size(line), 5);
    assert_int_equal(json_integer_value(json_object_get(line, "limit")), 2);
    assert_int_equal(json_integer_value(json_object_get(line, "used")), 2);
    assert_null(json_object_get(json, "earliest_release_at"));
    json_decref(json);
}

TEST(unknown_outcomes_name_the_operation)
{
    struct op op = {.kind = OP_DECREMENT, .id = STR("op-x")};
    op.out = (struct outcome){.code = OUT_UNKNOWN, .field_line = -1};
    json_t *json = refused(&op);
    assert_int_equal(answer.status, 504);
    assert_true(json_is_null(json_object_get(json, "operation")));
    json_decref(json);
    op.key = STR("tenant k");
    op.id = STR("k");
    json = refused(&op);
    assert_string_equal(json_string_value(json_object_get(json, "operation")), "k");
    json_decref(json);
}

TEST(fields_of_lines)
{
    struct op op = {.kind = OP_CONFIRM};
    op.out = (struct outcome){
        .code = OUT_INVALID, .field = "quantity", .why = "too \"many\"", .field_line = 2};
    json_t *json = refused(&op);
    assert_string_equal(json_string_value(json_object_get(json, "field")), "lines[2].quantity");
    assert_string_equal(json_string_value(json_object_get(json, "detail")), "too \"many\"");
    json_decref(json);
    op.out.field_line = -1;
    json = refused(&op);
    assert_string_equal(json_string_value(json_object_get(json, "field")), "quantity");
    json_decref(json);
}

/* Every code that is no success gives a whole problem, whatever else the outcome lacks. */
TEST(every_refusal_renders)
{
    for (int code = OUT_ITEM_NOT_FOUND; code < OUT_CODES; code++) {
        struct op op = {.kind = OP_RESERVE};
        op.out = (struct outcome){.code = (enum outcome_code)code, .field_line = -1};
        json_decref(refused(&op));
        bool later = answer.status == 429 || answer.status == 503;
        assert_true((answer.retry_after_s > 0) == later);
    }
}

TEST(reads)
{
    static const struct op_condition none = {.kind = PRE_NONE},
                                     same = {.kind = PRE_VERSIONS, .count = 1, .versions = {17}};
    struct store_read read = {.kind = READ_ITEM, .sku = STR("apple")};
    read.out = (struct outcome){.code = OUT_OK, .item = apple};
    render_read(&read, &none, &answer, &body);
    assert_int_equal(answer.status, 200);
    assert_true(answer.etag == 17);
    render_read(&read, &same, &answer, &body);
    assert_int_equal(answer.status, 304);
    assert_true(answer.etag == 17);
    read.out = (struct outcome){.code = OUT_ITEM_NOT_FOUND, .sku = STR("apple"), .field_line = -1};
    render_read(&read, &same, &answer, &body);
    assert_int_equal(answer.status, 404);
}

TEST(pages_of_items)
{
    static const struct op_condition none = {.kind = PRE_NONE};
    const struct store_listed items[2] = {{STR("a"), apple}, {STR("b"), apple}};
    struct store_read read = {.kind = READ_ITEMS, .items = items, .item_count = 2, .more = true};
    read.last = STR("c"); /* deleted between the two reads of the page */
    read.out = (struct outcome){.code = OUT_OK};
    render_read(&read, &none, &answer, &body);
    json_t *json = json_loadb(body.p, body.n, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "items")), 2);
    assert_string_equal(json_string_value(json_object_get(json, "next_cursor")), "c");
    json_decref(json);
    buf_reset(&body);
    read = (struct store_read){.kind = READ_ITEMS, .out = {.code = OUT_OK}};
    render_read(&read, &none, &answer, &body);
    assert_body("{\"items\":[],\"next_cursor\":null}");
}

TEST(recorded_operations)
{
    static const struct op_condition none = {.kind = PRE_NONE};
    struct store_read read = {.kind = READ_OPERATION, .key = STR("k"), .recorded_kind = OP_DELETE};
    read.out = (struct outcome){.code = OUT_NO_CONTENT};
    render_read(&read, &none, &answer, &body);
    assert_body("{\"id\":\"k\",\"status\":204,\"body\":null}");
    read.out.code = OUT_NONE;
    buf_reset(&body);
    render_read(&read, &none, &answer, &body);
    assert_int_equal(answer.status, 404);
}

/* --- tenants ---------------------------------------------------------------------------------- */

static void assert_no_tenant(void)
{
    buf_putc(&body, '\0');
    assert_false(body.failed);
    assert_null(strstr(body.p, "acme"));
    buf_reset(&body);
}

/* Whatever has an inner name is shown by its outer one. */
TEST(nothing_shows_an_inner_name)
{
    const struct outcome_short line = {
        .sku = STR("acme/a"), .requested = 3, .available = 1, .limit = 2, .used = 2, .version = 5};
    struct reservation_line held = {.sku = STR("acme/a"), .quantity = 2, .version = 5};
    const struct reservation r = {.state = RESERVATION_CONFIRMED,
                                  .rereserved = true,
                                  .created_ms = NOW,
                                  .expires_ms = NOW,
                                  .ended_ms = NOW,
                                  .customer = STR("c"),
                                  .owner = STR("acme/shop"),
                                  .share = STR("acme\xff"
                                               "c"),
                                  .line_count = 1,
                                  .lines = &held};
    for (int kind = 0; kind < OP_KINDS; kind++)
        for (int code = OUT_NONE + 1; code < OUT_CODES; code++) {
            struct op op = {.kind = (enum op_kind)kind,
                            .owner = STR("acme/shop"),
                            .key = STR("acme k"),
                            .id = STR("k")};
            op.out = (struct outcome){.code = (enum outcome_code)code,
                                      .sku = STR("acme/a"),
                                      .item = apple,
                                      .resv = &r,
                                      .id = STR("k"),
                                      .to = {.sku = STR("acme/b")},
                                      .shorts = &line,
                                      .short_count = 1,
                                      .field_line = -1};
            render_op(&op, &answer, &body);
            assert_no_tenant();
        }
}

TEST(no_read_shows_an_inner_name)
{
    static const struct op_condition none = {.kind = PRE_NONE};
    const struct store_listed items[] = {{STR("acme/a"), apple}};
    struct store_read read = {.kind = READ_ITEMS,
                              .prefix = STR("acme/"),
                              .items = items,
                              .item_count = 1,
                              .more = true,
                              .last = STR("acme/a"),
                              .out = {.code = OUT_OK}};
    render_read(&read, &none, &answer, &body);
    assert_no_tenant();
    read = (struct store_read){
        .kind = READ_ITEM, .sku = STR("acme/a"), .out = {.code = OUT_OK, .item = apple}};
    render_read(&read, &none, &answer, &body);
    assert_no_tenant();
    read.out = (struct outcome){.code = OUT_ITEM_NOT_FOUND, .sku = STR("acme/a"), .field_line = -1};
    render_read(&read, &none, &answer, &body);
    assert_no_tenant();
    read = (struct store_read){.kind = READ_OPERATION,
                               .key = STR("acme k"),
                               .recorded_kind = OP_PUT,
                               .out = {.code = OUT_OK, .sku = STR("acme/a"), .item = apple}};
    render_read(&read, &none, &answer, &body);
    assert_no_tenant();
}

EACH_BETWEEN(begin, end)

TEST(a_refusal_for_a_quota_says_which_and_how_much)
{
    const struct refusal why = {.problem = PROBLEM_RATE_LIMITED,
                                .detail = "too much",
                                .retry_after_s = 60,
                                .limit = "holds",
                                .quota = 100,
                                .used = 99};
    render_refusal(&why, &answer, &body);
    assert_int_equal(answer.status, 429);
    assert_int_equal(answer.retry_after_s, 60);
    assert_body(
        "{\"type\":\"/problems/rate-limited\",\"title\":\"Too many requests\",\"status\":429,"
        "\"detail\":\"too much\",\"limit\":\"holds\",\"quota\":100,\"used\":99}");
}
