/* test_cli_items.c -- `stockd items`, `stockd reservations` and `stockd health` at a real service:
 * what they change and show, and what is known when an answer was lost.
 *
 * Servers that are none: test_cli_hostile.c.
 */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char url[64];

/* Commands of the service under test. */
#define items(status, ...)        check_command((status), "items", __VA_ARGS__, "--url", url)
#define reservations(status, ...) check_command((status), "reservations", __VA_ARGS__, "--url", url)

static void begin(void)
{
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", stack.service.port);
}

/* The last command's standard output as JSON, which the caller frees. */
static json_t *said_json(void)
{
    json_error_t error;
    size_t n = strlen(command_said);
    assert_true(n > 0 && command_said[n - 1] == '\n');
    assert_ptr_equal(strchr(command_said, '\n'), command_said + n - 1);
    json_t *document = json_loads(command_said, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        fail_msg("no JSON: %s: %s", error.text, command_said);
    return document;
}

/* --- items ------------------------------------------------------------------------------------ */

static void set_creates_and_then_sets(void **state)
{
    char sku[80];
    KEEP(sku, new_sku());
    items(0, "set", sku, "--on-hand", "100", "--max-per-customer", "2");
    check_said("AVAILABLE");
    check_item(a, sku, 100, 100, 0, 0, 1);
    check_int(a, "max_per_customer", 2);
    items(0, "set", sku, "--on-hand", "7");
    check_item(a, sku, 7, 7, 0, 0, 2);
    check_int(a, "max_per_customer", 2);
    items(0, "set", sku, "--max-per-customer", "none");
    check_item(a, sku, 7, 7, 0, 0, 3);
    check_null(a, "max_per_customer");
}

static void set_keeps_to_a_version(void **state)
{
    char sku[80];
    KEEP(sku, api_item(a, 10, 0));
    items(1, "set", sku, "--on-hand", "5", "--if-version", "2");
    check_said("412 precondition-failed");
    items(0, "set", sku, "--on-hand", "5", "--if-version", "1");
    check_item(a, sku, 5, 5, 0, 0, 2);
    items(1, "set", new_sku(), "--on-hand", "5", "--if-version", "1");
    check_said("412 precondition-failed");
}

static void a_missing_item_needs_units(void **state)
{
    char sku[80];
    KEEP(sku, new_sku());
    items(1, "set", sku, "--max-per-customer", "2");
    check_said("there is no such item; --on-hand N creates it");
    items(1, "get", sku);
    check_said("404 item-not-found");
    items(1, "adjust", sku, "+1");
    check_said("404 item-not-found");
}

static void adjust_adds_and_takes(void **state)
{
    char sku[80];
    KEEP(sku, api_item(a, 10, 0));
    items(0, "adjust", sku, "+5", "--reason", "restock", "--reference", "PO-7");
    check_item(a, sku, 15, 15, 0, 0, 2);
    items(0, "adjust", sku, "-3");
    check_item(a, sku, 12, 12, 0, 0, 3);
    items(1, "adjust", sku, "-13");
    check_said("409 insufficient-stock");
    check_item(a, sku, 12, 12, 0, 0, 3);
    await_in_sql(sku);
    get(text("/v1/items/%s/movements", sku));
    check_like(a, "{'movements':[{'version':3},{'reason':'restock','reference':'PO-7'},'...']}");
}

static void a_key_counts_once(void **state)
{
    char sku[80];
    KEEP(sku, api_item(a, 10, 0));
    items(0, "adjust", sku, "+5", "--key", "adjust-once");
    items(0, "adjust", sku, "+5", "--key", "adjust-once");
    check_item(a, sku, 15, 15, 0, 0, 2);
    items(1, "adjust", sku, "+6", "--key", "adjust-once");
    check_said("422 idempotency-key-reused");
}

static void dots_are_a_name(void **state)
{
    items(0, "set", "..", "--on-hand", "3");
    items(0, "get", "..", "--json");
    json_t *item = said_json();
    assert_string_equal(json_string_value(json_object_get(item, "sku")), "..");
    json_decref(item);
}

static void what_the_command_line_has_wrong_is_said(void **state)
{
    items(64, "adjust", "apple", "5");
    check_said("has no sign; give +5 to add, -5 to take");
    items(64, "adjust", "apple", "+-5");
    items(64, "adjust", "apple", "+0");
    items(64, "adjust", "apple", "+99999999999999999999");
    items(64, "adjust", "a b", "+5");
    check_said("SKU");
    items(64, "adjust", "apple", "+5", "--key", "a key");
    check_said("--key");
    items(64, "set", "apple");
    check_said("nothing to set");
    items(64, "set", "apple", "--on-hand", "-1");
    check_said("--on-hand");
    items(64, "get", "apple", "--key-file", "/does/not/exist");
    check_said("--key-file");
    reservations(64, "list", "--state", "hold");
    check_said("give held, confirmed, released or expired");
    reservations(64, "get", "");
    check_command(64, "items", "list", "--url", "127.0.0.1:8080");
    check_command(64, "items", "list", "--url", "file:///etc/passwd");
    check_said("must begin with http:// or https://");
    check_command(64, "items", "list", "--url", "http://u:p@127.0.0.1:8080");
    check_said("must not hold a password");
    check_command(64, "items", "list", "--url", "http://127.0.0.1:8080/?a=b");
}

/* --- lists ------------------------------------------------------------------------------------ */

/* More than one page holds. */
static void a_list_has_all_pages(void **state)
{
    enum { COUNT = 1203, EACH = 401 };
    char *body = malloc(100 * EACH + 100);
    assert_non_null(body);
    for (int from = 0; from < COUNT; from += EACH) {
        size_t n = (size_t)sprintf(body, "{\"operations\":[");
        for (int i = from; i < from + EACH; i++)
            n +=
                (size_t)sprintf(body + n, "%s{\"op\":\"put\",\"sku\":\"many-%04d\",\"on_hand\":%d}",
                                i > from ? "," : "", i, i);
        sprintf(body + n, "]}");
        post(200, "/v1/batch", body);
    }
    free(body);
    items(0, "list", "--prefix", "many-", "--json");
    json_t *list = said_json(), *all = json_object_get(list, "items");
    assert_int_equal(json_array_size(all), COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(json_integer_value(json_at(list, text("items[%zu].on_hand", i))), i);
    assert_true(json_is_null(json_object_get(list, "next_cursor")));
    json_decref(list);

    items(0, "list", "--prefix", "many-", "--limit", "700", "--json");
    list = said_json();
    assert_int_equal(json_array_size(json_object_get(list, "items")), 700);
    assert_string_equal(json_string_value(json_object_get(list, "next_cursor")), "many-0699");
    json_decref(list);

    items(0, "list", "--prefix", "many-", "--cursor", "many-1200");
    check_said("many-1201       1201");
    check_said("many-1202       1202");
    assert_null(strstr(command_said, "many-1200"));
    items(0, "list", "--prefix", "many-", "--limit", "1");
    check_said("there are more: --cursor many-0000 goes on");
}

static void an_empty_list_is_one(void **state)
{
    items(0, "list", "--prefix", "nobody-has-this-", "--json");
    assert_string_equal(command_said, "{\"items\":[],\"next_cursor\":null}\n");
    items(0, "list", "--prefix", "nobody-has-this-");
    assert_string_equal(command_said,
                        "SKU  AVAILABLE  HELD  ON HAND  SOLD  LIMIT  VERSION  UPDATED\n");
}

static void json_is_what_the_service_answers(void **state)
{
    char sku[80], wanted[1024];
    KEEP(sku, api_item(a, 10, 3));
    get(ITEM(sku));
    snprintf(wanted, sizeof(wanted), "%s\n", a->resp.body);
    items(0, "get", sku, "--json");
    assert_string_equal(command_said, wanted);
    items(0, "list", "--prefix", sku, "--json");
    assert_non_null(strstr(command_said, a->resp.body));
}

/* --- reservations ----------------------------------------------------------------------------- */

#define HOLD                                                                                       \
    "{\"lines\":[%s],\"customer\":\"%s\",\"reference\":\"order-9\","                               \
    "\"metadata\":{\"price\":0.1}}"

static void a_reservation_is_shown_and_released(void **state)
{
    char sku[80], id[64];
    KEEP(sku, api_item(a, 10, 0));
    post(201, RESERVATIONS, text(HOLD, LINE(sku, 4), "c-9"));
    KEEP(id, api_str(a, "id"));
    reservations(0, "get", id);
    check_said("state      held\n");
    check_said("customer   c-9\n");
    check_said("metadata   {\"price\":0.1}\n");
    reservations(0, "release", id, "--json");
    json_t *released = said_json();
    assert_string_equal(json_string_value(json_object_get(released, "state")), "released");
    json_decref(released);
    check_item(a, sku, 10, 10, 0, 0, 3);
    reservations(0, "release", id);
    check_said("state      released\n");
    check_item(a, sku, 10, 10, 0, 0, 3);
    reservations(1, "release", "r0-nobody");
    check_said("404 reservation-not-found");
    reservations(1, "get", "../items");
    check_said("404");
}

static void lists_of_reservations_are_filtered(void **state)
{
    char sku[80], other[80], id[64], customer[100];
    KEEP(sku, api_item(a, 10, 0));
    KEEP(other, api_item(a, 10, 0));
    snprintf(customer, sizeof(customer), "c of %s", sku);
    post(201, RESERVATIONS, text(HOLD, LINE(sku, 4), customer));
    KEEP(id, api_str(a, "id"));
    api_reserve(a, other, 1, 0);
    await_in_sql(sku);
    await_in_sql(other);
    reservations(0, "list", "--sku", sku, "--state", "held", "--json");
    json_t *list = said_json();
    assert_int_equal(json_array_size(json_object_get(list, "reservations")), 1);
    assert_string_equal(json_string_value(json_at(list, "reservations[0].id")), id);
    assert_non_null(json_at(list, "ledger.as_of"));
    assert_non_null(strstr(command_said, "\"metadata\":{\"price\":0.1}"));
    json_decref(list);
    reservations(0, "list", "--customer", customer);
    check_said(id);
    check_said(text("4 %s", sku));
    reservations(0, "list", "--sku", sku, "--state", "released", "--json");
    check_said("{\"reservations\":[],\"next_cursor\":null");
}

static void data_cannot_write_to_the_terminal(void **state)
{
    char sku[80], id[64];
    KEEP(sku, api_item(a, 10, 0));
    post(201, RESERVATIONS, text(HOLD, LINE(sku, 1), "\\u001b[2J\\n\\u009b1m"));
    KEEP(id, api_str(a, "id"));
    await_in_sql(sku);
    reservations(0, "get", id);
    check_said("customer   \\x1b[2J\\x0a\\xc2\\x9b1m\n");
    reservations(0, "list", "--sku", sku);
    check_said("\\x1b[2J\\x0a\\xc2\\x9b1m");
    assert_null(strchr(command_said, '\x1b'));
}

/* --- answers that are lost -------------------------------------------------------------------- */

/* Whatever the connection loses of the first answer, the next attempt has the same key. */
static void a_lost_answer_is_asked_for_again(void **state)
{
    static const enum fault_action actions[] = {FAULT_CUT_RST, FAULT_CUT_FIN};
    struct fault_proxy proxy;
    char through[64], upstream[64], sku[80];
    snprintf(upstream, sizeof(upstream), "redis://127.0.0.1:%d", stack.service.port);
    assert_int_equal(fault_proxy_start(&proxy, upstream, 1), 0);
    snprintf(through, sizeof(through), "http://127.0.0.1:%d", proxy.port);
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        for (uint64_t after = 0; after < 200; after += 60) {
            KEEP(sku, api_item(a, 10, 0));
            fault_proxy_arm(&proxy, &(struct fault_rule){.action = actions[i],
                                                         .direction = FAULT_DOWN,
                                                         .after = after,
                                                         .anchor = FAULT_AT_CHUNK,
                                                         .pattern = "POST "});
            check_command(0, "items", "adjust", sku, "-4", "--url", through, "--timeout", "10m");
            check_item(a, sku, 6, 6, 0, 0, 2);
            assert_true(fault_proxy_struck_on(&proxy) > 0);
        }
    }
    fault_proxy_stop(&proxy);
}

/* --- health ----------------------------------------------------------------------------------- */

static void health_says_what_the_service_says(void **state)
{
    check_command(0, "health", "--url", url, "--timeout", "1m");
    check_said("/healthz: 200");
    check_command(0, "health", "--url", url, "--ready", "--timeout", "1m");
    check_said("/readyz: 200");
    check_command(0, "health", "--listen", text("0.0.0.0:%d", stack.service.port), "--timeout",
                  "1m");
    check_command(1, "health", "--listen", text("0.0.0.0:%d", tproc_free_port()));
    check_command(0, "health", "--ledger", "--ledger-listen",
                  text("127.0.0.1:%d", stack.service.port));
    check_command(64, "health", "--listen", "127.0.0.1:0");
    check_command(64, "health", "--ledger");
    check_said("give --url or --ledger-listen");
}

/* What containers set for the service is not meant for the commands. */
static void variables_of_the_service_do_no_harm(void **state)
{
    setenv("STOCKD_LEDGER", "postgresql://stockd@db/stock", 1);
    setenv("STOCKD_LISTEN", text("0.0.0.0:%d", stack.service.port), 1);
    setenv("STOCKD_LEDGER_LISTEN", text("[::]:%d", stack.service.port), 1);
    setenv("STOCKD_LIMIT", "nonsense", 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    check_command(0, "health");
    items(0, "list", "--limit", "1");
    setenv("STOCKD_URL", url, 1);
    check_command(0, "items", "list", "--limit", "1");
    unsetenv("STOCKD_URL");
    unsetenv("STOCKD_LEDGER");
    unsetenv("STOCKD_LISTEN");
    unsetenv("STOCKD_LEDGER_LISTEN");
    unsetenv("STOCKD_LIMIT");
    unsetenv("http_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_creates_and_then_sets),
        cmocka_unit_test(set_keeps_to_a_version),
        cmocka_unit_test(a_missing_item_needs_units),
        cmocka_unit_test(adjust_adds_and_takes),
        cmocka_unit_test(a_key_counts_once),
        cmocka_unit_test(dots_are_a_name),
        cmocka_unit_test(what_the_command_line_has_wrong_is_said),
        cmocka_unit_test(a_list_has_all_pages),
        cmocka_unit_test(an_empty_list_is_one),
        cmocka_unit_test(json_is_what_the_service_answers),
        cmocka_unit_test(a_reservation_is_shown_and_released),
        cmocka_unit_test(lists_of_reservations_are_filtered),
        cmocka_unit_test(data_cannot_write_to_the_terminal),
        cmocka_unit_test(a_lost_answer_is_asked_for_again),
        cmocka_unit_test(health_says_what_the_service_says),
        cmocka_unit_test(variables_of_the_service_do_no_harm),
    };
    return run_suite("cli_items", tests, .ledger = ON_SQLITE, .begun = begin);
}
