/* schema.h -- the numbered files of sql/, built into the program.
 *
 * Layer: ledger. Invariant: file i of the list has number i + 1. A file that was ever released is
 * never changed: what comes later comes as a further file (sql/, schema_text.S and schema.c).
 */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "str.h"

#define SCHEMA_FILES 11

struct schema_file {
    const char *name; /* "0001_ledger.sql" */
    struct str text;
};

void schema_list(struct schema_file files[SCHEMA_FILES]);

#endif
