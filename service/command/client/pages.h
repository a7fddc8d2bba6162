/* pages.h -- a list of the interface, page after page: as one JSON document, or row by row.
 *
 * Layer: command, on ask.h. Pages are printed as they come, so memory is bounded by a page.
 */
#pragma once

#include "command/client/ask.h"
#include "command/client/table.h"

struct pages {
    const char *path;        /* "/v1/items" */
    const char *member;      /* of an answer: the array */
    const struct buf *query; /* of pages_put_filter() */
    const char *cursor;      /* where to begin; NULL: at the first */
    int64_t page;            /* elements that a request asks for at the most */
    int64_t limit;           /* elements in all; 0: all that there are */
    const struct table_column *columns;
    unsigned column_count;
    void (*put)(struct table *table, const json_t *element); /* a row */
};

/* Asks for the list, as ask_open, and prints it: what is left out is known by next_cursor, in the
 * document or on standard error. An exit status; a document that was begun and is not whole is no
 * JSON. */
int pages_print(const char *name, const struct ask_options *options,
                const struct pages *pages) MUST_CHECK;

/* A filter, if it has a value. */
void pages_put_filter(struct buf *query, const char *name, const char *value);

/* Prints a table of an element, or of an array of them. An exit status. */
int pages_print_rows(const struct asker *asker, const json_t *of,
                     const struct table_column *columns, unsigned count,
                     void (*put)(struct table *table, const json_t *element)) MUST_CHECK;

/* --- members of a document, for rows: shown as "-" where null or not there, "?" where of another
 * type than the interface says --- */

void pages_put_text(struct table *table, const json_t *of, const char *name);
void pages_put_number(struct table *table, const json_t *of, const char *name);
