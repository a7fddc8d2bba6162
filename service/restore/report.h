/* report.h -- what a restore did, or would do, for people.
 *
 * Layer: restore. Text on a stream; nothing here decides.
 */
#ifndef RESTORE_REPORT_H
#define RESTORE_REPORT_H

#include "restore/restore.h"

#include <stdio.h>

/* Behind a restore_run that said RESTORE_DONE. */
void report_print(FILE *out, const struct restore *restore);

/* One line on how far it is. */
void report_progress(FILE *out, const struct restore *restore, const char *end);

/* Redis time of the last event that SQL has, of any partition; 0: none. */
int64_t report_known_ms(const struct restore *restore);

#endif
