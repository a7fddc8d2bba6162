#include "store/topology/topology_ask.h"
#include "fail.h"
#include "stats.h"
#include "store/redis/resp.h"
#include "store/topology/topology_state.h"

#include <stdlib.h>
#include <string.h>

#define EAGER_MORE_MS 400 /* that the pause grows by, at the most */
#define SHUN_FIRST_MS 500
#define SHUN_LAST_MS  10000

/* --- when ------------------------------------------------------------------------------------- */

int64_t topology_ask_due(const struct topology *topology)
{
    if (topology->address.kind == ADDRESS_ONE)
        return INT64_MAX;
    return topology->doubts != topology->settled || topology->now->node_count == 0
               ? topology->ask_ms
               : topology->look_ms;
}

static void set_pause(struct topology *t, int64_t now_ms)
{
    unsigned shift = t->eager < 4 ? t->eager : 4;
    uint64_t more = ((uint64_t)EAGER_MORE_MS >> 4) << shift;
    t->ask_ms =
        now_ms + TOPOLOGY_EAGER_MS + (int64_t)(t->eager > 0 ? rng_below(&t->jitter, more) : 0);
    t->look_ms = now_ms + TOPOLOGY_LOOK_MS;
    t->eager++;
}

/* --- whom ------------------------------------------------------------------------------------- */

/* Who has waited longest, of those who are not shunned if there are such. */
static struct topology_seed *choose_seed(struct topology *t, int64_t now_ms)
{
    struct topology_seed *best = NULL;
    for (unsigned i = 0; i < t->seed_count; i++) {
        struct topology_seed *seed = &t->seeds[i];
        bool shunned = seed->shun_ms > now_ms, best_shunned = best && best->shun_ms > now_ms;
        if (!best || shunned < best_shunned ||
            (shunned == best_shunned && seed->asked_ms < best->asked_ms))
            best = seed;
    }
    return best;
}

static struct topology_seed *find_seed(struct topology *t, const struct endpoint *at)
{
    for (unsigned i = 0; i < t->seed_count; i++)
        if (endpoint_same(&t->seeds[i].at, at))
            return &t->seeds[i];
    return NULL;
}

static void shun(struct topology *t, const struct endpoint *at, int64_t now_ms)
{
    struct topology_seed *seed = find_seed(t, at);
    if (!seed)
        return;
    unsigned shift = seed->failures < 5 ? seed->failures : 5;
    int64_t wait_ms = (int64_t)SHUN_FIRST_MS << shift;
    seed->shun_ms = now_ms + (wait_ms < SHUN_LAST_MS ? wait_ms : SHUN_LAST_MS);
    seed->failures++;
}

/* Those of the URL stay, and of the others those that were named again. */
static void renew_seeds(struct topology *t, const struct topology_answer *answer)
{
    struct topology_seed kept[TOPOLOGY_FOUND_MAX];
    unsigned count = 0, given = t->address.seed_count;
    for (unsigned i = 0; i < answer->found_count; i++) {
        const struct topology_seed *known = find_seed(t, &answer->found[i]);
        if (known && known < t->seeds + given)
            continue;
        kept[count++] = known ? *known : (struct topology_seed){.at = answer->found[i]};
    }
    memcpy(t->seeds + given, kept, count * sizeof(*kept));
    t->seed_count = given + count;
}

/* --- what ------------------------------------------------------------------------------------- */

/* User and password are for Redis, and are tried with Sentinels too. One that has no passwords
 * refuses that and answers all the same, so only the answers count. */
static size_t put_auth(const struct address *address, struct buf *out)
{
    if (!address->password[0])
        return 0;
    if (address->user[0])
        resp_words(out, 3, "AUTH", address->user, address->password);
    else
        resp_words(out, 2, "AUTH", address->password);
    return 1;
}

struct topology_question topology_ask(struct topology *topology, int64_t now_ms, struct buf *out)
{
    const struct address *address = &topology->address;
    struct topology_seed *seed = choose_seed(topology, now_ms);
    struct topology_question question = {.at = seed->at, .doubts = topology->doubts};
    seed->asked_ms = now_ms;
    set_pause(topology, now_ms);
    stats_count(STATS_TOPOLOGY_QUESTIONS, 1);
    question.replies = put_auth(address, out);
    if (address->kind == ADDRESS_CLUSTER) {
        resp_words(out, 2, "CLUSTER", "SHARDS");
        resp_words(out, 2, "CLUSTER", "NODES");
        question.replies += TOPOLOGY_CLUSTER_REPLIES;
    } else {
        resp_words(out, 3, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", address->name);
        resp_words(out, 3, "SENTINEL", "MASTER", address->name);
        resp_words(out, 3, "SENTINEL", "SENTINELS", address->name);
        question.replies += TOPOLOGY_SENTINEL_REPLIES;
    }
    return question;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Numbers of nodes of another table in `next`; one that is not put in yet is SLOT_UNKNOWN. */
struct renumbering {
    uint16_t to[TOPOLOGY_NODES_MAX];
};

static uint16_t renumber(struct renumbering *r, const struct topology_table *of, uint16_t node,
                         struct topology_table *next)
{
    if (r->to[node] == SLOT_UNKNOWN)
        r->to[node] = topology_table_node(next, &of->nodes[node].at, of->nodes[node].order);
    return r->to[node];
}

static bool is_later(const struct topology_table *a, uint16_t x, const struct topology_table *b,
                     uint16_t y)
{
    return x != SLOT_UNKNOWN && y != SLOT_UNKNOWN && a->nodes[x].order > b->nodes[y].order;
}

/* What is in force with the answer, in `next`. False: there is no room. *behind: some of what was
 * known is later than what it says; unless it is to be believed, that stays. */
static bool merge(const struct topology_table *now, const struct topology_table *said, bool believe,
                  struct topology_table *next, bool *behind)
{
    struct renumbering of_now, of_said;
    memset(&of_now, 0xff, sizeof(of_now));
    memset(&of_said, 0xff, sizeof(of_said));
    *behind = false;
    topology_table_clear(next);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        uint16_t was = now->owner[slot], is = said->owner[slot];
        bool later = is_later(now, was, said, is);
        *behind = *behind || later;
        if (is == SLOT_UNKNOWN && was == SLOT_UNKNOWN)
            continue;
        next->owner[slot] = is == SLOT_UNKNOWN || (later && !believe)
                                ? renumber(&of_now, now, was, next)
                                : renumber(&of_said, said, is, next);
        if (next->owner[slot] == SLOT_UNKNOWN)
            return false;
    }
    return true;
}

static bool is_elsewhere(const struct topology_table *a, const struct topology_table *b)
{
    uint16_t same_x = SLOT_UNKNOWN, same_y = SLOT_UNKNOWN;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        uint16_t x = a->owner[slot], y = b->owner[slot];
        if (x == same_x && y == same_y)
            continue;
        if (x == SLOT_UNKNOWN || y == SLOT_UNKNOWN ||
            !endpoint_same(&a->nodes[x].at, &b->nodes[y].at))
            return true;
        same_x = x;
        same_y = y;
    }
    return false;
}

/* True: nothing in it is behind what was known. */
static bool take_table(struct topology *t, const struct topology_answer *answer, int64_t now_ms)
{
    struct topology_table *next = malloc(sizeof(*next)), *before = t->now;
    bool believe = now_ms - t->agree_ms >= TOPOLOGY_BEHIND_MS, behind;
    if (!next || !merge(before, &answer->table, believe, next, &behind)) {
        free(next);
        return false;
    }
    bool moved = is_elsewhere(before, next);
    t->now = next;
    free(before);
    if (!behind || believe)
        t->agree_ms = now_ms;
    if (moved) {
        stats_count(STATS_TOPOLOGY_CHANGES, 1);
        topology_changed(t);
    }
    return !behind || believe;
}

static enum topology_said parse(const struct topology *t, const struct topology_question *question,
                                redisReply **replies, struct topology_answer *answer)
{
    if (t->address.kind == ADDRESS_SENTINEL)
        return topology_parse_sentinel(replies + question->replies - TOPOLOGY_SENTINEL_REPLIES,
                                       answer);
    return topology_parse_cluster(replies + question->replies - TOPOLOGY_CLUSTER_REPLIES,
                                  &question->at, t->address.tls, answer);
}

static void no_use(struct topology *t, const struct topology_question *question, const char *why,
                   int64_t now_ms)
{
    char at[ENDPOINT_TEXT];
    stats_count(STATS_TOPOLOGY_FAILURES, 1);
    fail_say(t->why, sizeof(t->why), "%.80s: %.110s", endpoint_text(&question->at, at), why);
    shun(t, &question->at, now_ms);
}

static void settle_question(struct topology *t, const struct topology_question *question)
{
    if (t->settled < question->doubts)
        t->settled = question->doubts;
    if (t->settled == t->doubts)
        t->eager = 0;
}

/* What it says is in force from here on. */
static void accept(struct topology *t, const struct topology_question *question,
                   const struct topology_answer *answer, enum topology_said said)
{
    struct topology_seed *seed = find_seed(t, &question->at);
    if (seed)
        seed->failures = 0;
    t->why[0] = '\0';
    renew_seeds(t, answer);
    if (said == TOPOLOGY_GOOD)
        settle_question(t, question);
    else
        topology_doubt(t, 0);
}

static enum topology_said use_replies(struct topology *t, const struct topology_question *question,
                                      redisReply **replies, struct topology_answer *answer,
                                      int64_t now_ms)
{
    enum topology_said said = parse(t, question, replies, answer);
    t->lacks_name = said == TOPOLOGY_NO_NAME;
    if (said == TOPOLOGY_NO_NAME)
        fail_say(answer->why, sizeof(answer->why),
                 "this Sentinel knows no primary of the name %.60s", t->address.name);
    if ((said == TOPOLOGY_GOOD || said == TOPOLOGY_DOWN) && !take_table(t, answer, now_ms)) {
        fail_say(answer->why, sizeof(answer->why), "it has not heard of the last promotion");
        said = TOPOLOGY_NONSENSE;
    }
    if (said == TOPOLOGY_GOOD || said == TOPOLOGY_DOWN)
        accept(t, question, answer, said);
    else
        no_use(t, question, answer->why, now_ms);
    return said;
}

enum topology_said topology_take(struct topology *topology,
                                 const struct topology_question *question, redisReply **replies,
                                 int64_t now_ms)
{
    struct topology_answer *answer = malloc(sizeof(*answer));
    if (!answer) {
        no_use(topology, question, "out of memory", now_ms);
        return TOPOLOGY_NONSENSE;
    }
    enum topology_said said = use_replies(topology, question, replies, answer, now_ms);
    free(answer);
    return said;
}

void topology_unanswered(struct topology *topology, const struct topology_question *question,
                         const char *why, int64_t now_ms)
{
    no_use(topology, question, why, now_ms);
}
