/* about.h -- what the processes of a service know and its port tells (http/builtin/about.h): made
 * by the master before the first fork, read by the workers.
 */
#pragma once

#include "args/args.h"
#include "process/process.h"

/* Fills shared->about; from: where the value of each row of config_specs comes from. The address of
 * Redis must be known. False: out of memory. */
bool about_make(struct shared_state *shared, const enum arg_from *from) MUST_CHECK;
void about_free(struct shared_state *shared);
