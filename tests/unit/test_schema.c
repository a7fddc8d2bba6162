/* test_schema.c -- the validator that tests/it/test_openapi_answers.c relies on says no. */
#include "support/schema.h"
#include "support/suite.h"

#include <stdio.h>

static const char document[] =
    "{\"defs\":{\"Sku\":{\"type\":\"string\",\"pattern\":\"^[a-z]{1,3}$\"},"
    "\"Tree\":{\"type\":\"object\",\"properties\":{\"child\":{\"$ref\":\"#/defs/Tree\"}},"
    "\"additionalProperties\":false},\"Loop\":{\"$ref\":\"#/defs/Loop\"},\"a/b\":{\"const\":1}}}";

static enum schema_verdict verdict_of(const char *schema_text, const char *value_text)
{
    char why[256];
    json_t *root = json_loads(document, 0, NULL);
    json_t *schema = json_loads(schema_text, JSON_DECODE_ANY, NULL);
    json_t *value = json_loads(value_text, JSON_DECODE_ANY, NULL);
    assert_true(root && schema && value);
    enum schema_verdict verdict = schema_check(root, schema, value, why, sizeof(why));
    if (verdict == SCHEMA_FITS)
        assert_int_equal(schema_known(root, schema, why, sizeof(why)), SCHEMA_FITS);
    else
        assert_int_not_equal(why[0], '\0');
    json_decref(root);
    json_decref(schema);
    json_decref(value);
    return verdict;
}

#define fits(schema, value)    assert_int_equal(verdict_of(schema, value), SCHEMA_FITS)
#define differs(schema, value) assert_int_equal(verdict_of(schema, value), SCHEMA_DIFFERS)
#define broken(schema, value)  assert_int_equal(verdict_of(schema, value), SCHEMA_BROKEN)

TEST(types_and_values_are_told_apart)
{
    fits("{\"type\":\"integer\"}", "3");
    differs("{\"type\":\"integer\"}", "3.0");
    fits("{\"type\":\"number\"}", "3.5");
    differs("{\"type\":\"string\"}", "null");
    fits("{\"type\":[\"string\",\"null\"]}", "null");
    differs("{\"type\":[\"string\",\"null\"]}", "true");
    fits("{\"enum\":[1,\"x\"]}", "\"x\"");
    differs("{\"enum\":[1,\"x\"]}", "2");
    differs("{\"const\":\"true\"}", "true");
}

TEST(bounds_hold_on_both_sides)
{
    fits("{\"minimum\":1,\"maximum\":9007199254740991}", "9007199254740991");
    differs("{\"minimum\":1,\"maximum\":9007199254740991}", "9007199254740992");
    differs("{\"minimum\":1}", "0");
    fits("{\"minLength\":2,\"maxLength\":2}", "\"\\u00e9\\u00e9\"");
    differs("{\"maxLength\":1}", "\"ab\"");
    differs("{\"minLength\":1}", "\"\"");
    fits("{\"minItems\":1,\"maxItems\":1}", "[0]");
    differs("{\"minItems\":1}", "[]");
    differs("{\"maxItems\":1}", "[0,0]");
    differs("{\"items\":{\"type\":\"integer\"}}", "[1,\"2\"]");
}

TEST(objects_are_checked_member_by_member)
{
    const char *schema = "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false,"
                         "\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"$ref\":"
                         "\"#/defs/Sku\"}}}";
    fits(schema, "{\"a\":1,\"b\":\"abc\"}");
    differs(schema, "{\"b\":\"abc\"}");
    differs(schema, "{\"a\":1,\"b\":\"abcd\"}");
    differs(schema, "{\"a\":1,\"c\":1}");
    fits("{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"x\":1}");
    differs("{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"x\":\"1\"}");
}

TEST(schemas_combine)
{
    differs("{\"allOf\":[{\"type\":\"object\"},{\"required\":[\"a\"]}]}", "{}");
    fits("{\"anyOf\":[{\"const\":1},{\"const\":2}]}", "2");
    differs("{\"anyOf\":[{\"const\":1},{\"const\":2}]}", "3");
    fits("{\"oneOf\":[{\"const\":1},{\"type\":\"string\"}]}", "1");
    differs("{\"oneOf\":[{\"const\":1},{\"type\":\"integer\"}]}", "1");
    differs("{\"not\":{\"const\":0}}", "0");
    fits("{\"not\":{\"const\":0}}", "1");
}

TEST(references_are_followed)
{
    fits("{\"$ref\":\"#/defs/Tree\"}", "{\"child\":{\"child\":{}}}");
    differs("{\"$ref\":\"#/defs/Tree\"}", "{\"child\":{\"kid\":{}}}");
    fits("{\"$ref\":\"#/defs/a~1b\"}", "1");
    broken("{\"$ref\":\"#/defs/Nothing\"}", "1");
    broken("{\"$ref\":\"other.json#/a\"}", "1");
    broken("{\"$ref\":\"#/defs/Loop\"}", "1");
}

TEST(times_are_checked)
{
    fits("{\"format\":\"date-time\"}", "\"2024-02-29T23:59:59.123Z\"");
    fits("{\"format\":\"date-time\"}", "\"2024-02-29T23:59:59+01:00\"");
    differs("{\"format\":\"date-time\"}", "\"2023-02-29T23:59:59Z\"");
    differs("{\"format\":\"date-time\"}", "\"2024-02-29T24:00:00Z\"");
    differs("{\"format\":\"date-time\"}", "\"2024-02-29T23:59:59\"");
    differs("{\"format\":\"date-time\"}", "\"2024-02-29 23:59:59Z\"");
    differs("{\"format\":\"date-time\"}", "\"2024-02-29T23:59:59.Z\"");
    differs("{\"format\":\"date-time\"}", "\"2024\"");
    fits("{\"format\":\"uri-reference\"}", "\"/v1/reservations/r0-1\"");
    differs("{\"format\":\"uri-reference\"}", "\"/a b\"");
}

TEST(what_it_does_not_know_it_does_not_pass)
{
    broken("{\"minimun\":1}", "1");
    broken("{\"type\":\"text\"}", "\"x\"");
    broken("{\"format\":\"email\"}", "\"x\"");
    broken("{\"pattern\":\"(\"}", "\"x\"");
    broken("{\"not\":{\"surprise\":1}}", "1");
    broken("{\"oneOf\":[{\"const\":1},{\"surprise\":1}]}", "1");
    broken("{\"type\":\"string\",\"surprise\":1}", "1"); /* behind one that differs */
    char why[256];
    json_t *hidden = json_loads("{\"properties\":{\"a\":{\"items\":{\"surprise\":1}}}}", 0, NULL);
    assert_int_equal(schema_known(hidden, hidden, why, sizeof(why)), SCHEMA_BROKEN);
    json_decref(hidden);
}

static enum schema_verdict names_all(const char *value_text)
{
    char why[256];
    json_t *schema =
        json_loads("{\"anyOf\":[{\"properties\":{\"a\":{\"items\":{\"properties\":{\"b\":{}}}}}},"
                   "{\"allOf\":[{\"properties\":{\"c\":{\"type\":\"object\"}}}]}]}",
                   0, NULL);
    json_t *value = json_loads(value_text, 0, NULL);
    assert_true(schema && value);
    enum schema_verdict verdict = schema_names_all(schema, schema, value, why, sizeof(why));
    json_decref(schema);
    json_decref(value);
    return verdict;
}

TEST(members_that_no_alternative_names_are_found)
{
    assert_int_equal(names_all("{\"a\":[{\"b\":1},{}],\"c\":{\"free\":1}}"), SCHEMA_FITS);
    assert_int_equal(names_all("{\"d\":1}"), SCHEMA_DIFFERS);
    assert_int_equal(names_all("{\"a\":[{\"b\":1},{\"x\":1}]}"), SCHEMA_DIFFERS);
}
