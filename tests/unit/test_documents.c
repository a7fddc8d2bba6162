/* test_documents.c -- what README.md and pages of docs/ list is what the program has: options,
 * metrics, the ledger's schema.
 *
 * Runs in the root of the repository.
 */
#include "buf.h"
#include "command/commands.h"
#include "core/route.h"
#include "ledger/schema.h"
#include "stats.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (1 << 20)
#define WORD_MAX 64

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("no %s: this runs in the root of the repository", path);
    char *text = calloc(1, TEXT_MAX);
    assert_non_null(text);
    assert_true(fread(text, 1, TEXT_MAX - 1, file) < TEXT_MAX - 1);
    fclose(file);
    return text;
}

/* Each name that follows `before` in a text follows `before_there` in another; how many. */
static unsigned names_are_in(const char *text, const char *before, const char *chars,
                             const char *other, const char *before_there)
{
    char wanted[2 * WORD_MAX];
    unsigned count = 0;
    for (const char *at = strstr(text, before); at; at = strstr(at + 1, before)) {
        const char *name = at + strlen(before);
        size_t n = strspn(name, chars);
        if (n == 0)
            continue;
        assert_true(n < WORD_MAX);
        snprintf(wanted, sizeof(wanted), "%s%.*s", before_there, (int)n, name);
        const char *found = strstr(other, wanted);
        while (found && strspn(found + strlen(before_there), chars) != n)
            found = strstr(found + 1, wanted);
        if (!found)
            fail_msg("no \"%s\"", wanted);
        count++;
    }
    return count;
}

#define METRIC "abcdefghijklmnopqrstuvwxyz_"
#define OPTION "abcdefghijklmnopqrstuvwxyz-"

/* --- metrics ---------------------------------------------------------------------------------- */

TEST(every_metric_has_its_row_and_no_other_has)
{
    struct buf out;
    char *docs = read_file("docs/metrics.md");
    struct stats *stats = stats_new(1, route_names(), ROUTES);
    assert_non_null(stats);
    stats_attach(stats, 0, "master");
    buf_init(&out, TEXT_MAX);
    stats_render(stats, &out);
    buf_putc(&out, '\0');
    assert_false(out.failed);
    assert_true(names_are_in((const char *)out.p, "\n# TYPE ", METRIC, docs, "\n| `") > 40);
    assert_true(
        names_are_in(docs, "\n| `stockd_", METRIC, (const char *)out.p, "\n# TYPE stockd_") > 40);
    buf_free(&out);
    stats_free(stats);
    free(docs);
}

/* --- options ---------------------------------------------------------------------------------- */

TEST(every_option_has_its_row_and_no_other_has)
{
    char *help, *docs = read_file("README.md");
    size_t size;
    FILE *out = open_memstream(&help, &size);
    assert_non_null(out);
    cli_print_help(out, &commands_stockd, &command_serve, "stockd serve");
    fclose(out);
    for (char *at = strstr(help, "[no-]"); at; at = strstr(at, "[no-]"))
        memmove(at, at + 5, strlen(at + 5) + 1);
    assert_true(names_are_in(docs, "\n| `--", OPTION, help, "  --") > 25);
    assert_true(names_are_in(help, "  --", OPTION, docs, "\n| `--") > 25);
    free(help);
    free(docs);
}

/* The row of an option in a table: "| `--name VALUE` | `VARIABLE` | default | meaning |". */
static void find_row(const char *docs, const char *name, char row[1024])
{
    char wanted[WORD_MAX];
    size_t n = (size_t)snprintf(wanted, sizeof(wanted), "\n| `--%s", name);
    const char *at = strstr(docs, wanted);
    while (at && at[n] != ' ' && at[n] != '`')
        at = strstr(at + 1, wanted);
    assert_non_null(at);
    snprintf(row, 1024, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
}

TEST(every_option_has_the_variable_and_the_default_of_its_row)
{
    char *docs = read_file("README.md"), row[1024], wanted[WORD_MAX * 2];
    for (const struct arg_spec *spec = config_specs; spec->name; spec++) {
        find_row(docs, spec->name, row);
        int n = snprintf(wanted, sizeof(wanted), "| `STOCKD_%s`", spec->name);
        for (char *c = wanted; *c; c++)
            *c = (char)(*c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        const char *variable = strstr(row, wanted);
        if (!variable)
            fail_msg("--%s: no \"%s\" in %s", spec->name, wanted, row);
        const char *text = spec->default_text;
        if (spec->type == ARG_BOOL)
            snprintf(wanted, sizeof(wanted), " | %s |",
                     text && strcmp(text, "yes") == 0 ? "yes" : "no");
        else
            snprintf(wanted, sizeof(wanted), text ? " | `%s` |" : " |", text);
        if (!strstr(variable + n, wanted))
            fail_msg("--%s: no default \"%s\" in %s", spec->name, wanted, row);
    }
    free(docs);
}

/* --- the ledger ------------------------------------------------------------------------------- */

TEST(the_schema_is_the_last_one)
{
    struct schema_file files[SCHEMA_FILES];
    char *docs = read_file("docs/operations.md"), words[3][128];
    schema_list(files);
    snprintf(words[0], sizeof(words[0]), "The ledger's schema is %d (`sql/%s` came last)",
             SCHEMA_FILES, files[SCHEMA_FILES - 1].name);
    snprintf(words[1], sizeof(words[1]), "this program needs %d`", SCHEMA_FILES);
    snprintf(words[2], sizeof(words[2]), "this program knows up to %d`", SCHEMA_FILES);
    for (int i = 0; i < 3; i++)
        if (!strstr(docs, words[i]))
            fail_msg("docs/operations.md does not say \"%s\"", words[i]);
    free(docs);
}
