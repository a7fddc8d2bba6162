/* test_help.c -- what both programs print of themselves: help of every command, completions and
 * manual pages name what there is, and fit.
 */
#include "cli/completion.h"
#include "cli/man.h"
#include "cli/walk.h"
#include "command/commands.h"
#include "commands.h"
#include "paragraph.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

/* --- paragraphs ------------------------------------------------------------------------------- */

static char *text;
static size_t text_size;

static struct paragraph open_paragraph(unsigned width)
{
    struct paragraph p = {.out = open_memstream(&text, &text_size), .width = width};
    assert_non_null(p.out);
    return p;
}

static void check_text(struct paragraph *p, const char *expected)
{
    fclose(p->out);
    assert_string_equal(text, expected);
    free(text);
}

TEST(words_are_put_into_lines_that_fit)
{
    struct paragraph p = open_paragraph(10);
    paragraph_print(&p, 2, "one two three\nfour  five");
    check_text(&p, "  one two\n  three\n  four\n  five\n");
    p = open_paragraph(10);
    paragraph_print(&p, 0, "a word-that-is-too-wide b\n  stays as it is, as wide as that");
    check_text(&p, "a\nword-that-is-too-wide\nb\n  stays as it is, as wide as that\n");
    p = open_paragraph(9);
    paragraph_print(&p, 0, "ä€ä€ ä€ä€"); /* four columns each */
    check_text(&p, "ä€ä€ ä€ä€\n");
}

TEST(a_list_has_two_columns)
{
    struct paragraph p = open_paragraph(16);
    paragraph_begin(&p, 2);
    paragraph_strong(&p, "ab");
    paragraph_indent(&p, 8);
    paragraph_text(&p, "one two three");
    paragraph_end(&p);
    paragraph_begin(&p, 2);
    paragraph_strong(&p, "a long name");
    paragraph_indent(&p, 8);
    paragraph_text(&p, "one");
    paragraph_end(&p);
    check_text(&p, "  ab    one two\n        three\n  a long name\n        one\n");
}

TEST(colour_takes_no_columns)
{
    struct paragraph p = open_paragraph(6);
    p.colour = true;
    paragraph_begin(&p, 0);
    paragraph_strong(&p, "ab");
    paragraph_text(&p, "cde f");
    paragraph_end(&p);
    check_text(&p, "\033[1mab\033[0m cde\nf\n");
}

/* --- what the programs print ------------------------------------------------------------------ */

/* Goes to a text of its own for each command. */
struct listing {
    void (*check)(const char *text, const struct walk_stop *stop);
    char *text; /* of the whole program; NULL: help of each command */
    unsigned stops;
};

static void visit(void *user, const struct walk_stop *stop)
{
    struct listing *listing = user;
    char *help = NULL;
    size_t n;
    if (!listing->text) {
        FILE *out = open_memstream(&help, &n);
        assert_non_null(out);
        cli_print_help(out, stop->program, stop->command, stop->path);
        fclose(out);
    }
    listing->check(help ? help : listing->text, stop);
    listing->stops++;
    free(help);
}

static void check_both(void (*print)(FILE *out, const struct cli_program *program),
                       void (*check)(const char *text, const struct walk_stop *stop))
{
    const struct cli_program *const programs[] = {&commands_stockd, commands_stockload()};
    for (int i = 0; i < 2; i++) {
        struct listing listing = {.check = check};
        size_t n;
        if (print) {
            FILE *out = open_memstream(&listing.text, &n);
            assert_non_null(out);
            print(out, programs[i]);
            fclose(out);
        }
        walk_commands(programs[i], visit, &listing);
        assert_true(listing.stops > 8);
        free(listing.text);
    }
}

static void check_contains(const char *where, const struct walk_stop *stop, const char *before,
                           const char *name)
{
    char wanted[128];
    snprintf(wanted, sizeof(wanted), "%s%s", before, name);
    if (!strstr(where, wanted))
        fail_msg("%s: there is no \"%s\"", stop->path, wanted);
}

static void check_names(const char *where, const struct walk_stop *stop, const char *before)
{
    for (size_t i = 0; stop->command && i < stop->spec_count; i++)
        check_contains(where, stop, before, stop->specs[i].name);
    for (size_t i = 0; i < stop->below_count; i++)
        check_contains(where, stop, "", stop->below[i]->name);
}

static void check_help(const char *help, const struct walk_stop *stop)
{
    for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 80)
            fail_msg("%s: wider than 80 columns: %.*s", stop->path, (int)strcspn(line, "\n"), line);
    for (size_t i = 0; stop->command && i < stop->spec_count; i++)
        check_contains(help, stop, stop->specs[i].type == ARG_BOOL ? "--[no-]" : "--",
                       stop->specs[i].name);
    for (size_t i = 0; i < stop->below_count; i++)
        check_contains(help, stop, "\n  ", stop->below[i]->name);
    assert_non_null(strstr(help, "\n  -V, --version\n"));
    assert_non_null(strstr(help, "\nExit status:\n"));
}

TEST(help_of_every_command_fits_80_columns_and_names_all)
{
    check_both(NULL, check_help);
}

static void check_long(const char *where, const struct walk_stop *stop)
{
    check_names(where, stop, "--");
}

static void check_fish(const char *where, const struct walk_stop *stop)
{
    check_names(where, stop, "-l ");
}

TEST(completions_name_all)
{
    check_both(completion_print_bash, check_long);
    check_both(completion_print_zsh, check_long);
    check_both(completion_print_fish, check_fish);
}

static void print_man(FILE *out, const struct cli_program *program)
{
    man_print_program(out, program, 0);
}

static void print_config(FILE *out, const struct cli_program *program)
{
    man_print_config(out, program, 0);
}

/* As roff has it: a dash of an option is no hyphen. */
static void check_roff(const char *where, const struct walk_stop *stop, const char *before,
                       const struct arg_spec *spec)
{
    char wanted[256];
    size_t n = (size_t)snprintf(wanted, sizeof(wanted), "%s", before);
    for (const char *c = spec->name; *c; c++)
        n += (size_t)snprintf(wanted + n, sizeof(wanted) - n, "%s%c", *c == '-' ? "\\" : "", *c);
    check_contains(where, stop, wanted, "");
}

static void check_man(const char *page, const struct walk_stop *stop)
{
    for (size_t i = 0; stop->command && i < stop->spec_count; i++)
        check_roff(page, stop, stop->specs[i].type == ARG_BOOL ? "\\-\\-[no\\-]" : "\\-\\-",
                   &stop->specs[i]);
    if (stop->command)
        check_contains(page, stop, ".SS \\fB", stop->path);
}

static void check_conf(const char *page, const struct walk_stop *stop)
{
    for (size_t i = 0; stop->command && i < stop->spec_count; i++) {
        const struct arg_spec *spec = &stop->specs[i];
        if (spec->type != ARG_CONFIG && !spec->flag_only)
            check_roff(page, stop, "\n.B ", spec);
    }
}

TEST(manual_pages_name_all)
{
    check_both(print_man, check_man);
    check_both(print_config, check_conf);
}
