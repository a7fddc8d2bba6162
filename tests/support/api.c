/* api.c -- see api.h. */
#include "support/api.h"
#include "support/api_keys.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define TEXTS        128
#define TEXT_BYTES   8192
#define STRINGS      256
#define STRING_BYTES 320

const char *text(const char *format, ...)
{
    static char texts[TEXTS][TEXT_BYTES];
    static unsigned next;
    char *out = texts[next++ % TEXTS];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, TEXT_BYTES, format, args);
    va_end(args);
    assert_true(n >= 0 && n < TEXT_BYTES);
    return out;
}

void api_open(struct api *a, int port)
{
    *a = (struct api){.request = NULL};
    http_conn_init(&a->conn, port);
}

void api_close(struct api *a)
{
    http_conn_close(&a->conn);
    http_resp_free(&a->resp);
    free(a->request);
    a->request = NULL;
}

int stack_start(struct stack *s, const struct tredis_opts *redis, int workers,
                const char *const *extra)
{
    *s = (struct stack){.api.conn.fd = -1};
    if (tredis_start(&s->redis, redis) != 0) {
        fprintf(stderr, "redis-server did not start\n");
        return -1;
    }
    struct tservice_opts opts = {.redis_url = s->redis.url, .workers = workers, .extra = extra};
    if (tservice_start(&s->service, &opts) != 0) {
        tredis_stop(&s->redis);
        return -1;
    }
    api_open(&s->api, s->service.port);
    return 0;
}

int stack_stop(struct stack *s)
{
    api_close(&s->api);
    bool fine = tservice_stop(&s->service);
    tredis_stop(&s->redis);
    return fine ? 0 : -1;
}

/* Says what went over the wire, and fails the test. */
static void give_up(struct api *a, const char *file, int line)
{
    print_error("--- the request: %.2000s\n--- the answer: %d\n%s%.4000s\n---\n",
                a->request ? a->request : "none", a->resp.status, a->resp.head ? a->resp.head : "",
                a->resp.body ? a->resp.body : "");
    _fail(file, line);
}

/* Fails the test with a sentence on what does not hold. */
#define require(a, holds, ...)                                                                     \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            print_error("wrong: " __VA_ARGS__);                                                    \
            print_error("\n");                                                                     \
            give_up((a), file, line);                                                              \
        }                                                                                          \
    } while (0)

json_t *api_call_at(struct api *a, int status, const char *method, const char *path,
                    const char *headers, const char *body, const char *file, int line)
{
    free(a->request);
    a->request = NULL;
    if (asprintf(&a->request, "%s %s\n%s%s", method, path, headers ? headers : "",
                 body ? body : "") < 0)
        a->request = NULL;
    int err = http_call(&a->conn, method, path, headers, body, &a->resp);
    if (err) {
        print_error("no answer: %s\n", strerror(-err));
        give_up(a, file, line);
    }
    if (a->resp.status != status) {
        print_error("status %d, expected %d\n", a->resp.status, status);
        give_up(a, file, line);
    }
    return http_resp_json(&a->resp);
}

void check_problem_at(struct api *a, int status, const char *name, const char *field,
                      const char *file, int line)
{
    char type[64];
    char wanted[128];
    const char *content = http_resp_header(&a->resp, "Content-Type", type, sizeof(type));
    snprintf(wanted, sizeof(wanted), "/problems/%s", name);
    json_t *body = http_resp_json(&a->resp);
    require(a, a->resp.status == status, "status is %d", status);
    require(a, content && strcmp(content, "application/problem+json") == 0,
            "Content-Type is application/problem+json");
    require(a, json_is_object(body), "the body is an object");
    check_str_at(a, "type", wanted, file, line);
    check_int_at(a, "status", status, file, line);
    require(a, json_string_length(json_at(body, "title")) > 0, "there is a title");
    require(a, json_string_length(json_at(body, "detail")) > 0, "there is a detail");
    if (field)
        check_str_at(a, "field", field, file, line);
    else if (strcmp(name, "invalid-field") == 0)
        require(a, json_is_string(json_at(body, "field")), "there is a field");
}

json_t *api_problem_at(struct api *a, int status, const char *name, const char *field,
                       const char *method, const char *path, const char *headers, const char *body,
                       const char *file, int line)
{
    json_t *json = api_call_at(a, status, method, path, headers, body, file, line);
    check_problem_at(a, status, name, field, file, line);
    return json;
}

json_t *json_at(json_t *root, const char *path)
{
    json_t *at = root;
    while (at && *path) {
        if (*path == '[') {
            char *end;
            size_t index = strtoul(path + 1, &end, 10);
            at = json_array_get(at, index);
            path = end + 1;
        } else {
            path += *path == '.';
            char name[64];
            size_t n = strcspn(path, ".[");
            snprintf(name, sizeof(name), "%.*s", (int)n, path);
            at = json_object_get(at, name);
            path += n;
        }
    }
    return at;
}

int64_t api_int_at(struct api *a, const char *path, const char *file, int line)
{
    json_t *value = json_at(http_resp_json(&a->resp), path);
    require(a, json_is_integer(value), "%s is an integer", path);
    return json_integer_value(value);
}

const char *api_str_at(struct api *a, const char *path, const char *file, int line)
{
    json_t *value = json_at(http_resp_json(&a->resp), path);
    require(a, json_is_string(value), "%s is a string", path);
    static char strings[STRINGS][STRING_BYTES];
    static unsigned next;
    char *out = strings[next++ % STRINGS];
    require(a, json_string_length(value) < STRING_BYTES, "%s is too long for this helper", path);
    snprintf(out, STRING_BYTES, "%s", json_string_value(value));
    return out;
}

void check_int_at(struct api *a, const char *path, int64_t value, const char *file, int line)
{
    int64_t is = api_int_at(a, path, file, line);
    require(a, is == value, "%s is %" PRId64 ", not %" PRId64, path, value, is);
}

void check_str_at(struct api *a, const char *path, const char *value, const char *file, int line)
{
    json_t *is = json_at(http_resp_json(&a->resp), path);
    require(a, json_is_string(is) && strcmp(json_string_value(is), value) == 0, "%s is \"%.2000s\"",
            path, value);
}

void check_type_at(struct api *a, const char *path, int type, const char *file, int line)
{
    json_t *is = json_at(http_resp_json(&a->resp), path);
    if (type < 0)
        require(a, !is, "%s is absent", path);
    else
        require(a, is && (int)json_typeof(is) == type, "%s is of type %d", path, type);
}

void check_size_at(struct api *a, const char *path, size_t size, const char *file, int line)
{
    json_t *is = json_at(http_resp_json(&a->resp), path);
    require(a, json_is_array(is) && json_array_size(is) == size, "%s has %zu elements", path, size);
}

void check_json_at(struct api *a, const char *path, const char *json, const char *file, int line)
{
    json_t *is = json_at(http_resp_json(&a->resp), path);
    json_t *wanted = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(wanted);
    bool equal = is && json_equal(is, wanted);
    json_decref(wanted);
    require(a, equal, "%s equals %.2000s", path, json);
}

static bool is_like(json_t *pattern, json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;
    if (json_is_object(pattern)) {
        json_object_foreach(pattern, name, member)
        {
            if (!is_like(member, json_object_get(value, name)))
                return false;
        }
        return json_is_object(value);
    }
    if (!json_is_array(pattern))
        return value && json_equal(pattern, value);
    json_array_foreach(pattern, i, member)
    {
        if (json_is_string(member) && strcmp(json_string_value(member), "...") == 0)
            return json_is_array(value);
        if (!is_like(member, json_array_get(value, i)))
            return false;
    }
    return json_is_array(value) && json_array_size(value) == json_array_size(pattern);
}

bool json_is_like(json_t *value, const char *pattern)
{
    char *json = strdup(pattern);
    assert_non_null(json);
    for (char *at = json; (at = strchr(at, '\''));)
        *at = '"';
    json_t *wanted = json_loads(json, 0, NULL);
    free(json);
    assert_non_null(wanted);
    bool like = is_like(wanted, value);
    json_decref(wanted);
    return like;
}

void check_like_at(struct api *a, const char *pattern, const char *file, int line)
{
    require(a, json_is_like(http_resp_json(&a->resp), pattern), "the answer is like %s", pattern);
}

void check_header_at(struct api *a, const char *name, const char *value, const char *file, int line)
{
    char is[256];
    const char *found = http_resp_header(&a->resp, name, is, sizeof(is));
    if (!value)
        require(a, !found, "there is no header %s", name);
    else
        require(a, found && strcmp(found, value) == 0, "the header %s is %s", name, value);
}

int64_t time_parse_ms(const char *rfc3339)
{
    struct tm tm = {0};
    int ms = 0;
    int end = 0;
    int n = sscanf(rfc3339, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, &end);
    if (n != 7 || end != 24 || rfc3339[end] != '\0')
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (int64_t)timegm(&tm) * 1000 + ms;
}

int64_t api_time_at(struct api *a, const char *path, const char *file, int line)
{
    int64_t ms = time_parse_ms(api_str_at(a, path, file, line));
    require(a, ms > 0, "%s is RFC 3339 in UTC with milliseconds", path);
    return ms;
}

const char *new_sku(void)
{
    static char names[64][24];
    static unsigned serial;
    char *name = names[serial % 64];
    snprintf(name, sizeof(names[0]), "item-%u", ++serial);
    return name;
}

const char *api_item_at(struct api *a, int64_t on_hand, int64_t max, const char *file, int line)
{
    const char *sku = new_sku();
    const char *body =
        max ? text("{\"on_hand\":%" PRId64 ",\"max_per_customer\":%" PRId64 "}", on_hand, max)
            : text("{\"on_hand\":%" PRId64 "}", on_hand);
    api_call_at(a, 201, "PUT", text("/v1/items/%s", sku), NULL, body, file, line);
    return sku;
}

const char *stored_item(const char *sku)
{
    const char *items = getenv("STOCKD_TENANT_ITEMS"), *tenant = api_keys_tenant();
    bool own = tenant && items && strcmp(items, "own") == 0;
    return own ? text("%s/%s", tenant, sku) : sku;
}

const char *stored_customer(const char *customer)
{
    const char *tenant = api_keys_tenant();
    return tenant ? text("%s\xff%s", tenant, customer) : customer;
}

int stack_partition_of(const struct stack *s, int partitions, const char *sku)
{
    int found = -1;
    for (int p = 0; p < partitions; p++)
        if (tredis_int(&s->redis, text("EXISTS {p%d}:item:%s", p, stored_item(sku))) == 1) {
            assert_int_equal(found, -1); /* one only */
            found = p;
        }
    return found;
}

const char *stack_item_in(struct stack *s, int partitions, int partition, int64_t on_hand)
{
    static char names[128][24];
    static unsigned next;
    for (int tries = 0; tries < 200; tries++) {
        const char *sku = api_item(&s->api, on_hand, 0);
        if (stack_partition_of(s, partitions, sku) != partition)
            continue;
        char *name = names[next++];
        assert_true(next < sizeof(names) / sizeof(names[0]));
        return strcpy(name, sku);
    }
    fail_msg("200 names, and none lies in partition %d", partition);
    return NULL;
}

double api_metric(struct api *a, const char *name)
{
    api_call(a, 200, "GET", "/metrics", NULL, NULL);
    const char *at = strstr(a->resp.body, text("\n%s ", name));
    return at ? strtod(at + strlen(name) + 2, NULL) : NAN;
}

const char *api_reserve_at(struct api *a, const char *sku, int64_t quantity, int64_t ttl,
                           const char *file, int line)
{
    const char *end = ttl ? text(",\"ttl_seconds\":%" PRId64 "}", ttl) : "}";
    const char *body = text("{\"sku\":\"%s\",\"quantity\":%" PRId64 "%s", sku, quantity, end);
    api_call_at(a, 201, "POST", "/v1/reservations", NULL, body, file, line);
    return api_str_at(a, "id", file, line);
}

void check_item_at(struct api *a, const char *sku, int64_t on_hand, int64_t available, int64_t held,
                   int64_t sold, int64_t version, const char *file, int line)
{
    api_call_at(a, 200, "GET", text("/v1/items/%s", sku), NULL, NULL, file, line);
    check_str_at(a, "sku", sku, file, line);
    check_int_at(a, "on_hand", on_hand, file, line);
    check_int_at(a, "available", available, file, line);
    check_int_at(a, "held", held, file, line);
    check_int_at(a, "sold", sold, file, line);
    check_int_at(a, "version", version, file, line);
    check_header_at(a, "ETag", text("\"%" PRId64 "\"", version), file, line);
}

bool api_state_is(struct api *a, const char *id, const char *state)
{
    const char *path = text("/v1/reservations/%s", id);
    if (http_call(&a->conn, "GET", path, NULL, NULL, &a->resp) != 0 || a->resp.status != 200)
        return false;
    const char *is = json_string_value(json_at(http_resp_json(&a->resp), "state"));
    return is && strcmp(is, state) == 0;
}

redisReply *redis_ask(const struct tredis *redis, const char *format, ...)
{
    va_list args;
    redisContext *c = tredis_connect(redis);
    assert_non_null(c);
    va_start(args, format);
    redisReply *reply = redisvCommand(c, format, args);
    va_end(args);
    redisFree(c);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s", reply->str);
    return reply;
}

bool api_ready(struct api *a)
{
    return http_call(&a->conn, "GET", "/readyz", NULL, NULL, &a->resp) == 0 &&
           a->resp.status == 200;
}
