/* yaml.h -- a file of YAML as JSON: what service/openapi.json is made of.
 *
 * Layer: tests. One document, no anchors beyond plain aliases, string keys. Plain scalars that look
 * like JSON's null, true, false or a number become that; a quoted scalar is always a string. A key
 * that comes twice is an error.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* The caller's. What is wrong with the file ends the program: exit 1 with the line on standard
 * error. */
json_t *yaml_read(FILE *in);
