/* retry.h -- when what could not be delivered is tried again.
 *
 * Layer: hooks, pure: chance is an argument.
 */
#pragma once

#include <stdint.h>

#define RETRY_GROWTH    4
#define RETRY_MAX_MS    (INT64_C(12) * 3600 * 1000)
#define RETRY_ASKED_MS  (INT64_C(24) * 3600 * 1000) /* of what an endpoint may ask for */
#define RETRY_PAUSE_MS  (INT64_C(5) * 60 * 1000)
#define RETRY_DOUBT_RUN 8 /* failures in a row, after which an endpoint is taken for away */

/* The wait after so many failed attempts (from 1): first_ms, four times that, and so on up to 12
 * hours, of which a random half is taken off; never less than the endpoint has asked for
 * (Retry-After), which is bounded to a day. asked_ms 0: nothing. */
int64_t retry_wait_ms(int64_t first_ms, unsigned attempts, int64_t asked_ms, uint64_t random);

/* How long an endpoint is left alone after a run of failures, of whichever events: 0 for a short
 * run; then first_ms, doubled with each failure, up to five minutes, a random half taken off. */
int64_t retry_pause_ms(int64_t first_ms, unsigned run, uint64_t random);
