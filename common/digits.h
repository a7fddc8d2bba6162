/* digits.h -- numbers as digits.
 *
 * Layer: common. Inline, as records of items and keys are made of little else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGITS_MAX 20 /* of a uint64_t; also of an int64_t with its sign */

static inline bool digits_is(char c)
{
    return c >= '0' && c <= '9';
}

/* Writes value in decimal, no NUL behind it; returns how many digits. */
static inline size_t digits_put(char *to, uint64_t value)
{
    char reversed[DIGITS_MAX];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < n; i++)
        to[i] = reversed[n - 1 - i];
    return n;
}

/* The same with a minus in front of what is below 0. */
static inline size_t digits_put_signed(char *to, int64_t value)
{
    if (value >= 0)
        return digits_put(to, (uint64_t)value);
    *to = '-'; /* the rest as unsigned: the smallest int64_t has no positive twin */
    return 1 + digits_put(to + 1, 0 - (uint64_t)value);
}

#define DIGITS_GROUPED_SIZE 28 /* of any int64_t, with its commas and the NUL */

/* "-1,234,567", with a NUL; returns `to`. */
static inline const char *digits_group(char to[DIGITS_GROUPED_SIZE], int64_t value)
{
    char digits[DIGITS_MAX], *at = to;
    size_t n = digits_put(digits, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    if (value < 0)
        *at++ = '-';
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return to;
}

/* The decimal number that these n bytes are, of at most `most`; -1: they are none. */
static inline int64_t digits_read(const char *p, size_t n, int64_t most)
{
    int64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)(unsigned char)p[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > most)
            return -1;
    }
    return n > 0 ? value : -1;
}

/* The value of a hexadecimal digit of either case, -1: it is none. */
static inline int digits_hex(char c)
{
    if (digits_is(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
