/* confine.h -- which system calls each kind of process may make, kept to by the kernel (seccomp).
 *
 * Layer: process. What serves, keeps and carries has a list of what it may do, put together from
 * what that kind of process needs: a worker accepts connections and a keeper does not, the
 * port of `stockd ledger` writes no files, none of them runs a program, forks, or signals another
 * process. Their parent has to let all that its children need pass, and what redis-server needs,
 * since a filter is inherited: so it has a list of what nobody needs.
 *
 * What is not on a list answers ENOSYS, as on a kernel that does not have it yet, and kills nobody:
 * when the C library of tomorrow tries a newer call it goes on with the one that it used before,
 * and a shop stays open. What the parent's list names answers EPERM.
 */
#pragma once

#include <stdbool.h>

enum confine_kind {
    CONFINE_PARENT, /* of `stockd serve` and `stockd ledger` */
    CONFINE_WORKER,
    CONFINE_KEEPER,
    CONFINE_LEDGER,
    CONFINE_HOOKS,
    CONFINE_PORT, /* of `stockd ledger` and `stockd hooks run` */
    CONFINE_KINDS
};

/* For this process, from now on, and whatever it forks or runs; before it has a second thread. 0,
 * or -errno where the kernel has no such thing: then all is as it was. A build with sanitizers,
 * which start processes and trace them, is left alone. */
int confine_calls(enum confine_kind kind) MUST_CHECK;

/* Whether this build confines at all. */
bool confine_is_built(void);
