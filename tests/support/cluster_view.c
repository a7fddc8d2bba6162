/* cluster_view.c -- see cluster_view.h. */
#include "support/cluster_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_FIELDS 8 /* id, address, flags, primary, ping, pong, epoch, link; then slots */
#define NODES_MAX    16

static void add(char *text, size_t size, const char *more)
{
    size_t n = strlen(text);
    snprintf(text + n, size - n, "%s", more);
}

/* Slots that are on their way, "[93-<-id]", are still whose they are. */
static void add_slots(char *text, size_t size, char *rest)
{
    for (char *word; (word = strtok_r(rest, " ", &rest));)
        if (*word != '[') {
            add(text, size, " ");
            add(text, size, word);
        }
}

static void read_self(struct cluster_view *view, char *const *field, const char *slots)
{
    snprintf(view->id, sizeof(view->id), "%s", field[0]);
    snprintf(view->primary, sizeof(view->primary), "%s", field[3]);
    view->epoch = strtoll(field[6], NULL, 10);
    snprintf(view->slots, sizeof(view->slots), "%s", slots);
}

static void read_line(struct cluster_view *view, char *line)
{
    char *field[FIXED_FIELDS], slots[512] = "", *rest = line;
    for (int i = 0; i < FIXED_FIELDS; i++)
        if (!(field[i] = strtok_r(rest, " ", &rest)))
            return;
    add_slots(slots, sizeof(slots), rest);
    field[1][strcspn(field[1], "@")] = '\0';
    view->nodes += !strstr(field[2], "handshake");
    if (strstr(field[2], "myself"))
        read_self(view, field, slots);
    if (strstr(field[2], "fail") || strstr(field[2], "handshake")) {
        add(view->doubts, sizeof(view->doubts), " ");
        add(view->doubts, sizeof(view->doubts), field[1]);
        add(view->doubts, sizeof(view->doubts), " ");
    }
    if (!*slots)
        return;
    add(view->map, sizeof(view->map), field[0]);
    add(view->map, sizeof(view->map), slots);
    add(view->map, sizeof(view->map), "\n");
}

static int compare(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

bool cluster_view_ask(struct cluster_view *view, const struct tredis *r)
{
    char *lines[NODES_MAX];
    size_t count = 0;
    *view = (struct cluster_view){.epoch = -1};
    redisReply *reply = tredis_try(r, "CLUSTER NODES");
    bool answered = reply && reply->type == REDIS_REPLY_STRING;
    char *rest = answered ? reply->str : NULL;
    for (char *line; rest && count < NODES_MAX && (line = strtok_r(rest, "\n", &rest));)
        lines[count++] = line;
    qsort(lines, count, sizeof(*lines), compare);
    for (size_t i = 0; i < count; i++)
        read_line(view, lines[i]);
    freeReplyObject(reply);
    return answered;
}

bool cluster_view_has(const struct cluster_view *view, int slot)
{
    char slots[sizeof(view->slots)], *rest = slots;
    if (strcmp(view->primary, "-") != 0)
        return false;
    memcpy(slots, view->slots, sizeof(slots));
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        const char *dash = strchr(word, '-');
        int first = (int)strtol(word, NULL, 10);
        int last = dash ? (int)strtol(dash + 1, NULL, 10) : first;
        if (slot >= first && slot <= last)
            return true;
    }
    return false;
}

bool cluster_view_doubts(const struct cluster_view *view, const char *host, int port)
{
    char name[64];
    snprintf(name, sizeof(name), " %s:%d ", host, port);
    return strstr(view->doubts, name) != NULL;
}
