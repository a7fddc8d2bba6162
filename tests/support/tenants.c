#include "support/tenants.h"

#include <stdlib.h>

/* Nothing else of what is sent has these words in it. */
const struct api_key_spec specs[SPECS] = {{ACME, ROLE_ADMIN, "acme-tenant"},
                                          {ACME_SELLER, ROLE_SELLER, "acme-tenant"},
                                          {UMBRA, ROLE_ADMIN, "umbra-tenant"},
                                          {STORE, ROLE_ADMIN, "default"}};
#define TENANT_WORD "-tenant"

const enum who strangers[STRANGERS] = {UMBRA, STORE};
const enum who each[EACH] = {ACME, UMBRA, STORE};

char tenant_keys[TEST_PATH_MAX + 8], tenant_log[TEST_PATH_MAX + 8];

int tenants_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
    char dir[TEST_PATH_MAX];
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(tenant_keys, sizeof(tenant_keys), "%s/keys", dir);
    snprintf(tenant_log, sizeof(tenant_log), "%s/log", dir);
    int failed = api_keys_write_specs(tenant_keys, specs, SPECS) < 0
                     ? EXIT_FAILURE
                     : run_each_as(name, tests, count, NULL, NULL);
    temp_dir_remove(dir);
    return failed;
}

void tenants_serve(void **state, const char *items)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state,
          .flags = {"--keys-file", tenant_keys, "--access-log", tenant_log, "--tenant-items",
                    items});
}

const char *key_of(enum who who)
{
    char key[API_KEY_SIZE];
    api_key_of((int)who, key);
    return text("Authorization: Bearer %s\r\n", key);
}

int call_with(enum who who, const char *headers, const char *method, const char *path,
              const char *body)
{
    const char *all = text("%s%s", key_of(who), headers);
    int rc = http_call(&a->conn, method, path, all, body, &a->resp);
    free(a->request);
    a->request = strdup(text("%s %s\n%s%s", method, path, all, body ? body : ""));
    assert_int_equal(rc, 0);
    assert_null(strstr(a->resp.head, TENANT_WORD));
    assert_null(strstr(a->resp.body, TENANT_WORD));
    return a->resp.status;
}

int call_as(enum who who, const char *method, const char *path, const char *body)
{
    return call_with(who, "", method, path, body);
}
