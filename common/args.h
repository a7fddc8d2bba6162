/* args.h -- a program's options: one table for defaults, environment, flags, help and log.
 *
 * Layer: common. A row describes one field of the caller's config struct. Later beats earlier:
 * the default, then the environment (`--batch-max` is STOCKD_BATCH_MAX), then the flag; within one
 * source the last one wins. args_parse owns the strings it stores, args_free gives them back.
 *
 *   --name VALUE   --name=VALUE       every type but ARG_BOOL
 *   --name   --no-name   --name=yes   ARG_BOOL
 *   -n VALUE   -nVALUE   -qv          rows with a short name; switches may be written together
 *   PREFIX_NAME_FILE=path             secret rows: the value is what the file holds
 *
 * An empty variable counts as not set: compose files write them so. A list does not replace, it
 * grows: default, environment, each flag. Positional arguments are refused unless the caller has a
 * list for them; then "--" says that only such follow. Invariant: after ARGS_OK every row's field
 * holds a value its row allows, or nothing (see default_text).
 */
#ifndef COMMON_ARGS_H
#define COMMON_ARGS_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ARGS_ERR_SIZE 512 /* holds every message of this module; values are cut */

/* The type of an option, and of its field. */
enum arg_type {
    ARG_STRING,      /* char *, NULL when there is neither default nor value */
    ARG_INT,         /* int64_t, within min..max */
    ARG_COUNT,       /* int64_t, "10k" is 10,000, within min..max */
    ARG_DURATION_MS, /* int64_t, "10s", within min..max milliseconds */
    ARG_SIZE,        /* int64_t, "64k" is 65,536, within min..max bytes */
    ARG_BOOL,        /* bool */
    ARG_ENUM,        /* int, the index into choices */
    ARG_NUMBER,      /* double, "0.5" or "50%", within number_min..number_max */
    ARG_LIST,        /* struct arg_list, one more text each time */
    ARG_REFUSED, /* no field: whoever gives it reads `help`; not shown, not in the environment */
};

/* Texts in the order in which they were given. */
struct arg_list {
    char **text;
    size_t n;
};

struct arg_spec {
    const char *name; /* "batch-max": [a-z0-9-] */
    enum arg_type type;
    size_t offset;              /* offsetof(struct config, batch_max) */
    int64_t min, max;           /* numbers only; 0, 0 means from 0 to INT64_MAX */
    const char *const *choices; /* ARG_ENUM only; ends in NULL */
    const char *default_text;   /* as a user would write it; NULL for none: NULL, false, 0, an empty
                                 * list, NAN for ARG_NUMBER; an ARG_ENUM has one */
    const char *metavar;        /* "URL"; NULL for a name that fits the type */
    const char *help;           /* one sentence */
    bool secret;                /* never shown; may come from a file */
    char short_name;            /* 'b' for -b; 0 for none; 'h' is taken by help */
    double number_min;          /* ARG_NUMBER only */
    double number_max;          /* 0, 0 means from 0 to infinity */
};

enum args_result {
    ARGS_OK,
    ARGS_HELP,  /* -h or --help was given: print help, exit 0 */
    ARGS_USAGE, /* err says what is wrong and what would be right */
};

/* Fills config. argv[0] is skipped. env is getenv, or a test's own, or NULL for no environment;
 * env_prefix is "STOCKD_". Positional arguments go to `positional`; NULL refuses them. On ARGS_OK
 * the caller calls args_free, and args_list_free for `positional`, once; otherwise there is nothing
 * to free. */
enum args_result args_parse(const struct arg_spec *specs, size_t count, const char *env_prefix,
                            int argc, char *const *argv, char *(*env)(const char *name),
                            struct arg_list *positional, void *config, char *err, size_t err_size)
    __attribute__((warn_unused_result));

/* Appends a copy of the text. False when there is no memory. */
bool args_list_add(struct arg_list *list, const char *text) __attribute__((warn_unused_result));
void args_list_free(struct arg_list *list);

/* Frees the strings and lists of config. */
void args_free(const struct arg_spec *specs, size_t count, void *config);

/* One line or two per option: flag, meaning, default, variable; help itself comes last. */
void args_print_help(FILE *out, const struct arg_spec *specs, size_t count, const char *env_prefix);

/* The lines of one option, for help in groups. */
void args_print_option(FILE *out, const struct arg_spec *spec, const char *env_prefix);

/* Appends the values in force as "name=value name=value", secrets and passwords masked. */
void args_describe(const struct arg_spec *specs, size_t count, const void *config, struct buf *out);

/* Appends a URL with its password masked: "redis://app:***@host". For logs and messages. */
void args_put_url(struct buf *out, const char *url);

#endif
