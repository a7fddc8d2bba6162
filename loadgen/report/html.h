/* html.h -- one HTML file that is complete in itself: its style, its scripts, what they draw.
 *
 * Layer: report. The page loads nothing: a content security policy says so to the browser, and
 * names the two scripts by their digests, so that a text that got past the escaping could still
 * not run. In order: html_head, the body as the caller likes, html_json for each document,
 * html_scripts. A stream that fails is for the caller to see, at the end.
 *
 * Invariant: what came from a server, a user or a file is in the page only as JSON without "<", ">"
 * and "&", and as escaped text.
 */
#pragma once

#include "str.h"

#include <jansson.h>
#include <stdio.h>

struct html_parts {
    struct str css, chart, script;
};

/* Up to </head>. -ENOMEM. */
int html_head(FILE *out, const struct html_parts *parts) MUST_CHECK;

/* Text as it is, whatever is in it. */
void html_text(FILE *out, struct str text);

/* A document, for the script to read, under that id. Takes the value over; NULL, of a document that
 * found no memory, is -ENOMEM, too. */
int html_json(FILE *out, const char *id, json_t *value) MUST_CHECK;

/* The scripts, to the end of the file. */
void html_scripts(FILE *out, const struct html_parts *parts);
