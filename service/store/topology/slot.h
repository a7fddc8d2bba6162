/* slot.h -- the slot of a cluster that a key lies in.
 *
 * Layer: store, pure. CRC16 (XMODEM) of the key's hash tag, modulo 16384:
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model
 */
#pragma once

#include "str.h"

#define SLOTS 16384

/* What is between the first { and the next } counts alone, unless that is nothing. */
unsigned slot_of(struct str key);

/* Of all keys of a partition, which are tagged {p<N>}. */
unsigned slot_of_partition(unsigned partition);
