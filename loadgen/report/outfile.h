/* outfile.h -- files that a user named for reports: whether they can be written, and writing them.
 *
 * Layer: report. "-", and where it is said NULL, is standard output. What goes wrong is said on
 * standard error, with the name of the file.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Whether it can be written, as far as that can be told before: nobody should learn it after an
 * hour of load. Leaves no file behind that was not there. NULL is fine. */
bool outfile_can_write(const char *path) MUST_CHECK;

/* Writes the whole file; `write` returns 0, -EIO when the stream failed, or another -errno. NULL is
 * standard output. False: it was not written. */
bool outfile_write(const char *path, int (*write)(FILE *out, const void *what),
                   const void *what) MUST_CHECK;
