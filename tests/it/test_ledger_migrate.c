/* test_ledger_migrate.c -- the files of the schema are applied in order, each once and in whole, by
 * whoever comes first; what does not follow is refused. */
#include "support/fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- migrations ------------------------------------------------------------------------------- */

static void migrating_twice_changes_nothing(void **state)
{
    struct migrate_report first, second;
    struct db *db = base_open(bases_fresh(&bases, engine_of(state)));
    base_migrate(db, &first);
    assert_int_equal(first.before, 0);
    assert_int_equal(first.after, SCHEMA_FILES);
    assert_int_equal(strlen(first.ledger_id), LEDGER_ID_SIZE - 1);
    base_migrate(db, &second);
    assert_int_equal(second.before, SCHEMA_FILES);
    assert_int_equal(second.after, SCHEMA_FILES);
    assert_string_equal(second.ledger_id, first.ledger_id);
    db_close(db);
    assert_int_equal(sql_int("SELECT schema_version FROM ledger_meta"), SCHEMA_FILES);
}

static void a_part_of_the_files_goes_on_later(void **state)
{
    struct migrate_report report;
    struct schema_file files[SCHEMA_FILES];
    struct db *db = base_open(bases_fresh(&bases, engine_of(state)));
    schema_list(files);
    assert_int_equal(migrate_run(db, files, 3, 1, &report), MIGRATE_DONE);
    assert_int_equal(report.after, 3);
    base_migrate(db, &report);
    assert_int_equal(report.before, 3);
    assert_int_equal(report.after, SCHEMA_FILES);
    db_close(db);
}

static void migrating_at_once_applies_each_file_once(void **state)
{
    enum { MIGRATORS = 4 };
    const char *url = bases_fresh(&bases, engine_of(state));
    pid_t pids[MIGRATORS];
    for (int i = 0; i < MIGRATORS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            struct migrate_report report;
            base_migrate(base_open(url), &report);
            _exit(0);
        }
    }
    for (int i = 0; i < MIGRATORS; i++) {
        int status = 1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM schema_migrations"), SCHEMA_FILES);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM ledger_meta"), 1);
}

static void a_newer_schema_is_refused(void **state)
{
    char right[64];
    struct migrate_report report;
    struct schema_file files[SCHEMA_FILES];
    struct db *db = bases_ledger(&bases, engine_of(state));
    schema_list(files);
    assert_int_equal(migrate_run(db, files, SCHEMA_FILES - 1, 1, &report), MIGRATE_NEWER);
    snprintf(right, sizeof(right), "has schema %d, this program knows up to %d", SCHEMA_FILES,
             SCHEMA_FILES - 1);
    assert_non_null(strstr(report.why, right));
    db_close(db);
}

static void a_changed_file_is_refused(void **state)
{
    char text[8192];
    struct migrate_report report;
    struct schema_file files[SCHEMA_FILES];
    struct db *db = base_open(bases_fresh(&bases, engine_of(state)));
    schema_list(files);
    assert_int_equal(migrate_run(db, files, 3, 1, &report), MIGRATE_DONE);
    assert_true(files[1].text.n < sizeof(text));
    memcpy(text, files[1].text.p, files[1].text.n);
    text[3] ^= 1;
    files[1].text.p = text;
    assert_int_equal(migrate_run(db, files, SCHEMA_FILES, 1, &report), MIGRATE_CHANGED);
    assert_non_null(strstr(report.why, "0002_checkpoints.sql"));
    db_close(db);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM schema_migrations"), 3);
}

static void a_failing_file_leaves_those_before(void **state)
{
    struct migrate_report report;
    struct schema_file files[SCHEMA_FILES];
    struct db *db = base_open(bases_fresh(&bases, engine_of(state)));
    schema_list(files);
    files[2].text = STR("CREATE TABLE half (n bigint); CREATE TABEL other (n bigint);");
    assert_int_equal(migrate_run(db, files, SCHEMA_FILES, 1, &report), MIGRATE_DB);
    assert_int_equal(report.db, DB_WRONG);
    assert_int_equal(report.after, 2);
    db_close(db);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM schema_migrations"), 2);
    sql_run("CREATE TABLE half (n bigint)");
}

/* The files in the tree are those in the program, in the order of their numbers. */
static void the_program_has_every_file(void **state)
{
    struct schema_file files[SCHEMA_FILES];
    struct dirent **entries = NULL;
    int count = scandir("sql", &entries, NULL, alphasort), sql = 0;
    schema_list(files);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        size_t n = strlen(entries[i]->d_name);
        if (n > 4 && strcmp(entries[i]->d_name + n - 4, ".sql") == 0) {
            assert_true(sql < SCHEMA_FILES);
            assert_string_equal(entries[i]->d_name, files[sql++].name);
        }
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(sql, SCHEMA_FILES);
}

static void the_command_migrates(void **state)
{
    const char *url = bases_fresh(&bases, engine_of(state));
    check_command(0, "migrate", "--ledger", url);
    check_command(0, "migrate", "--ledger", url);
    check_command(64, "migrate");
    check_command(64, "migrate", "--ledger", url, "--wrong");
    check_command(1, "migrate", "--ledger", "mysql://x");
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM schema_migrations"), SCHEMA_FILES);
    assert_int_equal(base_script(url, "INSERT INTO schema_migrations VALUES (99, 'x', 'y', 1)"),
                     DB_OK);
    check_command(1, "migrate", "--ledger", url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(migrating_twice_changes_nothing),
        ON_BOTH(a_part_of_the_files_goes_on_later),
        ON_BOTH(migrating_at_once_applies_each_file_once),
        ON_BOTH(a_newer_schema_is_refused),
        ON_BOTH(a_changed_file_is_refused),
        ON_BOTH(a_failing_file_leaves_those_before),
        PLAIN_TEST(the_program_has_every_file),
        ON_BOTH(the_command_migrates),
    };
    return run_each("ledger migrate", tests);
}
