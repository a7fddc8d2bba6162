/* clock.h -- the two clocks, and RFC 3339 text.
 *
 * Layer: common. The monotonic clock measures (latency, timeouts, back-off); the wall clock dates
 * what people and other hosts read. Nothing below main reads either: time is an argument. The text
 * conversions are pure, use no locale, no time zone and no heap.
 *
 * Invariant: format, then parse, gives the same millisecond back, for every year 0000..9999.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_RFC3339_SIZE 25 /* "2026-11-21T01:31:37.123Z" and its NUL */

/* Microseconds of the monotonic clock: only differences mean something. */
int64_t clock_mono_us(void);

/* The same clock in milliseconds. */
int64_t clock_mono_ms(void);

/* Milliseconds since 1970-01-01T00:00:00Z. May jump when somebody sets the clock. */
int64_t clock_wall_ms(void);

/* Writes UTC text with milliseconds and a NUL. A time outside the years 0000..9999 has no RFC 3339
 * text and is written as the nearest one that has. */
void clock_format_rfc3339(int64_t unix_ms, char out[CLOCK_RFC3339_SIZE]);

/* Reads "2026-11-21T01:31:37Z", with or without a fraction, in any offset ("+02:00"). Digits past
 * the millisecond are dropped. A leap second (":60") is refused: our clock has none. */
bool clock_parse_rfc3339(const char *text, size_t n, int64_t *unix_ms) MUST_CHECK;
