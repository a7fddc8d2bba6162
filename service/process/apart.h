/* apart.h -- the parent of a process that works apart from services, and of its port: `stockd
 * ledger`, `stockd hooks run`.
 *
 * It starts both again when they end, tells them of SIGHUP, and ends them when it is told to, or
 * when the process that works says that it cannot.
 */
#pragma once

#include "process/process.h"

/* What differs. Texts are static. */
struct apart {
    const char *command;       /* "stockd ledger" */
    const char *child;         /* "ledger" */
    const char *said, *status; /* "carrying events", for standard output; for a service manager */
    const char *listen_option; /* "--ledger-listen" */
    const char *listen;        /* its value; NULL: there is no port */
    int (*run)(struct pool_child *child, void *args);
    port_look_fn *look;
    bool (*make)(
        struct shared_state *shared); /* what the two share beside that; false: no memory */
};

/* Until it is asked to end. The exit status. */
int apart_run(const struct apart *apart, const struct config *config);

/* Whether that port can be, and has what it needs: so that a mistake is told before anything
 * begins. False, with err. */
bool apart_check_port(const char *option, const char *text, const struct config *config, char *err,
                      size_t err_size) MUST_CHECK;
