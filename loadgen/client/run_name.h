/* run_name.h -- what a run is called, and the items that are named after it.
 *
 * Layer: client, pure. "load-" RUN "-" NUMBER is an item's sku, and nobody else names items so: by
 * that they are found again when they are to be removed.
 */
#pragma once

#include "str.h"

#define RUN_NAME_LENGTH  10 /* of a to v and 0 to 9 */
#define RUN_NAME_SIZE    (RUN_NAME_LENGTH + 1)
#define RUN_SKU_SIZE     32 /* of any item's sku, with the NUL */
#define RUN_SKUS_BEGIN   "load-"
#define RUN_NAME_GRAMMAR "10 characters of 0-9 and a-v"

/* A name that no other run has. */
void run_name_make(char name[RUN_NAME_SIZE]);

/* "load-RUN-": what the skus of its items begin with. */
void run_name_prefix(char prefix[RUN_SKU_SIZE], const char *name);

/* Whether this is the name of a run. */
bool run_name_valid(struct str name);

/* Whether an item of this sku was made by a run; by that one unless run is NULL. */
bool run_name_made(struct str sku, const char *run);

/* The run in a sku that run_name_made() is true of. */
struct str run_name_in(struct str sku);
