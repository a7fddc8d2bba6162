/* recording.h -- one load from the set-up of its items to what settling found, in a history.
 *
 * Layer: loadgen. Whatever happens in between, a history that was begun can be judged: an
 * interrupted load, a server that went away or a client process that died are told in it.
 */
#pragma once

#include "history/writer.h"
#include "options.h"
#include "run/plan.h"
#include "run/probe.h"

#define RECORDING_PATH_SIZE 4096

struct recording {
    const struct options *options;
    struct plan plan;
    struct history_writer writer;
    char path[RECORDING_PATH_SIZE]; /* of the history */
    bool kept;                      /* the user named the file */
    bool loaded;                    /* there was a load: the history is evidence */
    uint64_t lag_p99_ns;            /* of the clients' own loops behind an open loop's plan */
    struct probe_ready ready;       /* the service, before the set-up */
    char err[512];
};

/* Ctrl-C and SIGTERM are noted from now on; the load ends in order then. Those before are
 * forgotten.
 */
void recording_watch_signals(void);

/* One was noted. */
bool recording_is_interrupted(void *ctx);

/* Makes a history; the live view is the caller's to open and to close. EXITS_RIGHT: it is there,
 * whatever became of the load. Otherwise EXITS_USAGE or EXITS_INTERNAL, and standard error says why
 * there is none. */
int recording_make(struct recording *r, const struct options *options) MUST_CHECK;

/* Removes the file, unless it shows something wrong or unknown, or the user wants it; then says
 * where it is. */
void recording_put_away(struct recording *r, int exit_status);
