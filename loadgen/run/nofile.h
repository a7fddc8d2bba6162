/* nofile.h -- the file descriptors that a run needs, made sure of before it begins.
 *
 * Layer: loadgen. A client that finds no descriptor would look like a server that refuses it, so a
 * load for which there are too few is not begun.
 */
#ifndef LOADGEN_RUN_NOFILE_H
#define LOADGEN_RUN_NOFILE_H

#include <stddef.h>
#include <stdint.h>

/* Raises the soft limit as far as it may go. 0, or -EMFILE when that is not enough for so many
 * clients in so many processes; err is for the user. */
int descriptors_provide(int64_t clients, int64_t processes, char *err, size_t err_size)
    __attribute__((warn_unused_result));

#endif
