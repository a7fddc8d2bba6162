/* json_same.h -- whether two JSON texts say the same.
 *
 * Layer: client, pure, no heap. Compared are values (RFC 8259): the order of an object's members,
 * white space, how a text is escaped and how a number is written make no difference.
 */
#pragma once

#include "str.h"

#include <stdbool.h>

/* Both are one value, as json_scan_skip gave it. */
bool json_same(struct str a, struct str b);
