/* keys.h -- the names of what lies in Redis. docs/architecture.md lists formats.
 *
 * Layer: store. Every key begins with its partition's hash tag `{p<N>}:`, so that one slot of a
 * Redis Cluster holds all that a batch touches. See resp_key().
 */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "str.h"

#define KEY_META      STR("meta")    /* hash: format, partitions, store, epoch, run_id, state ... */
#define KEY_LANE      STR("lane")    /* string :<instance>.<n>: the marker of a lane */
#define KEY_ITEM      STR("item")    /* string :<sku>: counters (item_encode) */
#define KEY_SKUS      STR("skus")    /* sorted set of names, score 0 */
#define KEY_RECORDS   STR("resv")    /* hash :<bucket>: id -> record (record_encode) */
#define KEY_BUCKETS   STR("buckets") /* sorted set: the buckets that there are */
#define KEY_HOLDS     STR("holds")   /* sorted set :<sku>: ids by deadline */
#define KEY_DUE       STR("due")     /* sorted set: skus by the earliest deadline */
#define KEY_CUSTOMERS STR("cust")    /* hash :<sku>: customer -> units held and bought */
#define KEY_OPERATION STR("op")      /* string :<key>: a recorded result */
#define KEY_EVENTS    STR("events")  /* stream */
#define KEY_APPLIED   STR("applied") /* string: the last entry of it that SQL holds */
#define KEY_ENDED     STR("ended")   /* string: where earlier epochs ended in SQL */
#define KEY_AUDIT     STR("audit")   /* hash, of partition 0: what the last audit found */

#define NO_NAME                                                                                    \
    (struct str)                                                                                   \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

#endif
