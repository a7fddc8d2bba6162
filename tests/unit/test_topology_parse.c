/* test_topology_parse.c -- what Sentinels and nodes of a cluster say, and what of it is believed.
 */
#include "store/topology/topology_parse.h"
#include "support/reply_text.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

#define ID_A "aaaa"
#define ID_B "bbbb"
#define ID_C "cccc"
#define ID_D "dddd"

static const struct endpoint asked = {.host = "seed.test", .port = 7};
static struct topology_answer answer;

static void check_node(unsigned slot, const char *at, int64_t order)
{
    char text[ENDPOINT_TEXT];
    uint16_t owner = answer.table.owner[slot];
    assert_true(owner < answer.table.node_count);
    assert_string_equal(endpoint_text(&answer.table.nodes[owner].at, text), at);
    assert_int_equal(answer.table.nodes[owner].order, order);
}

static void check_found(const char *all)
{
    char text[512] = "", at[ENDPOINT_TEXT];
    for (unsigned i = 0; i < answer.found_count; i++) {
        strcat(text, i > 0 ? " " : "");
        strcat(text, endpoint_text(&answer.found[i], at));
    }
    assert_string_equal(text, all);
}

/* --- Sentinels -------------------------------------------------------------------------------- */

static enum topology_said of_sentinel(const char *named, const char *master, const char *sentinels)
{
    redisReply *replies[] = {reply_of_text(named), reply_of_text(master), reply_of_text(sentinels)};
    memset(&answer, 0x5a, sizeof(answer));
    enum topology_said said = topology_parse_sentinel(replies, &answer);
    for (size_t i = 0; i < 3; i++)
        freeReplyObject(replies[i]);
    return said;
}

#define MASTER "[name shop ip 10.0.0.1 port 6379 flags master config-epoch 3 quorum 2]"

TEST(a_sentinel_names_the_primary_and_other_sentinels)
{
    assert_int_equal(of_sentinel("[10.0.0.1 6379]", MASTER,
                                 "[[name x ip 10.0.0.8 port 26379] [port 26380 ip ::1]]"),
                     TOPOLOGY_GOOD);
    assert_int_equal(answer.table.node_count, 1);
    check_node(0, "10.0.0.1:6379", 3);
    check_node(SLOTS - 1, "10.0.0.1:6379", 3);
    check_found("10.0.0.8:26379 [::1]:26380");
}

TEST(a_sentinel_that_is_switching_is_ahead_of_what_it_has_of_the_primary)
{
    assert_int_equal(of_sentinel("[10.0.0.2 6379]",
                                 "[ip 10.0.0.1 port 6379 flags "
                                 "master,s_down,o_down,failover_in_progress config-epoch 4]",
                                 "[]"),
                     TOPOLOGY_DOWN);
    check_node(7, "10.0.0.2:6379", 4);
}

TEST(a_primary_that_is_held_for_dead_is_where_it_was)
{
    static const char *const flags[] = {"s_down,master", "master,o_down",
                                        "master,disconnected,s_down"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        char master[128];
        snprintf(master, sizeof(master), "[ip db.test port 1 config-epoch 0 flags %s]", flags[i]);
        assert_int_equal(of_sentinel("[db.test 1]", master, "[]"), TOPOLOGY_DOWN);
        check_node(1, "db.test:1", 0);
    }
}

TEST(a_name_that_a_sentinel_does_not_watch_is_told_apart)
{
    assert_int_equal(of_sentinel("_", "-ERR~No~such~master~with~that~name",
                                 "-ERR~No~such~master~with~that~name"),
                     TOPOLOGY_NO_NAME);
}

TEST(what_no_sentinel_says_is_refused)
{
    static const struct {
        const char *named, *master;
    } rows[] = {
        {"-NOAUTH~Authentication~required.", MASTER},
        {"[10.0.0.1 6379]", "-NOPERM~this~user"},
        {"[10.0.0.1]", MASTER},
        {"[10.0.0.1 6379 x]", MASTER},
        {"[\"\" 6379]", MASTER},
        {"[10.0.0.1 0]", MASTER},
        {"[10.0.0.1 65536]", MASTER},
        {"[10.0.0.1 -1]", MASTER},
        {"[[] 6379]", MASTER},
        {"10.0.0.1", MASTER},
        {":5", MASTER},
        {"[10.0.0.1 6379]", "[]"},
        {"[10.0.0.1 6379]", "_"},
        {"[10.0.0.1 6379]", "[ip 10.0.0.1 port 6379 flags master]"},
        {"[10.0.0.1 6379]", "[ip 10.0.0.1 port 6379 flags master config-epoch -3]"},
        {"[10.0.0.1 6379]", "[ip 10.0.0.1 port 6379 flags slave config-epoch 3]"},
        {"[10.0.0.1 6379]", "[ip 10.0.0.1 port 6379 flags masterful config-epoch 3]"},
        {"[10.0.0.1 6379]", "[ip 10.0.0.1 port 6379 config-epoch 3 flags]"},
        {"[10.0.0.2 6379]", MASTER},
        {"[10.0.0.1 6380]", MASTER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (of_sentinel(rows[i].named, rows[i].master, "[]") != TOPOLOGY_NONSENSE)
            fail_msg("%s %s was taken", rows[i].named, rows[i].master);
        assert_true(answer.why[0]);
    }
}

TEST(sentinels_that_make_no_sense_are_left_out)
{
    char many[4096] = "[";
    for (int i = 0; i < 100; i++)
        sprintf(many + strlen(many), "[ip s%d port 1] ", i);
    strcat(many, "]");
    assert_int_equal(of_sentinel("[10.0.0.1 6379]", MASTER, many), TOPOLOGY_GOOD);
    assert_int_equal(answer.found_count, TOPOLOGY_FOUND_MAX);
    assert_int_equal(of_sentinel("[10.0.0.1 6379]", MASTER,
                                 "[x [] [ip a] [ip b port x] [ip c port 1] [ip c port 1] :3]"),
                     TOPOLOGY_GOOD);
    check_found("c:1");
    assert_int_equal(of_sentinel("[10.0.0.1 6379]", MASTER, "_"), TOPOLOGY_GOOD);
}

/* --- clusters --------------------------------------------------------------------------------- */

static bool tls;

static enum topology_said of_cluster(const char *shards, const char *nodes)
{
    redisReply *replies[] = {reply_of_text(shards), reply_of_text(nodes)};
    memset(&answer, 0x5a, sizeof(answer));
    enum topology_said said = topology_parse_cluster(replies, &asked, tls, &answer);
    for (size_t i = 0; i < 2; i++)
        freeReplyObject(replies[i]);
    return said;
}

/* Lines of CLUSTER NODES. */
#define LINE(id, flags, epoch) id "~10.0.0.1:1@2~" flags "~-~0~0~" epoch "~connected~0-9|"
#define NODES                                                                                      \
    LINE(ID_A, "myself,master", "1")                                                               \
    LINE(ID_B, "slave", "1") LINE(ID_C, "master", "5") LINE(ID_D, "master,fail", "4")
#define NODE(id, at, role, health)                                                                 \
    "[id " id " port 6379 ip " at " endpoint " at " hostname \"\" role " role                      \
    " replication-offset :72 health " health "]"

TEST(a_node_tells_of_every_shard)
{
    assert_int_equal(
        of_cluster("[[slots [:0 :99 :200 :299] nodes [" NODE(ID_A, "10.0.0.1", "master", "online")
                       NODE(ID_B, "10.0.0.2", "replica",
                            "online") "]]"
                                      " [nodes [" NODE(ID_C, "10.0.0.3", "master",
                                                       "online") "] slots [300 16383]]]",
                   NODES),
        TOPOLOGY_GOOD);
    check_node(0, "10.0.0.1:6379", 1);
    check_node(99, "10.0.0.1:6379", 1);
    assert_int_equal(answer.table.owner[100], SLOT_UNKNOWN);
    check_node(200, "10.0.0.1:6379", 1);
    check_node(16383, "10.0.0.3:6379", 5);
    check_found("10.0.0.1:6379 10.0.0.2:6379 10.0.0.3:6379");
}

TEST(of_two_that_say_primary_it_is_the_one_who_is_well_and_came_last)
{
    assert_int_equal(of_cluster("[[slots [:0 :0] nodes [" NODE(ID_D, "d", "master", "fail")
                                    NODE(ID_A, "a", "master", "online")
                                        NODE(ID_C, "c", "master", "online")
                                            NODE(ID_B, "b", "master", "online") "]]]",
                                NODES),
                     TOPOLOGY_GOOD);
    check_node(0, "c:6379", 5);
}

TEST(a_shard_whose_primary_has_failed_is_where_it_was)
{
    static const char *const health[] = {"fail", "failed", "loading"};
    for (size_t i = 0; i < 3; i++) {
        char shards[512];
        snprintf(shards, sizeof(shards),
                 "[[slots [:5 :6] nodes [" NODE(ID_B, "b", "replica", "online")
                     NODE(ID_D, "d", "master", "%s") "]]]",
                 health[i]);
        assert_int_equal(of_cluster(shards, NODES), TOPOLOGY_DOWN);
        check_node(5, "d:6379", 4);
    }
}

/* An old primary that has come back as nobody's: its shard has no slots. */
TEST(a_shard_without_slots_is_nobodys_trouble)
{
    assert_int_equal(
        of_cluster("[[slots [] nodes [" NODE(ID_D, "d", "master",
                                             "fail") "]]"
                                                     " [slots [:0 :1] nodes [" NODE(
                                                         ID_A, "a", "master", "online") "]]]",
                   NODES),
        TOPOLOGY_GOOD);
    check_node(1, "a:6379", 1);
    check_found("d:6379 a:6379");
}

TEST(a_node_is_where_its_endpoint_says)
{
    static const struct {
        const char *address, *at;
    } rows[] = {
        {"ip 10.0.0.1 endpoint host.test port 5", "host.test:5"},
        {"ip 2001:db8::7 endpoint 2001:db8::7 port 5", "[2001:db8::7]:5"},
        {"ip 10.0.0.1 endpoint ? hostname \"\" port 5", "10.0.0.1:5"},
        {"ip \"\" endpoint \"\" port 5", "seed.test:5"},
        {"ip 10.0.0.1 endpoint _ port 5", "seed.test:5"},
        {"port :5", "seed.test:5"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char shards[256];
        snprintf(shards, sizeof(shards),
                 "[[slots [:0 :0] nodes [[id " ID_A " %s role master health online]]]]",
                 rows[i].address);
        assert_int_equal(of_cluster(shards, NODES), TOPOLOGY_GOOD);
        check_node(0, rows[i].at, 1);
    }
}

TEST(over_tls_it_is_the_other_port)
{
    static const char shards[] = "[[slots [:0 :0] nodes [[id " ID_A
                                 " port 5 tls-port 6 endpoint a role master health online]]]]";
    tls = true;
    assert_int_equal(of_cluster(shards, NODES), TOPOLOGY_GOOD);
    check_node(0, "a:6", 1);
    tls = false;
    assert_int_equal(of_cluster(shards, NODES), TOPOLOGY_GOOD);
    check_node(0, "a:5", 1);
}

TEST(what_no_cluster_says_is_refused)
{
#define GOOD_NODES "nodes [" NODE(ID_A, "a", "master", "online") "]"
    static const char *const rows[] = {
        "-ERR~This~instance~has~cluster~support~disabled",
        "-NOPERM~no",
        "_",
        ":3",
        "[]",
        "[x]",
        "[[]]",
        "[[slots [:0 :0]]]",
        "[[" GOOD_NODES "]]",
        "[[slots [] " GOOD_NODES "]]",
        "[[slots x " GOOD_NODES "]]",
        "[[slots [:0] " GOOD_NODES "]]",
        "[[slots [:0 :1 :2] " GOOD_NODES "]]",
        "[[slots [:1 :0] " GOOD_NODES "]]",
        "[[slots [:0 :16384] " GOOD_NODES "]]",
        "[[slots [:-1 :5] " GOOD_NODES "]]",
        "[[slots [a b] " GOOD_NODES "]]",
        "[[slots [:0 :5 :5 :6] " GOOD_NODES "]]",
        "[[slots [:0 :5] " GOOD_NODES
        "] [slots [:5 :6] nodes [" NODE(ID_C, "c", "master", "online") "]]]",
        "[[slots [:0 :5] nodes []]]",
        "[[slots [:0 :5] nodes [x]]]",
        "[[slots [:0 :5] nodes [" NODE(ID_A, "a", "replica", "online") "]]]",
        "[[slots [:0 :5] nodes [" NODE("eeee", "a", "master", "online") "]]]",
        "[[slots [:0 :5] nodes [[id " ID_A " endpoint a role master health online]]]]",
        "[[slots [:0 :5] nodes [[id " ID_A " endpoint a port 0 role master health online]]]]",
        "[[slots [:0 :5] nodes [[id " ID_A " endpoint a port 99999 role master]]]]",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (of_cluster(rows[i], NODES) != TOPOLOGY_NONSENSE)
            fail_msg("%s was taken", rows[i]);
        assert_true(answer.why[0]);
    }
}

TEST(without_an_order_of_promotions_nothing_is_believed)
{
    static const char *const nodes[] = {"-NOPERM~no",
                                        "_",
                                        "\"\"",
                                        "[]",
                                        ID_A,
                                        ID_A "~10.0.0.1:1@2~master~-~0~0",
                                        LINE(ID_A, "master", "x"),
                                        LINE(ID_A, "master", "-1"),
                                        LINE("xaaaa", "master", "1")};
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        if (of_cluster("[[slots [:0 :0] " GOOD_NODES "]]", nodes[i]) != TOPOLOGY_NONSENSE)
            fail_msg("%s was taken", nodes[i]);
}

TEST(a_host_too_long_for_any_name_is_refused)
{
    char shards[1024], host[ADDRESS_PART + 1];
    memset(host, 'h', ADDRESS_PART);
    host[ADDRESS_PART] = '\0';
    for (int extra = 0; extra < 2; extra++) {
        snprintf(shards, sizeof(shards),
                 "[[slots [:0 :0] nodes [[id " ID_A " port 5 endpoint %s role master health "
                 "online]]]]",
                 host + 1 - extra);
        assert_int_equal(of_cluster(shards, NODES), extra ? TOPOLOGY_NONSENSE : TOPOLOGY_GOOD);
    }
}

/* --- MOVED ------------------------------------------------------------------------------------ */

TEST(moved_says_where_a_slot_is)
{
    static const struct {
        const char *error, *at;
        unsigned slot;
    } rows[] = {
        {"MOVED 3999 127.0.0.1:6381", "127.0.0.1:6381", 3999},
        {"MOVED 0 ::1:6381", "[::1]:6381", 0},
        {"MOVED 0 [::1]:6381", "[::1]:6381", 0},
        {"MOVED 16383 host.test:1 more", "host.test:1", 16383},
        {"MOVED 5 :6381", "seed.test:6381", 5},
        {"MOVED 5 ?:6381", "seed.test:6381", 5},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct endpoint at;
        unsigned slot;
        char text[ENDPOINT_TEXT];
        assert_true(topology_parse_moved(str_of(rows[i].error), &asked, &slot, &at));
        assert_string_equal(endpoint_text(&at, text), rows[i].at);
        assert_int_equal(slot, rows[i].slot);
    }
}

TEST(what_is_no_moved_is_none)
{
    static const char *const rows[] = {
        "",
        "MOVED",
        "MOVED ",
        "MOVED 1",
        "MOVED 1 a",
        "MOVED 1 a:",
        "MOVED 1 a:0",
        "MOVED 1 a:x",
        "MOVED 16384 a:1",
        "MOVED -1 a:1",
        "MOVED x a:1",
        "ASK 1 a:1",
        "MOVEDX 1 a:1",
        "MOVED 1 a:99999",
        "MOVED  a:1",
        "EXECABORT Transaction discarded because of previous errors."};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct endpoint at;
        unsigned slot;
        if (topology_parse_moved(str_of(rows[i]), &asked, &slot, &at))
            fail_msg("%s was taken", rows[i]);
    }
}
