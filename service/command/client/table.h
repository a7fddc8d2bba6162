/* table.h -- rows of a list as columns that stand under one another, as wide as the terminal.
 *
 * Layer: command. Cells are made printable as they are put in, so nothing in them can end a line or
 * move a cursor. Numbers stand to the right. On a terminal that is too narrow, texts that may be
 * cut are cut, the widest first and with a mark; then columns are left out, the least important
 * first; what may be neither stays whole, and the terminal breaks its lines. Anywhere else all is
 * whole.
 *
 * Widths are those of the rows that are gathered: TABLE_ROWS of them, so that memory is bounded; a
 * longer list goes on with columns at least as wide. A table owns its cells.
 */
#pragma once

#include "buf.h"

#define TABLE_COLUMNS_MAX 12
#define TABLE_ROWS        10000

struct table_column {
    const char *title;
    bool number;   /* to the right */
    bool may_cut;  /* to TABLE_CUT_MIN columns at the least */
    unsigned drop; /* left out: those with the highest number first; 0: never */
};

#define TABLE_CUT_MIN 12

struct table_cell {
    size_t at; /* in the text */
    unsigned bytes, columns;
};

struct table {
    FILE *out;
    const struct table_column *columns;
    unsigned count;
    unsigned width; /* of the terminal; 0: none */
    struct buf text;
    struct table_cell *cells;
    size_t cell_count, cell_room;
    unsigned widest[TABLE_COLUMNS_MAX]; /* so far, titles included */
    bool titled;                        /* the titles are printed */
    int rc;                             /* of what was not printed: -errno */
};

/* Sets the locale of this process to one that knows how wide terminals show characters. count: up
 * to TABLE_COLUMNS_MAX. width: table_width(), or a test's own. */
void table_init(struct table *table, FILE *out, const struct table_column *columns, unsigned count,
                unsigned width);

/* The columns of the terminal that the stream is; 0 when it is none. */
unsigned table_width(FILE *out);

/* The next cell of the row; after the last one a row begins. Absent is shown as "-". */
void table_put(struct table *table, struct str text);
void table_put_number(struct table *table, int64_t value);

/* Prints what is gathered, the titles in any case. 0, or -errno: something was not printed. */
int table_print(struct table *table) MUST_CHECK;
void table_free(struct table *table);
