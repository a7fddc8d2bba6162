/* units.h -- numbers as people write them: "10s", "64k", "1k".
 *
 * Layer: common, pure. Each function takes the whole text or refuses it. On refusal it returns
 * false, leaves the result alone and writes to err (NUL-terminated, cut at err_size) what would be
 * right; the text given is not repeated there, so that a secret is not either.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNITS_ERR_SIZE 128 /* holds every message of this module */

/* "500ms", "10s", "2m", "24h", "7d", or "0". */
bool units_parse_duration_ms(const char *text, int64_t *ms, char *err, size_t err_size) MUST_CHECK;

/* Bytes: "512", "64k", "1m", "2g"; k = 1024. */
bool units_parse_size(const char *text, int64_t *bytes, char *err, size_t err_size) MUST_CHECK;

/* Things: "300", "10k", "2m", "1g"; k = 1000. */
bool units_parse_count(const char *text, int64_t *count, char *err, size_t err_size) MUST_CHECK;

/* A whole number, perhaps negative, from min to max. */
bool units_parse_int(const char *text, int64_t min, int64_t max, int64_t *value, char *err,
                     size_t err_size) MUST_CHECK;

#define UNITS_TEXT_SIZE 32

/* The other way: the shortest text that is read as this number, which is not negative. */
void units_format_duration_ms(char out[UNITS_TEXT_SIZE], int64_t ms);
void units_format_size(char out[UNITS_TEXT_SIZE], int64_t bytes);
void units_format_count(char out[UNITS_TEXT_SIZE], int64_t count);
