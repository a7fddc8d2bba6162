#include "core/route.h"
#include "http/builtin/assets.h"
#include "http/problem.h"
#include "support/schema.h"
#include "support/suite.h"
#include "support/yaml.h"

#include <jansson.h>
#include <stdio.h>

#define WHY_BYTES 512

static int load(void **state)
{
    json_error_t error;
    struct str text = ASSET(openapi);
    *state = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (!*state)
        fprintf(stderr, "%s at line %d\n", error.text, error.line);
    return *state ? 0 : -1;
}

static int unload(void **state)
{
    json_decref(*state);
    return 0;
}

static unsigned method_named(const char *name)
{
    static const struct {
        const char *name;
        unsigned method;
    } methods[] = {{"get", METHOD_GET},
                   {"head", METHOD_HEAD},
                   {"post", METHOD_POST},
                   {"put", METHOD_PUT},
                   {"delete", METHOD_DELETE}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(name, methods[i].name) == 0)
            return methods[i].method;
    return 0;
}

TEST(what_is_served_is_the_yaml)
{
    FILE *file = fopen("service/openapi.yaml", "re");
    if (!file)
        fail_msg("no service/openapi.yaml: this runs in the root of the repository");
    json_t *yaml = yaml_read(file);
    fclose(file);
    bool same = json_equal(yaml, *state);
    json_decref(yaml);
    if (!same)
        fail_msg("service/openapi.json is not what service/openapi.yaml says: make openapi");
}

TEST(has_every_route_and_no_other)
{
    json_t *paths = json_object_get(*state, "paths");
    assert_int_equal(json_object_size(paths), ROUTE_NONE);
    for (int i = 0; i < ROUTE_NONE; i++) {
        const struct route_row *row = route_row((enum route_id)i);
        json_t *path = json_object_get(paths, row->pattern), *member;
        const char *name;
        unsigned methods = 0;
        if (!path)
            fail_msg("%s is not in openapi.yaml", row->pattern);
        json_object_foreach(path, name, member) methods |= method_named(name);
        if (methods != row->methods)
            fail_msg("the methods of %s differ", row->pattern);
    }
}

static void resolves(json_t *root, json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;
    json_array_foreach(value, i, member) resolves(root, member);
    json_object_foreach(value, name, member)
    {
        resolves(root, member);
        if (strcmp(name, "$ref") != 0)
            continue;
        char path[128];
        assert_true(strlen(json_string_value(member)) < sizeof(path));
        strcpy(path, json_string_value(member));
        assert_memory_equal(path, "#/", 2);
        json_t *at = root;
        for (char *save, *part = strtok_r(path + 2, "/", &save); part;
             part = strtok_r(NULL, "/", &save))
            at = json_object_get(at, part);
        if (!at)
            fail_msg("%s leads nowhere", json_string_value(member));
    }
}

TEST(every_reference_resolves)
{
    resolves(*state, *state);
}

/* The role in `security: [{}, {apiKey: [reader]}]`; ROLE_ANYBODY: `[]`. */
static enum role role_said(const json_t *operation)
{
    const json_t *security = json_object_get(operation, "security");
    if (json_is_array(security) && json_array_size(security) == 0)
        return ROLE_ANYBODY;
    const json_t *roles = json_object_get(json_array_get(security, 1), "apiKey");
    return role_of_name(str_of(json_string_value(json_array_get(roles, 0))));
}

TEST(each_operation_says_which_role_it_takes)
{
    json_t *paths = json_object_get(*state, "paths"), *operation;
    const char *name;
    for (int i = 0; i < ROUTE_NONE; i++)
        json_object_foreach(json_object_get(paths, route_row((enum route_id)i)->pattern), name,
                            operation)
        {
            enum route_method method = (enum route_method)method_named(name);
            if (method && role_said(operation) != route_least((enum route_id)i, method))
                fail_msg("%s %s has another role", name, route_row((enum route_id)i)->pattern);
        }
}

TEST(names_every_problem)
{
    json_t *names = json_object_get(
        json_object_get(json_object_get(json_object_get(*state, "components"), "schemas"),
                        "ProblemName"),
        "enum");
    assert_int_equal(json_array_size(names), PROBLEMS);
    for (size_t i = 0; i < PROBLEMS; i++)
        assert_non_null(problem_find(str_of(json_string_value(json_array_get(names, i)))));
}

TEST(operations_have_names_of_their_own)
{
    json_t *seen = json_object(), *path, *operation;
    const char *pattern, *method;
    json_object_foreach(json_object_get(*state, "paths"), pattern, path)
    {
        json_object_foreach(path, method, operation)
        {
            if (!method_named(method))
                continue;
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            assert_non_null(id);
            assert_non_null(json_object_get(operation, "responses"));
            assert_null(json_object_get(seen, id));
            json_object_set_new(seen, id, json_true());
        }
    }
    json_decref(seen);
}

ALL_BETWEEN(load, unload)

static void look_at_schemas(json_t *root, json_t *at, int *count)
{
    const char *name;
    char why[WHY_BYTES];
    json_t *member;
    size_t i;
    json_array_foreach(at, i, member) look_at_schemas(root, member, count);
    json_object_foreach(at, name, member)
    {
        if (strcmp(name, "schema") != 0) {
            look_at_schemas(root, member, count);
            continue;
        }
        ++*count;
        if (schema_known(root, member, why, sizeof(why)) != SCHEMA_FITS)
            fail_msg("%s", why);
    }
}

TEST(all_schemas_are_understood)
{
    const char *name;
    char why[WHY_BYTES];
    json_t *schema;
    int count = 0;
    look_at_schemas(*state, json_object_get(*state, "paths"), &count);
    look_at_schemas(*state, json_object_get(*state, "components"), &count);
    json_object_foreach(schema_at(*state, "#/components/schemas"), name, schema)
    {
        count++;
        if (schema_known(*state, schema, why, sizeof(why)) != SCHEMA_FITS)
            fail_msg("%s: %s", name, why);
    }
    assert_true(count > 50);
}

static void check_example(json_t *root, json_t *schema, json_t *example, int *count)
{
    char why[WHY_BYTES];
    if (!example || !schema)
        return;
    ++*count;
    if (schema_check(root, schema, example, why, sizeof(why)) != SCHEMA_FITS)
        fail_msg("an example does not fit its schema: %s", why);
}

static void look_at_examples(json_t *root, json_t *at, int *count)
{
    const char *name;
    json_t *member, *example;
    size_t i;
    json_array_foreach(at, i, member) look_at_examples(root, member, count);
    json_object_foreach(at, name, member) look_at_examples(root, member, count);
    json_t *schema = json_object_get(at, "schema"), *examples = json_object_get(at, "examples");
    check_example(root, schema, json_object_get(at, "example"), count);
    json_object_foreach(examples, name, example)
        check_example(root, schema, json_object_get(example, "value"), count);
    if (json_is_array(examples)) /* inside a schema */
        json_array_foreach(examples, i, example) check_example(root, at, example, count);
}

TEST(examples_fit_their_schemas)
{
    int count = 0;
    look_at_examples(*state, *state, &count);
    assert_true(count > 10);
}
