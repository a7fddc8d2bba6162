/* link.h -- one connection of the race to Redis.
 *
 * Layer: loadgen. Blocking; every wait has a limit. Owned by the caller: race_link_open ..
 * race_link_close. Once it failed, all that is asked of it fails the same way.
 */
#pragma once

#include "store/redis/link.h"
#include "store/topology/topology.h"

#define RACE_ERR_SIZE 160
#define RACE_KEY_SIZE 40

struct race_link {
    struct link link;
    struct buf out;  /* commands, sent when a reply is waited for */
    const char *key; /* of the stock */
    char turn[RACE_KEY_SIZE + 8];
    char script[41]; /* SHA-1 of the script, once it is loaded */
    int64_t wait_us; /* that turns have taken of late */
    char *err;       /* the caller's, RACE_ERR_SIZE bytes: why the last call failed */
};

/* Connects to where the key is, authenticates, selects the database. On failure nothing is open. */
bool race_link_open(struct race_link *link, struct topology *topology, const char *key,
                    char err[RACE_ERR_SIZE]) MUST_CHECK;
void race_link_close(struct race_link *link);

/* One command of `argc` words. NULL, with err, when the connection or Redis failed it. The caller
 * frees the reply. */
redisReply *race_link_call(struct race_link *link, int argc, const char *const *argv) MUST_CHECK;
#define RACE_CALL(link, ...)                                                                       \
    race_link_call(link, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)),       \
                   (const char *const[]){__VA_ARGS__})

/* The same, of which only success matters. */
#define RACE_DO(link, ...) race_link_done(RACE_CALL(link, __VA_ARGS__))
bool race_link_done(redisReply *reply) MUST_CHECK;

/* The next reply to what was written to link->out. NULL as above. */
redisReply *race_link_reply(struct race_link *link) MUST_CHECK;

/* Writes down why, with what Redis said, and returns false. */
bool race_link_fail(struct race_link *link, const char *what, const redisReply *reply);

/* The whole number that a reply is, or holds as text. False when it is none. */
bool race_reply_number(const redisReply *reply, int64_t *value) MUST_CHECK;
