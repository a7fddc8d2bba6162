/* cluster_view.h -- what one node of a cluster says of itself and of the others, CLUSTER NODES.
 *
 * Layer: tests, private to cluster.c.
 */
#pragma once

#include "support/redis_server.h"

#define CLUSTER_ID_SIZE  41
#define CLUSTER_MAP_SIZE 2048

struct cluster_view {
    char id[CLUSTER_ID_SIZE];
    char primary[CLUSTER_ID_SIZE]; /* whose replica it is; "-": it is a primary itself */
    int64_t epoch;
    char slots[512];            /* its own: " 0-5460 7000" */
    int nodes;                  /* how many it knows, those that have only just met it left out */
    char map[CLUSTER_MAP_SIZE]; /* who has which slots, in the order of ids */
    char doubts[CLUSTER_MAP_SIZE]; /* " address:port" of those that it takes for failed */
};

/* False: no answer. */
bool cluster_view_ask(struct cluster_view *view, const struct tredis *r);

bool cluster_view_has(const struct cluster_view *view, int slot);
bool cluster_view_doubts(const struct cluster_view *view, const char *host, int port);
