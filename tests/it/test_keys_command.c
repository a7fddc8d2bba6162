/* test_keys_command.c -- `stockd keys` by itself, with no service: what becomes of the file. */
#include "support/fixture.h"

#define AT_ONCE 12

static void commands_that_run_at_once_lose_nothing(void **state)
{
    static struct command commands[AT_ONCE];
    char dir[TEST_PATH_MAX];
    assert_int_equal(temp_dir_make(dir), 0);
    const char *path = text("%s/keys", dir);
    for (int i = 0; i < AT_ONCE; i++)
        command_start(&commands[i], (const char *const[]){"keys", "add", "--keys-file", path,
                                                          "--name", text("n%d", i), NULL});
    for (int i = 0; i < AT_ONCE; i++)
        assert_int_equal(command_end(&commands[i]), 0);
    check_command(0, "keys", "list", "--keys-file", path);
    for (int i = 0; i < AT_ONCE; i++)
        check_said(text(" n%d ", i));
    temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_that_run_at_once_lose_nothing),
    };
    return cmocka_run_group_tests_name("keys_command", tests, NULL, NULL);
}
