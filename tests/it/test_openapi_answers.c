/* test_openapi_answers.c -- the real answers are those that /openapi.json promises: status, content
 * type, header fields and body, of every operation in it. */
#include "support/documented.h"
#include "support/fixture.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVATION_AT(id, verb) text("/v1/reservations/%s/%s", id, verb)
#define KEY(k)                   text("Idempotency-Key: %s\r\n", k)
#define NO_RESERVATION           "r0-00dc0hb5n1hrpnm3ev2l4q0"
#define LIVE_IS(code)                                                                              \
    (http_call(&a->conn, "GET", "/v1/live", NULL, NULL, &a->resp) == 0 && a->resp.status == (code))

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
    visit(200, "release", RELEASE(id), NULL, NULL);
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
    const char *path = ADJUST(sku);
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
    const char *path = DECREMENT(sku);
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
    path = DECREMENT(api_item(a, 1, 0));
    visit_problem(409, "insufficient-stock", "decrementItem", path, NULL, "{\"quantity\":2}");
    visit(200, "decrementItem", path, NULL, "{\"quantity\":1}");
}

static void transfers_are_answered_as_documented(void **state)
{
    const char *to = api_item(a, 1, 0);
    const char *path = TRANSFER(api_item(a, 10, 0));
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
    visit(200, "extend", EXTEND(confirmed), KEY("extend-1"), "{\"ttl_seconds\":60}");
    visit(200, "extend", EXTEND(confirmed), KEY("extend-1"), "{\"ttl_seconds\":60}");
    check_header(a, "Idempotent-Replayed", "true");
    visit(200, "confirm", CONFIRM(confirmed), NULL, lines);
    check_int(a, "lines[0].reserved", 2);
    visit(200, "confirm", CONFIRM(confirmed), NULL, lines);
    check_header(a, "Idempotent-Replayed", "true");
    visit_problem(409, "reservation-confirmed", "confirm", CONFIRM(confirmed), NULL, "{}");
    visit_problem(409, "reservation-confirmed", "release", RELEASE(confirmed), NULL, NULL);
    visit_problem(409, "reservation-confirmed", "extend", EXTEND(confirmed), NULL,
                  "{\"ttl_seconds\":60}");
    visit(200, "release", RELEASE(released), NULL, NULL);
    visit(200, "release", RELEASE(released), NULL, "{}");
    check_header(a, "Idempotent-Replayed", "true");
    visit_problem(409, "reservation-released", "confirm", CONFIRM(released), NULL, NULL);

    assert_true(await(api_state_is(a, expired, "expired"), RECOVERY_MS));
    assert_true(await(api_state_is(a, again, "expired"), RECOVERY_MS));
    visit(200, "getReservation", RESERVATION(expired), NULL, NULL);
    visit_problem(409, "reservation-expired", "confirm", CONFIRM(expired), NULL, "{}");
    visit_problem(409, "reservation-expired", "release", RELEASE(expired), NULL, "{}");
    visit_problem(409, "reservation-expired", "extend", EXTEND(expired), NULL,
                  "{\"ttl_seconds\":60}");
    visit(200, "confirm", CONFIRM(again), NULL, "{\"if_expired\":\"rereserve\"}");
    check_size(a, "expired_lines", 1);
    api_call(a, 200, "PUT", ITEM(sku), "If-Match: *\r\n", "{\"on_hand\":0}");
    visit_problem(409, "insufficient-stock", "confirm", CONFIRM(expired), NULL,
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
    visit_problem(422, "invalid-field", "confirm", CONFIRM(id), NULL, "{\"lines\":[]}");
    visit_problem(422, "invalid-field", "extend", EXTEND(id), NULL, "{\"ttl_seconds\":604801}");
}

/* --- what the ledger answers ------------------------------------------------------------------ */

#define LONG_AGO "?at=2020-01-01T00:00:00Z"

/* First of those that read the ledger: a connection that is open would not notice. */
static void without_its_database_the_past_is_the_documented_503(void **state)
{
    const char *file = ledger_url + strlen("sqlite:"), *sku = api_item(a, 10, 0);
    assert_int_equal(rename(file, text("%s.away", file)), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    visit_problem(503, "ledger-unavailable", "listReservations", RESERVATIONS, NULL, NULL);
    visit(503, "headReservations", RESERVATIONS, NULL, NULL);
    visit_problem(503, "ledger-unavailable", "listLevels", text("/v1/items/%s/levels", sku), NULL,
                  NULL);
    visit_problem(503, "ledger-unavailable", "listMovements", text("/v1/items/%s/movements", sku),
                  NULL, NULL);
    visit_problem(503, "ledger-unavailable", "getItem", text("/v1/items/%s" LONG_AGO, sku), NULL,
                  NULL);
    visit_problem(503, "ledger-unavailable", "followEvents", "/v1/events", NULL, NULL);
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(rename(text("%s.away", file), file), 0);
}

static void the_past_is_answered_as_documented(void **state)
{
    const char *sku = api_item(a, 10, 2);
    const char *movements = text("/v1/items/%s/movements", sku);
    post(201, RESERVATIONS, text("{\"sku\":\"%s\",\"quantity\":1,\"customer\":\"c-1\"}", sku));
    await_in_sql(sku);
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
    visit(200, "listLevels", text("/v1/items/%s/levels", sku), NULL, NULL);
    visit(200, "headLevels", text("/v1/items/%s/levels", sku), NULL, NULL);
    visit_problem(404, "item-not-found", "listLevels", "/v1/items/nothing/levels", NULL, NULL);
    visit_problem(422, "invalid-field", "listLevels", text("/v1/items/%s/levels?points=1", sku),
                  NULL, NULL);
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
    visit_problem(404, "ledger-missing", "audit", "/v1/audits", NULL, "{}");
    visit_problem(404, "ledger-missing", "lookAtAudit", "/v1/audits", NULL, NULL);
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
    visit(200, "self", "/v1/self", NULL, NULL);
    visit(200, "headSelf", "/v1/self", NULL, NULL);
    visit(200, "service", "/v1/service", NULL, NULL);
    visit(200, "headService", "/v1/service", NULL, NULL);
    visit(202, "audit", "/v1/audits", NULL, "{}");
    visit(200, "lookAtAudit", "/v1/audits", NULL, NULL);
    visit(200, "headAudit", "/v1/audits", NULL, NULL);
    visit_problem(422, "invalid-field", "audit", "/v1/audits", NULL, "{\"x\":1}");
    visit_problem(400, "malformed-json", "audit", "/v1/audits", NULL, "{");
    json_array_foreach(documented("#/components/schemas/ProblemName/enum"), i, name)
        visit(200, "problem", text("/problems/%s", json_string_value(name)), NULL, NULL);
    visit(200, "headProblem", "/problems/overloaded", NULL, NULL);
    visit(404, "headProblem", "/problems/none", NULL, NULL);
    assert_true(await(LIVE_IS(200), RECOVERY_MS));
    visit(200, "watchLive", "/v1/live", NULL, NULL);
    visit(200, "headLive", "/v1/live", NULL, NULL);
    kill(pid_of(TSERVICE_KEEPER), SIGSTOP);
    assert_true(await(LIVE_IS(503), RECOVERY_MS));
    visit_problem(503, "live-unavailable", "watchLive", "/v1/live", NULL, NULL);
    kill(pid_of(TSERVICE_KEEPER), SIGCONT);
    visit_problem(404, "route-not-found", "problem", "/problems/none", NULL, NULL);
}

static void files_of_the_dashboard_are_answered_as_documented(void **state)
{
    static const char *const files[] = {"index.html", "ui.css", "ui.js", "icon.svg", "chart.js"};
    char tag[32];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        visit(200, "page", text("/ui/%s", files[i]), NULL, NULL);
    visit(200, "headPage", "/ui/ui.js", NULL, NULL);
    assert_non_null(http_resp_header(&a->resp, "ETag", tag, sizeof(tag)));
    visit(304, "page", "/ui/ui.js", text("If-None-Match: %s\r\n", tag), NULL);
    visit(304, "index", "/", "If-None-Match: *\r\n", NULL);
    visit_problem(404, "route-not-found", "page", "/ui/none", NULL, NULL);
    visit(404, "headPage", "/ui/none", NULL, NULL);
}

/* --- what every operation may answer ---------------------------------------------------------- */

static void wrong_methods_and_routes_are_the_documented_problem(void **state)
{
    const char *pattern;
    json_t *path;
    json_object_foreach(documented("#/paths"), pattern, path)
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
        documented_problem();
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
    get_problem(404, "route-not-found", NULL, "/v1/nothing");
    documented_problem();
    get_problem(400, "malformed-request", NULL, "/v1/items/%zz");
    documented_problem();
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
    visit_problem(413, "body-too-large", "adjustItem", ADJUST(sku), NULL, body);
    visit_problem(413, "body-too-large", "decrementItem", DECREMENT(sku), NULL, body);
    visit_problem(413, "body-too-large", "reserve", RESERVATIONS, NULL, body);
    visit_problem(413, "body-too-large", "confirm", CONFIRM(id), NULL, body);
    visit_problem(413, "body-too-large", "release", RELEASE(id), NULL, body);
    visit_problem(413, "body-too-large", "extend", EXTEND(id), NULL, body);
}

/* Last but one: Redis does not come back. */
static void without_redis_every_operation_is_the_documented_503(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 0);
    const char *line = LINE(sku, 1);
    const char *one = "{\"quantity\":1}";
    const struct {
        const char *id, *path, *body;
    } rows[] = {
        {"listItems", "/v1/items", NULL},
        {"getItem", ITEM(sku), NULL},
        {"putItem", ITEM(sku), "{\"on_hand\":1}"},
        {"deleteItem", ITEM(sku), NULL},
        {"adjustItem", ADJUST(sku), "{\"delta\":1}"},
        {"decrementItem", DECREMENT(sku), one},
        {"transferItem", TRANSFER(sku), "{\"to\":\"b\",\"quantity\":1}"},
        {"reserve", RESERVATIONS, line},
        {"getReservation", RESERVATION(id), NULL},
        {"confirm", CONFIRM(id), NULL},
        {"release", RELEASE(id), NULL},
        {"extend", EXTEND(id), "{}"},
        {"getOperation", "/v1/operations/k", NULL},
    };
    /* Less time for what is not to be answered anyhow. */
    serve(.ledger = ON_SQLITE, .flags = {"--request-timeout", "1s"});
    tredis_kill9(&stack.redis);
    assert_true(await(!api_ready(a), RECOVERY_MS));
    visit_problem(503, "redis-unavailable", "readyz", "/readyz", NULL, NULL);
    visit(503, "headReadyz", "/readyz", NULL, NULL);
    visit(503, "headItems", "/v1/items", NULL, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        visit_problem(503, "redis-unavailable", rows[i].id, rows[i].path, NULL, rows[i].body);
    visit(200, "batch", "/v1/batch", NULL,
          text("{\"operations\":[{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1}]}", sku));
    check_int(a, "results[0].status", 503);
    visit(200, "healthz", "/healthz", NULL, NULL);
}

/* Last: the tests before it have seen all that can be provoked. 504 cannot, not here. */
static void every_operation_and_status_of_the_document_was_seen(void **state)
{
    assert_int_equal(documented_missing("504"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(files_of_the_dashboard_are_answered_as_documented),
        cmocka_unit_test(wrong_methods_and_routes_are_the_documented_problem),
        cmocka_unit_test(bodies_that_are_too_large_are_the_documented_problem),
        cmocka_unit_test(without_redis_every_operation_is_the_documented_503),
        cmocka_unit_test(every_operation_and_status_of_the_document_was_seen),
    };
    return run_suite("openapi: answers", tests, .ledger = ON_SQLITE,
                     .flags = {"--request-timeout", "1s"}, .begun = documented_begin,
                     .over = documented_end);
}
