/* test_report_json.c -- the JSON report of real histories: it fits its schema, and its numbers are
 * those of the run. */
#include "support/report_case.h"
#include "support/schema.h"
#include "support/suite.h"

#include <stdlib.h>

#define SCHEMA_FILE "loadgen/report/report.schema.json"

static json_t *load_schema(void)
{
    json_error_t error;
    json_t *schema = json_load_file(SCHEMA_FILE, JSON_REJECT_DUPLICATES, &error);
    if (!schema)
        fail_msg("%s:%d: %s (is this the project's root?)", SCHEMA_FILE, error.line, error.text);
    return schema;
}

TEST(every_report_fits_the_schema)
{
    json_t *schema = load_schema();
    json_t *report = schema_at(schema, "#/$defs/report");
    char why[512] = "";
    struct run *run[SAMPLES];
    struct report_run runs[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        run[i] = run_make((enum sample)i);
        runs[i] = run[i]->report;
    }
    for (size_t first = 0; first < SAMPLES; first++) {
        char *text = write_many(report_json, runs + first, SAMPLES - first);
        json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(value);
        if (schema_check(schema, report, value, why, sizeof why) != SCHEMA_FITS)
            fail_msg("%s", why);
        if (schema_names_all(schema, report, value, why, sizeof why) != SCHEMA_FITS)
            fail_msg("%s", why);
        json_decref(value);
        free(text);
    }
    for (int i = 0; i < SAMPLES; i++)
        run_free(run[i]);
    json_decref(schema);
}

/* Whatever describes a value says what it means: members, elements and what both refer to. */
static void assert_described(json_t *schema, const char *name)
{
    const char *key;
    json_t *part, *member;
    size_t i;
    if (json_string_length(json_object_get(schema, "description")) < 3)
        fail_msg("%s has no description", name);
    json_object_foreach(json_object_get(schema, "properties"), key, part)
        assert_described(part, key);
    json_array_foreach(json_object_get(schema, "anyOf"), i, part)
        json_object_foreach(json_object_get(part, "properties"), key, member)
            assert_described(member, key);
    json_t *items = json_object_get(schema, "items");
    if (items && !json_object_get(items, "$ref"))
        assert_described(items, name);
}

TEST(the_schema_is_understood_and_describes_every_member)
{
    json_t *schema = load_schema(), *part;
    const char *name;
    char why[512] = "";
    assert_string_equal(json_string_value(json_object_get(schema, "$schema")),
                        "https://json-schema.org/draft/2020-12/schema");
    json_object_foreach(json_object_get(schema, "$defs"), name, part)
    {
        if (schema_known(schema, part, why, sizeof why) != SCHEMA_FITS)
            fail_msg("%s: %s", name, why);
        assert_described(part, name);
    }
    json_decref(schema);
}

static json_t *json_of(enum sample sample)
{
    struct run *run = run_make(sample);
    char *text = write_many(report_json, &run->report, 1);
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    free(text);
    run_free(run);
    return value;
}

static json_t *at(json_t *root, const char *reference)
{
    json_t *value = schema_at(root, reference);
    if (!value)
        fail_msg("%s is not there", reference);
    return value;
}

TEST(the_numbers_in_json_are_those_of_the_run)
{
    json_t *right = json_of(RIGHT);
    assert_string_equal(json_string_value(at(right, "#/runs/0/facts/seed")),
                        "18446744073709551615");
    assert_string_equal(json_string_value(at(right, "#/runs/0/facts/started_at")),
                        "2026-11-21T01:31:37.123Z");
    assert_int_equal(json_integer_value(at(right, "#/runs/0/load/attempts")), 7);
    assert_int_equal(json_integer_value(at(right, "#/runs/0/conflicts/lost")), 6);
    assert_true(json_real_value(at(right, "#/runs/0/conflicts/per_success")) == 3);
    assert_int_equal(json_integer_value(at(right, "#/runs/0/kinds/0/outcomes/ok")), 0);
    assert_int_equal(json_integer_value(at(right, "#/runs/0/kinds/1/response/max_ns")), 2000000);
    assert_int_equal(json_array_size(at(right, "#/runs/0/series/intervals")), 100);
    assert_int_equal(json_integer_value(at(right, "#/runs/0/series/intervals/0/end_ns")), 10000000);
    assert_true(json_is_null(at(right, "#/runs/0/load/late")));
    json_decref(right);

    json_t *wrong = json_of(VIOLATION);
    assert_string_equal(json_string_value(at(wrong, "#/runs/0/verdict/word")), "violation");
    assert_int_equal(json_array_size(at(wrong, "#/runs/0/verdict/witnesses/0/operations")), 2);
    assert_true(json_is_false(at(wrong, "#/runs/0/load/target_reached")));
    assert_true(json_is_null(at(wrong, "#/runs/0/conflicts")));
    assert_true(json_is_null(at(wrong, "#/runs/0/gates/2/actual")));
    assert_int_equal(json_integer_value(at(wrong, "#/runs/0/load/late/max_ns")), 500000);
    json_decref(wrong);

    json_t *unknown = json_of(UNKNOWN);
    assert_true(json_is_null(at(unknown, "#/runs/0/facts/stop_ns")));
    assert_string_equal(json_string_value(at(unknown, "#/runs/0/facts/trouble/1")), "unsettled");
    assert_holds(json_string_value(at(unknown, "#/runs/0/verdict/why_unknown")), "read back");
    json_decref(unknown);
}
