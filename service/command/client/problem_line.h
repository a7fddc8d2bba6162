/* problem_line.h -- an answer that is no success, in one line for a person.
 *
 * Layer: command, pure. "409 insufficient-stock: apple: 6 requested, 2 available". What the server
 * sent may be anything: it is shown cut, and without what a terminal would take as a command.
 */
#pragma once

#include "command/client/http_client.h"

#include <jansson.h>

/* document: of the body, NULL if it is no JSON. base: who answered, for answers that no service of
 * this kind gives. */
void problem_line(char *out, size_t size, const struct http_answer *answer, const json_t *document,
                  const char *base);
