/* schema_format.h -- the formats of texts that a schema may ask for. Private to schema.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What judges a text of that format; NULL: it is not known. */
bool (*schema_format(const char *name))(const char *text);
