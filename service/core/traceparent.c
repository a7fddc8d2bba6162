#include "core/traceparent.h"
#include "hex.h"

#include <string.h>

/* Where its parts begin, each behind a hyphen. */
enum { VERSION_AT = 0, TRACE_AT = 3, PARENT_AT = 36, FLAGS_AT = 53 };

/* Digits from `at` to the next hyphen, or the end of the value's known part. */
static bool digits_stand(const char *text, size_t at, size_t end)
{
    for (size_t i = at; i < end; i++)
        if (hex_value(text[i]) < 0)
            return false;
    return end == TRACEPARENT_BYTES || text[end] == '-';
}

static bool all_zero(const char *text, size_t at, size_t end)
{
    while (at < end && text[at] == '0')
        at++;
    return at == end;
}

/* Of the first TRACEPARENT_BYTES, whatever the version. */
static bool parts_are_good(const char *text)
{
    return digits_stand(text, VERSION_AT, TRACE_AT - 1) &&
           digits_stand(text, TRACE_AT, PARENT_AT - 1) &&
           digits_stand(text, PARENT_AT, FLAGS_AT - 1) &&
           digits_stand(text, FLAGS_AT, TRACEPARENT_BYTES) &&
           !all_zero(text, TRACE_AT, PARENT_AT - 1) && !all_zero(text, PARENT_AT, FLAGS_AT - 1);
}

bool traceparent_read(struct str value, char out[TRACEPARENT_BYTES])
{
    if (str_absent(value) || value.n < TRACEPARENT_BYTES || !parts_are_good(value.p))
        return false;
    bool is_00 = memcmp(value.p, "00", 2) == 0;
    if (memcmp(value.p, "ff", 2) == 0 || (is_00 && value.n > TRACEPARENT_BYTES) ||
        (value.n > TRACEPARENT_BYTES && value.p[TRACEPARENT_BYTES] != '-'))
        return false;
    memcpy(out, value.p, TRACEPARENT_BYTES);
    memcpy(out, "00", 2);
    return true;
}

bool traceparent_valid(struct str text)
{
    return str_absent(text) ||
           (text.n == TRACEPARENT_BYTES && memcmp(text.p, "00", 2) == 0 && parts_are_good(text.p));
}
