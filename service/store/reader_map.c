/* reader_map.c -- which of the reader's links leads to which partition. */
#include "store/reader_state.h"

#include <stdio.h>

/* Where each link leads now: to its own partition. */
static void find_links(struct reader *reader)
{
    struct reader_link *link;
    LIST_FOREACH(link, &reader->links, next)
    {
        struct endpoint at = {.port = 0};
        bool known = topology_find(reader->store->topology, link->conn.partition, &at);
        link->moved = known != link->at_known || (known && !endpoint_same(&at, &link->at));
        link->at_known = known;
        link->at = at;
        link->used = false;
    }
}

static bool leads_to(const struct reader_link *link, bool known, const struct endpoint *at)
{
    return link->at_known == known && (!known || endpoint_same(&link->at, at));
}

/* Of several, one that is there already. */
static struct reader_link *link_to(struct reader *reader, bool known, const struct endpoint *at)
{
    struct reader_link *link, *found = NULL;
    LIST_FOREACH(link, &reader->links, next)
    if (leads_to(link, known, at) && (!found || (found->moved && !link->moved)))
        found = link;
    return found;
}

static struct reader_link *link_of(struct reader *reader, unsigned partition)
{
    struct endpoint at = {.port = 0};
    bool known = topology_find(reader->store->topology, partition, &at);
    struct reader_link *link = link_to(reader, known, &at);
    if (link)
        return link;
    link = reader_link_new(reader, partition);
    if (!link)
        return NULL;
    link->at = at;
    link->at_known = known;
    LIST_INSERT_HEAD(&reader->links, link, next);
    return link;
}

/* Takes away from the link what is of a partition that lies elsewhere. */
static void take_away(struct reader_link *link, struct read_asks *asks)
{
    const struct reader_part *parts = link->reader->parts;
    for (struct read_ask *ask = TAILQ_FIRST(&link->waiting), *next; ask; ask = next) {
        next = TAILQ_NEXT(ask, next);
        if (parts[ask->partition].link == link)
            continue;
        TAILQ_REMOVE(&link->waiting, ask, next);
        TAILQ_INSERT_TAIL(asks, ask, next);
    }
    for (unsigned i = 0; i < link->count; i++) {
        if (!link->flying[i] || parts[link->flying[i]->partition].link == link)
            continue;
        TAILQ_INSERT_TAIL(asks, link->flying[i], next);
        link->flying[i] = NULL;
    }
}

static void close_unused(struct reader *reader)
{
    for (struct reader_link *link = LIST_FIRST(&reader->links), *next; link; link = next) {
        next = LIST_NEXT(link, next);
        if (link->used)
            continue;
        LIST_REMOVE(link, next);
        LIST_INSERT_HEAD(&reader->closed, link, next);
        link->closed_ms = uv_now(reader->store->loop);
        conn_close(&link->conn);
    }
}

void reader_map(struct reader *reader)
{
    struct reader_link *link;
    struct read_asks moved = TAILQ_HEAD_INITIALIZER(moved);
    reader->mapped = true;
    reader->version = topology_version(reader->store->topology);
    find_links(reader);
    for (unsigned p = 0; p < reader->store->config.partitions; p++) {
        struct reader_part *part = &reader->parts[p];
        link = link_of(reader, p);
        if (link != part->link || !link || link->moved) {
            part->judged = part->looked = false;
            snprintf(part->why, sizeof(part->why), "Redis has not been reached yet");
        }
        part->link = link;
        if (link)
            link->used = link->probing = true;
        else
            reader->mapped = false;
    }
    LIST_FOREACH(link, &reader->links, next) take_away(link, &moved);
    close_unused(reader);
    while (!TAILQ_EMPTY(&moved)) {
        struct read_ask *ask = TAILQ_FIRST(&moved);
        TAILQ_REMOVE(&moved, ask, next);
        reader_send(reader, ask);
    }
}
