/* Any bytes as the body of an answer, beside what jansson makes of them: both must take and refuse
 * the same, but for what is named below, and find the same values. The same bytes as a batch's
 * results and as metrics. Every text that is given lies within the body. */
#include "client/answer.h"
#include "client/json_scan.h"

#include <jansson.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

/* What jansson refuses although the grammar has it. */
static bool is_beyond_jansson(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
           strncmp(error->text, "invalid Unicode", 15) == 0;
}

static unsigned depth_of(json_t *json)
{
    unsigned deepest = 0, depth;
    const char *key;
    size_t i;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        depth = depth_of(value);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach(json, i, value)
    {
        depth = depth_of(value);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (json_is_object(json) || json_is_array(json));
}

static void check_within(struct str text, struct str part)
{
    if (!str_absent(part))
        must(part.p >= text.p && part.p + part.n <= text.p + text.n);
}

/* Whether the member is as answer.h wants it; *value as it should have been read. */
static bool number_of(json_t *object, const char *name, int64_t least, int64_t most, int64_t unsaid,
                      int64_t *value)
{
    json_t *json = json_object_get(object, name);
    *value = json_is_integer(json) ? json_integer_value(json) : unsaid;
    return !json || json_is_null(json) ||
           (json_is_integer(json) && *value >= least && *value <= most);
}

static bool text_of(json_t *object, const char *name, struct str *value)
{
    json_t *json = json_object_get(object, name);
    *value = (struct str){json_string_value(json), json_string_length(json)};
    return !json || json_is_null(json) || json_is_string(json);
}

/* null says that there is no limit; unsaid is what a missing member leaves. */
static bool limit_of(json_t *object, int64_t unsaid, int64_t *limit)
{
    json_t *json = json_object_get(object, "max_per_customer");
    return number_of(object, "max_per_customer", INT64_MIN, INT64_MAX, json ? 0 : unsaid, limit);
}

/* The same for the whole answer, into *a. */
static bool numbers_expected(json_t *json, struct answer *a)
{
    int64_t version, status;
    const struct {
        const char *name;
        int64_t *to;
    } counts[] = {{"on_hand", &a->on_hand},     {"available", &a->available},
                  {"held", &a->held},           {"sold", &a->sold},
                  {"remaining", &a->remaining}, {"quantity", &a->quantity}};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (!number_of(json, counts[i].name, INT64_MIN, INT64_MAX, ANSWER_UNSAID, counts[i].to))
            return false;
    if (!number_of(json, "version", 0, INT64_MAX, 0, &version) ||
        !number_of(json, "status", 0, 999, 0, &status) || !limit_of(json, ANSWER_UNSAID, &a->limit))
        return false;
    json_t *ttl = json_object_get(json, "ttl_ms");
    a->version = (uint64_t)version;
    a->status = (int)status;
    a->ttl_ms = json_is_integer(ttl) ? json_integer_value(ttl) : ANSWER_UNSAID;
    return true;
}

static bool texts_expected(json_t *json, struct answer *a)
{
    if (!text_of(json, "id", &a->id) || !text_of(json, "state", &a->state) ||
        !text_of(json, "type", &a->type) || !text_of(json, "sku", &a->sku) ||
        !text_of(json, "title", &a->title) || !text_of(json, "detail", &a->detail))
        return false;
    while (memchr(a->type.p ? a->type.p : "", '/', a->type.n))
        a->type.p++, a->type.n--;
    json_t *replayed = json_object_get(json, "replayed");
    a->replayed = json_is_true(replayed);
    return !replayed || json_is_null(replayed) || json_is_boolean(replayed);
}

static bool line_expected(json_t *json, struct answer_line *line)
{
    int64_t version, available, requested, limit;
    if (!json_is_object(json) || !text_of(json, "sku", &line->sku) ||
        !limit_of(json, ANSWER_UNSAID, &limit) ||
        !number_of(json, "limit", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &line->limit) ||
        !number_of(json, "used", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &line->used) ||
        !number_of(json, "on_hand", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &line->on_hand) ||
        !number_of(json, "held", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &line->held) ||
        !number_of(json, "version", 0, INT64_MAX, 0, &version) ||
        !number_of(json, "quantity", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &line->quantity) ||
        !number_of(json, "remaining", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &line->remaining) ||
        !number_of(json, "available", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &available) ||
        !number_of(json, "requested", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &requested) ||
        !number_of(json, "reserved", INT64_MIN, INT64_MAX, ANSWER_UNSAID, &line->reserved))
        return false;
    line->version = (uint64_t)version;
    line->limit = line->limit == ANSWER_UNSAID ? limit : line->limit;
    line->quantity = line->quantity == ANSWER_UNSAID ? requested : line->quantity;
    line->remaining = line->remaining == ANSWER_UNSAID ? available : line->remaining;
    return true;
}

static bool lines_expected(json_t *json, struct answer *a)
{
    json_t *lines = json_object_get(json, json_object_get(json, "items") ? "items" : "lines");
    a->lines = (unsigned)json_array_size(lines);
    if (lines && !json_is_null(lines) && !json_is_array(lines))
        return false;
    if (a->lines > ANSWER_LINES_MAX)
        return false;
    for (unsigned i = 0; i < a->lines; i++)
        if (!line_expected(json_array_get(lines, i), &a->line[i]))
            return false;
    return true;
}

/* A side of a transfer. */
static bool side_expected(json_t *json, const char *name, struct answer_line *side)
{
    json_t *object = json_object_get(json, name);
    *side = (struct answer_line){.version = 0};
    return !object || json_is_null(object) || line_expected(object, side);
}

static void check_same_line(const struct answer_line *a, const struct answer_line *b)
{
    must(str_equal(a->sku, b->sku) && a->quantity == b->quantity);
    must(a->remaining == b->remaining && a->version == b->version);
    must(a->reserved == b->reserved && a->limit == b->limit);
    must(a->used == b->used && a->on_hand == b->on_hand && a->held == b->held);
}

static void check_same(const struct answer *a, const struct answer *b)
{
    must(str_equal(a->id, b->id) && str_equal(a->state, b->state));
    must(str_equal(a->type, b->type) && str_equal(a->sku, b->sku));
    must(str_equal(a->title, b->title) && str_equal(a->detail, b->detail));
    must(a->on_hand == b->on_hand && a->available == b->available && a->held == b->held);
    must(a->sold == b->sold && a->remaining == b->remaining && a->quantity == b->quantity);
    must(a->ttl_ms == b->ttl_ms && a->limit == b->limit);
    must(a->version == b->version && a->status == b->status && a->replayed == b->replayed);
    must(a->lines == b->lines);
    check_same_line(&a->from, &b->from);
    check_same_line(&a->to, &b->to);
    for (unsigned i = 0; i < a->lines; i++)
        check_same_line(&a->line[i], &b->line[i]);
}

/* How many results there are; -1 when they, or the text around them, are broken. */
static int count_results(struct str text)
{
    struct str result;
    size_t at = 0, before = 0;
    bool broken;
    int count = 0;
    while (answer_next(text, "results", &at, &result, &broken)) {
        check_within(text, result);
        must(!broken && result.n > 0 && at > before && at <= text.n);
        must(result.p + result.n == text.p + at);
        before = at;
        count++;
    }
    must(at == before);
    return broken ? -1 : count;
}

/* A member that is given as raw JSON. null: whether that is given, too. */
static void check_raw(struct str body, json_t *expected, bool null)
{
    must(str_absent(body) == (!expected || (!null && json_is_null(expected))));
    if (str_absent(body))
        return;
    json_t *found = json_loadb(body.p, body.n, JSON_DECODE_ANY, NULL);
    must(found && json_equal(found, expected));
    json_decref(found);
}

/* The text has no escapes and no member twice: then both must see just the same. */
static void compare(struct str text, json_t *json, const struct answer *a, bool taken)
{
    static struct answer expected;
    bool fits = depth_of(json) <= JSON_SCAN_DEPTH_MAX;
    bool wanted = fits && numbers_expected(json, &expected) && texts_expected(json, &expected) &&
                  lines_expected(json, &expected) && side_expected(json, "from", &expected.from) &&
                  side_expected(json, "to", &expected.to);
    must(taken == wanted);
    if (taken) {
        check_same(a, &expected);
        check_raw(a->body, json_object_get(json, "body"), false);
        check_raw(a->customer, json_object_get(json, "customer"), true);
        check_raw(a->reference, json_object_get(json, "reference"), true);
    }
    json_t *results = json_object_get(json, "results");
    must(count_results(text) ==
         (fits && json_is_array(results) ? (int)json_array_size(results) : -1));
}

static void try_json(struct str text)
{
    static struct answer a;
    json_error_t error;
    bool taken = answer_read(&a, text);
    json_t *json = json_loadb(text.p, text.n, JSON_ALLOW_NUL, &error);
    if (taken) {
        must(json ? json_is_object(json) : is_beyond_jansson(&error));
        must(a.lines <= ANSWER_LINES_MAX && a.status >= 0 && a.status <= 999);
        check_within(text, a.id);
        check_within(text, a.state);
        check_within(text, a.type);
        check_within(text, a.sku);
        check_within(text, a.body);
        for (unsigned i = 0; i < a.lines; i++)
            check_within(text, a.line[i].sku);
    }
    if (count_results(text) >= 0)
        must(json ? json_is_object(json) : is_beyond_jansson(&error));
    json_decref(json);
    /* Names with escapes are unknown here; a version of -0 is 0 for jansson only, which also passes
     * over a NUL behind a token. */
    if (memchr(text.p, '\\', text.n) || memchr(text.p, '\0', text.n) ||
        memmem(text.p, text.n, "-0", 2))
        return;
    json = json_loadb(text.p, text.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    /* A list of items or of lines: of both the last one counts. */
    if (json_is_object(json) && !(json_object_get(json, "items") && json_object_get(json, "lines")))
        compare(text, json, &a, taken);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double value;
    char *copy = malloc(size > 0 ? size : 1);
    must(copy);
    memcpy(copy, data, size);
    struct str text = {copy, size};
    try_json(text);
    if (!answer_metric(text, "stockd_conflicts_total", &value))
        must(value == 0);
    free(copy);
    return 0;
}
