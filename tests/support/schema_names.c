/* schema_names.c -- see schema.h: the members of a value that its schema does not name. */
#include "support/schema.h"

#include <stdio.h>

#define DEPTH_MAX 64
#define PARTS_MAX 64

struct walk {
    json_t *root;
    char *why;
    size_t why_size;
};

struct parts {
    json_t *schemas[PARTS_MAX];
    int count;
};

/* Adds the schema and all that it is put together from. */
static void parts_add(json_t *root, json_t *schema, struct parts *parts, int depth)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    json_t *one, *target = schema_resolve(root, schema);
    size_t i;
    if (!json_is_object(schema) || parts->count == PARTS_MAX || depth > DEPTH_MAX)
        return;
    parts->schemas[parts->count++] = schema;
    if (target && target != schema)
        parts_add(root, target, parts, depth + 1);
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        json_array_foreach(json_object_get(schema, lists[l]), i, one)
            parts_add(root, one, parts, depth + 1);
    }
}

static enum schema_verdict names_all(const struct walk *w, const struct parts *parts, json_t *value,
                                     const char *at)
{
    struct parts inner;
    const char *name;
    json_t *member;
    size_t i;
    bool names_some = false;
    for (int p = 0; p < parts->count; p++)
        names_some |= json_object_get(parts->schemas[p], "properties") != NULL;
    json_array_foreach(value, i, member)
    {
        inner.count = 0;
        for (int p = 0; p < parts->count; p++)
            parts_add(w->root, json_object_get(parts->schemas[p], "items"), &inner, 0);
        if (names_all(w, &inner, member, at) != SCHEMA_FITS)
            return SCHEMA_DIFFERS;
    }
    if (!names_some)
        return SCHEMA_FITS;
    json_object_foreach(value, name, member)
    {
        inner.count = 0;
        for (int p = 0; p < parts->count; p++)
            parts_add(w->root,
                      json_object_get(json_object_get(parts->schemas[p], "properties"), name),
                      &inner, 0);
        if (inner.count == 0) {
            snprintf(w->why, w->why_size, "%s: %s is not in the schema", *at ? at : "the root",
                     name);
            return SCHEMA_DIFFERS;
        }
        if (names_all(w, &inner, member, name) != SCHEMA_FITS)
            return SCHEMA_DIFFERS;
    }
    return SCHEMA_FITS;
}

enum schema_verdict schema_names_all(json_t *root, json_t *schema, json_t *value, char *why,
                                     size_t why_size)
{
    struct walk w = {root, why, why_size};
    struct parts parts = {.count = 0};
    why[0] = '\0';
    parts_add(root, schema, &parts, 0);
    return names_all(&w, &parts, value, "");
}
