/* topology_say.c -- which partitions have moved, for the log. */
#include "log.h"
#include "store/topology/topology_ask.h"
#include "store/topology/topology_state.h"

#include <stdio.h>

#define RANGES_SIZE 200

/* Where a partition was, and where it is. */
struct move {
    uint16_t from, to;
};

static struct move move_of(const struct topology *t, unsigned partition)
{
    unsigned slot = slot_of_partition(partition);
    return (struct move){t->said->owner[slot], t->now->owner[slot]};
}

static bool is_move(const struct topology *t, struct move m)
{
    if (m.from == SLOT_UNKNOWN || m.to == SLOT_UNKNOWN)
        return m.from != m.to;
    return !endpoint_same(&t->said->nodes[m.from].at, &t->now->nodes[m.to].at);
}

static bool same_move(struct move a, struct move b)
{
    return a.from == b.from && a.to == b.to;
}

/* "0-5,9": all that moved so, from the first of them on. */
static void put_ranges(const struct topology *t, struct move move, unsigned first,
                       unsigned partitions, char text[RANGES_SIZE])
{
    size_t n = 0;
    for (unsigned p = first; p < partitions && n < RANGES_SIZE; p++) {
        unsigned last = p;
        if (!same_move(move_of(t, p), move))
            continue;
        while (last + 1 < partitions && same_move(move_of(t, last + 1), move))
            last++;
        n += (size_t)snprintf(text + n, RANGES_SIZE - n, last > p ? "%s%u-%u" : "%s%u",
                              n > 0 ? "," : "", p, last);
        p = last;
    }
}

static void say_move(const struct topology *t, struct move move, unsigned first,
                     unsigned partitions)
{
    char ranges[RANGES_SIZE], from[ENDPOINT_TEXT] = "", to[ENDPOINT_TEXT] = "";
    put_ranges(t, move, first, partitions, ranges);
    if (move.from != SLOT_UNKNOWN)
        endpoint_text(&t->said->nodes[move.from].at, from);
    if (move.to != SLOT_UNKNOWN)
        endpoint_text(&t->now->nodes[move.to].at, to);
    bool known = move.from != SLOT_UNKNOWN;
    log_event(known ? LOG_WARN : LOG_INFO, known ? "primary moved" : "primary found",
              LOG_STR("partitions", ranges), LOG_STR("from", from), LOG_STR("to", to),
              LOG_INT("order", move.to == SLOT_UNKNOWN ? 0 : t->now->nodes[move.to].order));
}

static bool said_before(const struct topology *t, struct move move, unsigned partition)
{
    for (unsigned p = 0; p < partition; p++)
        if (same_move(move_of(t, p), move))
            return true;
    return false;
}

void topology_say_moves(struct topology *topology, unsigned partitions)
{
    if (topology->said_version == topology->version)
        return;
    for (unsigned p = 0; p < partitions; p++) {
        struct move move = move_of(topology, p);
        if (is_move(topology, move) && !said_before(topology, move, p))
            say_move(topology, move, p, partitions);
    }
    *topology->said = *topology->now;
    topology->said_version = topology->version;
}
