/* hooks_look.h -- how the process of `stockd hooks run` is, for those who ask on its port.
 *
 * As ledger_look.h: words in shared memory, written by that process and read by the port.
 */
#pragma once

#include "hooks/hook_store.h"

#include <stdint.h>

enum hooks_state {
    HOOKS_BEGIN,    /* it has not looked at SQL yet */
    HOOKS_AT_WORK,  /* it sends, or stands by for the one that does */
    HOOKS_WAIT_SQL, /* it is out of reach */
};

struct hooks_look {
    char owner[HOOK_OWNER_SIZE]; /* whom SQL knows as the one who sends: made by the parent, so that
                                    who takes a dead process's place goes on at once */
    _Atomic int state;           /* enum hooks_state */
    _Atomic int64_t turn_ms;     /* monotonic: when it began its last turn; 0: none yet */
};
