/* turn.h -- whose turn it is to commit on a partition, queued by Redis itself.
 *
 * Layer: store, private to it: commands into a buffer, replies in, time as an argument.
 *
 * Lanes that lose transactions to each other, on whatever host, ask for the partition's turn: BLPOP
 * on a list leads the write of WATCH and reads, LPUSH goes with the EXEC. Redis serves blocked
 * clients in the order in which they came (https://redis.io/docs/latest/commands/blpop/), so they
 * commit one after the other without losing, and without a round trip more. A lane that has met
 * nobody for a while does not ask.
 *
 * No correctness hangs on it; WATCH and EXEC decide. A turn that was lost with its holder is made
 * anew by whoever waits in vain. Of several turns one stays: each says when it was made, and a lane
 * that was once given a newer one does not pass on an older.
 *
 * Invariant: a turn that is held is passed on once, or the connection that it came by is lost.
 */
#pragma once

#include "buf.h"
#include "store/store_config.h"

#include <hiredis/hiredis.h>

/* Commands that pass a turn on; a reply each. */
#define TURN_COMMANDS 2

/* When a turn was made, as Redis tells the time, and by which lane. */
struct turn_made {
    uint64_t at_ms, by;
};

struct turn {
    enum store_turns when;
    unsigned partition;
    uint64_t lane;    /* this one, among all there are */
    bool asked;       /* BLPOP leads the reads under way */
    bool held;        /* given to this lane, and not passed on yet */
    bool missing;     /* there is none, it seems: the next EXEC makes one */
    bool in_vain;     /* the last one was waited for in vain */
    bool met_others;  /* the last one came from another lane, or did not come */
    bool refused;     /* Redis refuses one of the commands: no turns on this connection */
    int64_t met_us;   /* monotonic: when others were last met; 0: not yet */
    int64_t asked_us; /* monotonic */
    int64_t time_us;  /* that BLPOP may take */
    int64_t wait_us;  /* the longest of late */
    struct turn_made mine, newest; /* the one that is held; the newest that was ever seen */
};

void turn_init(struct turn *turn, enum store_turns when, unsigned partition, uint64_t lane);

/* True if the next attempt is in the queue: it is to ask for a turn, has one, or makes one. */
bool turn_wanted(const struct turn *turn, int64_t now_us);

/* True if it is to ask. */
bool turn_to_ask(const struct turn *turn, int64_t now_us);

/* Writes BLPOP, for at most a part of what is left of the time of those who wait; one reply. */
void turn_ask(struct turn *turn, struct buf *out, int64_t now_us, int64_t left_us);

/* Takes its reply. False: it was no turn to go on with, and is asked for anew. */
bool turn_take(struct turn *turn, const redisReply *reply, int64_t now_us) MUST_CHECK;

/* True if there is a turn to pass on, or one to make. */
bool turn_is_due(const struct turn *turn);

/* Writes the TURN_COMMANDS that pass it on, or make it. now_ms: as Redis tells it. */
void turn_write(struct turn *turn, struct buf *out, int64_t now_ms);

/* They were carried out, or will be. */
void turn_passed(struct turn *turn);

/* EXEC said nil: there are others. What is held is kept for the next attempt; who waited in vain
 * has waited too short a time; the first to notice makes the turn that all then ask for. */
void turn_lost(struct turn *turn, int64_t now_us);

/* A transaction with effects went through. */
void turn_won(struct turn *turn, int64_t now_us);

/* The connection is gone, and with it what was held or asked. */
void turn_forget(struct turn *turn);

/* Redis refused one of the commands: no more of them on this connection. */
void turn_refuse(struct turn *turn, const redisReply *error);
