/* completion.h -- scripts by which shells complete a program's command line, made from its table.
 *
 * Layer: common. Each script stands alone. completion_<shell>.c has the words of one shell;
 * completion.c what they share.
 */
#pragma once

#include "cli/walk.h"

void completion_print_bash(FILE *out, const struct cli_program *program);
void completion_print_zsh(FILE *out, const struct cli_program *program);
void completion_print_fish(FILE *out, const struct cli_program *program);

/* --- for these only --------------------------------------------------------------------------- */

/* What follows an option. */
enum completion_value {
    COMPLETION_NONE, /* it is a switch */
    COMPLETION_TEXT, /* nobody knows */
    COMPLETION_CHOICE,
    COMPLETION_FILE,
    COMPLETION_FOLDER,
};
enum completion_value completion_value(const struct arg_spec *spec);

/* Its --no-NAME is worth offering. */
bool completion_negatable(const struct arg_spec *spec);

/* The text up to where its first sentence or clause ends. */
struct str completion_gist(const char *text);

/* Writes the text with a backslash before each of `marks`, and as a word in single quotes of a
 * POSIX shell: the quotes around it are the caller's. */
void completion_put_quoted(FILE *out, struct str text, const char *marks);
