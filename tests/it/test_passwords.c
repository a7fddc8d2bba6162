/* test_passwords.c -- a password that is kept apart from its address, with everything in it that an
 * address, a shell or a log might stumble over: it opens the door, and nobody gets to read it.
 */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEGIN "xq7begin"
#define END   "wz9end"

static const char odd[] = BEGIN "@:/?#%zz \"\\$(id) '>~* \xc3\xbc&" END;

/* Redis has a user `odd` of that password, and a file holds it as editors leave it. */
static const char *password_file(const char *password)
{
    static char path[] = "/tmp/stockd-password-XXXXXX";
    snprintf(path, sizeof(path), "/tmp/stockd-password-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "%s\n", password) > 0);
    close(fd);
    return path;
}

static const char *address_of(const char *user)
{
    return text("redis://%s@127.0.0.1:%d", user, stack.redis.port);
}

static void check_unsaid(void)
{
    assert_null(strstr(command_said, BEGIN));
    assert_null(strstr(command_said, END));
}

static void a_password_in_a_file_opens_redis(void **state)
{
    serve(.redis.tcp = true, .ledger = *state);
    (void)api_item(a, 10, 0);
    redis_do(&stack.redis, "ACL SETUSER odd on >%s ~* &* +@all", odd);
    const char *file = password_file(odd);
    assert_int_equal(setenv("STOCKD_REDIS_PASSWORD_FILE", file, 1), 0);
    check_command(0, "audit", "--redis", address_of("odd"), "--ledger", ledger_url);
    check_command(1, "restore", "--redis", address_of("odd"), "--ledger", ledger_url);
    check_said("the store is open");
    unsetenv("STOCKD_REDIS_PASSWORD_FILE");
    unlink(file);
}

static void a_wrong_one_is_said_by_nobody(void **state)
{
    serve(.redis.tcp = true, .ledger = *state);
    redis_do(&stack.redis, "ACL SETUSER odd on >%s ~* &* +@all", "another");
    const char *file = password_file(odd);
    assert_int_equal(setenv("STOCKD_REDIS_PASSWORD_FILE", file, 1), 0);
    check_command(2, "audit", "--redis", address_of("odd"), "--ledger", ledger_url);
    check_said("WRONGPASS");
    check_unsaid();
    /* In the address it would be read in part as a host's name. */
    check_command(2, "audit", "--redis", address_of("odd"), "--ledger",
                  text("postgresql://u:%s@127.0.0.1:1/db", odd));
    check_said("--ledger-password takes it as it is");
    check_unsaid();
    /* It belongs to no file. */
    unsetenv("STOCKD_REDIS_PASSWORD_FILE");
    assert_int_equal(setenv("STOCKD_LEDGER_PASSWORD_FILE", file, 1), 0);
    check_command(64, "migrate", "--ledger", "sqlite:/nowhere/ledger.db");
    check_said("--ledger-password: there is no address with a host");
    check_unsaid();
    unsetenv("STOCKD_LEDGER_PASSWORD_FILE");
    unlink(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_password_in_a_file_opens_redis),
        SQLITE_TEST(a_wrong_one_is_said_by_nobody),
    };
    return run_each("passwords", tests);
}
