/* text.h -- which bytes a text column of both engines can hold, and bytes as hex.
 *
 * Layer: ledger, pure.
 */
#pragma once

#include "arena.h"
#include "str.h"

#include <stdbool.h>

/* Valid UTF-8 (RFC 3629) without NUL; an absent text too. PostgreSQL takes nothing else. */
bool text_storable(struct str text) MUST_CHECK;

/* Lower-case hex in the arena; absent stays absent. Absent although `bytes` is not: no memory. */
struct str text_hex(struct arena *arena, struct str bytes) MUST_CHECK;
