/* memory.h -- the page by which a test tells a process that runs with memory.c which of its
 * allocations fail, and sees how many it has made.
 *
 * Layer: tests. The test owns the file (support/memory_faults.h); processes map it before they
 * begin, and those that they fork have it, too.
 */
#pragma once

#include <stdatomic.h>

#define MEMORY_FAULTS_FILE  "MEMORY_FAULTS"       /* of the environment: the file's path */
#define MEMORY_FAULTS_TRACE "MEMORY_FAULTS_TRACE" /* where each one failed, to standard error */

struct memory_faults {
    atomic_int pid;    /* the process that is meant; 0: none */
    atomic_long made;  /* allocations since it was told */
    atomic_long first; /* the first that fails, from 0 on */
    atomic_long count; /* and how many in a row; 0: none does */
    atomic_long live;  /* blocks that it has more than when it was chosen */
};
