/* random.c -- a block of libcrypto's bytes, and xoshiro256**. */
#include "random.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

static _Thread_local unsigned char block[BLOCK_BYTES];
static _Thread_local size_t block_left; /* unused bytes, at the end of the block */

static void fill_bytes(unsigned char *to, size_t n)
{
    assert(n <= BLOCK_BYTES);
    if (RAND_bytes(to, (int)n) != 1) {
        fputs("random: libcrypto gives no random bytes\n", stderr);
        abort();
    }
}

void random_bytes(void *to, size_t n)
{
    unsigned char *out = to;
    while (n > 0) {
        if (block_left == 0) {
            fill_bytes(block, BLOCK_BYTES);
            block_left = BLOCK_BYTES;
        }
        size_t take = n < block_left ? n : block_left;
        unsigned char *from = block + BLOCK_BYTES - block_left;
        memcpy(out, from, take);
        memset(from, 0, take); /* what was handed out is no longer here to be read */
        block_left -= take;
        out += take;
        n -= take;
    }
}

void random_after_fork(void)
{
    block_left = 0;
}

/* Both generators after https://prng.di.unimi.it/ (Blackman and Vigna). */
static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->state[i] = splitmix64(&seed);
}

static uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    assert(n > 0);
    /* Numbers from the last, incomplete run of n would favour the small remainders. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t x;
    do {
        x = rng_next(r);
    } while (x >= limit);
    return x % n;
}
