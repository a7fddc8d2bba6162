/* topology_parse.c -- replies as values. Lists of names and values may come with names that are not
 * known, and in any order. */
#include "store/topology/topology_parse.h"
#include "digits.h"
#include "fail.h"

#include <string.h>

#define PORT_MAX 65535

#define NONSENSE(answer, ...)                                                                      \
    (fail_say((answer)->why, sizeof((answer)->why), __VA_ARGS__), TOPOLOGY_NONSENSE)

/* --- the table -------------------------------------------------------------------------------- */

void topology_table_clear(struct topology_table *table)
{
    table->node_count = 0;
    memset(table->owner, 0xff, sizeof(table->owner));
}

uint16_t topology_table_node(struct topology_table *table, const struct endpoint *at, int64_t order)
{
    unsigned i = 0;
    while (i < table->node_count &&
           (table->nodes[i].order != order || !endpoint_same(&table->nodes[i].at, at)))
        i++;
    if (i == TOPOLOGY_NODES_MAX)
        return SLOT_UNKNOWN;
    if (i == table->node_count)
        table->nodes[table->node_count++] = (struct topology_node){*at, order};
    return (uint16_t)i;
}

static void add_found(struct topology_answer *answer, const struct endpoint *at)
{
    for (unsigned i = 0; i < answer->found_count; i++)
        if (endpoint_same(&answer->found[i], at))
            return;
    if (answer->found_count < TOPOLOGY_FOUND_MAX)
        answer->found[answer->found_count++] = *at;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_array(const redisReply *reply)
{
    return reply && reply->type == REDIS_REPLY_ARRAY;
}

static struct str text_of(const redisReply *reply)
{
    bool text = reply && (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS);
    return text ? (struct str){reply->str, (size_t)reply->len} : (struct str){NULL, 0};
}

/* -1: it is no number, or more than `most`. */
static int64_t number_in_reply(const redisReply *reply, int64_t most)
{
    if (reply && reply->type == REDIS_REPLY_INTEGER)
        return reply->integer >= 0 && reply->integer <= most ? reply->integer : -1;
    struct str text = text_of(reply);
    return digits_read(text.p, text.n, most);
}

/* Of a list of names and values. NULL: there is none of that name. */
static const redisReply *value_of(const redisReply *pairs, struct str name)
{
    for (size_t i = 0; is_array(pairs) && i + 1 < pairs->elements; i += 2)
        if (str_equal(text_of(pairs->element[i]), name))
            return pairs->element[i + 1];
    return NULL;
}

static bool set_host(struct endpoint *at, struct str host)
{
    if (host.n == 0 || host.n >= sizeof(at->host) || memchr(host.p, '\0', host.n))
        return false;
    memcpy(at->host, host.p, host.n);
    at->host[host.n] = '\0';
    return true;
}

static bool set_port(struct endpoint *at, const redisReply *port)
{
    at->port = (int)number_in_reply(port, PORT_MAX);
    return at->port > 0;
}

/* Is the word in the text, whose words are separated by commas? */
static bool has_word(struct str text, struct str word)
{
    while (text.n > 0) {
        const char *comma = memchr(text.p, ',', text.n);
        size_t n = comma ? (size_t)(comma - text.p) : text.n;
        if (str_equal((struct str){text.p, n}, word))
            return true;
        n += comma != NULL;
        text = (struct str){text.p + n, text.n - n};
    }
    return false;
}

static enum topology_said first_error(redisReply *const *replies, size_t count,
                                      struct topology_answer *answer)
{
    for (size_t i = 0; i < count; i++)
        if (!replies[i] || replies[i]->type == REDIS_REPLY_ERROR)
            return NONSENSE(answer, "%.150s", replies[i] ? replies[i]->str : "no answer");
    return TOPOLOGY_GOOD;
}

/* --- Sentinels -------------------------------------------------------------------------------- */

static void add_sentinels(struct topology_answer *answer, const redisReply *sentinels)
{
    for (size_t i = 0; is_array(sentinels) && i < sentinels->elements; i++) {
        struct endpoint at = {.host = ""};
        const redisReply *of = sentinels->element[i];
        if (set_host(&at, text_of(value_of(of, STR("ip")))) &&
            set_port(&at, value_of(of, STR("port"))))
            add_found(answer, &at);
    }
}

/* A Sentinel that is about to make the switch known names the new primary already, while what it
 * has of the primary is still the old one's. */
static bool agree(const redisReply *master, const struct endpoint *at, struct str flags)
{
    struct endpoint of = {.host = ""};
    return has_word(flags, STR("failover_in_progress")) ||
           (set_host(&of, text_of(value_of(master, STR("ip")))) &&
            set_port(&of, value_of(master, STR("port"))) && endpoint_same(&of, at));
}

enum topology_said topology_parse_sentinel(redisReply *const *replies,
                                           struct topology_answer *answer)
{
    const redisReply *named = replies[0], *master = replies[1];
    struct endpoint at = {.host = ""};
    topology_table_clear(&answer->table);
    answer->found_count = 0;
    if (named && named->type == REDIS_REPLY_NIL)
        return TOPOLOGY_NO_NAME;
    if (first_error(replies, TOPOLOGY_SENTINEL_REPLIES, answer) != TOPOLOGY_GOOD)
        return TOPOLOGY_NONSENSE;
    if (!is_array(named) || named->elements != 2 || !set_host(&at, text_of(named->element[0])) ||
        !set_port(&at, named->element[1]))
        return NONSENSE(answer, "a Sentinel gave no address of the primary");
    struct str flags = text_of(value_of(master, STR("flags")));
    int64_t order = number_in_reply(value_of(master, STR("config-epoch")), INT64_MAX);
    if (order < 0 || !has_word(flags, STR("master")))
        return NONSENSE(answer, "a Sentinel gave no state of the primary");
    if (!agree(master, &at, flags))
        return NONSENSE(answer, "a Sentinel contradicts itself");
    uint16_t node = topology_table_node(&answer->table, &at, order);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        answer->table.owner[slot] = node;
    add_sentinels(answer, replies[2]);
    bool down = has_word(flags, STR("s_down")) || has_word(flags, STR("o_down")) ||
                has_word(flags, STR("failover_in_progress"));
    return down ? TOPOLOGY_DOWN : TOPOLOGY_GOOD;
}

/* --- a cluster -------------------------------------------------------------------------------- */

/* One that is read. */
struct shards {
    struct str nodes; /* what CLUSTER NODES said */
    const struct endpoint *asked;
    struct topology_answer *answer;
    bool tls;
    bool down;
};

/* The next of the words of a line; empty at its end. */
static struct str next_word(struct str *line)
{
    const char *space = line->n > 0 ? memchr(line->p, ' ', line->n) : NULL;
    struct str word = {line->p, space ? (size_t)(space - line->p) : line->n};
    size_t n = word.n + (space != NULL);
    *line = (struct str){line->p + n, line->n - n};
    return word;
}

/* <id> <address> <flags> <primary> <ping> <pong> <config epoch> ...; -1: no line has this id. */
static int64_t order_of(struct str nodes, struct str id)
{
    while (nodes.n > 0) {
        const char *end = memchr(nodes.p, '\n', nodes.n);
        struct str line = {nodes.p, end ? (size_t)(end - nodes.p) : nodes.n};
        size_t n = line.n + (end != NULL);
        nodes = (struct str){nodes.p + n, nodes.n - n};
        if (!str_equal(next_word(&line), id))
            continue;
        struct str word = {NULL, 0};
        for (int i = 0; i < 6; i++)
            word = next_word(&line);
        return digits_read(word.p, word.n, INT64_MAX);
    }
    return -1;
}

/* "?" is a node that is to be reached by a name, and was given none. */
static bool address_of(const struct shards *s, const redisReply *node, struct endpoint *at)
{
    struct str endpoint = text_of(value_of(node, STR("endpoint")));
    struct str ip = text_of(value_of(node, STR("ip")));
    *at = (struct endpoint){.host = ""};
    if (endpoint.n > 0 && !str_equal(endpoint, STR("?"))) {
        if (!set_host(at, endpoint))
            return false;
    } else if (ip.n > 0 && endpoint.n > 0) {
        if (!set_host(at, ip))
            return false;
    } else {
        memcpy(at->host, s->asked->host, sizeof(at->host));
    }
    return set_port(at, value_of(node, s->tls ? STR("tls-port") : STR("port")));
}

/* Of two that say so, one of them was not told yet: who came later is the one. False: there is
 * none that can be told. */
static bool choose_primary(const struct shards *s, const redisReply *nodes,
                           struct topology_node *primary, bool *online)
{
    bool any = false;
    *online = false;
    for (size_t i = 0; i < nodes->elements; i++) {
        const redisReply *node = nodes->element[i];
        struct topology_node at;
        if (!str_equal(text_of(value_of(node, STR("role"))), STR("master")) ||
            !address_of(s, node, &at.at))
            continue;
        bool is_online = str_equal(text_of(value_of(node, STR("health"))), STR("online"));
        at.order = order_of(s->nodes, text_of(value_of(node, STR("id"))));
        if (at.order < 0 || (any && *online && !is_online) ||
            (any && *online == is_online && at.order <= primary->order))
            continue;
        *primary = at;
        *online = is_online;
        any = true;
    }
    return any;
}

static bool take_slots(struct topology_answer *answer, const redisReply *slots, uint16_t node)
{
    for (size_t i = 0; i < slots->elements; i += 2) {
        int64_t first = number_in_reply(slots->element[i], SLOTS - 1);
        int64_t last =
            i + 1 < slots->elements ? number_in_reply(slots->element[i + 1], SLOTS - 1) : -1;
        if (first < 0 || last < first)
            return false;
        for (int64_t slot = first; slot <= last; slot++) {
            if (answer->table.owner[slot] != SLOT_UNKNOWN)
                return false; /* somebody else has it, too */
            answer->table.owner[slot] = node;
        }
    }
    return true;
}

static enum topology_said take_shard(struct shards *s, const redisReply *shard)
{
    const redisReply *slots = value_of(shard, STR("slots"));
    const redisReply *nodes = value_of(shard, STR("nodes"));
    struct topology_node primary;
    bool online;
    if (!is_array(slots) || !is_array(nodes))
        return NONSENSE(s->answer, "a cluster's node told of a shard without slots or nodes");
    for (size_t i = 0; i < nodes->elements; i++) {
        struct endpoint at;
        if (address_of(s, nodes->element[i], &at))
            add_found(s->answer, &at);
    }
    if (slots->elements == 0)
        return TOPOLOGY_GOOD;
    if (!choose_primary(s, nodes, &primary, &online))
        return NONSENSE(s->answer, "a cluster's node knows no primary of some slots");
    uint16_t node = topology_table_node(&s->answer->table, &primary.at, primary.order);
    if (node == SLOT_UNKNOWN)
        return NONSENSE(s->answer, "the cluster has more than %d primaries", TOPOLOGY_NODES_MAX);
    if (!take_slots(s->answer, slots, node))
        return NONSENSE(s->answer, "a cluster's node told of slots that cannot be");
    s->down = s->down || !online;
    return TOPOLOGY_GOOD;
}

enum topology_said topology_parse_cluster(redisReply *const *replies, const struct endpoint *asked,
                                          bool tls, struct topology_answer *answer)
{
    struct shards s = {.asked = asked, .answer = answer, .tls = tls};
    topology_table_clear(&answer->table);
    answer->found_count = 0;
    if (first_error(replies, TOPOLOGY_CLUSTER_REPLIES, answer) != TOPOLOGY_GOOD)
        return TOPOLOGY_NONSENSE;
    s.nodes = text_of(replies[1]);
    if (!is_array(replies[0]))
        return NONSENSE(answer, "a cluster's node gave no list of shards");
    for (size_t i = 0; i < replies[0]->elements; i++)
        if (take_shard(&s, replies[0]->element[i]) != TOPOLOGY_GOOD)
            return TOPOLOGY_NONSENSE;
    if (answer->table.node_count == 0)
        return NONSENSE(answer, "this node belongs to no cluster that has slots");
    return s.down ? TOPOLOGY_DOWN : TOPOLOGY_GOOD;
}

/* --- MOVED ------------------------------------------------------------------------------------ */

bool topology_parse_moved(struct str error, const struct endpoint *asked, unsigned *slot,
                          struct endpoint *at)
{
    if (!str_equal(next_word(&error), STR("MOVED")))
        return false;
    struct str number = next_word(&error), where = next_word(&error);
    const char *colon = where.n > 0 ? memrchr(where.p, ':', where.n) : NULL;
    int64_t value = digits_read(number.p, number.n, SLOTS - 1);
    if (value < 0 || !colon)
        return false;
    size_t host_n = (size_t)(colon - where.p);
    int64_t port = digits_read(colon + 1, where.n - host_n - 1, PORT_MAX);
    struct str host = {where.p, host_n};
    *slot = (unsigned)value;
    *at = (struct endpoint){.port = (int)port};
    if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct str){host.p + 1, host.n - 2};
    if (host.n == 0 || str_equal(host, STR("?")))
        memcpy(at->host, asked->host, sizeof(at->host));
    else if (!set_host(at, host))
        return false;
    return port > 0;
}
