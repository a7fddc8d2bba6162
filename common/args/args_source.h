/* args_source.h -- what the sources of options share: environment, file, flags.
 *
 * Layer: common; for args*.c only.
 */
#pragma once

#include "args/args_value.h"
#include "fail.h"

#define ARGS_NAME_MAX  64  /* bytes of a flag or a variable, prefix and _FILE included */
#define ARGS_SHOWN_MAX 100 /* bytes of a value, in a message */

/* What every step of one args_parse needs. */
struct args_reading {
    const struct arg_spec *specs;
    size_t count;
    const char *env_prefix;
    struct arg_list *positional; /* NULL: there may be none */
    const struct arg_spec *only; /* no other row is set; NULL: each is */
    void *config;
    char *err;
    size_t err_size;
    enum arg_from now;   /* what is read from just now */
    enum arg_from *from; /* where each row's value comes from; NULL: nobody asks */
};

#define ARGS_REFUSE(r, ...) fail_with((r)->err, (r)->err_size, __VA_ARGS__)

/* Puts a value into its field. `source` is the flag, the variable or the line as the user knows it.
 * False, with err. */
bool args_store(const struct args_reading *r, const struct arg_spec *spec, const char *source,
                const char *text) MUST_CHECK;

/* Every variable that is set. */
bool args_read_environment(const struct args_reading *r, char *(*env)(const char *name)) MUST_CHECK;

/* STOCKD_BATCH_MAX from batch-max. */
void args_variable_name(char out[ARGS_NAME_MAX], const char *prefix, const char *name,
                        const char *suffix);
