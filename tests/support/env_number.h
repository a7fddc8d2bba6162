/* env_number.h -- a number that whoever runs a test may set: SEED, STEPS. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

/* Of the environment; `otherwise` if it has no such name, or nothing there. */
static inline uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}
