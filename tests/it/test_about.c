/* test_about.c -- what the service tells of itself: to whom it is shown, and that it is true. */
#include "core/route.h"
#include "support/api_keys.h"
#include "support/fixture.h"

#include <limits.h>
#include <stdlib.h>

static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8];

static int get_as(enum role role, const char *path)
{
    char key[API_KEY_SIZE];
    api_key_of((int)role, key);
    assert_int_equal(
        http_call(&a->conn, "GET", path, text("Authorization: Bearer %s\r\n", key), NULL, &a->resp),
        0);
    return a->resp.status;
}

/* --- /v1/self --------------------------------------------------------------------------------- */

static void without_keys_everybody_is_an_admin(void **state)
{
    serve(.partitions = 3, .flags = {"--max-hold", "2h", "--durability", "memory"});
    get("/v1/self");
    check_like(a, "{'keys':false,'client':null,'tenant':null,'role':'admin','ledger':false,"
                  "'partitions':3,'durability':'memory','max_hold_seconds':7200,"
                  "'default_ttl_seconds':600}");
    api_call(a, 200, "HEAD", "/v1/self", NULL, NULL);
    api_problem(a, 405, "method-not-allowed", NULL, "POST", "/v1/self", NULL, "{}");
}

static void what_a_hold_may_last_is_true(void **state)
{
    serve(.flags = {"--max-hold", "2h"});
    const char *sku = api_item(a, 10, 0);
    get("/v1/self");
    int64_t most_s = api_int(a, "max_hold_seconds"), usual_s = api_int(a, "default_ttl_seconds");
    post(201, RESERVATIONS, LINE(sku, 1));
    assert_int_equal(api_time(a, "expires_at") - api_time(a, "created_at"), usual_s * 1000);
    const char *extend = EXTEND(api_str(a, "id"));
    post_problem(422, "invalid-field", "ttl_seconds", extend,
                 text("{\"ttl_seconds\":%lld}", (long long)most_s + 1));
    post(200, extend, text("{\"ttl_seconds\":%lld}", (long long)most_s - 600));
}

static void it_says_that_there_is_a_ledger(void **state)
{
    serve(.ledger = *state);
    get("/v1/self");
    check_like(a, "{'ledger':true,'partitions':1}");
}

/* --- /v1/service ------------------------------------------------------------------------------ */

/* What the last answer says of an option. */
static const json_t *option(const char *name)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_at(http_resp_json(&a->resp), "configuration"), i,
                       one) if (strcmp(json_string_value(json_object_get(one, "name")), name) ==
                                0) return one;
    fail_msg("there is no option %s", name);
    return NULL;
}

static void check_option(const char *name, const char *value, const char *from)
{
    const char *is = json_string_value(json_object_get(option(name), "value"));
    assert_string_equal(is ? is : "(null)", value);
    assert_string_equal(json_string_value(json_object_get(option(name), "from")), from);
}

static pid_t pid_in_answer(const char *name)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_at(http_resp_json(&a->resp), "processes"), i,
                       one) if (strcmp(json_string_value(json_object_get(one, "name")), name) ==
                                0) return (pid_t)json_integer_value(json_object_get(one, "pid"));
    return 0;
}

static void options_are_told_with_where_they_come_from(void **state)
{
    assert_int_equal(setenv("STOCKD_LANES", "3", 1), 0);
    serve(.flags = {"--max-hold", "2h", "--insecure"});
    assert_int_equal(unsetenv("STOCKD_LANES"), 0);
    get("/v1/service");
    check_option("max-hold", "2h", "flag");
    check_option("insecure", "yes", "flag");
    check_option("lanes", "3", "environment");
    check_option("batch-max", "256", "default");
    check_option("ledger", "none", "flag");
    check_option("keys-file", "(null)", "default");
    check_like(a, "{'ledger':null,'redis':{'embedded':false,'partitions':1}}");
    assert_non_null(strstr(a->resp.body, "\"version\":\"0."));
}

static void the_processes_are_those_that_run(void **state)
{
    serve(.workers = 2, .ledger = *state);
    get("/v1/service");
    check_size(a, "processes", 6);
    assert_int_equal(pid_in_answer("audit"), 0); /* until one is asked for */
    assert_int_equal(pid_in_answer("master"), stack.service.proc.pid);
    assert_int_equal(pid_in_answer("keeper"), pid_of(TSERVICE_KEEPER));
    assert_int_equal(pid_in_answer("ledger"), pid_of(TSERVICE_LEDGER));
    pid_t worker = pid_in_answer("worker 1");
    assert_true(worker > 0 && worker != pid_in_answer("worker 0"));
    check_like(a, "{'ledger':{'applied_here':true}}");
}

/* Its pid is another one then, and it counts. */
static bool keeper_came_again(pid_t before)
{
    get("/v1/service");
    pid_t now = pid_in_answer("keeper");
    return now > 0 && now != before && strstr(a->resp.body, "\"restarts\":1");
}

static void one_that_was_started_again_is_told(void **state)
{
    serve(.workers = 1);
    get("/v1/service");
    pid_t keeper = pid_in_answer("keeper");
    assert_int_equal(kill(keeper, SIGKILL), 0);
    assert_true(await(keeper_came_again(keeper), RECOVERY_MS));
}

/* Neither as a part of an address nor by itself. */
static void secrets_are_not_told(void **state)
{
    char acl[PATH_MAX];
    assert_non_null(realpath("docker/redis.acl", acl));
    serve(.redis = {.acl = acl}, .ledger = *state);
    get("/v1/service");
    assert_non_null(strstr(stack.redis.url, ":change-me@"));
    assert_null(strstr(a->resp.body, "change-me"));
    assert_non_null(strstr(a->resp.body, "redis://stockd:***@127.0.0.1:"));
}

/* --- with keys -------------------------------------------------------------------------------- */

static void each_key_is_told_its_own_role(void **state)
{
    static const struct api_key_spec specs[] = {{ROLE_READER, ROLE_READER, "default"},
                                                {ROLE_SELLER, ROLE_SELLER, "north"},
                                                {ROLE_STOCK, ROLE_STOCK, "north"},
                                                {ROLE_ADMIN, ROLE_ADMIN, "south"}};
    assert_int_equal(api_keys_write_specs(keys, specs, 4), 0);
    serve(.flags = {"--keys-file", keys});
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(get_as(specs[i].role, "/v1/self"), 200);
        check_str(a, "client", text("test-%d", specs[i].whose));
        check_str(a, "tenant", specs[i].tenant);
        check_str(a, "role", role_name(specs[i].role));
        check_like(a, "{'keys':true}");
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(get_as(specs[i].role, "/v1/service"),
                         specs[i].role == ROLE_ADMIN ? 200 : 403);
    assert_int_equal(http_call(&a->conn, "GET", "/v1/self", NULL, NULL, &a->resp), 0);
    check_problem(a, 401, "unauthenticated", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(without_keys_everybody_is_an_admin),
        PLAIN_TEST(what_a_hold_may_last_is_true),
        ON_BOTH(it_says_that_there_is_a_ledger),
        PLAIN_TEST(options_are_told_with_where_they_come_from),
        SQLITE_TEST(the_processes_are_those_that_run),
        PLAIN_TEST(one_that_was_started_again_is_told),
        SQLITE_TEST(secrets_are_not_told),
        PLAIN_TEST(each_key_is_told_its_own_role),
    };
    unsetenv("TEST_KEYS");
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    int failed = run_each("about", tests);
    temp_dir_remove(dir);
    return failed;
}
