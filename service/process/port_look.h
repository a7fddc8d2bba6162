/* port_look.h -- what /readyz of a port (port.c) says of the process that it stands beside: each a
 * port_look_fn.
 */
#pragma once

#include "process/process.h"

enum problem_id port_look_ledger(const struct shared_state *shared, struct buf *out,
                                 const char **why);
enum problem_id port_look_hooks(const struct shared_state *shared, struct buf *out,
                                const char **why);
