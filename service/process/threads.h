/* threads.h -- libuv's pool of threads, started when it suits.
 *
 * Layer: the process. libuv makes the threads at the first work that is handed to them, and ends
 * the process if it cannot, as when memory is short just then. Whoever will hand over work on
 * behalf of a client starts them before: short of memory, the process then ends at its begin, where
 * nobody waits for an answer.
 */
#ifndef PROCESS_THREADS_H
#define PROCESS_THREADS_H

/* Makes the threads if there are none yet. 0 or -errno. */
int threads_start(void) __attribute__((warn_unused_result));

#endif
