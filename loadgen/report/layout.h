/* layout.h -- what reports for people show of a document, in order, and what they call it.
 *
 * Layer: report, pure. One table for the text report and the page: section by section, each figure
 * has its name, and a template (template.h) that says where in the document of report.schema.json
 * it is and in which unit. Nothing is computed here. The page gets the table, the units and the
 * words of the verdict as a second document beside the report's own.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum layout_only { LAYOUT_BOTH, LAYOUT_TEXT, LAYOUT_PAGE };

struct layout_field {
    const char *label, *text;
    const char *otherwise; /* where a value is not known; NULL: the field is left out, or a dash */
    const char *when;      /* template_holds */
    const char *note;      /* a template, of a key figure */
    enum layout_only only;
};

/* Where the rows of a table come from: the object in the run, or in each element of a list. */
struct layout_rows {
    const char *list, *object; /* NULL: the run itself; "": the element itself */
    const char *name;          /* a template, of the run or the element */
};

#define LAYOUT_ROWS_MAX 5

/* A table when it has rows; else a list of facts, or without fields the members of its object by
 * name and number. */
struct layout_section {
    const char *title, *note, *when; /* title NULL: it needs none */
    const char *object;              /* NULL: the run */
    const char *head;                /* over the names of the rows */
    const struct layout_field *field;
    size_t fields;
    struct layout_rows rows[LAYOUT_ROWS_MAX];
    size_t sources; /* of rows */
    bool wide;      /* too wide for half of a page */
    bool brief;     /* in the short text, too */
};

struct layout_fields {
    size_t count;
    const struct layout_field *field;
};

#define LAYOUT_SECTIONS 10
extern const struct layout_section layout_sections[LAYOUT_SECTIONS];

/* What the text of each run ends with, before its verdict. */
extern const struct layout_section layout_headline;

/* Of a search for capacity; its rows are those of the document's member `capacity`. */
#define LAYOUT_CAPACITY 2
extern const struct layout_section layout_capacity[LAYOUT_CAPACITY];

extern const struct layout_fields layout_figures;    /* a few of each run, the page's tiles */
extern const struct layout_fields layout_comparison; /* of several runs, side by side */
extern const struct layout_fields layout_property;   /* how it came out, of a property */
extern const struct layout_fields layout_witness;    /* what else there is, of a witness */
extern const struct layout_fields layout_verdict;    /* what else there is, of all of them */

/* All of it for the page, or NULL. */
json_t *layout_json(void) MUST_CHECK;
