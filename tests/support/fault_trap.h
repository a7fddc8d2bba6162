/* fault_trap.h -- the one rule of the proxy of faultproxy.h that may be armed: it waits for its
 * connection and anchor, counts, and strikes. Beside it, the text that a test watches for.
 *
 * Layer: tests, private to fault_process.c, whose connections pass all their bytes through here.
 * Relays are not its own; they outlive it.
 */
#pragma once

#include "support/fault_relay.h"

struct fault_trap {
    bool armed;
    struct fault_rule rule;
    int skipped;
    struct fault_relay *anchored; /* the rule's, once it has found it; also after it has struck */
    int struck_on;
    char watched[FAULT_PATTERN_MAX];
    int seen_on;
};

/* Arms the rule in place of the one before; relays[1] to relays[count] are all that there are. */
void fault_trap_arm(struct fault_trap *t, const struct fault_rule *rule,
                    struct fault_relay *const *relays, int count);

/* A rule that needs no pattern takes this connection if it waits for one. */
void fault_trap_meet(struct fault_trap *t, struct fault_relay *r);

/* Bytes that have come in direction d: looks for patterns, and forwards them as the rule says. */
void fault_trap_bytes(struct fault_trap *t, struct fault_relay *r, int d, const char *bytes,
                      size_t count);

/* A rule that strikes after byte N must strike even if byte N + 1 never comes: it is a cut *after*
 * N bytes. To be called whenever something has changed. */
void fault_trap_due(struct fault_trap *t);
