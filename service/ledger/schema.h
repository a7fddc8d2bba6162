/* schema.h -- the numbered files of sql/, built into the program.
 *
 * Layer: ledger. Invariant: file i of the list has number i + 1. A file that was ever released is
 * never changed: what comes later comes as a further file (sql/, schema_text.S and schema.c). What
 * the engines cannot be told in the same words is a file for each, of one number and name.
 */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "str.h"

#define SCHEMA_FILES 11

struct schema_file {
    const char *name;      /* "0001_ledger.sql" */
    struct str text;       /* sql/, or sql/sqlite/ */
    struct str postgresql; /* sql/postgresql/; absent: `text` is for both */
};

void schema_list(struct schema_file files[SCHEMA_FILES]);

#endif
