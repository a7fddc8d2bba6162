/* test_keys.c -- a service with --keys-file: every route and every operation of a batch, asked for
 * by everybody. Who may not is told so, and nothing has changed.
 */
#include "core/route.h"
#include "http/request/request_op.h"
#include "support/api_keys.h"
#include "support/fixture.h"

#include <stdlib.h>
#include <sys/stat.h>

static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8], access_log[TEST_PATH_MAX + 8];

/* --- who asks --------------------------------------------------------------------------------- */

enum { REVOKED_IN_USE = -9, NO_KEY, EMPTY, TWICE, BARE, BASIC, WRONG, DAMAGED, NOBODY };

static const int callers[] = {NOBODY,          EMPTY,           NO_KEY,         DAMAGED,
                              WRONG,           BASIC,           BARE,           TWICE,
                              API_KEY_EXPIRED, API_KEY_REVOKED, REVOKED_IN_USE, ROLE_READER,
                              ROLE_SELLER,     ROLE_STOCK,      ROLE_ADMIN};
#define CALLERS (sizeof(callers) / sizeof(callers[0]))

static char revoked[API_KEY_SIZE]; /* begin() has used it, and then revoked it */

static bool has_role(int caller)
{
    return caller >= ROLE_READER && caller < ROLES;
}

/* The header field; NULL: none. */
static const char *authorization(int caller)
{
    char key[API_KEY_SIZE];
    api_key_of(caller < 0 ? ROLE_ADMIN : caller, key);
    switch (caller) {
    case NOBODY: return NULL;
    case DAMAGED: key[API_KEY_CHARS - 1] ^= 1; break;
    case WRONG: { /* the id of the admin, another secret, and its checksum */
        uint8_t secret[API_KEY_SECRET_BYTES] = {1};
        api_key_write(ROLE_ADMIN, secret, key);
        break;
    }
    case BASIC: return text("Authorization: Basic %s\r\n", key);
    case BARE: return text("Authorization: %s\r\n", key);
    case EMPTY: return "Authorization: Bearer \r\n";
    case NO_KEY: return "Authorization: Bearer hunter2\r\n";
    case REVOKED_IN_USE: memcpy(key, revoked, sizeof(key)); break;
    case TWICE: return text("Authorization: Bearer %s, Bearer %s\r\n", key, key);
    default: break;
    }
    return text("Authorization: Bearer %s\r\n", key);
}

/* What the caller is told where this is the least role: 0: anything but 401 and 403. */
static int refusal_of(int caller, enum role least)
{
    if (least == ROLE_ANYBODY)
        return 0;
    if (!has_role(caller))
        return 401;
    return role_may((enum role)caller, least) ? 0 : 403;
}

static void check_refusal(int status)
{
    check_problem(a, status, status == 401 ? "unauthenticated" : "forbidden", NULL);
    check_header(a, "WWW-Authenticate", status == 401 ? "Bearer realm=\"stockd\"" : NULL);
}

/* The same and an idempotency key, which a request that is refused must not take. */
static const char *under_a_key(int caller)
{
    const char *who = authorization(caller);
    return text("%sIdempotency-Key: refused\r\n", who ? who : "");
}

static int call_with(const char *who, const char *method, const char *path, const char *body)
{
    int rc = http_call(&a->conn, method, path, who, body, &a->resp);
    free(a->request);
    a->request = strdup(text("%s %s\n%s%s", method, path, who ? who : "", body ? body : ""));
    assert_int_equal(rc, 0);
    return a->resp.status;
}

static int call_as(int caller, const char *method, const char *path, const char *body)
{
    return call_with(authorization(caller), method, path, body);
}

/* Every effect is an event, and every key that was taken, in a batch with a number, an operation.
 */
static void check_unchanged(int64_t before)
{
    assert_int_equal(redis_int("XLEN {p0}:events"), before);
    assert_int_equal(call_as(ROLE_ADMIN, "GET", "/v1/operations/refused", NULL), 404);
    assert_int_equal(call_as(ROLE_ADMIN, "GET", "/v1/operations/refused%2F0", NULL), 404);
}

/* --- what is asked ---------------------------------------------------------------------------- */

static const char *sku, *other;
static char held[64];

static void make_stock(void)
{
    sku = new_sku();
    other = new_sku();
    assert_int_equal(call_as(ROLE_ADMIN, "PUT", ITEM(sku), "{\"on_hand\":1000}"), 201);
    assert_int_equal(call_as(ROLE_ADMIN, "PUT", ITEM(other), "{\"on_hand\":1000}"), 201);
    assert_int_equal(call_as(ROLE_ADMIN, "POST", RESERVATIONS, LINE(sku, 1)), 201);
    KEEP(held, api_str(a, "id"));
}

static const char *path_of(enum route_id id)
{
    const char *pattern = route_row(id)->pattern, *param = strchr(pattern, '{');
    const char *name = strstr(pattern, "/items/")          ? sku
                       : strstr(pattern, "/reservations/") ? held
                       : id == ROUTE_PROBLEM               ? "forbidden"
                       : id == ROUTE_PAGE                  ? "ui.js"
                                                           : "k";
    return param ? text("%.*s%s%s", (int)(param - pattern), pattern, name, strchr(param, '}') + 1)
                 : pattern;
}

/* One that would change something. */
static const char *body_of(enum route_id id, enum route_method method)
{
    if (!(method & (METHOD_POST | METHOD_PUT)))
        return NULL;
    switch (id) {
    case ROUTE_ITEM: return "{\"on_hand\":2000}";
    case ROUTE_ADJUSTMENTS: return "{\"delta\":1}";
    case ROUTE_DECREMENTS: return "{\"quantity\":1}";
    case ROUTE_TRANSFERS: return text("{\"to\":\"%s\",\"quantity\":1}", other);
    case ROUTE_RESERVATIONS: return LINE(sku, 1);
    case ROUTE_BATCH:
        return text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}]}", sku);
    case ROUTE_EXTEND: return "{\"ttl_seconds\":900}";
    default: return "{}";
    }
}

static int64_t events(void)
{
    return redis_int("XLEN {p0}:events");
}

/* --- tests ------------------------------------------------------------------------------------ */

static const struct {
    enum route_method bit;
    const char *name;
} methods[] = {{METHOD_GET, "GET"},
               {METHOD_HEAD, "HEAD"},
               {METHOD_POST, "POST"},
               {METHOD_PUT, "PUT"},
               {METHOD_DELETE, "DELETE"}};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

static void ask_as(int caller, enum route_id id, enum route_method method, const char *name)
{
    int64_t before = events();
    int expected = refusal_of(caller, route_least(id, method));
    const char *who = expected ? under_a_key(caller) : authorization(caller);
    int status = call_with(who, name, path_of(id), body_of(id, method));
    if (expected ? status != expected : status == 401 || status == 403)
        fail_msg("caller %d: %s %s answered %d, not %d", caller, name, path_of(id), status,
                 expected);
    if (expected && method != METHOD_HEAD)
        check_refusal(expected);
    if (expected)
        check_unchanged(before);
}

static int status_of(const char *header)
{
    return http_call(&a->conn, "GET", "/v1/items", header, NULL, &a->resp) == 0 ? a->resp.status
                                                                                : 0;
}

/* A key that the service has seen, and knows no more. */
static void begin(void)
{
    check_command(0, "keys", "add", "--keys-file", keys, "--name", "once", "--role", "admin");
    snprintf(revoked, sizeof(revoked), "%.*s", API_KEY_CHARS, command_said);
    assert_true(await(status_of(authorization(REVOKED_IN_USE)) == 200, RECOVERY_MS));
    check_command(0, "keys", "revoke", "--keys-file", keys,
                  text("%.*s", API_KEY_ID_CHARS, revoked + strlen("sk_")));
    assert_true(await(status_of(authorization(REVOKED_IN_USE)) == 401, RECOVERY_MS));
}

/* Those who may come last, as they change what the others asked for. */
static void every_route_refuses_whoever_may_not(void **state)
{
    for (int id = 0; id < ROUTE_NONE; id++)
        for (size_t m = 0; m < METHODS; m++) {
            if (!(route_row((enum route_id)id)->methods & methods[m].bit))
                continue;
            make_stock();
            for (size_t i = 0; i < CALLERS; i++)
                ask_as(callers[i], (enum route_id)id, methods[m].bit, methods[m].name);
        }
}

static const char *operation(enum op_kind kind)
{
    switch (kind) {
    case OP_PUT: return text("{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":3}", new_sku());
    case OP_ADJUST: return text("{\"op\":\"adjust\",\"sku\":\"%s\",\"delta\":1}", sku);
    case OP_DECREMENT: return text("{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}", sku);
    case OP_TRANSFER:
        return text("{\"op\":\"transfer\",\"sku\":\"%s\",\"to\":\"%s\",\"quantity\":1}", sku,
                    other);
    case OP_RESERVE: return text("{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1}", sku);
    case OP_EXTEND: return text("{\"op\":\"extend\",\"id\":\"%s\",\"ttl_seconds\":700}", held);
    case OP_GET:
    case OP_CONFIRM:
    case OP_RELEASE: return text("{\"op\":\"%s\",\"id\":\"%s\"}", op_trait(kind)->name, held);
    default: fail_msg("no operation %s", op_trait(kind)->name); return NULL;
    }
}

static void operate_as(int caller, enum op_kind kind)
{
    int64_t before = events();
    const char *body = text("{\"operations\":[%s]}", operation(kind));
    int expected = refusal_of(caller, op_trait(kind)->least);
    const char *who = expected ? under_a_key(caller) : authorization(caller);
    assert_int_equal(call_with(who, "POST", "/v1/batch", body), expected == 401 ? 401 : 200);
    if (expected == 401)
        check_refusal(401);
    else
        assert_int_equal(api_int(a, "results[0].status") == 403, expected == 403);
    if (expected == 403)
        check_str(a, "results[0].body.type", "/problems/forbidden");
    if (expected)
        check_unchanged(before);
}

static void every_operation_of_a_batch_takes_its_own_role(void **state)
{
    for (int kind = 0; kind < OP_KINDS; kind++) {
        if (!op_schema_of_name(str_of(op_trait((enum op_kind)kind)->name)))
            continue;
        make_stock();
        for (size_t i = 0; i < CALLERS; i++)
            operate_as(callers[i], (enum op_kind)kind);
    }
}

static void what_is_not_there_is_told_to_keys_only(void **state)
{
    assert_int_equal(call_as(NOBODY, "GET", "/v1/nothing", NULL), 401);
    assert_int_equal(call_as(ROLE_READER, "GET", "/v1/nothing", NULL), 404);
    assert_int_equal(call_as(NOBODY, "PATCH", "/v1/items", NULL), 401);
    assert_int_equal(call_as(ROLE_READER, "PATCH", "/v1/items", NULL), 405);
    assert_int_equal(call_as(NOBODY, "POST", "/healthz", "{}"), 405);
    assert_int_equal(call_as(NOBODY, "GET", "/v1/items/%zz", NULL), 401);
    assert_int_equal(call_as(ROLE_READER, "GET", "/v1/items/%zz", NULL), 400);
}

/* Bodies that never come, in the length that was announced and in chunks. */
static void the_refusal_comes_before_the_body(void **state)
{
    static const char *const bodies[] = {"Content-Length: 60000", "Transfer-Encoding: chunked",
                                         "Content-Length: 2000000"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        for (int caller = NOBODY; caller <= ROLE_READER; caller += ROLE_READER - NOBODY) {
            const char *who = authorization(caller);
            const char *head = text("POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n"
                                    "Content-Type: application/json\r\n\r\n",
                                    who ? who : "", bodies[i]);
            http_conn_close(&a->conn);
            assert_int_equal(http_conn_open(&a->conn), 0);
            assert_int_equal(http_send(&a->conn, head, strlen(head)), 0);
            assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
            check_refusal(caller == NOBODY ? 401 : 403);
            check_header(a, "Connection", "close");
        }
}

/* A page cannot make a browser send a key, so names that were made to point here do no harm. */
static void a_service_with_keys_answers_to_any_name(void **state)
{
    const char *headers = text("Host: shop.example\r\n%s", authorization(ROLE_READER));
    api_call(a, 200, "GET", "/v1/items", headers, NULL);
    api_problem(a, 401, "unauthenticated", NULL, "GET", "/v1/items", "Host: shop.example\r\n",
                NULL);
}

/* /metrics takes a key, too. */
static double number_of(const char *name)
{
    assert_int_equal(call_as(ROLE_READER, "GET", "/metrics", NULL), 200);
    const char *at = strstr(a->resp.body, text("\n%s ", name));
    assert_non_null(at);
    return strtod(at + strlen(name) + 2, NULL);
}

static void refusals_are_counted(void **state)
{
    double unknown = number_of("stockd_unauthenticated_total");
    double forbidden = number_of("stockd_role_forbidden_total");
    assert_int_equal(call_as(NOBODY, "GET", "/v1/items", NULL), 401);
    assert_int_equal(call_as(API_KEY_EXPIRED, "GET", "/v1/items", NULL), 401);
    assert_int_equal(call_as(ROLE_READER, "POST", RESERVATIONS, "{}"), 403);
    const char *two = "{\"operations\":[{\"op\":\"reserve\"},{\"op\":\"put\"}]}";
    assert_int_equal(call_as(ROLE_READER, "POST", "/v1/batch", two), 200);
    assert_true(number_of("stockd_unauthenticated_total") == unknown + 2);
    assert_true(number_of("stockd_role_forbidden_total") == forbidden + 3);
}

/* --- the file changes under it ---------------------------------------------------------------- */

static bool answers(int caller, int status)
{
    return call_as(caller, "GET", "/v1/items", NULL) == status;
}

static void break_file(void)
{
    FILE *file = fopen(keys, "we");
    assert_non_null(file);
    assert_true(fputs("stockd-keys 1\nrubbish\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_broken_file_changes_nothing_and_is_told(void **state)
{
    break_file();
    /* The master and its worker. */
    assert_true(await(number_of("stockd_api_keys_stale") == 2, RECOVERY_MS));
    assert_true(answers(ROLE_SELLER, 200));
    assert_true(answers(API_KEY_REVOKED, 401));
    assert_true(tservice_log_count(&stack.service, "stay in force", "line 2") >= 2);
    assert_int_equal(api_keys_write(keys), 0);
    assert_true(await(number_of("stockd_api_keys_stale") == 0, RECOVERY_MS));
    assert_true(answers(ROLE_SELLER, 200));
}

static void a_key_that_is_added_is_good_soon(void **state)
{
    char key[API_KEY_SIZE];
    check_command(0, "keys", "add", "--keys-file", keys, "--name", "new", "--role", "stock");
    snprintf(key, sizeof(key), "%.*s", API_KEY_CHARS, command_said);
    const char *header = text("Authorization: Bearer %s\r\n", key);
    assert_true(await(http_call(&a->conn, "GET", "/v1/items", header, NULL, &a->resp) == 0 &&
                          a->resp.status == 200,
                      RECOVERY_MS));
    api_problem(a, 404, "item-not-found", NULL, "DELETE", "/v1/items/none", header, NULL);
}

/* How often the master has read that there are so many keys. */
static int master_reads(int count)
{
    return tservice_log_count(&stack.service, "proc=master", text("keys=%d\n", count));
}

/* The worker that is forked then has the keys that were in force last, not those of the start. */
static void a_revoked_key_stays_revoked_when_a_worker_dies(void **state)
{
    char id[API_KEY_ID_CHARS + 1];
    int before = master_reads(ROLES - 2), status; /* all that api_keys_write() made, but one */
    api_key_put_id(ROLE_SELLER, id);
    assert_int_equal(api_keys_write(keys), 0);
    assert_true(answers(ROLE_SELLER, 200));
    check_command(0, "keys", "revoke", "--keys-file", keys, id);
    assert_true(await(answers(ROLE_SELLER, 401) && master_reads(ROLES - 2) > before, RECOVERY_MS));
    assert_true(answers(ROLE_STOCK, 200));
    break_file();
    pid_t worker = pid_of(TSERVICE_WORKER);
    kill(worker, SIGKILL);
    assert_true(await(!tproc_pid_alive(worker), RECOVERY_MS));
    assert_true(await((status = status_of(authorization(ROLE_SELLER))) != 0, RECOVERY_MS));
    assert_int_equal(status, 401);
    assert_true(await(status_of(authorization(ROLE_STOCK)) == 200, RECOVERY_MS));
    assert_int_equal(api_keys_write(keys), 0);
    assert_true(await(answers(ROLE_SELLER, 200), RECOVERY_MS));
}

/* Of a list of keys: a time, and in the column behind it no certificate. */
static bool says_when_it_was_used(const char *line)
{
    size_t n = strcspn(line, "\n");
    return n > 4 && strncmp(line + n - 4, "Z  -", 4) == 0;
}

/* Last: it ends the service, whose keeper writes down what it had not yet. */
static void when_a_key_was_used_is_kept(void **state)
{
    assert_true(answers(ROLE_READER, 200));
    assert_true(answers(API_KEY_EXPIRED, 401));
    stop_serving();
    check_command(0, "keys", "list", "--keys-file", keys);
    const char *line = strstr(command_said, "test-2 "), *over = strstr(command_said, "test-6 ");
    assert_true(line && over);
    assert_true(says_when_it_was_used(line));
    assert_false(says_when_it_was_used(over));
}

/* --- starts ----------------------------------------------------------------------------------- */

static void a_file_that_is_no_good_is_no_start(void **state)
{
    const char *none = text("%s/none", dir), *open = text("%s/open", dir);
    check_command(64, "serve", "--keys-file", none);
    check_said("No such file");
    assert_int_equal(api_keys_write(open), 0);
    assert_int_equal(chmod(open, 0644), 0);
    check_command(64, "serve", "--keys-file", open);
    check_said("0644");
}

/* With the last of the two, where everybody could reach it. */
static void with_keys_it_may_listen_anywhere(void **state)
{
    struct tservice beside;
    check_command(64, "serve", "--listen", "0.0.0.0:0");
    check_said("--insecure");
    const char *const extra[] = {"--listen", "0.0.0.0:0", "--keys-file", keys, NULL};
    const struct tservice_opts opts = {.redis_url = stack.redis.url, .extra = extra};
    assert_int_equal(tservice_start(&beside, &opts), 0);
    assert_true(tservice_stop(&beside));
}

/* --- the access log --------------------------------------------------------------------------- */

static bool last_line_has(const char *wanted)
{
    char end[4096];
    FILE *f = fopen(access_log, "re");
    if (!f)
        return false;
    bool longer = fseek(f, 1 - (long)sizeof(end), SEEK_END) == 0;
    if (!longer)
        rewind(f);
    end[fread(end, 1, sizeof(end) - 1, f)] = '\0';
    fclose(f);
    char *nl = strrchr(end, '\n');
    if (!nl || nl[1] != '\0')
        return false;
    *nl = '\0';
    const char *line = strrchr(end, '\n');
    return strstr(line ? line + 1 : end, wanted) != NULL;
}

static void the_access_log_names_the_key(void **state)
{
    (void)state;
    assert_int_equal(call_as(ROLE_STOCK, "PUT", "/v1/items/named", "{\"on_hand\":1}"), 201);
    assert_true(await(last_line_has(text("\"key_id\":\"%012x\"", ROLE_STOCK)), RECOVERY_MS));
    assert_true(last_line_has("\"status\":201"));
    assert_int_equal(call_as(ROLE_READER, "PUT", "/v1/items/named", "{\"on_hand\":2}"), 403);
    assert_true(await(last_line_has(text("\"key_id\":\"%012x\"", ROLE_READER)), RECOVERY_MS));
    assert_true(last_line_has("\"status\":403"));
    assert_int_equal(call_as(WRONG, "PUT", "/v1/items/named", "{\"on_hand\":2}"), 401);
    assert_true(await(last_line_has("\"status\":401"), RECOVERY_MS));
    assert_true(last_line_has("\"key_id\":null"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_refuses_whoever_may_not),
        cmocka_unit_test(every_operation_of_a_batch_takes_its_own_role),
        cmocka_unit_test(what_is_not_there_is_told_to_keys_only),
        cmocka_unit_test(the_refusal_comes_before_the_body),
        cmocka_unit_test(a_service_with_keys_answers_to_any_name),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(a_broken_file_changes_nothing_and_is_told),
        cmocka_unit_test(a_key_that_is_added_is_good_soon),
        cmocka_unit_test(a_revoked_key_stays_revoked_when_a_worker_dies),
        cmocka_unit_test(a_file_that_is_no_good_is_no_start),
        cmocka_unit_test(with_keys_it_may_listen_anywhere),
        cmocka_unit_test(the_access_log_names_the_key),
        cmocka_unit_test(when_a_key_was_used_is_kept),
    };
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    snprintf(access_log, sizeof(access_log), "%s/log", dir);
    int failed = api_keys_write(keys) < 0
                     ? EXIT_FAILURE
                     : run_suite("keys", tests, .begun = begin,
                                 .flags = {"--keys-file", keys, "--access-log", access_log,
                                           "--failed-logins", "1000000"});
    temp_dir_remove(dir);
    return failed;
}
