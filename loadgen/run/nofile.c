/* nofile.c -- see nofile.h. */
#include "run/nofile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

/* Beside those that grow with clients or processes: files, the loop, some to spare. */
#define OWN 32

int descriptors_provide(int64_t clients, int64_t processes, char *err, size_t err_size)
{
    int64_t each = (clients + processes - 1) / processes; /* of a client process */
    int64_t pairs = 2 * processes;                        /* of the parent */
    int64_t need = OWN + (each > pairs ? each : pairs);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0; /* nothing is known; whoever needs one will say so */
    if (limit.rlim_cur < (rlim_t)need && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0)
            return 0;
    }
    if (limit.rlim_cur >= (rlim_t)need)
        return 0;
    snprintf(err, err_size,
             "%" PRId64 " connections in %" PRId64 " process%s need %" PRId64
             " open files in one process, and `ulimit -n` allows %" PRIu64
             "; raise it, or give fewer connections%s",
             clients, processes, processes == 1 ? "" : "es", need, (uint64_t)limit.rlim_cur,
             each > pairs ? " or more processes" : " and processes");
    return -EMFILE;
}
