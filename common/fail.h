/* fail.h -- false, with the reason in words.
 *
 * Layer: common.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Writes the text as snprintf does. */
__attribute__((format(printf, 3, 4))) void fail_say(char *why, size_t size, const char *format,
                                                    ...);

/* The same, and is false. A macro: so whoever checks the caller knows. */
#define fail_with(...) (fail_say(__VA_ARGS__), false)
