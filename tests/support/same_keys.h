/* same_keys.h -- do two Redis hold the same store, key by key?
 *
 * Layer: tests, for the main thread of a program with cmocka. Left out is what tells of one life of
 * a store and not of what it holds: meta, the stream, markers and turns of lanes, the last audit.
 */
#pragma once

#include "support/redis_server.h"

/* Fails the running test at the first key that differs, and prints both values. When a hold of an
 * item is due may be a bound in one of them. */
void same_keys_check(const struct tredis *one, const struct tredis *other);
