#include "store/topology/topology.h"
#include "fail.h"

#include <stdlib.h>

struct topology {
    struct address address;
    uint64_t version;
    bool doubted;
    LIST_HEAD(, topology_watch) watches;
};

struct topology *topology_new(const char *url, char *err, size_t err_size)
{
    struct topology *t = calloc(1, sizeof(*t));
    if (!t) {
        fail_say(err, err_size, "out of memory");
        return NULL;
    }
    LIST_INIT(&t->watches);
    if (!address_parse(url, &t->address, err, err_size)) {
        free(t);
        return NULL;
    }
    return t;
}

void topology_free(struct topology *topology)
{
    free(topology);
}

const struct address *topology_address(const struct topology *topology)
{
    return &topology->address;
}

bool topology_find(const struct topology *topology, unsigned partition, struct endpoint *at)
{
    return topology_find_slot(topology, slot_of_partition(partition), at);
}

bool topology_find_slot(const struct topology *topology, unsigned slot, struct endpoint *at)
{
    (void)slot;
    if (topology->address.kind != ADDRESS_ONE)
        return false;
    *at = topology->address.seeds[0];
    return true;
}

int64_t topology_order(const struct topology *topology, unsigned partition)
{
    (void)topology, (void)partition;
    return 0;
}

void topology_doubt(struct topology *topology, unsigned partition)
{
    (void)partition;
    topology->doubted = true;
}

uint64_t topology_version(const struct topology *topology)
{
    return topology->version;
}

void topology_watch(struct topology *topology, struct topology_watch *watch)
{
    LIST_INSERT_HEAD(&topology->watches, watch, link);
}

void topology_unwatch(struct topology_watch *watch)
{
    LIST_REMOVE(watch, link);
}
