/* documented.c -- see documented.h. */
#include "support/documented.h"
#include "support/fixture.h"
#include "support/schema.h"

#include <ctype.h>
#include <string.h>

#define WHY_BYTES 512

static json_t *document;
static json_t *seen; /* operationId -> {status: true} */

void documented_begin(void)
{
    document = json_incref(get("/openapi.json"));
    seen = json_object();
    assert_non_null(document);
}

void documented_end(void)
{
    json_decref(seen);
    json_decref(document);
}

json_t *documented(const char *reference)
{
    return schema_at(document, reference);
}

/* --- finding one's way in the document -------------------------------------------------------- */

static bool is_method(const char *name)
{
    static const char *const methods[] = {"get", "head", "post", "put", "delete", "patch"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(name, methods[i]) == 0)
            return true;
    return false;
}

struct operation {
    const char *pattern;
    char method[8];
    json_t *json;
};

static struct operation find_operation(const char *id)
{
    const char *pattern, *name;
    json_t *path, *member;
    json_object_foreach(json_object_get(document, "paths"), pattern, path)
    {
        json_object_foreach(path, name, member)
        {
            const char *is = json_string_value(json_object_get(member, "operationId"));
            if (!is_method(name) || !is || strcmp(is, id) != 0)
                continue;
            struct operation found = {.pattern = pattern, .json = member};
            for (size_t i = 0; name[i] && i + 1 < sizeof(found.method); i++)
                found.method[i] = (char)toupper((unsigned char)name[i]);
            return found;
        }
    }
    fail_msg("no operation %s in the document", id);
    return (struct operation){0};
}

/* Whether a path is one of the pattern, segment by segment. */
static bool path_fits(const char *path, const char *pattern)
{
    while (*pattern && *path && *path != '?') {
        if (*pattern == '{') {
            pattern += strcspn(pattern, "/");
            path += strcspn(path, "/?");
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == '\0' && (*path == '\0' || *path == '?');
}

/* --- what an answer must be ------------------------------------------------------------------- */

#define require(holds, ...)                                                                        \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            print_error("wrong: " __VA_ARGS__);                                                    \
            print_error("\n--- the request: %.1000s\n--- the answer: %s%.2000s\n",                 \
                        a->request ? a->request : "", a->resp.head ? a->resp.head : "",            \
                        a->resp.body ? a->resp.body : "");                                         \
            _fail(file, line);                                                                     \
        }                                                                                          \
    } while (0)

static void check_body(json_t *response, bool head, const char *file, int line)
{
    char type[96] = "", why[WHY_BYTES];
    const char *is = http_resp_header(&a->resp, "Content-Type", type, sizeof(type));
    json_t *content = json_object_get(response, "content");
    if (head || !content) {
        require(a->resp.body_bytes == 0, "there is no body");
        return;
    }
    json_t *media = is ? json_object_get(content, is) : NULL;
    require(media, "the content type %s is in the document", is ? is : "(none)");
    json_t *schema = json_object_get(media, "schema");
    require(schema, "the document has a schema for it");
    json_t *value = strstr(type, "json") ? json_incref(http_resp_json(&a->resp))
                                         : json_stringn(a->resp.body, a->resp.body_bytes);
    bool fits = schema_check(document, schema, value, why, sizeof(why)) == SCHEMA_FITS &&
                schema_names_all(document, schema, value, why, sizeof(why)) == SCHEMA_FITS;
    json_decref(value);
    require(fits, "the body fits its schema: %s", why);
}

static void check_fields(json_t *response, const char *file, int line)
{
    /* Those that mean something in this contract: none of them may come undocumented. */
    static const char *const names[] = {"ETag",        "Location", "Idempotent-Replayed",
                                        "Retry-After", "Allow",    NULL};
    json_t *headers = json_object_get(response, "headers"), *header;
    char is[256], why[WHY_BYTES];
    const char *name;
    for (int i = 0; names[i]; i++)
        require(!http_resp_header(&a->resp, names[i], is, sizeof(is)) ||
                    json_object_get(headers, names[i]),
                "the header %s is in the document", names[i]);
    json_object_foreach(headers, name, header)
    {
        header = schema_resolve(document, header);
        bool there = http_resp_header(&a->resp, name, is, sizeof(is));
        require(there || !json_is_true(json_object_get(header, "required")), "there is a header %s",
                name);
        if (!there)
            continue;
        json_t *schema = json_object_get(header, "schema");
        const char *type = json_string_value(json_object_get(schema, "type"));
        json_t *value = type && strcmp(type, "integer") == 0 ? json_loads(is, JSON_DECODE_ANY, NULL)
                                                             : json_string(is);
        bool fits = schema_check(document, schema, value, why, sizeof(why)) == SCHEMA_FITS;
        json_decref(value);
        require(fits, "the header %s fits its schema: %s", name, why);
    }
}

/* A request that is said to be good, too, must be one by the document. */
static void check_request(const struct operation *op, const char *body, const char *file, int line)
{
    char why[WHY_BYTES];
    json_t *input = json_object_get(op->json, "requestBody");
    if (!body || !*body) {
        require(!json_is_true(json_object_get(input, "required")), "a body is needed");
        return;
    }
    json_t *schema = schema_at(input, "#/content/application~1json/schema");
    require(schema, "the document has a schema for the request");
    json_t *value = json_loads(body, 0, NULL);
    bool fits = schema_check(document, schema, value, why, sizeof(why)) == SCHEMA_FITS;
    json_decref(value);
    require(fits, "the request fits its schema: %s", why);
}

json_t *visit_at(int status, const char *id, const char *path, const char *headers,
                 const char *body, const char *file, int line)
{
    struct operation op = find_operation(id);
    const char *key = text("%d", status);
    bool head = strcmp(op.method, "HEAD") == 0;
    json_t *json = api_call_at(a, status, op.method, path, headers, body, file, line);
    require(path_fits(path, op.pattern), "%s is an address of %s", path, op.pattern);
    json_t *responses = json_object_get(op.json, "responses");
    json_t *response = json_object_get(responses, key);
    bool named = response;
    if (!named && status >= 400)
        response = json_object_get(responses, "default");
    response = schema_resolve(document, response);
    require(response, "the document has the status %d of %s", status, id);
    check_fields(response, file, line);
    check_body(response, head, file, line);
    if (status < 400)
        check_request(&op, body, file, line);
    json_t *statuses = json_object_get(seen, id);
    if (!statuses) {
        statuses = json_object();
        json_object_set_new(seen, id, statuses);
    }
    json_object_set_new(statuses, key, json_true());
    return json;
}

void documented_problem_at(const char *file, int line)
{
    json_t *response = schema_at(document, "#/components/responses/Problem");
    check_fields(response, file, line);
    check_body(response, false, file, line);
}

/* --- what was left out ------------------------------------------------------------------------ */

static bool succeeded(json_t *statuses)
{
    return json_object_get(statuses, "200") || json_object_get(statuses, "201") ||
           json_object_get(statuses, "202") || json_object_get(statuses, "204");
}

/* Those for which a service must have keys: test_keys.c walks them. */
static bool takes_keys(const char *status)
{
    return strcmp(status, "401") == 0 || strcmp(status, "403") == 0;
}

/* The answers of one operation that were not seen. */
static int missing_of(json_t *operation, const char *excepted)
{
    const char *id = json_string_value(json_object_get(operation, "operationId")), *status;
    json_t *statuses = json_object_get(seen, id), *response;
    int missing = !succeeded(statuses);
    if (missing)
        print_error("%s never succeeded\n", id);
    json_object_foreach(json_object_get(operation, "responses"), status, response)
    {
        if (strcmp(status, "default") == 0 || strcmp(status, excepted) == 0 || takes_keys(status) ||
            json_object_get(statuses, status))
            continue;
        print_error("%s never answered %s\n", id, status);
        missing++;
    }
    return missing;
}

int documented_missing(const char *excepted)
{
    const char *pattern, *method;
    json_t *path, *operation;
    int missing = 0;
    json_object_foreach(json_object_get(document, "paths"), pattern, path)
    {
        json_object_foreach(path, method, operation)
        {
            if (is_method(method))
                missing += missing_of(operation, excepted);
        }
    }
    return missing;
}
