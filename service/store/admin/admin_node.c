/* admin_node.c -- which connection leads to a partition, and how it is made. */
#include "clock.h"
#include "store/admin/admin_link.h"
#include "store/topology/topology_link.h"

#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS    20   /* from one try to reach a node to the next, if the last one took time */
#define RETRY_SHARE 3    /* where others wait meanwhile: so many times what it took */
#define SEEK_MS     3000 /* to find out where a partition is */
#define BRIEF_MS    300  /* what one may take once one has failed, where another may be promoted */

/* --- the table -------------------------------------------------------------------------------- */

static bool is_place(const struct admin *admin, const struct admin_node *node)
{
    for (unsigned p = 0; p < PARTITIONS_MAX; p++)
        if (admin->places[p] == node)
            return true;
    return node == admin->node;
}

static struct admin_node *new_node(struct admin *admin)
{
    struct admin_node **nodes =
        reallocarray(admin->nodes, admin->node_count + 1, sizeof(struct admin_node *));
    if (!nodes)
        return NULL;
    admin->nodes = nodes;
    nodes[admin->node_count] = calloc(1, sizeof(struct admin_node));
    return nodes[admin->node_count] ? nodes[admin->node_count++] : NULL;
}

/* One that no partition is at any more, or a new one. NULL: no memory. */
static struct admin_node *free_node(struct admin *admin)
{
    for (size_t i = 0; i < admin->node_count; i++)
        if (!is_place(admin, admin->nodes[i])) {
            link_close(&admin->nodes[i]->link);
            return admin->nodes[i];
        }
    return new_node(admin);
}

/* The node at an address. */
static struct admin_node *node_at(struct admin *admin, const struct endpoint *at)
{
    for (size_t i = 0; i < admin->node_count; i++)
        if (endpoint_same(&admin->nodes[i]->at, at))
            return admin->nodes[i];
    struct admin_node *node = free_node(admin);
    if (node)
        *node = (struct admin_node){.at = *at};
    return node;
}

/* Where partitions are is looked up once, until that changes. */
static struct admin_node *node_of_partition(struct admin *admin, unsigned partition)
{
    struct endpoint at;
    uint64_t version = topology_version(admin->topology);
    if (version != admin->version) {
        memset(admin->places, 0, sizeof(admin->places));
        memset(admin->rest_ms, 0, sizeof(admin->rest_ms));
    }
    admin->version = version;
    if (!admin->places[partition] && topology_find(admin->topology, partition, &at))
        admin->places[partition] = node_at(admin, &at);
    return admin->places[partition];
}

/* --- reaching --------------------------------------------------------------------------------- */

enum admin_trouble admin_trouble_of(const struct link *link)
{
    switch (link->trouble) {
    case LINK_HOST: return TROUBLE_HOST;
    case LINK_TLS: return TROUBLE_TLS;
    case LINK_LOGIN: return TROUBLE_LOGIN;
    case LINK_RIGHTS: return TROUBLE_RIGHTS;
    case LINK_REFUSED: return TROUBLE_OTHER;
    case LINK_FINE:
    case LINK_AWAY:
    case LINK_LATE: break;
    }
    return TROUBLE_AWAY;
}

static bool others_wait(const struct admin *admin)
{
    return admin_in_cluster(admin) && !admin->patient;
}

static enum admin_result dial(struct admin *admin)
{
    struct admin_node *node = admin->node;
    bool may_move = topology_address(admin->topology)->kind != ADDRESS_ONE && !admin->patient;
    bool brief = may_move && node->result == ADMIN_DOWN;
    int timeout_ms = brief ? BRIEF_MS : admin->timeout_ms;
    buf_reset(&admin->out);
    const struct address *who = topology_address(admin->topology);
    if (!link_open(&node->link, &node->at, who, who->tls, timeout_ms)) {
        admin->trouble = admin_trouble_of(&node->link);
        return admin_say(admin, ADMIN_DOWN, node->link.why);
    }
    node->born = ++admin->births;
    enum admin_result result = admin_check_redis(admin);
    node->link.timeout_ms = admin->timeout_ms;
    return result;
}

static void show_loading(struct admin *admin)
{
    bool loading = false;
    for (size_t i = 0; i < admin->node_count; i++)
        loading = loading || admin->nodes[i]->result == ADMIN_LOADING;
    admin->shared->loading = loading;
}

/* When to try again after one that took so long. */
static int64_t retry_ms(const struct admin *admin, int64_t took_ms)
{
    if (others_wait(admin))
        return RETRY_MS + RETRY_SHARE * took_ms;
    return took_ms < RETRY_MS ? 0 : RETRY_MS;
}

/* Whoever asks for the partitions of a node that cannot be reached, one after the other, waits for
 * it once. */
static enum admin_result reach_node(struct admin *admin)
{
    struct admin_node *node = admin->node;
    int64_t begin_ms = clock_mono_ms();
    admin->refused = false;
    if (begin_ms < node->retry_ms) {
        admin->trouble = node->trouble;
        return admin_say(admin, node->result, node->why);
    }
    enum admin_result result = dial(admin);
    int64_t end_ms = clock_mono_ms();
    if (result != ADMIN_OK)
        admin_drop(admin);
    node->result = result;
    node->trouble = admin->trouble;
    node->retry_ms = result == ADMIN_OK ? 0 : end_ms + retry_ms(admin, end_ms - begin_ms);
    snprintf(node->why, sizeof(node->why), "%s", admin->why);
    show_loading(admin);
    return result;
}

/* Whoever can wait does, for somebody who knows. */
static struct admin_node *find_place(struct admin *admin, unsigned partition)
{
    struct endpoint at;
    int64_t patience_ms = admin->patient ? SEEK_MS : 0;
    bool known = topology_seek(admin->topology, slot_of_partition(partition),
                               admin->config->partitions, patience_ms, &at);
    return known ? node_of_partition(admin, partition) : NULL;
}

bool admin_turn(struct admin *admin, unsigned partition)
{
    struct admin_node *node = find_place(admin, partition);
    admin->partition = partition;
    if (node) {
        admin->node = node;
        return true;
    }
    admin->node = &admin->nowhere;
    admin->trouble = topology_lacks_name(admin->topology) ? TROUBLE_NAME : TROUBLE_AWAY;
    admin->refused = false;
    (void)admin_say(admin, ADMIN_DOWN, topology_why(admin->topology));
    return false;
}

enum admin_result admin_at(struct admin *admin, unsigned partition)
{
    if (!admin_turn(admin, partition))
        return ADMIN_DOWN;
    if (admin_in_cluster(admin) && clock_mono_ms() < admin->rest_ms[partition]) {
        admin->refused = false;
        return admin_say(admin, ADMIN_DOWN, "the slot of the partition is on its way");
    }
    if (!link_is_open(&admin->node->link))
        return reach_node(admin);
    /* The same one may be named again. */
    if (topology_address(admin->topology)->kind == ADDRESS_SENTINEL)
        admin->node->reign.order = topology_order(admin->topology, partition);
    return admin_is_master(admin) ? ADMIN_OK : ADMIN_DOWN;
}

uint64_t admin_connection(const struct admin *admin)
{
    return admin->node->born;
}

enum admin_result admin_connect(struct admin *admin, const char **why)
{
    *why = admin->why;
    return admin_at(admin, 0);
}

/* --- hanging up ------------------------------------------------------------------------------- */

void admin_drop(struct admin *admin)
{
    link_close(&admin->node->link);
    admin->node->born = 0;
    topology_doubt(admin->topology, admin->partition);
}

void admin_hang_up_at(struct admin *admin, unsigned partition)
{
    if (!admin_turn(admin, partition))
        return;
    link_close(&admin->node->link);
    admin->node->born = 0;
}

void admin_hang_up(struct admin *admin)
{
    for (size_t i = 0; i < admin->node_count; i++) {
        link_close(&admin->nodes[i]->link);
        admin->nodes[i]->born = 0;
        admin->nodes[i]->retry_ms = 0;
    }
}

void admin_free_nodes(struct admin *admin)
{
    admin_hang_up(admin);
    for (size_t i = 0; i < admin->node_count; i++)
        free(admin->nodes[i]);
    free(admin->nodes);
}

/* --- all of them ------------------------------------------------------------------------------ */

bool admin_is_first(struct admin *admin, unsigned partition)
{
    if (!admin_turn(admin, partition))
        return true;
    for (unsigned p = 0; p < partition; p++)
        if (node_of_partition(admin, p) == admin->node)
            return false;
    return true;
}

bool admin_are_beside(struct admin *admin, unsigned partition, unsigned other)
{
    const struct admin_node *node = node_of_partition(admin, partition);
    return node && node == node_of_partition(admin, other);
}
