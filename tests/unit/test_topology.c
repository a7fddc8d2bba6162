/* test_topology.c -- where each partition is written to. */
#include "store/topology/topology.h"
#include "support/suite.h"

static char err[256];

TEST(slots_are_those_of_redis)
{
    /* As CLUSTER KEYSLOT of Redis 7.0 answers. */
    static const struct {
        const char *key;
        unsigned slot;
    } rows[] = {{"123456789", 0x31c3},
                {"foo", 12182},
                {"{foo}:bar", 12182},
                {"a{foo}{bar}", 12182},
                {"", 0},
                {"{}foo", 9500},
                {"foo{bar", 15278},
                {"foo{{bar}}", 4015}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (slot_of(str_of(rows[i].key)) != rows[i].slot)
            fail_msg("%s: %u", rows[i].key, slot_of(str_of(rows[i].key)));
    assert_int_equal(slot_of_partition(12), slot_of(STR("{p12}:meta")));
}

TEST(one_redis_is_where_its_url_says_whatever_is_doubted)
{
    struct topology *t = topology_new("redis://u:p@h:7/1", err, sizeof(err));
    struct endpoint at;
    assert_non_null(t);
    uint64_t version = topology_version(t);
    for (unsigned partition = 0; partition < 3; partition++) {
        assert_true(topology_find(t, partition, &at));
        assert_true(strcmp(at.host, "h") == 0 && at.port == 7);
        topology_doubt(t, partition);
        assert_int_equal(topology_order(t, partition), 0);
    }
    assert_int_equal(topology_version(t), version);
    assert_string_equal(topology_address(t)->user, "u");
    topology_free(t);
}

TEST(a_wrong_url_makes_none)
{
    assert_null(topology_new("redis://", err, sizeof(err)));
    assert_non_null(strstr(err, "no host"));
}
