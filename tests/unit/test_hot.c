/* test_hot.c -- which names are asked for most, as a few entries remember it. */
#include "core/hot.h"
#include "random.h"
#include "shared.h"
#include "support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TABLES 3

static struct hot *hot;
static struct hot_item items[TABLES * HOT_ENTRIES];

static int begin(void **state)
{
    hot = shared_alloc(TABLES * sizeof(*hot));
    return hot ? 0 : -1;
}

static int end(void **state)
{
    shared_free(hot, TABLES * sizeof(*hot));
    return 0;
}

EACH_BETWEEN(begin, end)

static struct str name_of(const struct hot_item *item)
{
    return (struct str){item->name, item->n};
}

/* Its rate among those that are read; 0 if it is not. */
static double rate_of(unsigned tables, int64_t now_ms, struct str name)
{
    unsigned count = hot_read(hot, tables, now_ms, items, HOT_ENTRIES);
    for (unsigned i = 0; i < count; i++)
        if (str_equal(name_of(&items[i]), name))
            return items[i].rate;
    return 0;
}

static void is_near(double value, double wanted)
{
    if (value < wanted * 0.95 || value > wanted * 1.05)
        fail_msg("%g, not about %g", value, wanted);
}

/* So many times a second, in even steps, from_ms until to_ms. */
static void ask(struct hot *table, const char *name, unsigned rate, int64_t from_ms, int64_t to_ms)
{
    int64_t times = (to_ms - from_ms) * rate / 1000;
    for (int64_t i = 0; i < times; i++)
        hot_note(table, str_of(name), from_ms + i * 1000 / rate);
}

TEST(nothing_was_asked_for)
{
    assert_int_equal(hot_read(hot, TABLES, 1000, items, 10), 0);
}

TEST(steady_demand_is_told_as_it_is)
{
    ask(hot, "slow", 20, 0, 30000);
    is_near(rate_of(1, 30000, STR("slow")), 20);
}

TEST(what_is_not_asked_for_any_more_fades_and_is_gone)
{
    ask(hot, "a", 100, 0, 30000);
    is_near(rate_of(1, 30000 + HOT_HALF_LIFE_MS, STR("a")), 50);
    is_near(rate_of(1, 30000 + 3 * HOT_HALF_LIFE_MS, STR("a")), 12.5);
    assert_int_equal(hot_read(hot, 1, 30000 + 30 * HOT_HALF_LIFE_MS, items, 10), 0);
}

TEST(the_hottest_come_first_and_no_more_than_asked_for)
{
    ask(hot, "warm", 10, 0, 20000);
    ask(hot, "hot", 50, 0, 20000);
    ask(hot, "mild", 2, 0, 20000);
    assert_int_equal(hot_read(hot, 1, 20000, items, 2), 2);
    assert_true(str_equal(name_of(&items[0]), STR("hot")));
    assert_true(str_equal(name_of(&items[1]), STR("warm")));
}

TEST(tables_add_up)
{
    for (unsigned t = 0; t < TABLES; t++)
        ask(&hot[t], "shared", 10, 0, 20000);
    ask(&hot[1], "own", 20, 0, 20000);
    assert_int_equal(hot_read(hot, TABLES, 20000, items, 10), 2);
    is_near(rate_of(TABLES, 20000, STR("shared")), 30);
    is_near(rate_of(TABLES, 20000, STR("own")), 20);
}

/* Ten names have half of all demand, ten thousand the rest: the ten are there, in front, and none
 * of the others is told to have more than it has. */
TEST(heavy_hitters_are_found_among_ten_thousand_names)
{
    struct rng rng;
    char name[32];
    rng_seed(&rng, 1);
    for (int64_t i = 0; i < 400000; i++) {
        uint64_t draw = rng_below(&rng, 20);
        if (draw < 10)
            snprintf(name, sizeof(name), "heavy-%d", (int)draw);
        else
            snprintf(name, sizeof(name), "light-%d", (int)rng_below(&rng, 10000));
        hot_note(hot, str_of(name), i / 20); /* 20,000 a second */
    }
    unsigned count = hot_read(hot, 1, 20000, items, HOT_ENTRIES);
    assert_true(count >= 10);
    for (unsigned i = 0; i < count; i++) {
        bool heavy = strncmp(items[i].name, "heavy", 5) == 0;
        assert_int_equal(heavy, i < 10);
        if (heavy)
            is_near(items[i].rate, 1000);
        else
            assert_true(items[i].rate < 10);
    }
}

/* Whatever was hot before, what is hot now gets in. */
TEST(a_new_hot_name_displaces_old_ones)
{
    char name[32];
    for (int i = 0; i < 4 * HOT_ENTRIES; i++) {
        snprintf(name, sizeof(name), "old-%d", i);
        ask(hot, name, 5, 0, 20000);
    }
    ask(hot, "new", 100, 20000, 40000);
    assert_int_equal(hot_read(hot, 1, 40000, items, 1), 1);
    assert_true(str_equal(name_of(&items[0]), STR("new")));
    is_near(items[0].rate, 100);
}

/* A month, and then the clock of a machine that has been up for years. */
TEST(it_goes_on_for_as_long_as_a_machine_is_up)
{
    static const int64_t day_ms = 86400000;
    int64_t now_ms = 0;
    for (int64_t day = 0; day < 30; day++) {
        now_ms = day * day_ms + 12345;
        ask(hot, "a", 10, now_ms, now_ms + 20000);
        is_near(rate_of(1, now_ms + 20000, STR("a")), 10);
    }
    now_ms = 5000 * day_ms;
    ask(hot, "a", 10, now_ms, now_ms + 20000);
    is_near(rate_of(1, now_ms + 20000, STR("a")), 10);
}

/* Steady demand over the instant at which weights are told from another base. */
TEST(a_new_base_changes_nothing)
{
    int64_t change_ms = (int64_t)HOT_HALF_LIFE_MS * 256;
    ask(hot, "a", 40, change_ms - 20000, change_ms + 3000);
    is_near(rate_of(1, change_ms + 3000, STR("a")), 40);
}

TEST(names_of_every_length)
{
    char name[SKU_STORED_MAX_BYTES + 2];
    memset(name, 'x', sizeof(name));
    for (size_t n = 0; n <= sizeof(name); n++)
        hot_note(hot, (struct str){name, n}, 1000);
    unsigned count = hot_read(hot, 1, 1000, items, HOT_ENTRIES);
    assert_int_equal(count, SKU_STORED_MAX_BYTES);
    for (unsigned i = 0; i < count; i++)
        assert_true(items[i].n >= 1 && items[i].n <= SKU_STORED_MAX_BYTES);
}

TEST(a_process_begins_with_nothing_whatever_the_last_one_died_over)
{
    ask(hot, "a", 10, 0, 10000);
    for (unsigned i = 0; i < HOT_ENTRIES; i++)
        hot->entries[i].turn |= 1; /* killed in the middle of it */
    assert_int_equal(hot_read(hot, 1, 10000, items, 10), 0);
    hot_begin(hot);
    assert_int_equal(hot_read(hot, 1, 10000, items, 10), 0);
    ask(hot, "b", 10, 10000, 30000);
    is_near(rate_of(1, 30000, STR("b")), 10);
    assert_true(rate_of(1, 30000, STR("a")) == 0);
}

#define LETTERS_AT 2

/* Behind a number, which makes for many names, the same letter over and over; the length says which
 * one that is. */
static void write_for_ever(void)
{
    char name[SKU_STORED_MAX_BYTES + 1];
    struct rng rng;
    rng_seed(&rng, 7);
    for (;;) {
        size_t letter = rng_below(&rng, 26);
        snprintf(name, sizeof(name), "%02d", (int)rng_below(&rng, 100));
        memset(name + LETTERS_AT, 'a' + (int)letter, sizeof(name) - LETTERS_AT);
        hot_note(hot, (struct str){name, 40 + letter}, 0);
    }
}

TEST(a_reader_never_sees_a_half_of_a_name)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) /* should the test fail */
        write_for_ever();
    for (unsigned reads = 0, seen = 0; reads < 20000 || seen == 0; reads++) {
        unsigned count = hot_read(hot, 1, 0, items, HOT_ENTRIES);
        for (unsigned i = 0; i < count; i++, seen++)
            for (unsigned k = LETTERS_AT; k < items[i].n; k++)
                if (items[i].name[k] - 'a' != items[i].n - 40)
                    fail_msg("half of a name: %.*s", items[i].n, items[i].name);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}
