/* random.h -- randomness: the kind nobody can guess, and the kind a test can repeat.
 *
 * Layer: common. random_bytes is for identifiers and secrets: libcrypto's generator, read in
 * blocks, one buffer per thread. struct rng is for jitter, load and tests: small, fast, seeded,
 * owned by the caller, and predictable, so never for identifiers.
 *
 * Invariant: no byte of random_bytes is handed out twice, in this process or in a child that
 * called random_after_fork.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* n unguessable bytes. Aborts when libcrypto has none: nothing safe could follow. */
void random_bytes(void *to, size_t n);

/* Call in a new child before its first random_bytes: it holds a copy of the parent's buffer. */
void random_after_fork(void);

struct rng {
    uint64_t state[4];
};

/* The same seed gives the same numbers, on every machine. */
void rng_seed(struct rng *r, uint64_t seed);

/* 64 random bits. */
uint64_t rng_next(struct rng *r);

/* A number from 0 to n - 1, each as likely as the next; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
