/* test_openapi_answers.c -- the real answers are those that /openapi.json promises: status, content
 * type, header fields and body, of every operation in it. */
#include "support/api.h"
#include "support/ledger_base.h"
#include "support/schema.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WHY_BYTES 512

static struct stack stack;
static struct api *a;
static char dir[TEST_PATH_MAX], ledger[TEST_PATH_MAX + 32]; /* its address: a file in dir */
static json_t *document;
static json_t *seen; /* operationId -> {status: true} */

static int group_setup(void **state)
{
    static const char *const extra[] = {"--request-timeout", "1s", "--ledger", ledger, NULL};
    struct migrate_report report;
    a = &stack.api;
    if (temp_dir_make(dir) != 0)
        return -1;
    snprintf(ledger, sizeof(ledger), "sqlite:%s/ledger.db", dir);
    struct db *db = base_open(ledger);
    base_migrate(db, &report);
    db_close(db);
    if (stack_start(&stack, NULL, 1, extra) != 0)
        return -1;
    seen = json_object();
    if (http_call(&a->conn, "GET", "/openapi.json", NULL, NULL, &a->resp) == 0)
        document = json_incref(http_resp_json(&a->resp));
    if (!document)
        fprintf(stderr, "/openapi.json is no JSON\n");
    return document ? 0 : -1;
}

static int group_teardown(void **state)
{
    json_decref(seen);
    json_decref(document);
    int stopped = stack_stop(&stack);
    temp_dir_remove(dir);
    return stopped;
}

/* --- finding one's way in the document -------------------------------------------------------- */

static bool is_method(const char *name)
{
    static const char *const methods[] = {"get", "head", "post", "put", "delete", "patch"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(name, methods[i]) == 0)
            return true;
    return false;
}

struct operation {
    const char *pattern;
    char method[8];
    json_t *json;
};

static struct operation find_operation(const char *id)
{
    const char *pattern, *name;
    json_t *path, *member;
    json_object_foreach(json_object_get(document, "paths"), pattern, path)
    {
        json_object_foreach(path, name, member)
        {
            const char *is = json_string_value(json_object_get(member, "operationId"));
            if (!is_method(name) || !is || strcmp(is, id) != 0)
                continue;
            struct operation found = {.pattern = pattern, .json = member};
            for (size_t i = 0; name[i] && i + 1 < sizeof(found.method); i++)
                found.method[i] = (char)toupper((unsigned char)name[i]);
            return found;
        }
    }
    fail_msg("no operation %s in the document", id);
    return (struct operation){0};
}

/* Whether a path is one of the pattern, segment by segment. */
static bool path_fits(const char *path, const char *pattern)
{
    while (*pattern && *path && *path != '?') {
        if (*pattern == '{') {
            pattern += strcspn(pattern, "/");
            path += strcspn(path, "/?");
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == '\0' && (*path == '\0' || *path == '?');
}

/* --- what an answer must be ------------------------------------------------------------------- */

#define require(holds, ...)                                                                        \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            print_error("wrong: " __VA_ARGS__);                                                    \
            print_error("\n--- the request: %.1000s\n--- the answer: %s%.2000s\n",                 \
                        a->request ? a->request : "", a->resp.head ? a->resp.head : "",            \
                        a->resp.body ? a->resp.body : "");                                         \
            _fail(file, line);                                                                     \
        }                                                                                          \
    } while (0)

static void check_body(json_t *response, bool head, const char *file, int line)
{
    char type[96] = "", why[WHY_BYTES];
    const char *is = http_resp_header(&a->resp, "Content-Type", type, sizeof(type));
    json_t *content = json_object_get(response, "content");
    if (head || !content) {
        require(a->resp.body_bytes == 0, "there is no body");
        return;
    }
    json_t *media = is ? json_object_get(content, is) : NULL;
    require(media, "the content type %s is in the document", is ? is : "(none)");
    json_t *schema = json_object_get(media, "schema");
    require(schema, "the document has a schema for it");
    json_t *value = strstr(type, "json") ? json_incref(http_resp_json(&a->resp))
                                         : json_stringn(a->resp.body, a->resp.body_bytes);
    bool fits = schema_check(document, schema, value, why, sizeof(why)) == SCHEMA_FITS &&
                schema_names_all(document, schema, value, why, sizeof(why)) == SCHEMA_FITS;
    json_decref(value);
    require(fits, "the body fits its schema: %s", why);
}

static void check_fields(json_t *response, const char *file, int line)
{
    /* Those that mean something in this contract: none of them may come undocumented. */
    static const char *const names[] = {"ETag",        "Location", "Idempotent-Replayed",
                                        "Retry-After", "Allow",    NULL};
    json_t *headers = json_object_get(response, "headers"), *header;
    char is[256], why[WHY_BYTES];
    const char *name;
    for (int i = 0; names[i]; i++)
        require(!http_resp_header(&a->resp, names[i], is, sizeof(is)) ||
                    json_object_get(headers, names[i]),
                "the header %s is in the document", names[i]);
    json_object_foreach(headers, name, header)
    {
        header = schema_resolve(document, header);
        bool there = http_resp_header(&a->resp, name, is, sizeof(is));
        require(there || !json_is_true(json_object_get(header, "required")), "there is a header %s",
                name);
        if (!there)
            continue;
        json_t *schema = json_object_get(header, "schema");
        const char *type = json_string_value(json_object_get(schema, "type"));
        json_t *value = type && strcmp(type, "integer") == 0 ? json_loads(is, JSON_DECODE_ANY, NULL)
                                                             : json_string(is);
        bool fits = schema_check(document, schema, value, why, sizeof(why)) == SCHEMA_FITS;
        json_decref(value);
        require(fits, "the header %s fits its schema: %s", name, why);
    }
}

/* A request that is said to be good, too, must be one by the document. */
static void check_request(const struct operation *op, const char *body, const char *file, int line)
{
    char why[WHY_BYTES];
    json_t *input = json_object_get(op->json, "requestBody");
    if (!body || !*body) {
        require(!json_is_true(json_object_get(input, "required")), "a body is needed");
        return;
    }
    json_t *schema = schema_at(input, "#/content/application~1json/schema");
    require(schema, "the document has a schema for the request");
    json_t *value = json_loads(body, 0, NULL);
    bool fits = schema_check(document, schema, value, why, sizeof(why)) == SCHEMA_FITS;
    json_decref(value);
    require(fits, "the request fits its schema: %s", why);
}

/* Calls an operation of the document, must get this status, and checks all of the answer. Returns
 * the body. */
#define visit(status, id, path, headers, body)                                                     \
    visit_at((status), (id), (path), (headers), (body), __FILE__, __LINE__)
static json_t *visit_at(int status, const char *id, const char *path, const char *headers,
                        const char *body, const char *file, int line)
{
    struct operation op = find_operation(id);
    const char *key = text("%d", status);
    bool head = strcmp(op.method, "HEAD") == 0;
    json_t *json = api_call_at(a, status, op.method, path, headers, body, file, line);
    require(path_fits(path, op.pattern), "%s is an address of %s", path, op.pattern);
    json_t *responses = json_object_get(op.json, "responses");
    json_t *response = json_object_get(responses, key);
    bool named = response;
    if (!named && status >= 400)
        response = json_object_get(responses, "default");
    response = schema_resolve(document, response);
    require(response, "the document has the status %d of %s", status, id);
    check_fields(response, file, line);
    check_body(response, head, file, line);
    if (status < 400)
        check_request(&op, body, file, line);
    json_t *statuses = json_object_get(seen, id);
    if (!statuses) {
        statuses = json_object();
        json_object_set_new(seen, id, statuses);
    }
    json_object_set_new(statuses, key, json_true());
    return json;
}

/* The same, and it must be a problem of this name. */
#define visit_problem(status, name, id, path, headers, body)                                       \
    do {                                                                                           \
        visit((status), (id), (path), (headers), (body));                                          \
        check_problem(a, (status), (name), NULL);                                                  \
    } while (0)

#define ITEM(sku)                text("/v1/items/%s", sku)
#define RESERVATION(id)          text("/v1/reservations/%s", id)
#define RESERVATION_AT(id, verb) text("/v1/reservations/%s/%s", id, verb)
#define KEY(k)                   text("Idempotency-Key: %s\r\n", k)
#define RESERVATIONS             "/v1/reservations"
#define NO_RESERVATION           "r0-00dc0hb5n1hrpnm3ev2l4q0"

/* --- the document itself ---------------------------------------------------------------------- */

static void look_at_schemas(json_t *at, int *count)
{
    const char *name;
    char why[WHY_BYTES];
    json_t *member;
    size_t i;
    json_array_foreach(at, i, member) look_at_schemas(member, count);
    json_object_foreach(at, name, member)
    {
        if (strcmp(name, "schema") != 0) {
            look_at_schemas(member, count);
            continue;
        }
        ++*count;
        if (schema_known(document, member, why, sizeof(why)) != SCHEMA_FITS)
            fail_msg("%s", why);
    }
}

static void all_schemas_are_understood(void **state)
{
    const char *name;
    char why[WHY_BYTES];
    json_t *schema;
    int count = 0;
    look_at_schemas(json_object_get(document, "paths"), &count);
    look_at_schemas(json_object_get(document, "components"), &count);
    json_object_foreach(schema_at(document, "#/components/schemas"), name, schema)
    {
        count++;
        if (schema_known(document, schema, why, sizeof(why)) != SCHEMA_FITS)
            fail_msg("%s: %s", name, why);
    }
    assert_true(count > 50);
}

static void check_example(json_t *schema, json_t *example, int *count)
{
    char why[WHY_BYTES];
    if (!example || !schema)
        return;
    ++*count;
    if (schema_check(document, schema, example, why, sizeof(why)) != SCHEMA_FITS)
        fail_msg("an example does not fit its schema: %s", why);
}

static void look_at_examples(json_t *at, int *count)
{
    const char *name;
    json_t *member, *example;
    size_t i;
    json_array_foreach(at, i, member) look_at_examples(member, count);
    json_object_foreach(at, name, member) look_at_examples(member, count);
    json_t *schema = json_object_get(at, "schema"), *examples = json_object_get(at, "examples");
    check_example(schema, json_object_get(at, "example"), count);
    json_object_foreach(examples, name, example)
        check_example(schema, json_object_get(example, "value"), count);
    if (json_is_array(examples)) /* inside a schema */
        json_array_foreach(examples, i, example) check_example(at, example, count);
}

static void examples_fit_their_schemas(void **state)
{
    int count = 0;
    look_at_examples(document, &count);
    assert_true(count > 10);
}

/* --- items ------------------------------------------------------------------------------------ */

static void items_are_read_as_documented(void **state)
{
    const char *sku = api_item(a, 10, 0);
    visit(200, "getItem", ITEM(sku), NULL, NULL);
    check_header(a, "ETag", "\"1\"");
    visit(304, "getItem", ITEM(sku), "If-None-Match: \"1\"\r\n", NULL);
    visit(200, "getItem", ITEM(sku), "If-None-Match: \"2\"\r\n", NULL);
    visit_problem(404, "item-not-found", "getItem", ITEM("nothing"), NULL, NULL);
    check_str(a, "sku", "nothing");
    visit_problem(422, "invalid-field", "getItem", ITEM("no%20sku"), NULL, NULL);
    visit_problem(400, "malformed-header", "getItem", ITEM(sku), "If-None-Match: 1\r\n", NULL);
    visit(200, "headItem", ITEM(sku), NULL, NULL);
    visit(404, "headItem", ITEM("nothing"), NULL, NULL);

    api_item(a, 5, 3);
    visit(200, "listItems", "/v1/items", NULL, NULL);
    assert_true(json_array_size(json_at(http_resp_json(&a->resp), "items")) >= 2);
    visit(200, "listItems", "/v1/items?limit=1", NULL, NULL);
    const char *cursor = api_str(a, "next_cursor");
    visit(200, "listItems", text("/v1/items?limit=1&cursor=%s", cursor), NULL, NULL);
    visit(200, "listItems", "/v1/items?prefix=none", NULL, NULL);
    check_null(a, "next_cursor");
    visit_problem(422, "invalid-field", "listItems", "/v1/items?limit=0", NULL, NULL);
    visit_problem(422, "invalid-field", "listItems", "/v1/items?limit=501", NULL, NULL);
    visit_problem(422, "invalid-field", "listItems", "/v1/items?color=red", NULL, NULL);
    visit(200, "headItems", "/v1/items", NULL, NULL);
    visit(422, "headItems", "/v1/items?limit=0", NULL, NULL);
}

static void items_are_set_and_removed_as_documented(void **state)
{
    const char *sku = new_sku();
    const char *body = "{\"on_hand\":10,\"max_per_customer\":2}";
    visit(201, "putItem", ITEM(sku), KEY("put-1"), body);
    visit(201, "putItem", ITEM(sku), KEY("put-1"), body);
    check_header(a, "Idempotent-Replayed", "true");
    visit_problem(422, "idempotency-key-reused", "putItem", ITEM(sku), KEY("put-1"),
                  "{\"on_hand\":11}");
    visit_problem(428, "precondition-required", "putItem", ITEM(sku), NULL, body);
    visit_problem(412, "precondition-failed", "putItem", ITEM(sku), "If-Match: \"9\"\r\n", body);
    visit_problem(412, "precondition-failed", "putItem", ITEM(sku), "If-None-Match: *\r\n", body);
    visit_problem(412, "precondition-failed", "putItem", ITEM("nothing"), "If-Match: *\r\n", body);
    visit_problem(400, "malformed-header", "putItem", ITEM(sku), "If-Match: 1\r\n", body);
    visit_problem(400, "malformed-json", "putItem", ITEM(sku), NULL, "{");
    visit_problem(422, "invalid-field", "putItem", ITEM(sku), NULL, "{\"on_hand\":-1}");
    visit_problem(422, "invalid-field", "putItem", ITEM(new_sku()), NULL, "{}");
    visit_problem(415, "unsupported-media-type", "putItem", ITEM(sku),
                  "Content-Type: text/plain\r\n", body);
    visit(200, "putItem", ITEM(sku), "If-Match: \"1\"\r\n",
          "{\"on_hand\":9,\"max_per_customer\":null}");
    visit(200, "putItem", ITEM(sku), "If-Match: *\r\n", "{}");

    const char *id = api_reserve(a, sku, 3, 0);
    visit_problem(409, "below-held", "putItem", ITEM(sku), "If-Match: *\r\n", "{\"on_hand\":2}");
    visit_problem(409, "item-in-use", "deleteItem", ITEM(sku), NULL, NULL);
    visit(200, "release", RESERVATION_AT(id, "release"), NULL, NULL);
    visit_problem(412, "precondition-failed", "deleteItem", ITEM(sku), "If-Match: \"99\"\r\n",
                  NULL);
    visit_problem(400, "malformed-header", "deleteItem", ITEM(sku), "If-Match: 1\r\n", NULL);
    visit_problem(422, "idempotency-key-reused", "deleteItem", ITEM(sku), KEY("put-1"), NULL);
    visit(204, "deleteItem", ITEM(sku), KEY("delete-1"), NULL);
    check_header(a, "Idempotent-Replayed", NULL);
    visit(204, "deleteItem", ITEM(sku), KEY("delete-1"), NULL);
    check_header(a, "Idempotent-Replayed", "true");
    visit_problem(404, "item-not-found", "deleteItem", ITEM(sku), NULL, NULL);
}

static void adjustments_are_answered_as_documented(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *path = text("/v1/items/%s/adjustments", sku);
    const char *body = "{\"delta\":50,\"reason\":\"restock\",\"reference\":\"PO-7\"}";
    visit(200, "adjustItem", path, KEY("adjust-1"), body);
    visit(200, "adjustItem", path, KEY("adjust-1"), body);
    check_header(a, "Idempotent-Replayed", "true");
    visit(200, "adjustItem", path, NULL, "{\"delta\":-1}");
    visit_problem(409, "insufficient-stock", "adjustItem", path, NULL, "{\"delta\":-1000}");
    visit_problem(422, "invalid-field", "adjustItem", path, NULL, "{\"delta\":0}");
    visit_problem(422, "invalid-field", "adjustItem", path, NULL, "{\"delta\":9007199254740991}");
    visit_problem(400, "malformed-json", "adjustItem", path, NULL, "[]");
    visit_problem(404, "item-not-found", "adjustItem", "/v1/items/nothing/adjustments", NULL, body);
    visit_problem(422, "idempotency-key-reused", "adjustItem", path, KEY("adjust-1"),
                  "{\"delta\":1}");
}

static void decrements_are_answered_as_documented(void **state)
{
    const char *sku = api_item(a, 10, 2);
    const char *path = text("/v1/items/%s/decrements", sku);
    const char *body = "{\"quantity\":2,\"customer\":\"c-1\"}";
    visit(200, "decrementItem", path, KEY("sell-1"), body);
    check_str(a, "id", "sell-1");
    visit(200, "decrementItem", path, KEY("sell-1"), body);
    check_header(a, "Idempotent-Replayed", "true");
    visit_problem(409, "limit-exceeded", "decrementItem", path, NULL, body);
    visit_problem(422, "invalid-field", "decrementItem", path, NULL, "{\"quantity\":1}");
    visit_problem(422, "invalid-field", "decrementItem", path, NULL, "{\"quantity\":1.0}");
    visit_problem(400, "malformed-json", "decrementItem", path, NULL, "{\"quantity\":1,");
    visit_problem(404, "item-not-found", "decrementItem", "/v1/items/nothing/decrements", NULL,
                  "{\"quantity\":1}");
    path = text("/v1/items/%s/decrements", api_item(a, 1, 0));
    visit_problem(409, "insufficient-stock", "decrementItem", path, NULL, "{\"quantity\":2}");
    visit(200, "decrementItem", path, NULL, "{\"quantity\":1}");
}

static void transfers_are_answered_as_documented(void **state)
{
    const char *to = api_item(a, 1, 0);
    const char *path = text("/v1/items/%s/transfers", api_item(a, 10, 0));
    const char *body = text("{\"to\":\"%s\",\"quantity\":2,\"reason\":\"r\"}", to);
    visit(200, "transferItem", path, KEY("move-1"), body);
    visit(200, "transferItem", path, KEY("move-1"), body);
    check_header(a, "Idempotent-Replayed", "true");
    visit(200, "getOperation", "/v1/operations/move-1", NULL, NULL);
    visit_problem(409, "insufficient-stock", "transferItem", path, NULL,
                  text("{\"to\":\"%s\",\"quantity\":9}", to));
    visit_problem(404, "item-not-found", "transferItem", path, NULL,
                  "{\"to\":\"nothing\",\"quantity\":1}");
    visit_problem(422, "invalid-field", "transferItem", path, NULL, "{\"quantity\":1}");
    visit_problem(422, "idempotency-key-reused", "transferItem", path, KEY("move-1"),
                  text("{\"to\":\"%s\",\"quantity\":1}", to));
    visit_problem(400, "malformed-json", "transferItem", path, NULL, "{");
    visit(200, "batch", "/v1/batch", NULL,
          text("{\"operations\":[{\"op\":\"transfer\",\"sku\":\"%s\",\"to\":\"nothing\","
               "\"quantity\":1},"
               "{\"op\":\"transfer\",\"sku\":\"%s\",\"to\":\"%s\",\"quantity\":1}]}",
               to, to, api_item(a, 0, 0)));
    check_int(a, "results[1].status", 200);
}

/* --- reservations ----------------------------------------------------------------------------- */

static void reservations_are_made_and_read_as_documented(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 2);
    const char *body = text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":2},{\"sku\":\"%s\","
                            "\"quantity\":2}],\"ttl_seconds\":600,\"customer\":\"c-1\","
                            "\"reference\":\"order-9\",\"metadata\":{\"a\":[1]}}",
                            x, y);
    const char *simple = text("{\"sku\":\"%s\",\"quantity\":8}", x);
    visit(201, "reserve", RESERVATIONS, KEY("reserve-1"), body);
    const char *id = api_str(a, "id");
    check_header(a, "Location", RESERVATION(id));
    visit(201, "reserve", RESERVATIONS, KEY("reserve-1"), body);
    check_header(a, "Idempotent-Replayed", "true");
    visit_problem(422, "idempotency-key-reused", "reserve", RESERVATIONS, KEY("reserve-1"), simple);
    visit_problem(409, "limit-exceeded", "reserve", RESERVATIONS, NULL, body);
    visit(201, "reserve", RESERVATIONS, NULL, simple);
    visit_problem(409, "insufficient-stock", "reserve", RESERVATIONS, NULL, simple);
    assert_true(api_time(a, "earliest_release_at") > 0);
    visit_problem(404, "item-not-found", "reserve", RESERVATIONS, NULL,
                  "{\"sku\":\"nothing\",\"quantity\":1}");
    visit_problem(422, "invalid-field", "reserve", RESERVATIONS, NULL, "{\"lines\":[]}");
    visit_problem(400, "malformed-json", "reserve", RESERVATIONS, NULL, "{\"a\":1,\"a\":1}");
    visit_problem(422, "invalid-field", "reserve", RESERVATIONS, KEY("\"\""), simple);
    visit_problem(415, "unsupported-media-type", "reserve", RESERVATIONS,
                  "Content-Type: application/xml\r\n", simple);
    visit(200, "getReservation", RESERVATION(id), NULL, NULL);
    visit(200, "headReservation", RESERVATION(id), NULL, NULL);
    visit_problem(404, "reservation-not-found", "getReservation", RESERVATION(NO_RESERVATION), NULL,
                  NULL);
    visit_problem(404, "reservation-not-found", "getReservation", RESERVATION("x"), NULL, NULL);
    visit(404, "headReservation", RESERVATION("x"), NULL, NULL);
}

static void reservations_end_as_documented(void **state)
{
    const char *sku = api_item(a, 100, 0);
    const char *confirmed = api_reserve(a, sku, 2, 0);
    const char *released = api_reserve(a, sku, 2, 0);
    const char *expired = api_reserve(a, sku, 2, 1);
    const char *again = api_reserve(a, sku, 2, 1);
    const char *lines = text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}]}", sku);
    visit(200, "extend", RESERVATION_AT(confirmed, "extend"), KEY("extend-1"),
          "{\"ttl_seconds\":60}");
    visit(200, "extend", RESERVATION_AT(confirmed, "extend"), KEY("extend-1"),
          "{\"ttl_seconds\":60}");
    check_header(a, "Idempotent-Replayed", "true");
    visit(200, "confirm", RESERVATION_AT(confirmed, "confirm"), NULL, lines);
    check_int(a, "lines[0].reserved", 2);
    visit(200, "confirm", RESERVATION_AT(confirmed, "confirm"), NULL, lines);
    check_header(a, "Idempotent-Replayed", "true");
    visit_problem(409, "reservation-confirmed", "confirm", RESERVATION_AT(confirmed, "confirm"),
                  NULL, "{}");
    visit_problem(409, "reservation-confirmed", "release", RESERVATION_AT(confirmed, "release"),
                  NULL, NULL);
    visit_problem(409, "reservation-confirmed", "extend", RESERVATION_AT(confirmed, "extend"), NULL,
                  "{\"ttl_seconds\":60}");
    visit(200, "release", RESERVATION_AT(released, "release"), NULL, NULL);
    visit(200, "release", RESERVATION_AT(released, "release"), NULL, "{}");
    check_header(a, "Idempotent-Replayed", "true");
    visit_problem(409, "reservation-released", "confirm", RESERVATION_AT(released, "confirm"), NULL,
                  NULL);

    assert_true(await(api_state_is(a, expired, "expired"), 20000));
    assert_true(await(api_state_is(a, again, "expired"), 20000));
    visit(200, "getReservation", RESERVATION(expired), NULL, NULL);
    visit_problem(409, "reservation-expired", "confirm", RESERVATION_AT(expired, "confirm"), NULL,
                  "{}");
    visit_problem(409, "reservation-expired", "release", RESERVATION_AT(expired, "release"), NULL,
                  "{}");
    visit_problem(409, "reservation-expired", "extend", RESERVATION_AT(expired, "extend"), NULL,
                  "{\"ttl_seconds\":60}");
    visit(200, "confirm", RESERVATION_AT(again, "confirm"), NULL, "{\"if_expired\":\"rereserve\"}");
    check_size(a, "expired_lines", 1);
    api_call(a, 200, "PUT", ITEM(sku), "If-Match: *\r\n", "{\"on_hand\":0}");
    visit_problem(409, "insufficient-stock", "confirm", RESERVATION_AT(expired, "confirm"), NULL,
                  "{\"if_expired\":\"rereserve\"}");
    check_size(a, "lines", 1);
    visit(200, "getReservation", RESERVATION(again), NULL, NULL);
}

static void refusals_to_end_a_reservation_are_documented(void **state)
{
    static const char *const verbs[] = {"confirm", "release", "extend"};
    const char *id = api_reserve(a, api_item(a, 10, 0), 2, 0);
    for (int i = 0; i < 3; i++) {
        const char *path = RESERVATION_AT(id, verbs[i]);
        const char *body = i == 2 ? "{\"ttl_seconds\":60}" : "{}";
        visit_problem(400, "malformed-json", verbs[i], path, NULL, "nonsense");
        visit_problem(422, "invalid-field", verbs[i], path, NULL, "{\"color\":\"red\"}");
        visit_problem(415, "unsupported-media-type", verbs[i], path, "Content-Type: a/b\r\n", body);
        visit_problem(404, "reservation-not-found", verbs[i],
                      RESERVATION_AT(NO_RESERVATION, verbs[i]), NULL, body);
    }
    visit_problem(422, "invalid-field", "confirm", RESERVATION_AT(id, "confirm"), NULL,
                  "{\"lines\":[]}");
    visit_problem(422, "invalid-field", "extend", RESERVATION_AT(id, "extend"), NULL,
                  "{\"ttl_seconds\":604801}");
}

/* --- what the ledger answers ------------------------------------------------------------------ */

#define LONG_AGO "?at=2020-01-01T00:00:00Z"

/* First of those that read the ledger: a connection that is open would not notice. */
static void without_its_database_the_past_is_the_documented_503(void **state)
{
    const char *file = ledger + strlen("sqlite:"), *sku = api_item(a, 10, 0);
    assert_int_equal(rename(file, text("%s.away", file)), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    visit_problem(503, "ledger-unavailable", "listReservations", RESERVATIONS, NULL, NULL);
    visit(503, "headReservations", RESERVATIONS, NULL, NULL);
    visit_problem(503, "ledger-unavailable", "listMovements", text("/v1/items/%s/movements", sku),
                  NULL, NULL);
    visit_problem(503, "ledger-unavailable", "getItem", text("/v1/items/%s" LONG_AGO, sku), NULL,
                  NULL);
    visit_problem(503, "ledger-unavailable", "followEvents", "/v1/events", NULL, NULL);
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(rename(text("%s.away", file), file), 0);
}

/* Holds a unit and waits until the ledger has it. */
static void hold_and_await(const char *sku)
{
    const char *body = text("{\"sku\":\"%s\",\"quantity\":1,\"customer\":\"c-1\"}", sku);
    api_call(a, 201, "POST", RESERVATIONS, NULL, body);
    const char *sql = text("SELECT version FROM items WHERE sku = '%s'", sku);
    assert_true(await(base_int(ledger, sql) == 2, 20000));
}

static void the_past_is_answered_as_documented(void **state)
{
    const char *sku = api_item(a, 10, 2);
    const char *movements = text("/v1/items/%s/movements", sku);
    hold_and_await(sku);
    visit(200, "listReservations", text(RESERVATIONS "?sku=%s", sku), NULL, NULL);
    check_size(a, "reservations", 1);
    visit(200, "listReservations", RESERVATIONS "?limit=1", NULL, NULL);
    visit(200, "listReservations", RESERVATIONS "?limit=500&state=confirmed", NULL, NULL);
    visit(200, "listReservations", RESERVATIONS "?customer=nobody", NULL, NULL);
    check_null(a, "next_cursor");
    visit_problem(422, "invalid-field", "listReservations", RESERVATIONS "?state=x", NULL, NULL);
    visit(200, "headReservations", RESERVATIONS, NULL, NULL);
    visit(200, "listMovements", movements, NULL, NULL);
    check_size(a, "movements", 2);
    visit(200, "listMovements", text("%s?limit=1", movements), NULL, NULL);
    visit(200, "listMovements", text("%s?cursor=%s", movements, api_str(a, "next_cursor")), NULL,
          NULL);
    visit_problem(404, "item-not-found", "listMovements", "/v1/items/nothing/movements", NULL,
                  NULL);
    visit_problem(422, "invalid-field", "listMovements", text("%s?limit=0", movements), NULL, NULL);
    visit(200, "headMovements", movements, NULL, NULL);
    visit(200, "followEvents", "/v1/events", NULL, NULL);
    check_str(a, "events[0].type", "create");
    visit(200, "followEvents", "/v1/events?after=latest&wait=1", NULL, NULL);
    visit_problem(422, "invalid-field", "followEvents", "/v1/events?after=x", NULL, NULL);
    visit(200, "getItem", text("/v1/items/%s?at=2100-01-01T00:00:00%%2B01:00", sku), NULL, NULL);
    visit(200, "headItem", text("/v1/items/%s?at=2100-01-01T00:00:00Z", sku), NULL, NULL);
    visit_problem(404, "item-not-found", "getItem", text("/v1/items/%s" LONG_AGO, sku), NULL, NULL);
    visit_problem(422, "invalid-field", "getItem", text("/v1/items/%s?at=now", sku), NULL, NULL);
}

static void without_a_ledger_there_is_the_documented_404(void **state)
{
    struct stack bare;
    static const char *const extra[] = {"--ledger", "none", NULL};
    assert_int_equal(stack_start(&bare, NULL, 1, extra), 0);
    a = &bare.api;
    visit_problem(404, "ledger-missing", "listReservations", RESERVATIONS, NULL, NULL);
    visit_problem(404, "ledger-missing", "listMovements", "/v1/items/x/movements", NULL, NULL);
    visit_problem(404, "ledger-missing", "followEvents", "/v1/events", NULL, NULL);
    visit_problem(404, "ledger-missing", "getItem", "/v1/items/x" LONG_AGO, NULL, NULL);
    a = &stack.api;
    assert_int_equal(stack_stop(&bare), 0);
}

/* --- batches, operations, and what is around ---------------------------------------------------
 */

static void batches_and_operations_are_answered_as_documented(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *body = text("{\"operations\":[{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1},"
                            "{\"op\":\"put\",\"sku\":\"%s\",\"if_match\":\"*\",\"on_hand\":20},"
                            "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
                            "{\"op\":\"adjust\",\"sku\":\"%s\",\"delta\":-100},"
                            "{\"op\":\"get\",\"id\":\"" NO_RESERVATION "\"}]}",
                            sku, sku, sku, sku);
    visit(200, "batch", "/v1/batch", KEY("\"batch-1\""), body);
    check_like(a, "{'results':[{'status':201},{'status':200},{'status':200},{'status':409},"
                  "{'status':404}]}");
    visit(200, "batch", "/v1/batch", KEY("batch-1"), body);
    assert_true(json_is_true(json_at(http_resp_json(&a->resp), "results[0].replayed")));
    visit_problem(400, "malformed-json", "batch", "/v1/batch", NULL, "{\"operations\":");
    visit_problem(422, "invalid-field", "batch", "/v1/batch", NULL, "{\"operations\":[]}");
    visit_problem(415, "unsupported-media-type", "batch", "/v1/batch", "Content-Type: a/b\r\n",
                  body);

    visit(200, "getOperation", "/v1/operations/batch-1%2F0", NULL, NULL);
    check_int(a, "status", 201);
    visit(200, "headOperation", "/v1/operations/batch-1%2F0", NULL, NULL);
    visit_problem(404, "operation-not-found", "getOperation", "/v1/operations/batch-1%2F3", NULL,
                  NULL);
    visit(404, "headOperation", "/v1/operations/none", NULL, NULL);
    visit(204, "deleteItem", ITEM(api_item(a, 1, 0)), KEY("delete-2"), NULL);
    visit(200, "getOperation", "/v1/operations/delete-2", NULL, NULL);
    check_null(a, "body");
}

static void reads_of_the_service_are_answered_as_documented(void **state)
{
    json_t *name;
    size_t i;
    visit(200, "healthz", "/healthz", NULL, NULL);
    visit(200, "headHealthz", "/healthz", NULL, NULL);
    visit(200, "readyz", "/readyz", NULL, NULL);
    visit(200, "headReadyz", "/readyz", NULL, NULL);
    visit(200, "metrics", "/metrics", NULL, NULL);
    assert_non_null(strstr(a->resp.body, "# TYPE stockd_conflicts_total counter"));
    visit(200, "headMetrics", "/metrics", NULL, NULL);
    visit(200, "openapi", "/openapi.json", NULL, NULL);
    visit(200, "headOpenapi", "/openapi.json", NULL, NULL);
    visit(200, "index", "/", NULL, NULL);
    visit(200, "headIndex", "/", NULL, NULL);
    json_array_foreach(schema_at(document, "#/components/schemas/ProblemName/enum"), i, name)
        visit(200, "problem", text("/problems/%s", json_string_value(name)), NULL, NULL);
    visit(200, "headProblem", "/problems/overloaded", NULL, NULL);
    visit(404, "headProblem", "/problems/none", NULL, NULL);
    visit_problem(404, "route-not-found", "problem", "/problems/none", NULL, NULL);
}

/* --- what every operation may answer ---------------------------------------------------------- */

static json_t *common_problem(const char *file, int line)
{
    json_t *response = schema_at(document, "#/components/responses/Problem");
    check_fields(response, file, line);
    check_body(response, false, file, line);
    return response;
}

static void wrong_methods_and_routes_are_the_documented_problem(void **state)
{
    const char *pattern;
    json_t *path;
    json_object_foreach(json_object_get(document, "paths"), pattern, path)
    {
        char target[96], allow[128];
        char *to = target;
        for (const char *from = pattern; *from; from++) {
            *to++ = *from == '{' ? 'x' : *from;
            if (*from == '{')
                from += strcspn(from, "}");
        }
        *to = '\0';
        api_problem(a, 405, "method-not-allowed", NULL, "PATCH", target, NULL, "{}");
        common_problem(__FILE__, __LINE__);
        assert_non_null(http_resp_header(&a->resp, "Allow", allow, sizeof(allow)));
        static const char *const methods[][2] = {{"get", "GET"},
                                                 {"head", "HEAD"},
                                                 {"post", "POST"},
                                                 {"put", "PUT"},
                                                 {"delete", "DELETE"}};
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
            assert_int_equal(strstr(allow, methods[i][1]) != NULL,
                             json_object_get(path, methods[i][0]) != NULL);
    }
    api_problem(a, 404, "route-not-found", NULL, "GET", "/v1/nothing", NULL, NULL);
    common_problem(__FILE__, __LINE__);
    api_problem(a, 400, "malformed-request", NULL, "GET", "/v1/items/%zz", NULL, NULL);
    common_problem(__FILE__, __LINE__);
}

static void bodies_that_are_too_large_are_the_documented_problem(void **state)
{
    static char body[(1 << 20) + 64];
    memset(body, ' ', sizeof(body));
    body[0] = '{';
    body[sizeof(body) - 2] = '}';
    body[sizeof(body) - 1] = '\0';
    visit_problem(413, "body-too-large", "batch", "/v1/batch", NULL, body);
    body[65537] = '}';
    body[65538] = '\0';
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 0);
    visit_problem(413, "body-too-large", "putItem", ITEM(sku), NULL, body);
    visit_problem(413, "body-too-large", "adjustItem", text("/v1/items/%s/adjustments", sku), NULL,
                  body);
    visit_problem(413, "body-too-large", "decrementItem", text("/v1/items/%s/decrements", sku),
                  NULL, body);
    visit_problem(413, "body-too-large", "reserve", RESERVATIONS, NULL, body);
    visit_problem(413, "body-too-large", "confirm", RESERVATION_AT(id, "confirm"), NULL, body);
    visit_problem(413, "body-too-large", "release", RESERVATION_AT(id, "release"), NULL, body);
    visit_problem(413, "body-too-large", "extend", RESERVATION_AT(id, "extend"), NULL, body);
}

/* Last but one: Redis does not come back. */
static void without_redis_every_operation_is_the_documented_503(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 0);
    const char *line = text("{\"sku\":\"%s\",\"quantity\":1}", sku);
    const char *one = "{\"quantity\":1}";
    tredis_kill9(&stack.redis);
    assert_true(await(!api_ready(a), 20000));
    visit_problem(503, "redis-unavailable", "readyz", "/readyz", NULL, NULL);
    visit(503, "headReadyz", "/readyz", NULL, NULL);
    visit_problem(503, "redis-unavailable", "listItems", "/v1/items", NULL, NULL);
    visit(503, "headItems", "/v1/items", NULL, NULL);
    visit_problem(503, "redis-unavailable", "getItem", ITEM(sku), NULL, NULL);
    visit_problem(503, "redis-unavailable", "putItem", ITEM(sku), NULL, "{\"on_hand\":1}");
    visit_problem(503, "redis-unavailable", "deleteItem", ITEM(sku), NULL, NULL);
    visit_problem(503, "redis-unavailable", "adjustItem", text("/v1/items/%s/adjustments", sku),
                  NULL, "{\"delta\":1}");
    visit_problem(503, "redis-unavailable", "decrementItem", text("/v1/items/%s/decrements", sku),
                  NULL, one);
    visit_problem(503, "redis-unavailable", "transferItem", text("/v1/items/%s/transfers", sku),
                  NULL, "{\"to\":\"b\",\"quantity\":1}");
    visit_problem(503, "redis-unavailable", "reserve", RESERVATIONS, NULL, line);
    visit_problem(503, "redis-unavailable", "getReservation", RESERVATION(id), NULL, NULL);
    visit_problem(503, "redis-unavailable", "confirm", RESERVATION_AT(id, "confirm"), NULL, NULL);
    visit_problem(503, "redis-unavailable", "release", RESERVATION_AT(id, "release"), NULL, NULL);
    visit_problem(503, "redis-unavailable", "extend", RESERVATION_AT(id, "extend"), NULL, "{}");
    visit_problem(503, "redis-unavailable", "getOperation", "/v1/operations/k", NULL, NULL);
    visit(200, "batch", "/v1/batch", NULL,
          text("{\"operations\":[{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1}]}", sku));
    check_int(a, "results[0].status", 503);
    visit(200, "healthz", "/healthz", NULL, NULL);
}

/* Last: the tests before it have seen all that can be provoked. 504 cannot, not here. */
static void every_operation_and_status_of_the_document_was_seen(void **state)
{
    const char *pattern, *method, *status;
    json_t *path, *operation, *response;
    int missing = 0;
    json_object_foreach(json_object_get(document, "paths"), pattern, path)
    {
        json_object_foreach(path, method, operation)
        {
            if (!is_method(method))
                continue;
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            json_t *statuses = json_object_get(seen, id);
            if (!json_object_get(statuses, "200") && !json_object_get(statuses, "201") &&
                !json_object_get(statuses, "204")) {
                print_error("%s never succeeded\n", id);
                missing++;
            }
            json_object_foreach(json_object_get(operation, "responses"), status, response)
            {
                if (strcmp(status, "default") == 0 || strcmp(status, "504") == 0 ||
                    json_object_get(statuses, status))
                    continue;
                print_error("%s never answered %s\n", id, status);
                missing++;
            }
        }
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_schemas_are_understood),
        cmocka_unit_test(examples_fit_their_schemas),
        cmocka_unit_test(items_are_read_as_documented),
        cmocka_unit_test(items_are_set_and_removed_as_documented),
        cmocka_unit_test(adjustments_are_answered_as_documented),
        cmocka_unit_test(decrements_are_answered_as_documented),
        cmocka_unit_test(transfers_are_answered_as_documented),
        cmocka_unit_test(reservations_are_made_and_read_as_documented),
        cmocka_unit_test(reservations_end_as_documented),
        cmocka_unit_test(refusals_to_end_a_reservation_are_documented),
        cmocka_unit_test(without_its_database_the_past_is_the_documented_503),
        cmocka_unit_test(the_past_is_answered_as_documented),
        cmocka_unit_test(without_a_ledger_there_is_the_documented_404),
        cmocka_unit_test(batches_and_operations_are_answered_as_documented),
        cmocka_unit_test(reads_of_the_service_are_answered_as_documented),
        cmocka_unit_test(wrong_methods_and_routes_are_the_documented_problem),
        cmocka_unit_test(bodies_that_are_too_large_are_the_documented_problem),
        cmocka_unit_test(without_redis_every_operation_is_the_documented_503),
        cmocka_unit_test(every_operation_and_status_of_the_document_was_seen),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
