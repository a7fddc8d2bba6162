/* answer.h -- what the body of an answer says, read in place.
 *
 * Layer: client, pure, no heap. One pass over JSON text (RFC 8259) that takes the few fields a
 * checker relies on (openapi.yaml) and checks the syntax of the rest. Unknown fields are passed
 * over, any order of fields is fine. Used for every answer of the load, so it is measured in
 * nanoseconds; jansson would allocate.
 *
 * Names are compared as they are written: one with escapes in it is an unknown field. Texts are
 * views into the JSON and stay as written, too. A field that is `null` was not said; of a field
 * that is there twice the last one counts.
 */
#pragma once

#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_LINES_MAX 100

/* A number that was not said. Not -1: that is just what a server says that sold a unit too many. */
#define ANSWER_UNSAID INT64_MIN

struct answer_line {
    struct str sku;        /* as written: skus need no escapes. Absent when not said */
    int64_t quantity;      /* or else "requested", of a stock refusal */
    int64_t remaining;     /* of lines of a reservation; or else "available", of a stock refusal */
    uint64_t version;      /* 0 when not said */
    int64_t reserved;      /* of lines of a reservation that was confirmed */
    int64_t on_hand, held; /* of items in a list; remaining is what is available */
    int64_t limit;         /* of a limit refusal; or else "max_per_customer", of items in a list */
    int64_t used;          /* of a limit refusal */
};

struct answer {
    struct str id;    /* raw, between the quotes */
    struct str state; /* "held" ... of a reservation */
    struct str type;  /* of a problem: the name behind the last slash, "insufficient-stock" */
    struct str title, detail;                 /* of a problem */
    struct str customer, reference, metadata; /* of a reservation, as raw JSON: also null is said */
    struct str expired_lines; /* of a reservation, as raw JSON, for answer_read_lines */
    struct str sku;           /* at the top: items and decrements */
    int64_t on_hand, available, held, sold, remaining, quantity;
    int64_t limit;    /* "max_per_customer" of an item, 0 for null: nobody is limited */
    int64_t ttl_ms;   /* of a reservation; ANSWER_UNSAID also when it is no whole number */
    uint64_t version; /* at the top; 0 when not said */
    int status;       /* 0..999: of a problem, an operation's record or a batch result; or 0 */
    struct str body;  /* raw JSON of "body", of the latter two; absent when not said */
    bool replayed;    /* of a batch result */
    struct str next_cursor;      /* of a list, as raw JSON: also null is said */
    bool listed;                 /* the lines are a list's items */
    struct answer_line from, to; /* of a transfer; version 0 when not said */
    unsigned lines;
    struct answer_line line[ANSWER_LINES_MAX];
};

/* Reads one JSON object. False when the text is not exactly one, nests deeper than
 * JSON_SCAN_DEPTH_MAX (json_scan.h), or a field above has another type or a number beyond its
 * range: then *a is of no use. a->line[a->lines ..] means nothing. */
bool answer_read(struct answer *a, struct str json) MUST_CHECK;

/* Reads an array of such lines, and nothing behind it: how many there are. False as above. */
bool answer_read_lines(struct answer_line line[ANSWER_LINES_MAX], unsigned *lines,
                       struct str json) MUST_CHECK;

/* The elements of the first member of that name, an array, as "results" of an answer to /v1/batch,
 * one after the other: *at starts at 0 and is the reader's place, moved with each element. Gives
 * the raw JSON of the next one. False at the end, or when the text is broken: *broken says which.
 * The text behind an element was not looked at yet. */
bool answer_next(struct str json, const char *member, size_t *at, struct str *element,
                 bool *broken) MUST_CHECK;

/* The number that a line "name value" of Prometheus' text format carries, summed over its labels;
 * false when there is none. */
bool answer_metric(struct str text, const char *name, double *value) MUST_CHECK;

/* Takes the text up to and with the first such line off, and gives that line; absent when there is
 * none. */
struct str answer_metric_line(struct str *text, const char *name) MUST_CHECK;
