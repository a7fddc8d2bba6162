/* fail.h -- false, with the reason in words.
 *
 * Layer: common.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Writes the text as snprintf does, and returns false. */
__attribute__((format(printf, 3, 4))) bool fail_with(char *why, size_t size, const char *format,
                                                     ...);
