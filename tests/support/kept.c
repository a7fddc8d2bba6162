/* kept.c -- see kept.h. */
#include "support/kept.h"
#include "ledger/apply/projection.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void shell(const char *command)
{
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

void kept_unpack(const char *name, const char *to)
{
    shell(text("gzip -dc " KEPT_DIR "%s.gz >'%s'", name, to));
}

json_t *kept_json(const char *name)
{
    json_error_t error;
    FILE *unpacked = popen(text("gzip -dc " KEPT_DIR "%s.gz", name), "r");
    assert_non_null(unpacked);
    json_t *json = json_loadf(unpacked, 0, &error);
    if (!json)
        fail_msg("%s: %s", name, error.text);
    pclose(unpacked);
    return json;
}

/* --- ledgers ---------------------------------------------------------------------------------- */

static const char *file_of(const char *url)
{
    return url + strlen("sqlite:");
}

/* pg_dump brackets what it writes with commands of psql that an older psql does not know. */
void kept_dump_ledger(const char *url, enum base_engine engine, const char *to)
{
    if (engine == BASE_SQLITE)
        shell(text("gzip -9nc '%s' >'%s'", file_of(url), to));
    else
        shell(text("pg_dump --no-owner '%s' | grep -v -E '^.(un)?restrict ' | gzip -9nc >'%s'", url,
                   to));
}

void kept_load_ledger(const char *url, enum base_engine engine, const char *from)
{
    if (engine == BASE_SQLITE)
        kept_unpack(from, file_of(url));
    else
        shell(text("gzip -dc " KEPT_DIR "%s.gz | psql -q -X -o /dev/null -v ON_ERROR_STOP=1 '%s'",
                   from, url));
}

/* --- calls ------------------------------------------------------------------------------------ */

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

json_t *kept_call(struct api *a, const char *method, const char *path, const char *headers,
                  const char *body)
{
    assert_int_equal(http_call(&a->conn, method, path, headers, body, &a->resp), 0);
    json_t *answer = http_resp_json(&a->resp);
    json_t *call = json_pack("{ssssso*so*siso*}", "method", method, "path", path, "headers",
                             text_or_null(headers), "body", text_or_null(body), "status",
                             a->resp.status, "answer", answer ? json_incref(answer) : json_null());
    assert_non_null(call);
    return call;
}

static void drop_what_moves(json_t *value, bool restored)
{
    const char *name;
    json_t *member;
    void *next;
    size_t i;
    if (json_is_array(value))
        json_array_foreach(value, i, member) drop_what_moves(member, restored);
    json_object_del(value, "ttl_ms");
    json_object_del(value, "replayed");
    json_object_del(value, "ledger");
    json_object_foreach_safe(value, next, name, member)
    {
        if (restored && strcmp(name, "version") == 0)
            json_integer_set(member, json_integer_value(member) % PROJECTION_RESTORE_STEP);
        else
            drop_what_moves(member, restored);
    }
}

/* As text, so that a failure can show it; the caller frees it. */
static char *comparable(const json_t *answer, bool restored)
{
    json_t *copy = json_deep_copy(answer);
    drop_what_moves(copy, restored);
    char *shown = json_dumps(copy, JSON_SORT_KEYS | JSON_ENCODE_ANY);
    assert_non_null(shown);
    json_decref(copy);
    return shown;
}

static const char *member(const json_t *call, const char *name)
{
    return json_string_value(json_object_get(call, name));
}

void kept_check(struct api *a, const json_t *call, bool restored)
{
    json_t *now = kept_call(a, member(call, "method"), member(call, "path"),
                            member(call, "headers"), member(call, "body"));
    int64_t status = json_integer_value(json_object_get(call, "status"));
    int64_t status_now = json_integer_value(json_object_get(now, "status"));
    char *was = comparable(json_object_get(call, "answer"), restored);
    char *is = comparable(json_object_get(now, "answer"), restored);
    if (status != status_now || strcmp(was, is) != 0)
        fail_msg("%s %s was answered %d %s\n  and is now answered %d %s", member(call, "method"),
                 member(call, "path"), (int)status, was, (int)status_now, is);
    free(was);
    free(is);
    json_decref(now);
}

void kept_check_all(struct api *a, const json_t *calls, bool restored)
{
    size_t i;
    json_t *call;
    assert_true(json_array_size(calls) > 0);
    json_array_foreach(calls, i, call) kept_check(a, call, restored);
}
