/* limits.h -- the bounds of the HTTP contract, in one place.
 *
 * Layer: core. A number here is a promise to clients (service/openapi.yaml says the same).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SKU_MAX_BYTES        64
#define SKU_STORED_MAX_BYTES 97 /* a tenant and a mark before it: see tenant.h */
#define QUANTITY_MAX         INT64_C(1000000000)
#define UNITS_MAX            ((INT64_C(1) << 53) - 1) /* see counter_valid() */
#define DELTA_MAX            (INT64_C(1) << 53)
#define LINES_MAX            100
#define TTL_MAX_MS           (INT64_C(604800) * 1000)
#define TTL_DEFAULT_MS       (INT64_C(600) * 1000)
#define TEXT_MAX_BYTES       128 /* customer, reference, reason */
#define METADATA_MAX_BYTES   4096
#define METADATA_DEPTH_MAX   32 /* objects and arrays in one another, the outermost included */
#define BODY_DEPTH_MAX       64 /* the same of a body as a whole */
#define KEY_MAX_BYTES        255
#define KEY_STORED_MAX_BYTES 320 /* a batch's key K gives "K/999"; a tenant before it */
#define BODY_MAX_BYTES       (64 * 1024)
#define BATCH_BODY_MAX_BYTES (1024 * 1024)
#define BATCH_OPS_MAX        1000
#define LIST_MAX             500
#define LIST_DEFAULT         50
#define PARTITIONS_MAX       1024

/* Versions that operations leave alone: the end of a hold raises its items' versions and cannot be
 * refused, and restores raise all of them. */
#define VERSIONS_SPARE (INT64_C(1) << 40)

/* What every counter may be: on_hand and its parts, sold, the units of a customer, a version. A
 * JSON number carries it exactly. plan() lets none pass; Redis, the stream and SQL take none that
 * did. */
static inline bool counter_valid(int64_t value)
{
    return value >= 0 && value <= UNITS_MAX;
}
