/* topology_ask.h -- whom a topology asks, when, and what it makes of the answers.
 *
 * Layer: store, pure: time comes in, what to send goes out. topology_loop.h and topology_link.h
 * send it; a process may have both on the same topology.
 *
 * It asks once a second, and at once where something is in doubt: then with a pause that grows and
 * has jitter, never more than ten times a second. Everybody who can be asked has a turn, and those
 * who did not answer well wait for a while.
 *
 * Each slot is believed to be where the latest promotion is (config epoch): one who tells of an
 * earlier one has not heard of it. Only if nobody tells of anything later for TOPOLOGY_BEHIND_MS is
 * that so: then Sentinels or nodes have begun anew.
 */
#pragma once

#include "buf.h"
#include "store/topology/topology.h"
#include "store/topology/topology_parse.h"

#define TOPOLOGY_LOOK_MS     1000
#define TOPOLOGY_EAGER_MS    100 /* between any two questions */
#define TOPOLOGY_BEHIND_MS   10000
#define TOPOLOGY_QUESTION_MS 500 /* for all of one */

struct topology_question {
    struct endpoint at;
    uint64_t doubts; /* that it came after */
    size_t replies;
};

/* When to ask next; INT64_MAX: never, there is nothing that could change. */
int64_t topology_ask_due(const struct topology *topology);

/* It is asked now: whom, and what, is written into out. */
struct topology_question topology_ask(struct topology *topology, int64_t now_ms, struct buf *out);

/* The replies to it; what they say is in force afterwards. */
enum topology_said topology_take(struct topology *topology,
                                 const struct topology_question *question, redisReply **replies,
                                 int64_t now_ms);

/* There was no answer. */
void topology_unanswered(struct topology *topology, const struct topology_question *question,
                         const char *why, int64_t now_ms);

/* Logs which of so many partitions have moved since it was called last. */
void topology_say_moves(struct topology *topology, unsigned partitions);
