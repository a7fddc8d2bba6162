/* schema.c -- see schema.h. */
#include "support/schema.h"

#include "support/schema_format.h"

#include <ctype.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

struct check {
    json_t *root;
    json_t *value; /* NULL: nothing to judge, the schema alone is looked at */
    const char *at;
    int depth;
    char *why;
    size_t why_size;
};

typedef enum schema_verdict (*keyword_check)(struct check *c, json_t *schema, json_t *argument);

static enum schema_verdict judge(struct check *c, json_t *schema);

/* --- saying so -------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static enum schema_verdict say(struct check *c,
                                                                     enum schema_verdict verdict,
                                                                     const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(c->why, c->why_size, "%s%s: %s", verdict == SCHEMA_BROKEN ? "schema at " : "",
             *c->at ? c->at : "the root", text);
    return verdict;
}

#define differs(c, ...) say((c), SCHEMA_DIFFERS, __VA_ARGS__)
#define broken(c, ...)  say((c), SCHEMA_BROKEN, __VA_ARGS__)

/* Judges a member, an element or the same value (value as it is in c) by another schema. */
static enum schema_verdict judge_part(struct check *c, json_t *schema, json_t *value,
                                      const char *name)
{
    char at[256];
    struct check part = *c;
    snprintf(at, sizeof(at), "%s%s%s", c->at, *c->at && *name && *name != '[' ? "." : "", name);
    part.at = at;
    part.value = value;
    part.depth++;
    if (part.depth > DEPTH_MAX)
        return broken(c, "too deep, or a reference to itself");
    return judge(&part, schema);
}

/* --- references ------------------------------------------------------------------------------- */

static void decode_step(const char *step, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        if (step[i] == '~' && i + 1 < n && (step[i + 1] == '0' || step[i + 1] == '1')) {
            *out++ = step[++i] == '0' ? '~' : '/';
        } else if (step[i] == '%' && i + 2 < n && isxdigit((unsigned char)step[i + 1]) &&
                   isxdigit((unsigned char)step[i + 2])) {
            char hex[3] = {step[i + 1], step[i + 2], '\0'};
            *out++ = (char)strtol(hex, NULL, 16);
            i += 2;
        } else {
            *out++ = step[i];
        }
    }
    *out = '\0';
}

json_t *schema_at(json_t *root, const char *reference)
{
    json_t *at = root;
    if (strcmp(reference, "#") == 0)
        return root;
    if (strncmp(reference, "#/", 2) != 0)
        return NULL;
    for (const char *step = reference + 2; at;) {
        char name[128];
        size_t n = strcspn(step, "/");
        if (n >= sizeof(name))
            return NULL;
        decode_step(step, n, name);
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
        if (step[n] == '\0')
            return at;
        step += n + 1;
    }
    return NULL;
}

json_t *schema_resolve(json_t *root, json_t *value)
{
    for (int hops = 0; hops < DEPTH_MAX; hops++) {
        const char *reference = json_string_value(json_object_get(value, "$ref"));
        if (!reference)
            return value;
        value = schema_at(root, reference);
    }
    return NULL;
}

static enum schema_verdict check_ref(struct check *c, json_t *schema, json_t *argument)
{
    const char *reference = json_string_value(argument);
    json_t *target = reference ? schema_at(c->root, reference) : NULL;
    if (!target)
        return broken(c, "$ref %s leads nowhere", reference ? reference : "is no text and");
    return c->value ? judge_part(c, target, c->value, "") : SCHEMA_FITS;
}

/* --- any value -------------------------------------------------------------------------------- */

static bool is_of_type(json_t *value, const char *type, bool *known)
{
    static const char *const names[] = {"object", "array",   "string", "null",
                                        "number", "integer", "boolean"};
    *known = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        *known |= type && strcmp(type, names[i]) == 0;
    if (!*known || !value)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT: return strcmp(type, "object") == 0;
    case JSON_ARRAY: return strcmp(type, "array") == 0;
    case JSON_STRING: return strcmp(type, "string") == 0;
    case JSON_NULL: return strcmp(type, "null") == 0;
    case JSON_REAL: return strcmp(type, "number") == 0;
    case JSON_INTEGER: return strcmp(type, "number") == 0 || strcmp(type, "integer") == 0;
    default: return strcmp(type, "boolean") == 0;
    }
}

static enum schema_verdict check_type(struct check *c, json_t *schema, json_t *argument)
{
    bool fits = false, known;
    json_t *type;
    size_t i;
    if (json_is_string(argument)) {
        fits = is_of_type(c->value, json_string_value(argument), &known);
        if (!known)
            return broken(c, "no type %s", json_string_value(argument));
    } else if (!json_is_array(argument) || json_array_size(argument) == 0) {
        return broken(c, "type is neither a text nor a list");
    }
    json_array_foreach(argument, i, type)
    {
        fits |= is_of_type(c->value, json_string_value(type), &known);
        if (!known)
            return broken(c, "type lists something that is none");
    }
    if (fits || !c->value)
        return SCHEMA_FITS;
    char *wanted = json_dumps(argument, JSON_ENCODE_ANY);
    char *is = json_dumps(c->value, JSON_ENCODE_ANY);
    enum schema_verdict verdict = differs(c, "%.80s is not of type %s", is, wanted);
    free(wanted);
    free(is);
    return verdict;
}

static enum schema_verdict check_enum(struct check *c, json_t *schema, json_t *argument)
{
    json_t *one;
    size_t i;
    if (!json_is_array(argument) || json_array_size(argument) == 0)
        return broken(c, "enum is no list");
    json_array_foreach(argument, i, one)
    {
        if (c->value && json_equal(one, c->value))
            return SCHEMA_FITS;
    }
    return c->value ? differs(c, "not in the enum") : SCHEMA_FITS;
}

static enum schema_verdict check_const(struct check *c, json_t *schema, json_t *argument)
{
    return !c->value || json_equal(argument, c->value) ? SCHEMA_FITS
                                                       : differs(c, "not the const value");
}

/* How many of a list of schemas the value fits; -1: the list, or one of them, is broken. */
static int count_fits(struct check *c, json_t *list, enum schema_verdict *last)
{
    int fits = 0;
    json_t *schema;
    size_t i;
    *last = SCHEMA_FITS;
    if (!json_is_array(list) || json_array_size(list) == 0) {
        *last = broken(c, "a list of schemas is missing");
        return -1;
    }
    json_array_foreach(list, i, schema)
    {
        enum schema_verdict verdict = judge_part(c, schema, c->value, "");
        if (verdict == SCHEMA_BROKEN) {
            *last = SCHEMA_BROKEN;
            return -1;
        }
        if (verdict == SCHEMA_DIFFERS)
            *last = verdict;
        fits += verdict == SCHEMA_FITS;
    }
    return fits;
}

static enum schema_verdict check_all_of(struct check *c, json_t *schema, json_t *argument)
{
    enum schema_verdict last;
    count_fits(c, argument, &last); /* why is that of the last that differs */
    return last;
}

static enum schema_verdict check_any_of(struct check *c, json_t *schema, json_t *argument)
{
    enum schema_verdict last;
    int fits = count_fits(c, argument, &last);
    return fits < 0 ? last : fits > 0 ? SCHEMA_FITS : differs(c, "fits none of anyOf");
}

static enum schema_verdict check_one_of(struct check *c, json_t *schema, json_t *argument)
{
    enum schema_verdict last;
    int fits = count_fits(c, argument, &last);
    if (fits < 0 || !c->value)
        return last;
    return fits == 1 ? SCHEMA_FITS : differs(c, "fits %d of oneOf", fits);
}

static enum schema_verdict check_not(struct check *c, json_t *schema, json_t *argument)
{
    enum schema_verdict verdict = judge_part(c, argument, c->value, "");
    if (verdict == SCHEMA_BROKEN || !c->value)
        return verdict;
    return verdict == SCHEMA_DIFFERS ? SCHEMA_FITS : differs(c, "fits what it must not");
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* -1, 0, 1; exact for two integers. */
static int compare(json_t *x, json_t *y)
{
    if (json_is_integer(x) && json_is_integer(y)) {
        json_int_t a = json_integer_value(x), b = json_integer_value(y);
        return (a > b) - (a < b);
    }
    double a = json_number_value(x), b = json_number_value(y);
    return (a > b) - (a < b);
}

/* What of a value a bound is about, as a number of its own; NULL: the bound says nothing of it. */
static json_t *number_itself(json_t *value)
{
    return json_is_number(value) ? json_incref(value) : NULL;
}

static json_t *characters(json_t *value)
{
    json_int_t count = 0;
    if (!json_is_string(value))
        return NULL;
    const char *bytes = json_string_value(value);
    for (size_t i = 0; i < json_string_length(value); i++)
        count += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return json_integer(count);
}

static json_t *elements(json_t *value)
{
    return json_is_array(value) ? json_integer((json_int_t)json_array_size(value)) : NULL;
}

/* sign: 1 for a bound that may not be passed, -1 for one that must be reached. */
static enum schema_verdict check_bound(struct check *c, json_t *bound,
                                       json_t *(*measure)(json_t *value), int sign,
                                       const char *what)
{
    bool natural = json_is_integer(bound) && json_integer_value(bound) >= 0;
    if (measure == number_itself ? !json_is_number(bound) : !natural)
        return broken(c, "the bound of what is %s is no number", what);
    json_t *is = measure(c->value);
    bool fits = !is || sign * compare(is, bound) <= 0;
    json_decref(is);
    return fits ? SCHEMA_FITS : differs(c, "%s", what);
}

#define BOUND(name, measure, sign, what)                                                           \
    static enum schema_verdict name(struct check *c, json_t *schema, json_t *argument)             \
    {                                                                                              \
        return check_bound(c, argument, measure, sign, what);                                      \
    }
BOUND(check_minimum, number_itself, -1, "less than the minimum")
BOUND(check_maximum, number_itself, 1, "more than the maximum")
BOUND(check_min_length, characters, -1, "too short")
BOUND(check_max_length, characters, 1, "too long")
BOUND(check_min_items, elements, -1, "too few elements")
BOUND(check_max_items, elements, 1, "too many elements")

/* --- texts ------------------------------------------------------------------------------------ */

static enum schema_verdict check_pattern(struct check *c, json_t *schema, json_t *argument)
{
    regex_t regex;
    const char *pattern = json_string_value(argument);
    if (!pattern || regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return broken(c, "pattern is no regular expression");
    bool fits = !json_is_string(c->value) ||
                (strlen(json_string_value(c->value)) == json_string_length(c->value) &&
                 regexec(&regex, json_string_value(c->value), 0, NULL, 0) == 0);
    regfree(&regex);
    return fits ? SCHEMA_FITS : differs(c, "does not match %s", pattern);
}

static enum schema_verdict check_format(struct check *c, json_t *schema, json_t *argument)
{
    const char *format = json_is_string(argument) ? json_string_value(argument) : "";
    const char *text = json_string_value(c->value);
    bool (*is_one)(const char *) = schema_format(format);
    if (!is_one)
        return broken(c, "format %s is not known", format);
    return !text || is_one(text) ? SCHEMA_FITS : differs(c, "no %s: %.80s", format, text);
}

/* --- lists and objects ------------------------------------------------------------------------ */

static enum schema_verdict check_items(struct check *c, json_t *schema, json_t *argument)
{
    json_t *element;
    size_t i;
    if (!c->value)
        return judge_part(c, argument, NULL, "[]");
    json_array_foreach(c->value, i, element)
    {
        char name[24];
        snprintf(name, sizeof(name), "[%zu]", i);
        enum schema_verdict verdict = judge_part(c, argument, element, name);
        if (verdict != SCHEMA_FITS)
            return verdict;
    }
    return SCHEMA_FITS;
}

static enum schema_verdict check_properties(struct check *c, json_t *schema, json_t *argument)
{
    const char *name;
    json_t *property;
    if (!json_is_object(argument))
        return broken(c, "properties is no object");
    json_object_foreach(argument, name, property)
    {
        json_t *member = json_object_get(c->value, name);
        if (c->value && !member)
            continue;
        enum schema_verdict verdict = judge_part(c, property, member, name);
        if (verdict != SCHEMA_FITS)
            return verdict;
    }
    return SCHEMA_FITS;
}

static enum schema_verdict check_required(struct check *c, json_t *schema, json_t *argument)
{
    json_t *name;
    size_t i;
    if (!json_is_array(argument))
        return broken(c, "required is no list");
    json_array_foreach(argument, i, name)
    {
        if (!json_is_string(name))
            return broken(c, "required lists something that is no name");
        if (json_is_object(c->value) && !json_object_get(c->value, json_string_value(name)))
            return differs(c, "%s is missing", json_string_value(name));
    }
    return SCHEMA_FITS;
}

static enum schema_verdict check_additional(struct check *c, json_t *schema, json_t *argument)
{
    json_t *properties = json_object_get(schema, "properties"), *member;
    const char *name;
    if (!c->value)
        return judge_part(c, argument, NULL, "");
    json_object_foreach(c->value, name, member)
    {
        if (json_object_get(properties, name))
            continue;
        enum schema_verdict verdict = judge_part(c, argument, member, name);
        if (verdict != SCHEMA_FITS)
            return verdict;
    }
    return SCHEMA_FITS;
}

static enum schema_verdict check_nothing(struct check *c, json_t *schema, json_t *argument)
{
    return SCHEMA_FITS;
}

/* --- schemas ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    keyword_check check;
} keywords[] = {
    {"$ref", check_ref},
    {"type", check_type},
    {"enum", check_enum},
    {"const", check_const},
    {"allOf", check_all_of},
    {"anyOf", check_any_of},
    {"oneOf", check_one_of},
    {"not", check_not},
    {"minimum", check_minimum},
    {"maximum", check_maximum},
    {"minLength", check_min_length},
    {"maxLength", check_max_length},
    {"pattern", check_pattern},
    {"format", check_format},
    {"minItems", check_min_items},
    {"maxItems", check_max_items},
    {"items", check_items},
    {"properties", check_properties},
    {"required", check_required},
    {"additionalProperties", check_additional},
    {"title", check_nothing},
    {"description", check_nothing},
    {"default", check_nothing},
    {"example", check_nothing},
    {"examples", check_nothing},
};

static keyword_check keyword_find(const char *name)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (strcmp(keywords[i].name, name) == 0)
            return keywords[i].check;
    return NULL;
}

/* All keywords are looked at even if one differs: a broken one behind it must not stay hidden. */
static enum schema_verdict judge(struct check *c, json_t *schema)
{
    const char *name;
    json_t *argument;
    enum schema_verdict result = SCHEMA_FITS;
    char first[512] = "";
    if (json_is_boolean(schema))
        return json_is_true(schema) || !c->value ? SCHEMA_FITS : differs(c, "must not be there");
    if (!json_is_object(schema))
        return broken(c, "a schema is no object");
    json_object_foreach(schema, name, argument)
    {
        keyword_check check = keyword_find(name);
        if (!check)
            return broken(c, "keyword %s is not known", name);
        enum schema_verdict verdict = check(c, schema, argument);
        if (verdict == SCHEMA_BROKEN)
            return verdict;
        if (verdict == SCHEMA_DIFFERS && result == SCHEMA_FITS) {
            result = verdict;
            snprintf(first, sizeof(first), "%s", c->why);
        }
    }
    snprintf(c->why, c->why_size, "%s", first);
    return result;
}

enum schema_verdict schema_check(json_t *root, json_t *schema, json_t *value, char *why,
                                 size_t why_size)
{
    struct check c = {.root = root, .value = value, .at = "", .why = why, .why_size = why_size};
    why[0] = '\0';
    return value ? judge(&c, schema) : differs(&c, "there is no JSON value");
}

enum schema_verdict schema_known(json_t *root, json_t *schema, char *why, size_t why_size)
{
    struct check c = {.root = root, .at = "", .why = why, .why_size = why_size};
    why[0] = '\0';
    return judge(&c, schema);
}
