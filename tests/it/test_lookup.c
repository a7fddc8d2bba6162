/* test_lookup.c -- a host name whose look-up hangs holds up nothing but the connections that need
 * it.
 *
 * The service runs with a getaddrinfo() of ours in front of the system's (LD_PRELOAD), built here:
 * while a file exists it does not come back for one name.
 */
#include "support/api.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RECOVERY_MS 180000
#define ANSWER_MS   30000 /* of what needs no Redis, on the slowest machine */

static const char source[] =
    "#define _GNU_SOURCE\n"
    "#include <dlfcn.h>\n"
    "#include <netdb.h>\n"
    "#include <stdlib.h>\n"
    "#include <string.h>\n"
    "#include <unistd.h>\n"
    "typedef int look(const char *, const char *, const struct addrinfo *, struct addrinfo **);\n"
    "int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,\n"
    "                struct addrinfo **found)\n"
    "{\n"
    "    look *system_s = (look *)dlsym(RTLD_NEXT, \"getaddrinfo\");\n"
    "    const char *hang = getenv(\"LOOKUP_HANGS\"), *seen = getenv(\"LOOKUP_SEEN\");\n"
    "    if (!name || strcmp(name, \"slow.test\") != 0)\n"
    "        return system_s(name, service, hints, found);\n"
    "    while (access(hang, F_OK) == 0) {\n"
    "        if (symlink(\"x\", seen) != 0)\n"
    "            usleep(5000);\n"
    "        usleep(5000);\n"
    "    }\n"
    "    return system_s(\"127.0.0.1\", service, hints, found);\n"
    "}\n";

static struct tredis redis;
static struct tservice service;
static struct api client;
static struct api *a = &client;
static char dir[TEST_PATH_MAX], library[TEST_PATH_MAX + 16], hang[TEST_PATH_MAX + 16],
    seen[TEST_PATH_MAX + 16];

static bool build_library(void)
{
    char path[TEST_PATH_MAX + 16], command[512];
    snprintf(path, sizeof(path), "%s/slow.c", dir);
    FILE *file = fopen(path, "we");
    if (!file || fputs(source, file) < 0 || fclose(file) != 0)
        return false;
    snprintf(command, sizeof(command), "cc -shared -fPIC -o %s %s -ldl", library, path);
    return system(command) == 0; /* NOLINT(cert-env33-c): a path of ours */
}

static int start_service(void)
{
    char url[64];
    snprintf(url, sizeof(url), "redis://slow.test:%d", redis.port);
    /* The library makes a link, which a worker may not. */
    static const char *const extra[] = {"--request-timeout", "5s", "--no-seccomp", NULL};
    struct tservice_opts opts = {
        .redis_url = url, .workers = 1, .extra = extra, .preload = library};
    setenv("LOOKUP_HANGS", hang, 1);
    setenv("LOOKUP_SEEN", seen, 1);
    return tservice_start(&service, &opts);
}

static int test_setup(void **state)
{
    struct tredis_opts opts = {.tcp = true};
    if (temp_dir_make(dir) < 0)
        return -1;
    snprintf(library, sizeof(library), "%s/slow.so", dir);
    snprintf(hang, sizeof(hang), "%s/hang", dir);
    snprintf(seen, sizeof(seen), "%s/seen", dir);
    if (!build_library() || tredis_start(&redis, &opts) < 0 || start_service() < 0)
        return -1;
    api_open(a, service.port);
    return 0;
}

static int test_teardown(void **state)
{
    unlink(hang);
    api_close(a);
    bool clean = tservice_stop(&service);
    tredis_stop(&redis);
    temp_dir_remove(dir);
    return clean ? 0 : -1;
}

static void hang_look_ups(void)
{
    FILE *file = fopen(hang, "we");
    assert_non_null(file);
    fclose(file);
}

/* All connections to Redis break, and what wants a new one hangs. */
static void lose_redis(void)
{
    hang_look_ups();
    redisContext *c = tredis_connect(&redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, "CLIENT KILL SKIPME yes");
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    freeReplyObject(reply);
    redisFree(c);
    assert_true(await(faccessat(AT_FDCWD, seen, F_OK, AT_SYMLINK_NOFOLLOW) == 0, RECOVERY_MS));
}

static void a_hanging_look_up_holds_up_nobody(void **state)
{
    const char *sku = api_item(a, 10, 0);
    char item[64], body[96];
    snprintf(item, sizeof(item), "/v1/items/%s", sku);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", sku);
    api_call(a, 200, "GET", item, NULL, NULL); /* what reads is connected, and is lost too */
    lose_redis();
    a->conn.timeout_ms = ANSWER_MS;
    for (int i = 0; i < 50; i++)
        api_call(a, 200, "GET", "/healthz", NULL, NULL);
    assert_true(await(!api_ready(a), RECOVERY_MS));
    api_problem(a, 503, "redis-unavailable", NULL, "POST", "/v1/reservations", NULL, body);
    api_problem(a, 503, "redis-unavailable", NULL, "GET", item, NULL, NULL);
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
    unlink(hang);
    assert_true(await(api_ready(a), RECOVERY_MS));
    api_call(a, 201, "POST", "/v1/reservations", NULL, body);
}

static void a_service_ends_while_a_look_up_hangs(void **state)
{
    lose_redis();
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
    api_close(a);
    assert_true(tservice_stop(&service));
    assert_int_equal(access(hang, F_OK), 0); /* it still hangs */
    unlink(hang);
    assert_int_equal(start_service(), 0);
    api_open(a, service.port);
    assert_true(await(api_ready(a), RECOVERY_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hanging_look_up_holds_up_nobody, test_setup,
                                        test_teardown),
        cmocka_unit_test_setup_teardown(a_service_ends_while_a_look_up_hangs, test_setup,
                                        test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
