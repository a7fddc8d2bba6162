/* master.h -- the parent of all processes of `stockd serve`.
 *
 * It binds the port, looks which ledger it has, forks redis-server (if embedded), the ledger
 * process, the keeper and the workers, restarts what dies, and stops them in turn: workers first
 * (they drain), then the keeper, the ledger process, Redis. Once it serves it speaks neither HTTP
 * nor Redis nor SQL, so that there is little for it to fail at.
 */
#pragma once

#include "config.h"

/* Serves until SIGTERM or SIGINT. from: where the value of each row of config_specs comes from.
 * Returns the exit status of the program. */
int master_run(const struct config *config, const enum arg_from *from);
