/* schema.c -- see schema.h. */
#include "support/schema.h"

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

/* --- numbers ---------------------------------------------------------------------------------- */

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

static enum schema_verdict check_minimum(struct check *c, json_t *schema, json_t *argument)
{
    if (!json_is_number(argument))
        return broken(c, "minimum is no number");
    if (json_is_number(c->value) && compare(c->value, argument) < 0)
        return differs(c, "less than the minimum");
    return SCHEMA_FITS;
}

static enum schema_verdict check_maximum(struct check *c, json_t *schema, json_t *argument)
{
    if (!json_is_number(argument))
        return broken(c, "maximum is no number");
    if (json_is_number(c->value) && compare(c->value, argument) > 0)
        return differs(c, "more than the maximum");
    return SCHEMA_FITS;
}

/* --- texts ------------------------------------------------------------------------------------ */

static json_int_t characters(json_t *text)
{
    json_int_t count = 0;
    const char *bytes = json_string_value(text);
    for (size_t i = 0; i < json_string_length(text); i++)
        count += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return count;
}

static enum schema_verdict check_length(struct check *c, json_t *argument, bool most)
{
    if (!json_is_integer(argument) || json_integer_value(argument) < 0)
        return broken(c, "a length is no number");
    if (!json_is_string(c->value))
        return SCHEMA_FITS;
    json_int_t bound = json_integer_value(argument), is = characters(c->value);
    return most          ? is <= bound ? SCHEMA_FITS : differs(c, "too long")
                    : is >= bound ? SCHEMA_FITS
                         : differs(c, "too short");
}

static enum schema_verdict check_min_length(struct check *c, json_t *schema, json_t *argument)
{
    return check_length(c, argument, false);
}

static enum schema_verdict check_max_length(struct check *c, json_t *schema, json_t *argument)
{
    return check_length(c, argument, true);
}

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

/* RFC 3339, with real days of months. */
static bool is_date_time(const char *text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, second, n = 0;
    for (size_t i = 0; i < 19; i++)
        if (text[i] == '\0' || !strchr("0123456789-:Tt", text[i]))
            return false;
    if (sscanf(text, "%4d-%2d-%2d%*1[Tt]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
               &second, &n) != 6 ||
        n != 19)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60 ||
        day > days[month - 1] + (month == 2 && leap))
        return false;
    text += n;
    if (*text == '.') {
        size_t digits = strspn(text + 1, "0123456789");
        if (digits == 0)
            return false;
        text += 1 + digits;
    }
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    return (*text == '+' || *text == '-') && strlen(text) == 6 && text[3] == ':' &&
           strspn(text + 1, "0123456789") == 2 && strspn(text + 4, "0123456789") == 2 &&
           strtol(text + 1, NULL, 10) < 24 && strtol(text + 4, NULL, 10) < 60;
}

static bool is_uri_reference(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}", *text))
            return false;
    return true;
}

static enum schema_verdict check_format(struct check *c, json_t *schema, json_t *argument)
{
    const char *format = json_string_value(argument);
    const char *text = json_string_value(c->value);
    bool fits;
    if (format && strcmp(format, "date-time") == 0)
        fits = !text || is_date_time(text);
    else if (format && strcmp(format, "uri-reference") == 0)
        fits = !text || is_uri_reference(text);
    else
        return broken(c, "format %s is not known", format ? format : "is no text and");
    return fits ? SCHEMA_FITS : differs(c, "no %s: %.80s", format, text);
}

/* --- lists and objects ------------------------------------------------------------------------ */

static enum schema_verdict check_min_items(struct check *c, json_t *schema, json_t *argument)
{
    if (!json_is_integer(argument))
        return broken(c, "minItems is no number");
    if (json_is_array(c->value) &&
        (json_int_t)json_array_size(c->value) < json_integer_value(argument))
        return differs(c, "too few elements");
    return SCHEMA_FITS;
}

static enum schema_verdict check_max_items(struct check *c, json_t *schema, json_t *argument)
{
    if (!json_is_integer(argument))
        return broken(c, "maxItems is no number");
    if (json_is_array(c->value) &&
        (json_int_t)json_array_size(c->value) > json_integer_value(argument))
        return differs(c, "too many elements");
    return SCHEMA_FITS;
}

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

/* --- members that the schema does not name ---------------------------------------------------- */

#define PARTS_MAX 64

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

static enum schema_verdict names_all(struct check *c, const struct parts *parts, json_t *value,
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
            parts_add(c->root, json_object_get(parts->schemas[p], "items"), &inner, 0);
        if (names_all(c, &inner, member, at) != SCHEMA_FITS)
            return SCHEMA_DIFFERS;
    }
    if (!names_some)
        return SCHEMA_FITS;
    json_object_foreach(value, name, member)
    {
        inner.count = 0;
        for (int p = 0; p < parts->count; p++)
            parts_add(c->root,
                      json_object_get(json_object_get(parts->schemas[p], "properties"), name),
                      &inner, 0);
        c->at = at;
        if (inner.count == 0)
            return differs(c, "%s is not in the schema", name);
        if (names_all(c, &inner, member, name) != SCHEMA_FITS)
            return SCHEMA_DIFFERS;
    }
    return SCHEMA_FITS;
}

enum schema_verdict schema_names_all(json_t *root, json_t *schema, json_t *value, char *why,
                                     size_t why_size)
{
    struct check c = {.root = root, .at = "", .why = why, .why_size = why_size};
    struct parts parts = {.count = 0};
    why[0] = '\0';
    parts_add(root, schema, &parts, 0);
    return names_all(&c, &parts, value, "");
}
