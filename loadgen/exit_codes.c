/* exit_codes.c -- the order of severity, as a table. */
#include "exit_codes.h"

#include <stddef.h>

static const int by_severity[] = {EXITS_RIGHT, EXITS_THRESHOLD, EXITS_INTERRUPTED, EXITS_UNKNOWN,
                                  EXITS_USAGE, EXITS_INTERNAL,  EXITS_VIOLATION};
enum { CODES = sizeof(by_severity) / sizeof(by_severity[0]) };

/* Its place in the table; a status of no meaning here is a program that broke. */
static size_t severity(int code)
{
    size_t internal = 0;
    for (size_t i = 0; i < CODES; i++) {
        if (by_severity[i] == code)
            return i;
        if (by_severity[i] == EXITS_INTERNAL)
            internal = i;
    }
    return internal;
}

int exit_worst(int a, int b)
{
    return by_severity[severity(a) > severity(b) ? severity(a) : severity(b)];
}
