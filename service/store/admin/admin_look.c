/* admin_look.c -- looking at all partitions, each for itself. */
#include "clock.h"
#include "stats.h"
#include "store/admin/admin_link.h"

#include <stdio.h>

#define LOOK_MS          500 /* from one look of the keeper at meta to the next */
#define LOOK_PER_PART_MS 10
#define SOON_MS          50 /* to the next one at what is not open, while that may pass */
#define SOON_PER_PART_MS 2

bool admin_passes(enum admin_result result)
{
    return result == ADMIN_DOWN || result == ADMIN_LOADING || result == ADMIN_MISSING ||
           result == ADMIN_MAKING || result == ADMIN_RESTARTED;
}

/* As it was seen on the connection that there is. */
bool admin_is_open(const struct admin *admin, unsigned partition)
{
    const struct admin_node *node = admin->places[partition];
    return node && node->born != 0 && admin->seen[partition] == node->born &&
           admin->results[partition] == ADMIN_OK;
}

unsigned admin_open_count(const struct admin *admin)
{
    unsigned count = 0;
    for (unsigned p = 0; p < admin->config->partitions; p++)
        count += admin_is_open(admin, p);
    return count;
}

const char *admin_shut_why(const struct admin *admin, unsigned partition)
{
    const char *why = admin->whys[partition];
    return *why ? why : "it has not been looked at on this connection";
}

/* --- one look --------------------------------------------------------------------------------- */

static void note_result(struct admin *admin, unsigned partition, enum admin_result result)
{
    admin->results[partition] = result;
    admin->seen[partition] = admin->node->born;
    snprintf(admin->whys[partition], sizeof(admin->whys[partition]), "%s", admin->why);
}

/* It says something of the node, and so of all partitions, if that is the only one. */
static bool is_of_all(const struct admin *admin, enum admin_result result)
{
    return !admin_in_cluster(admin) &&
           (result == ADMIN_DOWN || result == ADMIN_LOADING || result == ADMIN_REFUSED);
}

/* It was not seen on the connection that there is. */
static bool is_unseen(struct admin *admin, unsigned partition)
{
    return !admin_turn(admin, partition) || admin->node->born == 0 ||
           admin->seen[partition] != admin->node->born;
}

/* Looks at those for which it is time. */
static void look_at_partitions(struct admin *admin, bool all, bool soon)
{
    unsigned may = admin->config->ledger ? ADMIN_LOOK : ADMIN_CREATE | ADMIN_RENEW;
    bool over = false;
    const char *why;
    for (unsigned p = 0; p < admin->config->partitions; p++) {
        bool wrong = admin->results[p] != ADMIN_OK;
        if (!over && !all && !(soon && wrong) && !is_unseen(admin, p))
            continue;
        enum admin_result result =
            over ? admin->results[p - 1] : admin_open_partition(admin, p, may, &why);
        note_result(admin, p, result);
        over = is_of_all(admin, result);
    }
}

/* The first result that is not ADMIN_OK, unless one says that nothing will do here. */
static enum admin_result worst_result(struct admin *admin)
{
    unsigned worst = 0;
    for (unsigned p = 1; p < admin->config->partitions; p++)
        if (admin->results[worst] == ADMIN_OK ||
            (admin->results[p] == ADMIN_REFUSED && admin->results[worst] != ADMIN_REFUSED))
            worst = p;
    snprintf(admin->looked_why, sizeof(admin->looked_why), "%s", admin->whys[worst]);
    return admin->results[worst];
}

/* --- now and then ----------------------------------------------------------------------------- */

/* A Redis that is not as it should be is looked at on a new connection: its address may lead
 * elsewhere by now. Of a cluster the topology tells, and partitions beside it are well. */
static void begin_anew(struct admin *admin)
{
    for (unsigned p = 0; p < admin->config->partitions; p++)
        if (admin->results[p] != ADMIN_OK && !admin_in_cluster(admin))
            admin_hang_up_at(admin, p);
}

static bool any_unseen(struct admin *admin)
{
    for (unsigned p = 0; p < admin->config->partitions; p++)
        if (is_unseen(admin, p))
            return true;
    return false;
}

/* Anybody may close a partition, and a restore may give the store another id: whoever leaves the
 * ledger to another host has nobody but the keeper to notice. */
/* Each failover opens one of each partition that it is of, and so does a restart. */
static void count_epochs(struct admin *admin)
{
    int64_t sum = 0;
    for (unsigned p = 0; p < admin->config->partitions; p++)
        sum += admin->epochs[p];
    if (admin_ranks(admin) && sum > admin->shared->failovers)
        admin->shared->failovers = sum;
}

enum admin_result admin_open(struct admin *admin, const char **why)
{
    unsigned partitions = admin->config->partitions;
    int64_t now_ms = clock_mono_ms();
    bool all = now_ms >= admin->look_ms, soon = now_ms >= admin->soon_ms;
    *why = admin->looked_why;
    if (!all && !(soon && admin->looked != ADMIN_OK) && !any_unseen(admin))
        return admin->looked;
    if (all || soon)
        begin_anew(admin);
    look_at_partitions(admin, all, soon);
    admin->looked = worst_result(admin);
    unsigned open = admin_open_count(admin);
    if (open > 0)
        stats_set(STATS_EPOCH, admin->shared->epoch);
    if (open == partitions)
        count_epochs(admin);
    now_ms = clock_mono_ms();
    if (all)
        admin->look_ms = now_ms + LOOK_MS + partitions * LOOK_PER_PART_MS;
    if (all || soon)
        admin->soon_ms = now_ms + (admin_passes(admin->looked) ? SOON_MS : LOOK_MS) +
                         (partitions - open) * SOON_PER_PART_MS;
    return admin->looked;
}
