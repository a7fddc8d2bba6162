/* test_report_csv.c -- the attempts of real histories as CSV, read back strictly. */
#include "support/report_case.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS  20
#define ROWS_MAX 32

static struct {
    size_t rows;
    char cell[ROWS_MAX][COLUMNS][256];
} table;

/* Reads RFC 4180 strictly: anything that is not exactly that fails the test. */
static void parse_csv(const char *p)
{
    memset(&table, 0, sizeof table);
    while (*p) {
        assert_true(table.rows < ROWS_MAX);
        for (size_t column = 0; column < COLUMNS; column++) {
            char *to = table.cell[table.rows][column];
            bool quoted = *p == '"';
            for (p += quoted; quoted ? *p != '"' || p[1] == '"' : !strchr(",\r\n", *p); p++) {
                assert_true(*p != '\0');
                assert_true(quoted || *p != '"');
                assert_true((size_t)(to - table.cell[table.rows][column]) < 255);
                *to++ = *p;
                p += quoted && *p == '"';
            }
            p += quoted;
            if (column + 1 < COLUMNS)
                assert_int_equal(*p++, ',');
        }
        assert_int_equal(strncmp(p, "\r\n", 2), 0);
        p += 2;
        table.rows++;
    }
}

static void csv_of(enum sample sample)
{
    struct run *run = run_make(sample);
    char *text = write_one(report_csv, &run->report);
    parse_csv(text);
    free(text);
    run_free(run);
}

static void assert_row(size_t row, const char *wanted)
{
    char line[1024] = "";
    for (size_t i = 0; i < COLUMNS; i++) {
        strcat(line, i ? "|" : "");
        strcat(line, table.cell[row][i]);
    }
    assert_string_equal(line, wanted);
}

TEST(there_is_one_row_for_each_line_of_each_attempt)
{
    csv_of(RIGHT);
    assert_row(0,
               "inv_ns|sched_ns|send_ns|resp_ns|worker|client|seq|attempt|op|line|sku|qty|status|"
               "outcome|detail|version|remaining|reservation|replayed|phase");
    assert_int_equal(table.rows, 1 + 1 + 3 + 3 + 1 + 1 + 1 + 1 + 1 + 1);
    assert_row(1, "5000|5000|5000|9000|0|0|0|1|put|1|it-0|100|201|ok||1|100||false|setup");
    assert_row(2, "1010000000|1010000000|1010000000|1011500000|0|3|0|1|reserve|1|it-0|2||unknown|"
                  "reset|||res-1|false|load");
    assert_row(7,
               "1010000000|1011500000|1012000000|1013500000|0|3|0|2|reserve|3|it-7|5|201|ok|held|2|"
               "95|res-1|true|load");
    for (size_t i = 8; i < table.rows; i++) {
        if (strcmp(table.cell[i][8], "confirm") == 0)
            assert_string_equal(table.cell[i][17], "res-1");
        if (strcmp(table.cell[i][8], "get-reservation") == 0) {
            assert_string_equal(table.cell[i][9], "");
            assert_string_equal(table.cell[i][10], "");
            assert_string_equal(table.cell[i][17], "res-1");
        }
        if (strcmp(table.cell[i][19], "settle") == 0)
            assert_string_equal(table.cell[i][4], ""); /* the parent is no worker */
    }
}

TEST(an_attempt_that_never_ended_has_no_response_time)
{
    size_t found = 0;
    csv_of(RIGHT);
    for (size_t i = 1; i < table.rows; i++)
        found += table.cell[i][3][0] == '\0';
    assert_int_equal(found, 1);
}

TEST(hostile_text_stays_in_its_field)
{
    csv_of(HOSTILE);
    assert_int_equal(table.rows, 14);
    assert_string_equal(table.cell[2][17],
                        "a\"b,c\\x0ad\\x0de\\x1b[31m\\x7f\\xff\xc3\xa9\\xe2\\x80\\xae<&>");
    assert_ptr_equal(strstr(table.cell[1][10], "a\"b,c\\x0ad"), table.cell[1][10]);
}

TEST(long_ids_are_put_together_again)
{
    char id[HISTORY_ID_MAX + 1];
    for (size_t i = 0; i < HISTORY_ID_MAX; i++)
        id[i] = (char)('a' + i % 26);
    id[HISTORY_ID_MAX] = '\0';
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    struct history_facts facts = history_sample_facts();
    history_sample_begin(&run->file, &facts);
    run_add_attempts(run, id);
    history_sample_read(&run->file);
    run->report.history = &run->file.reader;
    char *text = write_one(report_csv, &run->report);
    parse_csv(text);
    assert_string_equal(table.cell[2][17], id);
    free(text);
    history_sample_end(&run->file);
    free(run);
}
