/* ledger_look.h -- how the ledger process is, for those who ask on the port of `stockd ledger`.
 *
 * A few words in shared memory, made by the parent. The ledger process writes them, and whoever
 * takes its place goes on; the port reads them. Each is whole by itself, and may be older than the
 * one beside it.
 */
#pragma once

#include <stdint.h>

/* Of what is found in several partitions the last of these counts. */
enum ledger_state {
    LEDGER_APPLIES,     /* what is in Redis goes to SQL */
    LEDGER_BEGINS,      /* not all partitions have been seen open yet */
    LEDGER_WAITS_REDIS, /* it is out of reach */
    LEDGER_WAITS_SQL,   /* it is out of reach */
    LEDGER_STUCK,       /* events of some partition do not follow; it is closed */
    LEDGER_LOST,        /* Redis has lost some of what SQL has */
};

struct ledger_look {
    _Atomic int state;       /* enum ledger_state */
    _Atomic int64_t turn_ms; /* monotonic: when the process began its last turn; 0: none yet */
};
