/* argset.h -- the values of options: from text into a field, and out of memory again.
 *
 * Layer: common; a part of args.h, for args.c only. Says nothing about where a text came from.
 */
#ifndef COMMON_ARGSET_H
#define COMMON_ARGSET_H

#include "args.h"

#define ARGS_WHY_SIZE 256

/* Makes the field hold nothing, whatever was in it. */
void args_clear(const struct arg_spec *spec, void *config);

/* The one place that writes a field. False with in `why` what is wrong with the text and what would
 * be right; the text itself is not repeated there. */
bool args_set(const struct arg_spec *spec, const char *text, void *config, char *why, size_t size)
    __attribute__((warn_unused_result));

#endif
