/* test_history_levels.c -- the stock of an item over a time, against all of its movements.
 *
 * Everything runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "clock.h"
#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES 400 /* of the item that has had many */

struct change {
    int64_t version, at_ms, available, held, sold;
};

/* What there is of an item, oldest first. */
static struct change changes[CHANGES + 16];
static int count;

static void take_changes(const char *sku)
{
    char path[128];
    json_t *page, *one;
    size_t i;
    count = 0;
    KEEP(path, text("/v1/items/%s/movements?limit=500", sku));
    page = json_at(get(path), "movements");
    assert_in_range(json_array_size(page), 1, CHANGES + 16);
    for (i = json_array_size(page); i-- > 0;) {
        const char *at = text("movements[%zu].", i);
        one = json_array_get(page, i);
        changes[count++] =
            (struct change){.version = json_integer_value(json_object_get(one, "version")),
                            .at_ms = api_time(a, text("%sat", at)),
                            .available = json_integer_value(json_object_get(one, "available")),
                            .held = json_integer_value(json_object_get(one, "held")),
                            .sold = json_integer_value(json_object_get(one, "sold"))};
    }
}

/* The last change up to a time, or the first one. */
static int in_force(int64_t at_ms)
{
    int i = count - 1;
    while (i > 0 && changes[i].at_ms > at_ms)
        i--;
    return i;
}

static void check_level(size_t i, const struct change *is)
{
    const char *at = text("levels[%zu].", i);
    check_int(a, text("%sversion", at), is->version);
    check_int(a, text("%savailable", at), is->available);
    check_int(a, text("%sheld", at), is->held);
    check_int(a, text("%ssold", at), is->sold);
    check_int(a, text("%son_hand", at), is->available + is->held);
    assert_int_equal(api_time(a, text("%sat", at)), is->at_ms);
}

static void time_text(char out[40], int64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    char head[24];
    assert_non_null(gmtime_r(&seconds, &tm));
    strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 40, "%s.%03dZ", head, (int)(at_ms % 1000));
}

static int64_t within(int64_t at_ms)
{
    const int64_t first_ms = changes[0].at_ms, last_ms = changes[count - 1].at_ms;
    return at_ms < first_ms ? first_ms : at_ms > last_ms ? last_ms : at_ms;
}

/* Asks from a time to another, and compares with what the movements say. */
static void check_between(const char *sku, int64_t from_ms, int64_t to_ms, int points)
{
    char from[40], to[40];
    time_text(from, from_ms);
    time_text(to, to_ms);
    get(text("/v1/items/%s/levels?from=%s&to=%s&points=%d", sku, from, to, points));
    size_t n = json_array_size(json_at(http_resp_json(&a->resp), "levels")), expected = 0;
    if (to_ms < changes[0].at_ms) {
        assert_int_equal(n, 0);
        return;
    }
    int first = in_force(from_ms), last = in_force(to_ms);
    if (last - first + 1 <= points) {
        assert_int_equal(n, last - first + 1);
        for (int i = first; i <= last; i++)
            check_level(expected++, &changes[i]);
        return;
    }
    const int64_t begin_ms = within(from_ms), span_ms = within(to_ms) - begin_ms;
    for (int i = 0, before = -1; i < points; i++) {
        int at = in_force(begin_ms + (int64_t)((double)span_ms * i / (points - 1)));
        at = i == 0 ? first : i == points - 1 ? last : at;
        if (at != before)
            check_level(expected++, &changes[at]);
        before = at;
    }
    assert_int_equal(n, expected);
}

static char busy[32];

static void change_often(void)
{
    KEEP(busy, api_item(a, 1000, 0));
    for (int i = 0; i < CHANGES / 100; i++) {
        char body[16384] = "{\"operations\":[";
        size_t n = strlen(body);
        for (int j = 0; j < 100; j++)
            n += (size_t)snprintf(body + n, sizeof(body) - n,
                                  "%s{\"op\":\"adjust\",\"sku\":\"%s\",\"delta\":%d}", j ? "," : "",
                                  busy, j % 7 ? -1 : 9);
        snprintf(body + n, sizeof(body) - n, "]}");
        post(200, "/v1/batch", body);
    }
    await_in_sql(busy);
}

/* Between each two times that something may change at. */
static void check_all_ranges(const char *sku)
{
    static const int points[] = {2, 3, 16, 17, 60, 200};
    take_changes(sku);
    const int64_t first_ms = changes[0].at_ms, last_ms = changes[count - 1].at_ms;
    const int64_t times[] = {first_ms - 5000,          first_ms - 1, first_ms, first_ms + 1,
                             (first_ms + last_ms) / 2, last_ms - 1,  last_ms,  last_ms + 5000};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        for (size_t j = 0; j < sizeof(times) / sizeof(times[0]); j++)
            for (size_t p = 0; times[i] <= times[j] && p < sizeof(points) / sizeof(points[0]); p++)
                check_between(sku, times[i], times[j], points[p]);
}

static void few_changes_are_all_there(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 4, 0);
    post(200, CONFIRM(id), NULL);
    api_reserve(a, sku, 1, 0);
    await_in_sql(sku);
    get(text("/v1/items/%s/levels", sku));
    check_str(a, "sku", sku);
    check_like(a, "{'levels':["
                  "{'version':1,'on_hand':10,'available':10,'held':0,'sold':0},"
                  "{'version':2,'on_hand':10,'available':6,'held':4,'sold':0},"
                  "{'version':3,'on_hand':6,'available':6,'held':0,'sold':4},"
                  "{'version':4,'on_hand':6,'available':5,'held':1,'sold':4}]}");
    assert_int_equal(api_time(a, "as_of"), api_time(a, "ledger.as_of"));
    assert_true(api_time(a, "as_of") >= api_time(a, "levels[3].at"));
    check_all_ranges(sku);
}

static void of_many_those_of_instants_are_there(void **state)
{
    check_all_ranges(busy);
    get(text("/v1/items/%s/levels", busy));
    size_t n = json_array_size(json_at(http_resp_json(&a->resp), "levels"));
    assert_in_range(n, 2, 60);
    check_level(0, &changes[0]);
    check_level(n - 1, &changes[count - 1]);
}

/* As after a restore, and with a burst, a quiet time and another one. */
static void gaps_of_versions_and_of_time_are_crossed(void **state)
{
    sql_run(text("UPDATE events SET version = version + 1048576 "
                 "WHERE sku = '%s' AND version > 150",
                 busy));
    check_all_ranges(busy);
    sql_run(text("UPDATE events SET at_ms = at_ms + 86400000 "
                 "WHERE sku = '%s' AND version > 1048876",
                 busy));
    check_all_ranges(busy);
}

static void a_deleted_item_ends_at_nothing(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL); /* perhaps in the same millisecond */
    assert_true(
        await(sql_int(text("SELECT deleted FROM items WHERE sku = '%s'", sku)) == 1, RECOVERY_MS));
    get(text("/v1/items/%s/levels", sku));
    check_like(a, "{'levels':[{'on_hand':10},{'version':2,'on_hand':0,'available':0,'held':0,"
                  "'sold':0}]}");
}

static void what_cannot_be_asked_is_told(void **state)
{
    static const char *const wrong[][2] = {
        {"points=1", "points"},
        {"points=201", "points"},
        {"points=x", "points"},
        {"points=-5", "points"},
        {"from=yesterday", "from"},
        {"to=2026-13-01T00:00:00Z", "to"},
        {"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"},
        {"at=2026-01-01T00:00:00Z", "at"},
        {"limit=5", "limit"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        get_problem(422, "invalid-field", wrong[i][1],
                    text("/v1/items/%s/levels?%s", busy, wrong[i][0]));
    get_problem(422, "invalid-field", "sku", "/v1/items/a%20b/levels");
    get_problem(404, "item-not-found", NULL, "/v1/items/never/levels");
    check_str(a, "sku", "never");
    api_problem(a, 405, "method-not-allowed", NULL, "POST", text("/v1/items/%s/levels", busy), NULL,
                "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_changes_are_all_there),
        cmocka_unit_test(of_many_those_of_instants_are_there),
        cmocka_unit_test(gaps_of_versions_and_of_time_are_crossed),
        cmocka_unit_test(a_deleted_item_ends_at_nothing),
        cmocka_unit_test(what_cannot_be_asked_is_told),
    };
    return run_on_both("levels of items", tests, .begun = change_often);
}
