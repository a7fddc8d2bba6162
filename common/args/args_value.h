/* args_value.h -- what an option is, and its value: from text into a field, and out of memory
 * again.
 *
 * Layer: common, the lower half of args.h, which says who owns what. args_clear and args_set are
 * for args.c only. Says nothing about where a text came from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARGS_WHY_SIZE 256

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
    ARG_CONFIG,      /* char *: a file with values for all others; one row of a table at the most */
    ARG_REFUSED, /* no field: whoever gives it reads `help`; not shown, not in the environment */
};

/* Where the value of an option comes from; of a list, where its last text does. */
enum arg_from { ARG_FROM_DEFAULT, ARG_FROM_FILE, ARG_FROM_ENVIRONMENT, ARG_FROM_FLAG };

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
    const char *group;          /* the title over it in help; NULL: that of the row before */
    bool secret;                /* never shown; may come from a file */
    bool flag_only;             /* meant for one call: no variable, no line in a file */
    char short_name;            /* 'b' for -b; 0 for none; 'h' is taken by help */
    double number_min;          /* ARG_NUMBER only */
    double number_max;          /* 0, 0 means from 0 to infinity */
};

/* Makes the field hold nothing, whatever was in it. */
void args_clear(const struct arg_spec *spec, void *config);

/* The one place that writes a field. False with in `why` what is wrong with the text and what would
 * be right; the text itself is not repeated there. */
bool args_set(const struct arg_spec *spec, const char *text, void *config, char *why,
              size_t size) MUST_CHECK;

/* A whole number in the unit of its row, as args_set has it for the types that are int64_t. */
bool args_parse_integer(const struct arg_spec *spec, const char *text, int64_t *value, char *why,
                        size_t size) MUST_CHECK;

/* Appends a copy of the text. False when there is no memory. */
bool args_list_add(struct arg_list *list, const char *text) MUST_CHECK;
void args_list_free(struct arg_list *list);

/* Frees the strings and lists of config. */
void args_free(const struct arg_spec *specs, size_t count, void *config);
