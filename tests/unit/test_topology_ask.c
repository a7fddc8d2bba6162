/* test_topology_ask.c -- whom a topology asks and when, and what it believes. */
#include "store/topology/topology_ask.h"
#include "support/reply_text.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

static char err[256];
static struct topology *t;
static int64_t now_ms;
static struct topology_question question;
static struct buf out;

static void begin(const char *url)
{
    t = topology_new(url, err, sizeof(err));
    if (!t)
        fail_msg("%s: %s", url, err);
    now_ms = 1000000;
    buf_init(&out, 4096);
}

static int end(void **state)
{
    (void)state;
    topology_free(t);
    t = NULL;
    buf_free(&out);
    return 0;
}

EACH_BETWEEN(NULL, end)

/* Waits until it wants to ask; whom. */
static const char *ask(void)
{
    static char text[ENDPOINT_TEXT];
    int64_t due_ms = topology_ask_due(t);
    if (due_ms > now_ms)
        now_ms = due_ms;
    buf_reset(&out);
    question = topology_ask(t, now_ms, &out);
    return endpoint_text(&question.at, text);
}

static enum topology_said take(const char *first, const char *second, const char *third)
{
    const char *const texts[] = {first, second, third};
    redisReply *replies[4];
    size_t n = question.replies, skipped = n > (third ? 3 : 2) ? 1 : 0;
    for (size_t i = 0; i < n; i++)
        replies[i] = reply_of_text(i < skipped ? "-ERR~AUTH" : texts[i - skipped]);
    enum topology_said said = topology_take(t, &question, replies, now_ms);
    for (size_t i = 0; i < n; i++)
        freeReplyObject(replies[i]);
    return said;
}

/* What Sentinels say of a primary at h<n>:1. */
static enum topology_said named(int n, int order, const char *flags, const char *sentinels)
{
    char first[64], second[160];
    snprintf(first, sizeof(first), "[h%d 1]", n);
    snprintf(second, sizeof(second), "[ip h%d port 1 flags %s config-epoch %d]", n, flags, order);
    return take(first, second, sentinels);
}

static void check_at(const char *host)
{
    struct endpoint at;
    assert_true(topology_find(t, 3, &at));
    assert_string_equal(at.host, host);
}

/* --- whom and when ---------------------------------------------------------------------------- */

TEST(nothing_is_ever_asked_about_one_redis)
{
    begin("redis://h");
    topology_doubt(t, 0);
    assert_true(topology_ask_due(t) == INT64_MAX);
}

TEST(seeds_have_their_turns_until_one_answers)
{
    struct endpoint at;
    begin("redis+sentinel://s1,s2,s3/shop");
    assert_true(topology_ask_due(t) <= now_ms);
    assert_string_equal(ask(), "s1:26379");
    topology_unanswered(t, &question, "away", now_ms);
    assert_string_equal(ask(), "s2:26379");
    assert_false(topology_find(t, 0, &at));
    assert_non_null(strstr(topology_why(t), "s1:26379: away"));
    assert_int_equal(named(1, 1, "master", "[]"), TOPOLOGY_GOOD);
    check_at("h1");
    assert_int_equal(topology_order(t, 3), 1);
    assert_true(topology_ask_due(t) == now_ms + TOPOLOGY_LOOK_MS);
    assert_string_equal(ask(), "s3:26379");
}

TEST(without_doubt_it_asks_once_a_second)
{
    begin("redis+sentinel://s1,s2/shop");
    for (int i = 0; i < 5; i++) {
        int64_t before_ms = now_ms;
        (void)ask();
        assert_true(i == 0 || now_ms == before_ms + TOPOLOGY_LOOK_MS);
        assert_int_equal(named(1, 1, "master", "[]"), TOPOLOGY_GOOD);
    }
}

TEST(in_doubt_it_asks_at_once_but_ten_times_a_second_at_most)
{
    begin("redis+sentinel://s1,s2/shop");
    (void)ask();
    assert_int_equal(named(1, 1, "master", "[]"), TOPOLOGY_GOOD);
    int64_t begin_ms = now_ms;
    for (int i = 0; i < 40; i++) {
        now_ms += i == 20 ? 10000 : 0; /* a doubt after a quiet time */
        topology_doubt(t, 0);
        assert_true(topology_ask_due(t) <= now_ms + TOPOLOGY_EAGER_MS || i % 20 > 0);
        int64_t before_ms = now_ms;
        (void)ask();
        assert_true(i == 20 || now_ms - before_ms >= TOPOLOGY_EAGER_MS);
        assert_true(now_ms - before_ms <= 500);
        assert_int_equal(named(1, 1, i % 2 ? "master,s_down" : "master", "[]"),
                         i % 2 ? TOPOLOGY_DOWN : TOPOLOGY_GOOD);
    }
    assert_true(now_ms - begin_ms >= 39 * TOPOLOGY_EAGER_MS);
}

TEST(the_pause_grows_while_nobody_answers)
{
    int64_t most_ms = 0;
    begin("redis+cluster://n1");
    for (int i = 0; i < 200; i++) {
        int64_t before_ms = now_ms;
        assert_string_equal(ask(), "n1:6379");
        assert_true(i == 0 || now_ms - before_ms >= TOPOLOGY_EAGER_MS);
        assert_true(i == 0 || now_ms - before_ms <= 500);
        most_ms = i > 0 && now_ms - before_ms > most_ms ? now_ms - before_ms : most_ms;
        topology_unanswered(t, &question, "away", now_ms);
    }
    assert_true(most_ms > 300);
}

TEST(an_answer_to_an_older_question_leaves_a_doubt)
{
    begin("redis+sentinel://s1,s2/shop");
    (void)ask();
    topology_doubt(t, 0);
    assert_int_equal(named(1, 1, "master", "[]"), TOPOLOGY_GOOD);
    assert_true(topology_ask_due(t) <= now_ms + 500);
    (void)ask();
    assert_int_equal(named(1, 1, "master", "[]"), TOPOLOGY_GOOD);
    assert_true(topology_ask_due(t) == now_ms + TOPOLOGY_LOOK_MS);
}

TEST(who_does_not_answer_waits_longer_each_time)
{
    int dead = 0;
    begin("redis+sentinel://s1,s2,s3/shop");
    for (int i = 0; i < 60; i++) {
        if (strcmp(ask(), "s2:26379") == 0) {
            dead++;
            topology_unanswered(t, &question, "away", now_ms);
        } else {
            assert_int_equal(named(1, 1, "master", "[]"), TOPOLOGY_GOOD);
        }
    }
    assert_true(dead >= 3 && dead <= 12);
}

TEST(those_who_are_named_are_asked_too_while_they_are)
{
    char seen[512] = "";
    begin("redis+sentinel://s1/shop");
    (void)ask();
    assert_int_equal(named(1, 1, "master", "[[ip s1 port 26379] [ip s8 port 1] [ip s9 port 1]]"),
                     TOPOLOGY_GOOD);
    for (int i = 0; i < 6; i++) {
        strcat(strcat(seen, ask()), " ");
        assert_int_equal(
            named(1, 1, "master", i < 2 ? "[[ip s8 port 1] [ip s9 port 1]]" : "[[ip s9 port 1]]"),
            TOPOLOGY_GOOD);
    }
    assert_string_equal(seen, "s8:1 s9:1 s1:26379 s9:1 s1:26379 s9:1 ");
}

/* --- what ------------------------------------------------------------------------------------- */

static void check_sent(const char *what)
{
    char *text = malloc(out.n + 1);
    assert_non_null(text);
    memcpy(text, out.p, out.n);
    text[out.n] = '\0';
    if (!strstr(text, what))
        fail_msg("%s is not in %s", what, text);
    free(text);
}

TEST(the_question_goes_by_the_kind_of_address)
{
    begin("redis+sentinel://s1/shop");
    (void)ask();
    assert_int_equal(question.replies, 3);
    check_sent("GET-MASTER-ADDR-BY-NAME\r\n$4\r\nshop\r\n");
    (void)end(NULL);
    begin("redis+cluster://u:p@n1");
    (void)ask();
    assert_int_equal(question.replies, 3);
    check_sent("$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n");
    check_sent("$7\r\nCLUSTER\r\n$6\r\nSHARDS\r\n");
}

TEST(a_sentinel_without_passwords_answers_all_the_same)
{
    begin("redis+sentinel://:p@s1/shop");
    (void)ask();
    assert_int_equal(question.replies, 4);
    assert_int_equal(named(1, 1, "master", "[]"), TOPOLOGY_GOOD);
    check_at("h1");
}

/* --- what is believed ------------------------------------------------------------------------- */

struct told {
    struct topology_watch watch;
    int times;
};

static void on_changed(struct topology_watch *watch)
{
    ((struct told *)watch)->times++;
}

TEST(a_later_promotion_is_believed_and_told)
{
    struct told told = {.watch.changed = on_changed};
    begin("redis+sentinel://s1,s2/shop");
    topology_watch(t, &told.watch);
    (void)ask();
    assert_int_equal(named(1, 4, "master", "[]"), TOPOLOGY_GOOD);
    uint64_t version = topology_version(t);
    (void)ask();
    assert_int_equal(named(1, 4, "master", "[]"), TOPOLOGY_GOOD);
    assert_int_equal(topology_version(t), version);
    (void)ask();
    assert_int_equal(named(2, 5, "master", "[]"), TOPOLOGY_GOOD);
    assert_int_not_equal(topology_version(t), version);
    check_at("h2");
    assert_int_equal(topology_order(t, 0), 5);
    assert_int_equal(told.times, 2);
    topology_unwatch(&told.watch);
}

TEST(who_has_not_heard_of_the_last_promotion_is_not_believed)
{
    begin("redis+sentinel://s1,s2/shop");
    (void)ask();
    assert_int_equal(named(2, 5, "master", "[]"), TOPOLOGY_GOOD);
    topology_doubt(t, 0);
    (void)ask();
    assert_int_equal(named(1, 4, "master", "[]"), TOPOLOGY_NONSENSE);
    check_at("h2");
    assert_non_null(strstr(topology_why(t), "s2:26379: it has not heard"));
    assert_true(topology_ask_due(t) <= now_ms + 500); /* it is still in doubt */
}

TEST(if_nobody_knows_better_for_long_it_is_so)
{
    int64_t begin_ms;
    begin("redis+sentinel://s1,s2/shop");
    (void)ask();
    assert_int_equal(named(2, 5, "master", "[]"), TOPOLOGY_GOOD);
    begin_ms = now_ms;
    do
        (void)ask();
    while (named(1, 0, "master", "[]") != TOPOLOGY_GOOD);
    check_at("h1");
    assert_true(now_ms - begin_ms >= TOPOLOGY_BEHIND_MS);
    assert_true(now_ms - begin_ms <= TOPOLOGY_BEHIND_MS + 2 * TOPOLOGY_LOOK_MS);
}

TEST(a_name_that_nobody_knows_is_said)
{
    begin("redis+sentinel://s1/shop");
    (void)ask();
    assert_int_equal(take("_", "-ERR~No~such~master", "-ERR~No~such~master"), TOPOLOGY_NO_NAME);
    assert_string_equal(topology_why(t),
                        "s1:26379: this Sentinel knows no primary of the name shop");
    assert_true(topology_lacks_name(t));
    (void)ask();
    assert_int_equal(named(1, 1, "master", "[]"), TOPOLOGY_GOOD);
    assert_false(topology_lacks_name(t));
}

/* --- a cluster -------------------------------------------------------------------------------- */

#define SHARD(from, to, host)                                                                      \
    "[slots [" from " " to "] nodes [[id " host " port 1 endpoint " host                           \
    " role master health online]]]"
#define NODES "a~x~master~-~0~0~3~c|b~x~master~-~0~0~5~c|c~x~master~-~0~0~6~c|"

static void check_slot(unsigned slot, const char *host)
{
    struct endpoint at;
    assert_true(topology_find_slot(t, slot, &at));
    assert_string_equal(at.host, host);
}

TEST(each_slot_is_where_its_latest_promotion_is)
{
    begin("redis+cluster://n1,n2");
    (void)ask();
    assert_int_equal(
        take("[" SHARD(":0", ":99", "a") SHARD(":100", ":16383", "b") "]", NODES, NULL),
        TOPOLOGY_GOOD);
    check_slot(0, "a");
    check_slot(100, "b");
    (void)ask(); /* of 50..99 it knows that c has them, of 100..199 not yet that b has */
    assert_int_equal(take("[" SHARD(":0", ":49", "a") SHARD(":50", ":99", "c")
                              SHARD(":100", ":199", "a") SHARD(":200", ":16383", "b") "]",
                          "a~x~master~-~0~0~3~c|b~x~master~-~0~0~5~c|c~x~master~-~0~0~6~c|", NULL),
                     TOPOLOGY_NONSENSE);
    check_slot(0, "a");
    check_slot(50, "c");
    check_slot(150, "b");
}

TEST(a_slot_that_nobody_has_stays_where_it_was)
{
    struct endpoint at;
    begin("redis+cluster://n1");
    (void)ask();
    assert_int_equal(take("[" SHARD(":0", ":99", "a") "]", NODES, NULL), TOPOLOGY_GOOD);
    assert_false(topology_find_slot(t, 100, &at));
    (void)ask();
    assert_int_equal(take("[" SHARD(":50", ":199", "a") "]", NODES, NULL), TOPOLOGY_GOOD);
    check_slot(10, "a");
    check_slot(100, "a");
}

TEST(moved_moves_a_partition_at_once)
{
    const struct endpoint a = {.host = "a", .port = 1}, other = {.host = "z", .port = 1};
    unsigned slot = slot_of_partition(7);
    char error[64];
    struct endpoint at;
    begin("redis+cluster://n1");
    (void)ask();
    assert_int_equal(take("[" SHARD(":0", ":16383", "a") "]", NODES, NULL), TOPOLOGY_GOOD);
    uint64_t version = topology_version(t);
    snprintf(error, sizeof(error), "MOVED %u b:1", slot);
    topology_told(t, 7, &other, str_of(error)); /* not who we think has it: old news */
    topology_told(t, 6, &a, str_of(error));     /* not its slot */
    topology_told(t, 7, &a, STR("READONLY You can't write against a read only replica."));
    assert_int_equal(topology_version(t), version);
    topology_told(t, 7, &a, str_of(error));
    assert_int_not_equal(topology_version(t), version);
    assert_true(topology_find(t, 7, &at));
    assert_string_equal(at.host, "b");
    check_slot(slot + 1, "a");
    assert_true(topology_ask_due(t) <= now_ms + 500); /* and is asked for */
}
