/* access_log.h -- the file or pipe that a worker appends to, a line for each mutation.
 *
 * Layer: http. Lines gather in memory and are written once a turn of the loop. Workers share the
 * file and know nothing of each other: each write begins and ends with a line and is appended as a
 * whole, to a pipe or a socket no more at once than it takes whole. What goes wrong costs lines,
 * never an answer: while nothing can be written they wait, up to ACCESS_LOG_MAX_BYTES, and any more
 * are dropped, counted and told of in the log.
 *
 * Invariant: the buffer holds whole lines. Of one that a full disk cut short the rest is not
 * written behind what others wrote meanwhile: it comes again whole, on a line of its own.
 */
#pragma once

#include "buf.h"

#define ACCESS_LINE_MAX_BYTES 4096 /* PIPE_BUF: what a pipe takes whole */
#define ACCESS_LOG_MAX_BYTES  ((size_t)1 << 20)
#define ACCESS_LOG_STANDARD   "-" /* in the place of a path: standard output */

struct access_log;

/* For the parent of the workers, before it gives up rights: a descriptor for standard output that
 * never blocks who writes to it, -1 if the path is of a file, which each worker opens for itself. 0
 * or -errno. */
int access_log_standard(const char *path, int *standard_fd) MUST_CHECK;

/* Afterwards: whether the workers will be able to open that file. 0 or -errno. */
int access_log_try(const char *path) MUST_CHECK;

/* For a worker; both stay the caller's. A file that cannot be opened is tried again. NULL: out of
 * memory. */
struct access_log *access_log_new(const char *path, int standard_fd);

/* Writes what is left, unless that takes long. NULL is fine. */
void access_log_free(struct access_log *log);

/* The file may have been renamed: goes on with the one that has the name now. */
void access_log_reopen(struct access_log *log);

/* Where the next line is put, of at most ACCESS_LINE_MAX_BYTES with its newline; once it is there,
 * access_log_end_line() keeps it, or drops it if it found no room. */
struct buf *access_log_begin_line(struct access_log *log);
void access_log_end_line(struct access_log *log);

/* Writes what there is. When to be called again though nothing new is there, in ms; -1: never. */
int64_t access_log_flush(struct access_log *log, int64_t now_ms);
