/* spawn.h -- how a slot of a pool gets its process: a socket pair, a fork, a pidfd.
 *
 * Layer: common, for pool*.c only. Whatever fails on the way leaves the slot as it was, and no
 * process or descriptor behind.
 */
#ifndef COMMON_POOL_SPAWN_H
#define COMMON_POOL_SPAWN_H

#include "pool/slot.h"

/* Forks the slot, which is then STARTING, or READY when it needs no handshake. -EAGAIN, -EMFILE and
 * their like when the system has no more to give. */
int poolspawn_start(struct pool *pool, struct pool_slot *s, int64_t now_ms)
    __attribute__((warn_unused_result));

#endif
