/* clean.h -- `stockload clean`, and the end of `run --clean`: items that runs made are removed.
 *
 * Layer: loadgen. What is held of them is released before: the service's ledger lists it, and of a
 * run that has just ended its history does where there is no ledger. The history is only read.
 */
#pragma once

#include "options.h"

/* EXITS_RIGHT: nothing is left; EXITS_UNKNOWN: something is; EXITS_INTERNAL: the service is out of
 * reach, or refuses. */
int clean_command(const struct options *options) MUST_CHECK;

/* Removes what one run made, and says on standard error what became of that. stop: asked now and
 * then; true ends it. */
void clean_run(const struct options *options, const char *history, bool (*stop)(void *ctx));
