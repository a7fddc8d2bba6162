/* test_keys_secret.c -- an API key stays with its client: whoever steals copies of all that a
 * service keeps has none, and nothing in them is taken for one. Commands send the key that a file
 * holds, and leave it nowhere.
 */
#include "core/access/key_list.h"
#include "digits.h"
#include "support/fixture.h"
#include "support/load_run.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CUSTOMER "c-in-the-backup"
#define KEY_USED "key-in-the-backup"

static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8], access_log[TEST_PATH_MAX + 8];
static char key[API_KEY_SIZE], key_path[TEST_PATH_MAX + 8];

static const char *bearer(const char *what)
{
    return text("Authorization: Bearer %s\r\n", what);
}

static bool answers(int status)
{
    return http_call(&a->conn, "GET", "/v1/items", bearer(key), NULL, &a->resp) == 0 &&
           a->resp.status == status;
}

static void write_key(const char *path, const char *what)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "%s\n", what) > 0);
    assert_int_equal(fclose(file), 0);
}

/* A key as an operator makes it, whose text the service has seen. */
static void begin(void)
{
    static int made;
    check_command(0, "keys", "add", "--keys-file", keys, "--name", text("thief-%d", made++),
                  "--role", "admin");
    snprintf(key, sizeof(key), "%.*s", API_KEY_CHARS, command_said);
    write_key(key_path, key);
    assert_true(await(answers(200), RECOVERY_MS));
}

/* --- a look into files ------------------------------------------------------------------------ */

static struct {
    struct str what;
    unsigned files; /* that have it */
} sought;

static int look_into(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    FILE *file = kind == FTW_F && st->st_size > 0 ? fopen(path, "re") : NULL;
    char *bytes = file ? malloc((size_t)st->st_size) : NULL;
    size_t n = bytes ? fread(bytes, 1, (size_t)st->st_size, file) : 0;
    sought.files += n && memmem(bytes, n, sought.what.p, sought.what.n);
    free(bytes);
    if (file)
        fclose(file);
    return 0;
}

/* In how many files of a folder the bytes stand. */
static unsigned files_with(const char *folder, struct str what)
{
    sought.what = what;
    sought.files = 0;
    assert_int_equal(nftw(folder, look_into, 16, FTW_PHYS), 0);
    return sought.files;
}

/* Neither the key, nor its random bytes, as digits or as they are. */
static void check_no_key_in(const char *folder)
{
    char raw[API_KEY_SECRET_BYTES];
    struct str secret = {key + strlen("sk_") + API_KEY_ID_CHARS + 1,
                         (size_t)2 * API_KEY_SECRET_BYTES};
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (char)(digits_hex(secret.p[2 * i]) << 4 | digits_hex(secret.p[2 * i + 1]));
    assert_int_equal(files_with(folder, str_of(key)), 0);
    assert_int_equal(files_with(folder, secret), 0);
    assert_int_equal(files_with(folder, (struct str){raw, sizeof(raw)}), 0);
}

/* --- a stolen backup -------------------------------------------------------------------------- */

/* What leaves traces: in Redis, in SQL, in the logs. */
static void use_the_key(void)
{
    char sku[80];
    KEEP(sku, new_sku());
    const char *headers = text("%sIdempotency-Key: " KEY_USED "\r\n", bearer(key));
    api_call(a, 201, "PUT", ITEM(sku), bearer(key), "{\"on_hand\":9}");
    api_call(a, 201, "POST", RESERVATIONS, headers,
             text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"" CUSTOMER "\"}", sku));
    api_call(a, 200, "POST", "/v1/batch", bearer(key),
             text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}]}", sku));
    assert_true(
        await(sql_int("SELECT count(*) FROM reservations WHERE customer = '" CUSTOMER "'") > 0,
              RECOVERY_MS));
}

/* Each word of the file of keys, and what can be made of them, is tried as a key. */
static void try_what_is_in(const char *path)
{
    static char file[KEY_LIST_MAX_BYTES];
    struct key_list *list = malloc(sizeof(*list));
    struct key_fault fault;
    char forged[API_KEY_SIZE];
    FILE *f = fopen(path, "re");
    assert_true(f && list);
    size_t n = fread(file, 1, sizeof(file) - 1, f);
    fclose(f);
    assert_true(key_list_parse(list, (struct str){file, n}, &fault));
    for (unsigned i = 0; i < list->count; i++) {
        api_key_write(list->keys[i].id, list->keys[i].hash, forged);
        api_problem(a, 401, "unauthenticated", NULL, "GET", "/v1/items", bearer(forged), NULL);
    }
    free(list);
    file[n] = '\0';
    for (char *rest = NULL, *word = strtok_r(file, " \n", &rest); word;
         word = strtok_r(NULL, " \n", &rest))
        api_problem(a, 401, "unauthenticated", NULL, "GET", "/v1/items", bearer(word), NULL);
}

/* That what is there is found is shown by what the client sent beside its key. */
static void a_stolen_backup_has_no_key(void **state)
{
    bool sqlite = strncmp(ledger_url, "sqlite:", 7) == 0;
    const char *sql = sqlite ? bases.dir : bases.pg.dir;
    struct str id = {key + strlen("sk_"), API_KEY_ID_CHARS};
    use_the_key();
    assert_true(await(files_with(dir, STR(KEY_USED)) > 0, RECOVERY_MS));
    assert_int_equal(tservice_log_count(&stack.service, key, NULL), 0);
    stop_serving(); /* which writes when keys were used */
    assert_true(files_with(stack.redis.dir, STR(CUSTOMER)) > 0);
    assert_true(files_with(sql, STR(CUSTOMER)) > 0);
    assert_int_equal(files_with(dir, id),
                     4); /* keys, when they were used, the log, the key's own */
    assert_int_equal(unlink(key_path), 0);
    check_no_key_in(stack.redis.dir);
    check_no_key_in(sql);
    check_no_key_in(dir);
    write_key(key_path, key);
    serve_again();
    await_ready();
    try_what_is_in(keys);
    assert_true(answers(200));
}

/* --- commands --------------------------------------------------------------------------------- */

static const char *url(void)
{
    return text("http://127.0.0.1:%d", stack.service.port);
}

static void small_commands_send_the_key_of_a_file(void **state)
{
    const char *other = text("%s/other", dir), *sku = new_sku();
    check_command(1, "items", "set", sku, "--on-hand", "4", "--url", url());
    check_said("401 unauthenticated");
    check_command(0, "items", "set", sku, "--on-hand", "4", "--url", url(), "--key-file", key_path);
    check_command(0, "reservations", "list", "--url", url(), "--key-file", key_path);
    key[API_KEY_CHARS - 1] ^= 1;
    write_key(other, key);
    key[API_KEY_CHARS - 1] ^= 1;
    check_command(1, "items", "get", sku, "--url", url(), "--key-file", other);
    check_said("401 unauthenticated");
    assert_null(strstr(command_said, "sk_"));
    assert_int_equal(unlink(other), 0);
    check_command(0, "health", "--ready", "--url", url()); /* takes none */
}

/* Its history and report are passed on. */
static void stockload_sends_it_and_leaves_it_nowhere(void **state)
{
#define LOAD "-n 400 -c 16 --stock 50 --settle 1s"
    struct tload run = {0};
    const char *flags = text(LOAD " --key-file %s", key_path);
    int status = tload_run(&run, stack.service.port, "flash", flags);
    if (status != 0)
        tload_print(&run);
    assert_int_equal(status, 0);
    assert_string_equal(tload_word(&run), "right");
    check_no_key_in(run.dir);
    tload_free(&run);
    assert_int_not_equal(tload_run(&run, stack.service.port, "flash", LOAD), 0);
    tload_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_commands_send_the_key_of_a_file),
        cmocka_unit_test(stockload_sends_it_and_leaves_it_nowhere),
        cmocka_unit_test(a_stolen_backup_has_no_key),
    };
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    snprintf(access_log, sizeof(access_log), "%s/log", dir);
    snprintf(key_path, sizeof(key_path), "%s/key", dir);
    FILE *none = fopen(keys, "wex");
    bool made = none && fputs("stockd-keys 1\n", none) >= 0 && fchmod(fileno(none), 0600) == 0;
    made = none && fclose(none) == 0 && made;
    int failed =
        made ? run_on_both("keys_secret", tests, .redis.aof = TREDIS_AOF_ALWAYS, .begun = begin,
                           .flags = {"--keys-file", keys, "--access-log", access_log})
             : EXIT_FAILURE;
    temp_dir_remove(dir);
    return failed;
}
