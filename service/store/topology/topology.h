/* topology.h -- which address each partition is written to now.
 *
 * Layer: store, pure. One a process, made of the URL of its Redis. Whoever connects asks it each
 * time and keeps no address beyond the connection; whoever meets something that does not fit - a
 * connection lost, a role that is not master, MOVED, READONLY - tells it so.
 *
 * Of one Redis it knows the address from the URL, and nothing can change it. Of Sentinels and a
 * cluster it knows what was last answered.
 *
 * Ownership: the caller's, topology_new .. topology_free. A watch is its owner's memory, linked in
 * from topology_watch to topology_unwatch.
 */
#pragma once

#include "address.h"
#include "store/topology/slot.h"

#include <stdint.h>
#include <sys/queue.h>

struct topology;

/* Told when addresses have changed; what it does must neither watch nor unwatch. */
struct topology_watch {
    void (*changed)(struct topology_watch *watch);
    LIST_ENTRY(topology_watch) link;
};

/* NULL, with the reason in err: out of memory, or a wrong URL. */
struct topology *topology_new(const char *url, char *err, size_t err_size);
void topology_free(struct topology *topology); /* NULL is fine */

/* Whom to ask, and as which user: as the URL says. */
const struct address *topology_address(const struct topology *topology);

/* Where the partition, or the slot, is written to; false: that is not known yet. */
bool topology_find(const struct topology *topology, unsigned partition,
                   struct endpoint *at) MUST_CHECK;
bool topology_find_slot(const struct topology *topology, unsigned slot,
                        struct endpoint *at) MUST_CHECK;

/* The order of the promotion that made it the primary, as Sentinels and cluster nodes count them
 * (config epoch): a later promotion has a higher one. 0: not known. */
int64_t topology_order(const struct topology *topology, unsigned partition);

/* What is known of the partition may be wrong: to be asked soon. */
void topology_doubt(struct topology *topology, unsigned partition);

/* Who asks on a loop hears of doubts; one at most, NULL: nobody. */
void topology_on_doubt(struct topology *topology, void (*on_doubt)(void *user), void *user);

/* The same, as a node said with this error when it was asked for the partition: MOVED says where it
 * is, any other that it may be elsewhere. */
void topology_told(struct topology *topology, unsigned partition, const struct endpoint *by,
                   struct str error);

/* Why an address is not known: what was said last, for people. */
const char *topology_why(const struct topology *topology);

/* The last Sentinel that answered watches nothing of the name in the URL. */
bool topology_lacks_name(const struct topology *topology);

/* Changes with any address. */
uint64_t topology_version(const struct topology *topology);

void topology_watch(struct topology *topology, struct topology_watch *watch);
void topology_unwatch(struct topology_watch *watch);
