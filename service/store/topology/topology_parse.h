/* topology_parse.h -- what Sentinels and nodes of a cluster answer about who is primary.
 *
 * Layer: store, pure. Nothing in an answer is trusted: what is odd, hostile or contradicts itself
 * is refused as a whole, and somebody else is asked.
 */
#pragma once

#include "address.h"
#include "store/topology/slot.h"

#include <hiredis/hiredis.h>
#include <stdint.h>

#define TOPOLOGY_NODES_MAX 1024 /* primaries; a cluster has 1,000 nodes at most */
#define TOPOLOGY_FOUND_MAX 64
#define TOPOLOGY_WHY_SIZE  200
#define SLOT_UNKNOWN       UINT16_MAX

struct topology_node {
    struct endpoint at;
    int64_t order; /* of its promotion */
};

/* Whom each slot is written to. */
struct topology_table {
    unsigned node_count;
    struct topology_node nodes[TOPOLOGY_NODES_MAX];
    uint16_t owner[SLOTS]; /* a number in nodes, or SLOT_UNKNOWN */
};

enum topology_said {
    TOPOLOGY_GOOD,
    TOPOLOGY_DOWN,     /* it is as it was, but a primary is held for dead: that may change soon */
    TOPOLOGY_NO_NAME,  /* this Sentinel watches no primary of that name */
    TOPOLOGY_NONSENSE, /* nothing that can be used: `why` has the reason */
};

struct topology_answer {
    struct topology_table table;
    struct endpoint found[TOPOLOGY_FOUND_MAX]; /* who can be asked too */
    unsigned found_count;
    char why[TOPOLOGY_WHY_SIZE];
};

/* Of one Redis: no slot has an owner. */
void topology_table_clear(struct topology_table *table);

/* The number of this node in the table, which it is put in if need be; SLOT_UNKNOWN: it is full. */
uint16_t topology_table_node(struct topology_table *table, const struct endpoint *at,
                             int64_t order);

/* Of `SENTINEL GET-MASTER-ADDR-BY-NAME`, `SENTINEL MASTER` and `SENTINEL SENTINELS`. */
#define TOPOLOGY_SENTINEL_REPLIES 3
enum topology_said topology_parse_sentinel(redisReply *const *replies,
                                           struct topology_answer *answer) MUST_CHECK;

/* Of `CLUSTER SHARDS` and `CLUSTER NODES`, which alone tells the order. `asked`: who answered; a
 * node that knows no address of its own is there. */
#define TOPOLOGY_CLUSTER_REPLIES 2
enum topology_said topology_parse_cluster(redisReply *const *replies, const struct endpoint *asked,
                                          bool tls, struct topology_answer *answer) MUST_CHECK;

/* Of the error "MOVED slot host:port"; a host that is left out is the one that was asked. */
bool topology_parse_moved(struct str error, const struct endpoint *asked, unsigned *slot,
                          struct endpoint *at) MUST_CHECK;
