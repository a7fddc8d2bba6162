/* test_about.c -- what the service tells of itself: to whom it is shown, and that it is true. */
#include "core/route.h"
#include "support/api_keys.h"
#include "support/fixture.h"

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
    assert_int_equal(http_call(&a->conn, "GET", "/v1/self", NULL, NULL, &a->resp), 0);
    check_problem(a, 401, "unauthenticated", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(without_keys_everybody_is_an_admin),
        PLAIN_TEST(what_a_hold_may_last_is_true),
        ON_BOTH(it_says_that_there_is_a_ledger),
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
