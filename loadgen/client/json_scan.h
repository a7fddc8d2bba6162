/* json_scan.h -- walks over JSON text in place, one token at a time.
 *
 * Layer: client, pure, no heap: every text it gives is a view into what is scanned. It knows the
 * whole grammar (RFC 8259; strings are valid UTF-8) and nothing of meaning; who calls it says what
 * is expected next and passes over what it does not know with json_scan_skip.
 *
 *     json_scan_enter(s, '{');
 *     for (first = true; (step = json_scan_member(s, first, &name)) == JSON_ITEM; first = false)
 *         ... take or skip the member's value ...
 *
 * Every function but json_scan_null: false, or JSON_BROKEN, when the text does not go on as asked.
 * The scan is of no use after that.
 *
 * Invariant: at <= end; depth counts the brackets that are open, up to JSON_SCAN_DEPTH_MAX.
 */
#pragma once

#include "str.h"

#define JSON_SCAN_DEPTH_MAX 32

struct json_scan {
    const char *at, *end;
    unsigned depth;
};

enum json_step { JSON_ITEM, JSON_END, JSON_BROKEN };

static inline struct json_scan json_scan_of(struct str text)
{
    const char *p = text.p ? text.p : "";
    return (struct json_scan){.at = p, .end = p + text.n};
}

/* Steps over an opening '{' or '['. */
bool json_scan_enter(struct json_scan *s, char bracket) MUST_CHECK;

/* The next member of an object: its name, raw, and the scan stands before its value. At JSON_END
 * the scan is behind the closing bracket. first: nothing of this object was taken yet. */
enum json_step json_scan_member(struct json_scan *s, bool first, struct str *name) MUST_CHECK;

/* The same for an array: the scan stands before the next element. */
enum json_step json_scan_element(struct json_scan *s, bool first) MUST_CHECK;

/* Steps over `null`, if that is what comes; else over no more than blanks. */
bool json_scan_null(struct json_scan *s) MUST_CHECK;

/* A string as it is written between its quotes, escapes included. */
bool json_scan_text(struct json_scan *s, struct str *raw) MUST_CHECK;

bool json_scan_bool(struct json_scan *s, bool *value) MUST_CHECK;

/* Whole numbers, written without fraction and exponent; beyond the type's range is broken. */
bool json_scan_int64(struct json_scan *s, int64_t *value) MUST_CHECK;
bool json_scan_uint64(struct json_scan *s, uint64_t *value) MUST_CHECK;

/* Steps over a value of any kind and gives its text, blanks around it left out. */
bool json_scan_skip(struct json_scan *s, struct str *raw) MUST_CHECK;

/* Whether nothing but blanks is left. */
bool json_scan_ends(struct json_scan *s) MUST_CHECK;

/* Whether the text is one JSON value, and nothing else. */
bool json_scan_whole(struct str text) MUST_CHECK;
