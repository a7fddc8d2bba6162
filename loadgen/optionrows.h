/* optionrows.h -- the table of all flags of stockload, and which command takes which.
 *
 * Layer: loadgen; a part of options.h, for options.c only.
 */
#ifndef LOADGEN_OPTIONROWS_H
#define LOADGEN_OPTIONROWS_H

#include "args.h"
#include "options.h"

#define OPTION_ROWS_MAX 80
#define OPTION_ENV      "STOCKLOAD_"

struct option_row {
    unsigned commands; /* bits 1 << enum command */
    struct arg_spec spec;
};

/* Fills specs with the table for one command and returns its length. Flags of other commands are in
 * it as ARG_REFUSED, so that the message says where they belong. */
size_t option_specs(enum command command, struct arg_spec specs[OPTION_ROWS_MAX]);

/* The flags of a command in groups with titles. */
void option_rows_print(FILE *out, enum command command);

#endif
