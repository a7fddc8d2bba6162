/* args_config.h -- options from a file: the same names as the flags have.
 *
 * Layer: common; for args.c only. What the lines look like is config_file.h's.
 */
#pragma once

#include "args/args_source.h"

/* Each name is given once (those that take a list as often as one likes) and is known. `elsewhere`
 * finds rows of the program's other commands, which may have their values in the same file: their
 * names are taken, their values are theirs. False, with err. On true err may hold a warning. */
bool args_read_config(const struct args_reading *r, const char *path,
                      const struct arg_spec *(*elsewhere)(const void *program, const char *name),
                      const void *program) MUST_CHECK;
