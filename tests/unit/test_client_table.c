/* test_client_table.c -- tables of the small commands: columns, widths, and what data may not do.
 */
#include "command/client/table.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = {
    {.title = "SKU"},
    {.title = "HELD", .number = true},
    {.title = "CUSTOMER", .may_cut = true, .drop = 1},
    {.title = "UPDATED", .drop = 2},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

struct row {
    const char *sku;
    int64_t held;
    const char *customer, *updated;
};

/* The table as text; the caller frees it. */
static char *print(const struct row *rows, size_t count, unsigned width)
{
    char *text;
    size_t size;
    struct table table;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    table_init(&table, out, columns, COLUMNS, width);
    for (size_t i = 0; i < count; i++) {
        table_put(&table, str_of(rows[i].sku));
        table_put_number(&table, rows[i].held);
        table_put(&table, str_of(rows[i].customer));
        table_put(&table, str_of(rows[i].updated));
    }
    assert_int_equal(table_print(&table), 0);
    table_free(&table);
    fclose(out);
    return text;
}

static void check(const struct row *rows, size_t count, unsigned width, const char *expected)
{
    char *text = print(rows, count, width);
    assert_string_equal(text, expected);
    free(text);
}

TEST(columns_stand_under_one_another_and_numbers_to_the_right)
{
    static const struct row rows[] = {{"apple", 5, "c-1", "today"},
                                      {"pear", -12345, NULL, "yesterday"}};
    check(rows, 2, 0,
          "SKU      HELD  CUSTOMER  UPDATED\n"
          "apple       5  c-1       today\n"
          "pear   -12345  -         yesterday\n");
}

TEST(without_rows_there_are_titles)
{
    check(NULL, 0, 0, "SKU  HELD  CUSTOMER  UPDATED\n");
}

TEST(characters_count_as_wide_as_terminals_show_them)
{
    static const struct row rows[] = {{"a", 1, "Łódź", "x"},
                                      {"b", 2, "山田", "x"},
                                      {"c", 3, "e\xcc\x81", "x"},
                                      {"d", 4, "", "x"}};
    check(rows, 4, 0,
          "SKU  HELD  CUSTOMER  UPDATED\n"
          "a       1  Łódź      x\n"
          "b       2  山田      x\n"
          "c       3  e\xcc\x81         x\n"
          "d       4            x\n");
}

TEST(data_ends_no_line_and_moves_no_cursor)
{
    static const struct row rows[] = {{"a\nb\x1b[2J", 1, "\xff\x7f", "\xe2\x80\xae"}};
    check(rows, 1, 0,
          "SKU            HELD  CUSTOMER  UPDATED\n"
          "a\\x0ab\\x1b[2J     1  \\xff\\x7f  \\xe2\\x80\\xae\n");
}

TEST(a_narrow_terminal_cuts_texts_and_then_leaves_columns_out)
{
    static const struct row rows[] = {
        {"apple-of-some-length", 7, "a customer with a very long name", "2026"}};
    check(rows, 1, 80,
          "SKU                   HELD  CUSTOMER                          UPDATED\n"
          "apple-of-some-length     7  a customer with a very long name  2026\n");
    check(rows, 1, 50,
          "SKU                   HELD  CUSTOMER       UPDATED\n"
          "apple-of-some-length     7  a customer w…  2026\n");
    check(rows, 1, 45,
          "SKU                   HELD  CUSTOMER\n"
          "apple-of-some-length     7  a customer with …\n");
    check(rows, 1, 30,
          "SKU                   HELD\n"
          "apple-of-some-length     7\n");
    check(rows, 1, 5,
          "SKU                   HELD\n"
          "apple-of-some-length     7\n");
}

TEST(no_line_is_wider_than_the_terminal_while_something_can_give_way)
{
    static const struct row rows[] = {{"a", 1, "山田太郎山田太郎山田太郎山田太郎", "2026-11-22"}};
    for (unsigned width = 9; width < 70; width++) {
        char *text = print(rows, 1, width);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
            unsigned columns_shown = 0;
            for (const char *c = line; *c; c++) /* each of these is two columns and three bytes */
                columns_shown += (unsigned char)*c < 0x80             ? 1
                                 : strncmp(c, "…", 3) == 0            ? 1
                                 : ((unsigned char)*c & 0xc0) != 0x80 ? 2
                                                                      : 0;
            if (columns_shown > width)
                fail_msg("%u columns of %u: %s", columns_shown, width, line);
        }
        free(text);
    }
}

TEST(a_list_longer_than_a_block_has_its_titles_once_and_all_rows)
{
    char *text;
    size_t size, lines = 0;
    struct table table;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    table_init(&table, out, columns, 2, 0);
    for (int i = 0; i < 2 * TABLE_ROWS + 5; i++) {
        table_put(&table, STR("sku"));
        table_put_number(&table, i);
    }
    assert_int_equal(table_print(&table), 0);
    table_free(&table);
    fclose(out);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 2 * TABLE_ROWS + 6);
    assert_null(strstr(text + 1, "SKU"));
    assert_non_null(strstr(text, "20004\n"));
    free(text);
}

TEST(a_cell_of_megabytes_is_cut)
{
    size_t n = 4 * 1024 * 1024;
    char *text, *long_text = calloc(1, n + 1);
    size_t size;
    struct table table;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(long_text);
    assert_non_null(out);
    memset(long_text, '\x01', n);
    table_init(&table, out, columns, 1, 0);
    table_put(&table, (struct str){long_text, n});
    assert_int_equal(table_print(&table), 0);
    table_free(&table);
    fclose(out);
    assert_in_range(size, 1000, 100 * 1000);
    free(long_text);
    free(text);
}

TEST(what_cannot_be_written_is_told)
{
    struct table table;
    FILE *out = fopen("/dev/full", "we");
    if (!out)
        skip();
    setvbuf(out, NULL, _IONBF, 0);
    table_init(&table, out, columns, 1, 0);
    table_put(&table, STR("a"));
    assert_true(table_print(&table) < 0);
    table_free(&table);
    fclose(out);
}
