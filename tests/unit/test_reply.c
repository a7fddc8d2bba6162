/* test_reply.c -- what replies of Redis mean: the table of errors, texts, TIME, INFO. */
#include "store/redis/reply.h"
#include "support/suite.h"

TEST(every_error_has_its_class)
{
    static const struct {
        const char *text;
        enum reply_class class;
    } rows[] = {
        {"LOADING Redis is loading the dataset in memory", REPLY_RETRY},
        {"BUSY Redis is busy running a script.", REPLY_RETRY},
        {"TRYAGAIN Multiple keys request during rehashing of slot", REPLY_RETRY},
        {"ERR max number of clients reached", REPLY_RETRY},
        {"MISCONF Redis is configured to save RDB snapshots", REPLY_REFUSED},
        {"OOM command not allowed when used memory > 'maxmemory'.", REPLY_REFUSED},
        {"NOREPLICAS Not enough good replicas to write.", REPLY_REFUSED},
        {"READONLY You can't write against a read only replica.", REPLY_REPLICA},
        {"MASTERDOWN Link with MASTER is down", REPLY_REPLICA},
        {"UNBLOCKED force unblock from blocking operation", REPLY_REPLICA},
        {"MOVED 3999 127.0.0.1:6381", REPLY_REDIRECT},
        {"ASK 3999 127.0.0.1:6381", REPLY_RETRY},
        {"CLUSTERDOWN The cluster is down", REPLY_RETRY},
        {"NOAUTH Authentication required.", REPLY_FORBIDDEN},
        {"WRONGPASS invalid username-password pair", REPLY_FORBIDDEN},
        {"NOPERM this user has no permissions", REPLY_FORBIDDEN},
        {"WRONGTYPE Operation against a key holding the wrong kind of value", REPLY_BROKEN},
        {"ERR unknown command", REPLY_BROKEN},
        {"EXECABORT Transaction discarded because of previous errors.", REPLY_BROKEN},
        {"EXECABORT Transaction discarded because of: OOM command not allowed", REPLY_REFUSED},
        {"EXECABORT Transaction discarded because of: READONLY You can't", REPLY_REPLICA},
        {"EXECABORT Transaction discarded because of: MOVED 3999 a:1", REPLY_REDIRECT},
        {"LOADINGS", REPLY_BROKEN},
        {"", REPLY_BROKEN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (reply_classify(str_of(rows[i].text)) != rows[i].class)
            fail_msg("%s: class %d", rows[i].text, (int)reply_classify(str_of(rows[i].text)));
    assert_true(reply_is_execabort(STR("EXECABORT x")));
    assert_false(reply_is_execabort(STR("EXECABORTED")));
    assert_true(reply_is_noperm(STR("NOPERM User x has no permissions to run the 'get' command")));
    assert_false(reply_is_noperm(STR("NOAUTH Authentication required.")));
}

static redisReply string(const char *text)
{
    return (redisReply){
        .type = REDIS_REPLY_STRING, .str = (char *)(uintptr_t)text, .len = strlen(text)};
}

TEST(only_a_string_has_text)
{
    redisReply a = string("x"), nil = {.type = REDIS_REPLY_NIL};
    assert_true(str_equal(reply_text(&a), STR("x")));
    assert_true(str_absent(reply_text(&nil)));
}

TEST(time_is_seconds_and_microseconds)
{
    redisReply s = string("1763688697"), us = string("123999"), *both[] = {&s, &us};
    redisReply time = {.type = REDIS_REPLY_ARRAY, .elements = 2, .element = both};
    assert_true(reply_time_ms(&time) == INT64_C(1763688697123));
    us = string("1000000");
    assert_true(reply_time_ms(&time) == -1);
    us = string("0");
    s = string("0");
    assert_true(reply_time_ms(&time) == -1);
    s = string("99999999999999999");
    assert_true(reply_time_ms(&time) == -1);
    time.elements = 1;
    assert_true(reply_time_ms(&time) == -1);
    assert_true(reply_time_ms(&s) == -1);
}

TEST(info_is_read_by_whole_names)
{
    redisReply info = string("# Memory\r\nmaxmemory_human:1M\r\nmaxmemory:1048576\r\nlast:x");
    char text[8];
    assert_true(reply_info(&info, "maxmemory", text, sizeof(text)));
    assert_string_equal(text, "1048576");
    assert_true(reply_info(&info, "last", text, sizeof(text)));
    assert_string_equal(text, "x");
    assert_false(reply_info(&info, "memory", text, sizeof(text)));
    assert_string_equal(text, "");
}
