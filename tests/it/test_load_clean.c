/* test_load_clean.c -- `stockload clean` and `run --clean`: what runs made goes, with what is held
 * of it, and nothing of anybody else does.
 */
#include "support/fixture.h"
#include "support/shop_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_REPORT "-q", "--output-format", "quiet"
#define QUIET        QUIET_REPORT, "--no-tui"
#define SMALL        "-c", "8", "-p", "2", "-n", "400", "--settle", "100ms"

static char url[64];

static void begin(const enum base_engine *ledger)
{
    serve(.workers = 1, .ledger = ledger);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", stack.service.port);
    command_variable = "STOCKLOAD";
}

static int end(void **state)
{
    command_variable = "STOCKD";
    return serve_end(state);
}

static void put(const char *sku)
{
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":10}");
}

/* Items whose sku begins so. */
static size_t count(const char *prefix)
{
    get(text("/v1/items?limit=500&prefix=%s", prefix));
    return json_array_size(json_at(http_resp_json(&a->resp), "items"));
}

/* Waits until the ledger knows all about the items of runs. */
static void await_ledger(void)
{
    char skus[64][64];
    get("/v1/items?limit=64&prefix=load-");
    size_t n = json_array_size(json_at(http_resp_json(&a->resp), "items"));
    for (size_t i = 0; i < n; i++)
        KEEP(skus[i], api_str(a, text("items[%zu].sku", i)));
    for (size_t i = 0; i < n; i++)
        await_in_sql(skus[i]);
}

/* The run that has the first item. */
static const char *first_run(void)
{
    get("/v1/items?limit=1&prefix=load-");
    return text("%.10s", api_str(a, "items[0].sku") + 5);
}

/* Names that are near to those of a run. */
static const char *const not_ours[] = {"load",
                                       "load-",
                                       "load-0123456789",
                                       "load-0123456789-",
                                       "load-0123456789-a",
                                       "load-0123456789-01",
                                       "load-012345678-1",
                                       "load-0123456789a-1",
                                       "load-012345678z-1",
                                       "load-0123456789-1000000",
                                       "LOAD-0123456789-1",
                                       "xload-0123456789-1"};
#define NOT_OURS (sizeof(not_ours) / sizeof(not_ours[0]))

static void what_is_not_named_so_stays(void **state)
{
    begin(*state);
    for (size_t i = 0; i < NOT_OURS; i++)
        put(not_ours[i]);
    put("load-0123456789-0");
    put("load-vvvvvvvvvv-999999");
    check_command(0, "clean", url, "--dry-run");
    check_said("run 0123456789: 1 item, 0 units held");
    check_said("run vvvvvvvvvv: 1 item, 0 units held");
    check_said("2 items would be removed");
    assert_int_equal(count(""), NOT_OURS + 2);
    check_command(0, "clean", url);
    check_said("removed 2 items, released 0 reservations");
    for (size_t i = 0; i < NOT_OURS; i++)
        get(ITEM(not_ours[i]));
    assert_int_equal(count(""), NOT_OURS);
    check_command(0, "clean", url);
    check_said("removed 0 items");
}

static void one_run_can_be_named(void **state)
{
    char run[16];
    begin(*state);
    check_command(0, "run", url, QUIET, SMALL, "--scenario", "restock");
    KEEP(run, first_run());
    await_ledger();
    put("load-0123456789-0");
    check_command(254, "clean", url, "--run", "load-0123456789");
    check_said("10 characters of 0-9 and a-v");
    check_command(0, "clean", url, "--run", run);
    get(ITEM("load-0123456789-0"));
    assert_int_equal(count(text("load-%s", run)), 0);
}

static void what_is_held_is_released_first(void **state)
{
    char id[64];
    begin(*state);
    check_command(0, "run", url, QUIET, SMALL, "--scenario", "basket", "--mix", "reserve=100");
    put("load-0123456789-0");
    put("load-0123456789-1");
    KEEP(id, api_reserve(a, "load-0123456789-0", 3, 0));
    assert_true(count("load-") > 2);
    await_ledger();
    check_command(0, "clean", url);
    assert_null(strstr(command_said, "released 0 reservations"));
    assert_int_equal(count(""), 0);
    get(RESERVATION(id));
    check_str(a, "state", "released");
}

static void a_hold_of_others_items_stays(void **state)
{
    char id[64];
    begin(*state);
    put("load-0123456789-0");
    put("load-0123456789-1");
    put("mine");
    post(201, RESERVATIONS,
         text("{\"lines\":[%s,%s]}", LINE("mine", 1), LINE("load-0123456789-0", 1)));
    KEEP(id, api_str(a, "id"));
    await_in_sql("mine");
    check_command(2, "clean", url);
    check_said("removed 1 item, released 0 reservations");
    check_said("1 item is left: reservations that hold other items, too, hold units of them");
    get(RESERVATION(id));
    check_str(a, "state", "held");
    check_item(a, "mine", 10, 9, 1, 0, 2);
}

static void a_run_cleans_up_behind_itself(void **state)
{
    begin(*state);
    put("mine");
    api_reserve(a, "mine", 2, 0);
    check_command(0, "run", url, QUIET, SMALL, "--scenario", "flash", "--stock", "30", "--mix",
                  "reserve=100", "--clean");
    check_said("removed 1 item, released 30 reservations");
    assert_int_equal(count(""), 1);
    check_item(a, "mine", 10, 8, 2, 0, 2);
}

static void without_a_ledger_it_takes_a_history_to_know_what_is_held(void **state)
{
    begin(NULL);
    check_command(0, "run", url, QUIET, SMALL, "--scenario", "flash", "--stock", "30", "--mix",
                  "reserve=100", "--clean");
    check_said("removed 1 item, released 30 reservations");
    assert_int_equal(count(""), 0);
    check_command(0, "run", url, QUIET, SMALL, "--scenario", "flash", "--stock", "30", "--mix",
                  "reserve=100");
    check_command(2, "clean", url);
    check_said("1 item is left: units of them are held, and without a ledger");
    assert_int_equal(count("load-"), 1);
}

static void nobody_to_clean_is_told(void **state)
{
    command_variable = "STOCKLOAD";
    check_command(255, "clean", text("http://127.0.0.1:%d", tproc_free_port()));
    check_said("items can not be removed: no answer: Connection refused");
    check_command(254, "clean", "--seed", "5");
    check_said("--seed: is an option of `stockload run`");
    check_command(254, "run", "--dry-run");
    check_said("--dry-run: is an option of `stockload clean`");
}

/* A server that lies, and has no list of reservations: the verdict is what counts. */
static void the_verdict_stays_when_cleaning_fails(void **state)
{
    struct tshop shop;
    char dir[TEST_PATH_MAX];
    command_variable = "STOCKLOAD";
    assert_int_equal(temp_dir_make(dir), 0);
    assert_int_equal(tshop_start(&shop, "lost-decrement", 10), 0);
    check_command(1, "run", text("http://127.0.0.1:%d", shop.port), QUIET, "-c", "8", "-p", "2",
                  "-n", "4k", "--scenario", "flash", "--mix", "reserve=50,decrement=50", "--stock",
                  "3000", "--settle", "100ms", "--history", text("%s/history", dir), "--clean");
    check_said("items can not be removed: GET /v1/reservations was answered with 40");
    assert_true(tshop_stop(&shop));
    check_command(1, "check", text("%s/history", dir), QUIET_REPORT);
    temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"what_is_not_named_so_stays", what_is_not_named_so_stays, NULL, end, ON_SQLITE},
        {"one_run_can_be_named", one_run_can_be_named, NULL, end, ON_SQLITE},
        {"what_is_held_is_released_first", what_is_held_is_released_first, NULL, end, ON_SQLITE},
        {"a_hold_of_others_items_stays", a_hold_of_others_items_stays, NULL, end, ON_SQLITE},
        {"a_run_cleans_up_behind_itself", a_run_cleans_up_behind_itself, NULL, end, ON_SQLITE},
        {"without_a_ledger_it_takes_a_history_to_know_what_is_held",
         without_a_ledger_it_takes_a_history_to_know_what_is_held, NULL, end, NULL},
        {"nobody_to_clean_is_told", nobody_to_clean_is_told, NULL, end, NULL},
        {"the_verdict_stays_when_cleaning_fails", the_verdict_stays_when_cleaning_fails, NULL, end,
         NULL},
    };
    return run_each("load_clean", tests);
}
