/* test_history_items.c -- the movements of an item, and the item as it was at a time.
 *
 * Everything runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "clock.h"
#include "support/fixture.h"

#include <stdio.h>
#include <string.h>

/* --- asking ----------------------------------------------------------------------------------- */

static void hold(const char *body)
{
    post(201, RESERVATIONS, body);
}

/* --- one item --------------------------------------------------------------------------------- */

struct movement {
    int64_t version, at_ms;
    char type[16];
    int64_t available, held, sold;
};

/* All of them, oldest first. */
static int take_movements(const char *sku, int limit, struct movement *out, int max)
{
    const char *cursor = NULL;
    int count = 0;
    do {
        get(text("/v1/items/%s/movements?limit=%d%s%s", sku, limit, cursor ? "&cursor=" : "",
                 cursor ? cursor : ""));
        size_t n = json_array_size(json_at(http_resp_json(&a->resp), "movements"));
        assert_true(n > 0 && n <= (size_t)limit && count + (int)n <= max);
        for (size_t i = 0; i < n; i++) {
            struct movement *m = &out[count++];
            const char *at = text("movements[%zu].", i);
            m->version = api_int(a, text("%sversion", at));
            m->at_ms = api_time(a, text("%sat", at));
            m->available = api_int(a, text("%savailable", at));
            m->held = api_int(a, text("%sheld", at));
            m->sold = api_int(a, text("%ssold", at));
            KEEP(m->type, api_str(a, text("%stype", at)));
        }
        bool last = json_is_null(json_at(http_resp_json(&a->resp), "next_cursor"));
        cursor = last ? NULL : api_str(a, "next_cursor");
    } while (cursor);
    for (int i = 0; i < count / 2; i++) {
        struct movement swap = out[i];
        out[i] = out[count - 1 - i];
        out[count - 1 - i] = swap;
    }
    return count;
}

/* One a test: created, adjusted, held, confirmed in part, expired, sold, set. */
static char lives[3][32];

static void live_all_lives(void)
{
    char brief[3][32];
    for (int i = 0; i < 3; i++) {
        KEEP(lives[i], api_item(a, 10, 0));
        const char *sku = lives[i];
        post(200, ADJUST(sku), "{\"delta\":5,\"reason\":\"restock\",\"reference\":\"PO-7\"}");
        hold(text("{\"sku\":\"%s\",\"quantity\":4,\"customer\":\"c-1\",\"reference\":\"o-1\"}",
                  sku));
        const char *id = api_str(a, "id");
        post(200, CONFIRM(id), text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":3}]}", sku));
        KEEP(brief[i], api_reserve(a, sku, 2, 1));
    }
    for (int i = 0; i < 3; i++) {
        const char *sku = lives[i];
        assert_true(await(api_state_is(a, brief[i], "expired"), RECOVERY_MS));
        post(200, DECREMENT(sku), "{\"quantity\":1,\"customer\":\"c-2\"}");
        api_call(a, 200, "PUT", ITEM(sku), "If-Match: *\r\n",
                 "{\"on_hand\":20,\"max_per_customer\":5}");
        await_in_sql(sku);
    }
}

static void movements_say_what_happened(void **state)
{
    static const struct {
        const char *type;
        int64_t available, held, sold, available_after;
    } expected[] = {{"set", 9, 0, 0, 20},      {"decrement", -1, 0, 1, 11},
                    {"expire", 2, -2, 0, 12},  {"reserve", -2, 2, 0, 10},
                    {"confirm", 1, -4, 3, 12}, {"reserve", -4, 4, 0, 11},
                    {"adjust", 5, 0, 0, 15},   {"create", 10, 0, 0, 10}};
    const char *sku = lives[0];
    get(text("/v1/items/%s/movements", sku));
    check_size(a, "movements", 8);
    check_null(a, "next_cursor");
    for (int i = 0; i < 8; i++) {
        const char *at = text("movements[%d].", i);
        check_str(a, text("%stype", at), expected[i].type);
        check_int(a, text("%sversion", at), 8 - i);
        check_int(a, text("%savailable_delta", at), expected[i].available);
        check_int(a, text("%sheld_delta", at), expected[i].held);
        check_int(a, text("%ssold_delta", at), expected[i].sold);
        check_int(a, text("%savailable", at), expected[i].available_after);
        check_int(a, text("%son_hand", at),
                  api_int(a, text("%savailable", at)) + api_int(a, text("%sheld", at)));
    }
    check_like(a, "{'movements':[{'customer':null},{'customer':'c-2'},{},{},{'customer':'c-1',"
                  "'reference':'o-1'},{'reference':'o-1'},{'reason':'restock','reference':'PO-7',"
                  "'reservation':null},'...']}");
    check_str(a, "movements[4].reservation", api_str(a, "movements[5].reservation"));
}

static void movements_come_in_pages_and_outlive_their_item(void **state)
{
    struct movement m[16];
    const char *sku = lives[1];
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);
    const char *sql = text("SELECT deleted FROM items WHERE sku = '%s'", sku);
    assert_true(await(sql_int(sql) == 1, RECOVERY_MS));
    for (int limit = 1; limit <= 9; limit += 4) {
        assert_int_equal(take_movements(sku, limit, m, 16), 9);
        for (int i = 0; i < 9; i++)
            assert_int_equal(m[i].version, i + 1);
        assert_string_equal(m[8].type, "delete");
        assert_int_equal(m[8].available + m[8].held + m[8].sold, 0);
    }
    get_problem(404, "item-not-found", NULL, "/v1/items/never/movements");
    check_str(a, "sku", "never");
}

/* What the movements say about a time is what `at` says. */
static void check_at(const char *sku, int64_t at_ms, const struct movement *m, int count)
{
    const struct movement *last = NULL;
    char at[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(at_ms, at);
    for (int i = 0; i < count && m[i].at_ms <= at_ms; i++)
        last = &m[i];
    const char *path = text("/v1/items/%s?at=%s", sku, at);
    if (!last || strcmp(last->type, "delete") == 0) {
        get_problem(404, "item-not-found", NULL, path);
        check_str(a, "sku", sku);
        return;
    }
    get(path);
    check_header(a, "ETag", NULL);
    check_int(a, "version", last->version);
    check_int(a, "available", last->available);
    check_int(a, "held", last->held);
    check_int(a, "sold", last->sold);
    check_int(a, "on_hand", last->available + last->held);
    assert_int_equal(api_time(a, "updated_at"), last->at_ms);
    assert_int_equal(api_time(a, "at"), at_ms);
}

static void check_all_times(const char *sku)
{
    struct movement m[16];
    int count = take_movements(sku, 500, m, 16);
    check_at(sku, 0, m, count);
    for (int i = 0; i < count; i++)
        for (int64_t near = -1; near <= 1; near++)
            check_at(sku, m[i].at_ms + near, m, count);
    check_at(sku, m[count - 1].at_ms + 3600000, m, count);
}

static void an_item_is_shown_as_it_was(void **state)
{
    const char *sku = lives[2];
    get(text("/v1/items/%s?at=2100-01-01T00:00:00Z", sku));
    check_like(a, "{'max_per_customer':5,'sku':'%s'}", sku);
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":3}");
    await_in_sql(sku);
    check_all_times(sku);
    /* As after a restore, and another one: versions go on far above. */
    sql_run(text("UPDATE events SET version = version + 1048576 "
                 "WHERE sku = '%s' AND version > 5",
                 sku));
    check_all_times(sku);
    sql_run(text("UPDATE events SET version = version + 3145728 "
                 "WHERE sku = '%s' AND version > 1048580",
                 sku));
    check_all_times(sku);
    get_problem(404, "item-not-found", NULL, "/v1/items/never?at=2026-01-01T00:00:00Z");
}

static void a_time_may_come_in_any_offset(void **state)
{
    static const char *const same[] = {"2030-06-01T12:00:00Z", "2030-06-01t12:00:00.000z",
                                       "2030-06-01T14:00:00%2B02:00", "2030-06-01T14:00:00+02:00",
                                       "2030-06-01T11:30:00.0001-00:30"};
    const char *sku = api_item(a, 3, 0);
    await_in_sql(sku);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        get(text("/v1/items/%s?at=%s", sku, same[i]));
        check_like(a, "{'at':'2030-06-01T12:00:00.000Z','available':3}");
    }
    get(text("/v1/items/%s?something=else", sku)); /* means nothing, as ever */
    check_absent(a, "ledger");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(movements_say_what_happened),
        cmocka_unit_test(movements_come_in_pages_and_outlive_their_item),
        cmocka_unit_test(an_item_is_shown_as_it_was),
        cmocka_unit_test(a_time_may_come_in_any_offset),
    };
    return run_on_both("history of items", tests, .begun = live_all_lives);
}
