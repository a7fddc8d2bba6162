/* args.h -- a program's options: one table for defaults, file, environment, flags, help and log.
 *
 * Layer: common. A row describes one field of the caller's config struct. Later beats earlier: the
 * default, then the file that the row of type ARG_CONFIG names, then the environment (`--batch-max`
 * is STOCKD_BATCH_MAX), then the flag; of flags the last one wins. args_parse owns the strings it
 * stores, args_free gives them back.
 *
 *   --name VALUE   --name=VALUE       every type but ARG_BOOL
 *   --name   --no-name   --name=yes   ARG_BOOL
 *   -n VALUE   -nVALUE   -qv          rows with a short name; switches may be written together
 *   PREFIX_NAME_FILE=path             secret rows: the value is what the file holds
 *
 * An empty variable counts as not set: compose files write them so. A list does not replace, it
 * grows: default, file, environment, each flag. Positional arguments are refused unless the caller
 * has a list for them; then "--" says that only such follow. Invariant: after ARGS_OK every row's
 * field holds a value its row allows, or nothing (see default_text).
 */
#pragma once

#include "args/args_value.h"
#include "buf.h"
#include "paragraph.h"

#include <stddef.h>

#define ARGS_ERR_SIZE 512 /* holds every message of this module; values are cut */

enum args_result {
    ARGS_OK,
    ARGS_HELP,    /* -h or --help was given: print help, exit 0 */
    ARGS_VERSION, /* -V or --version was given: print it, exit 0 */
    ARGS_USAGE,   /* err says what is wrong and what would be right */
};

/* Whether a word asks for help or the version instead of anything else; ARGS_OK: it does not. */
enum args_result args_asks(const char *word);

/* Where values come from. */
struct args_input {
    int argc; /* argv[0] is skipped */
    char *const *argv;
    char *(*env)(const char *name); /* getenv, or a test's own; NULL: no environment */
    const char *env_prefix;         /* "STOCKD_" */
    struct arg_list *positional;    /* where they go; NULL refuses them */
    /* Finds a row of another command, whose values may stand in the same file. NULL: there is none.
     */
    const struct arg_spec *(*elsewhere)(const void *program, const char *name);
    const void *program;
    /* Becomes where each row's value comes from: room for as many as there are rows, or NULL. */
    enum arg_from *from;
};

/* "default", "file", "environment", "flag". */
const char *args_from_name(enum arg_from from);

/* Fills config. On ARGS_OK the caller calls args_free, and args_list_free for `positional`, once,
 * and err is empty or a warning to be shown; otherwise there is nothing to free. */
enum args_result args_parse(const struct arg_spec *specs, size_t count, const struct args_input *in,
                            void *config, char *err, size_t err_size) MUST_CHECK;

#define ARGS_COMMON "Every command" /* the group of help and version */

/* Each option's flag, meaning, default and variable, under the titles of their groups; help and
 * version come last. */
void args_print_help(struct paragraph *out, const struct arg_spec *specs, size_t count,
                     const char *env_prefix);

/* The parts of it: "-p, --processes N"; what it means, its default and, unless env_prefix is NULL,
 * its variable; "N". */
void args_put_names(struct buf *out, const struct arg_spec *spec);
void args_put_meaning(struct buf *out, const struct arg_spec *spec, const char *env_prefix);
const char *args_metavar(const struct arg_spec *spec);

/* Once they were read: puts asterisks over the secrets among the words of the command line, which
 * everybody on the machine can list, and takes those in the environment out of it, so that programs
 * that are run do not get them. */
void args_hide_words(const struct arg_spec *specs, size_t count, int argc, char *const *argv);
void args_hide_environment(const struct arg_spec *specs, size_t count, const char *env_prefix);

/* Appends the values in force as "name=value name=value", as they are typed, secrets and passwords
 * masked. What has no value is left out. */
void args_describe(const struct arg_spec *specs, size_t count, const void *config, struct buf *out);

/* The same of one row, its value alone; nothing where it has none. */
void args_put_value(const struct arg_spec *spec, const void *config, struct buf *out);

/* Appends a URL with its password masked: "redis://app:***@host". For logs and messages. */
void args_put_url(struct buf *out, const char *url);
