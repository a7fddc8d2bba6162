/* store_config.c -- what the processes of a service share, in words. */
#include "store/store_config.h"

#include <inttypes.h>
#include <stdio.h>

void store_loading_text(const struct store_shared *shared, char *text, size_t size)
{
    snprintf(text, size, "Redis is loading its data: %.1f of %.1f MB, about %lld s left",
             (double)shared->loading_bytes / 1e6, (double)shared->loading_total_bytes / 1e6,
             (long long)shared->loading_eta_s);
}
