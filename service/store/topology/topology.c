#include "store/topology/topology.h"
#include "fail.h"
#include "store/topology/topology_state.h"

#include <stdlib.h>

static bool make_tables(struct topology *t)
{
    uint64_t seed;
    t->now = calloc(1, sizeof(*t->now));
    t->said = calloc(1, sizeof(*t->said));
    if (!t->now || !t->said)
        return false;
    topology_table_clear(t->now);
    topology_table_clear(t->said);
    for (; t->seed_count < t->address.seed_count; t->seed_count++)
        t->seeds[t->seed_count].at = t->address.seeds[t->seed_count];
    random_bytes(&seed, sizeof(seed));
    rng_seed(&t->jitter, seed);
    return true;
}

struct topology *topology_new(const char *url, char *err, size_t err_size)
{
    struct topology *t = calloc(1, sizeof(*t));
    if (!t) {
        fail_say(err, err_size, "out of memory");
        return NULL;
    }
    LIST_INIT(&t->watches);
    if (!address_parse(url, &t->address, err, err_size))
        goto fail;
    if (t->address.kind == ADDRESS_ONE || make_tables(t))
        return t;
    fail_say(err, err_size, "out of memory");
fail:
    topology_free(t);
    return NULL;
}

void topology_free(struct topology *topology)
{
    if (!topology)
        return;
    free(topology->now);
    free(topology->said);
    free(topology);
}

const struct address *topology_address(const struct topology *topology)
{
    return &topology->address;
}

/* NULL: nobody has said who it is. */
static const struct topology_node *owner_of(const struct topology *t, unsigned slot)
{
    uint16_t owner = t->now->owner[slot];
    return owner == SLOT_UNKNOWN ? NULL : &t->now->nodes[owner];
}

bool topology_find(const struct topology *topology, unsigned partition, struct endpoint *at)
{
    return topology_find_slot(topology, slot_of_partition(partition), at);
}

bool topology_find_slot(const struct topology *topology, unsigned slot, struct endpoint *at)
{
    if (topology->address.kind == ADDRESS_ONE) {
        *at = topology->address.seeds[0];
        return true;
    }
    const struct topology_node *node = owner_of(topology, slot);
    if (node)
        *at = node->at;
    return node;
}

int64_t topology_order(const struct topology *topology, unsigned partition)
{
    if (topology->address.kind == ADDRESS_ONE)
        return 0;
    const struct topology_node *node = owner_of(topology, slot_of_partition(partition));
    return node ? node->order : 0;
}

const char *topology_why(const struct topology *topology)
{
    return topology->why[0] ? topology->why : "nobody has said yet where the primary is";
}

bool topology_lacks_name(const struct topology *topology)
{
    return topology->lacks_name;
}

uint64_t topology_version(const struct topology *topology)
{
    return topology->version;
}

void topology_doubt(struct topology *topology, unsigned partition)
{
    (void)partition; /* one answer tells of all */
    if (topology->address.kind == ADDRESS_ONE)
        return;
    topology->doubts++;
    if (topology->on_doubt)
        topology->on_doubt(topology->doubt_user);
}

void topology_on_doubt(struct topology *topology, void (*on_doubt)(void *user), void *user)
{
    topology->on_doubt = on_doubt;
    topology->doubt_user = user;
}

/* What a node says of itself being wrong is as good as an answer: whoever is there is asked for its
 * role before anything is written. */
void topology_told(struct topology *topology, unsigned partition, const struct endpoint *by,
                   struct str error)
{
    struct endpoint at;
    unsigned slot;
    topology_doubt(topology, partition);
    if (topology->address.kind != ADDRESS_CLUSTER || !topology_parse_moved(error, by, &slot, &at) ||
        slot != slot_of_partition(partition))
        return;
    const struct topology_node *before = owner_of(topology, slot);
    if (before && (endpoint_same(&before->at, &at) || !endpoint_same(&before->at, by)))
        return;
    uint16_t node = topology_table_node(topology->now, &at, before ? before->order : 0);
    if (node == SLOT_UNKNOWN)
        return;
    topology->now->owner[slot] = node;
    topology_changed(topology);
}

void topology_changed(struct topology *topology)
{
    struct topology_watch *watch;
    topology->version++;
    LIST_FOREACH(watch, &topology->watches, link)
    watch->changed(watch);
}

void topology_watch(struct topology *topology, struct topology_watch *watch)
{
    LIST_INSERT_HEAD(&topology->watches, watch, link);
}

void topology_unwatch(struct topology_watch *watch)
{
    LIST_REMOVE(watch, link);
}
