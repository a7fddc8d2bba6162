/* test_workload.c -- the scenarios are sound, and the dice fall as the tables say. */
#include "client/workload.h"
#include "support/suite.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define THROWS 200000

static struct workload opened(const char *scenario)
{
    char err[WORKLOAD_ERR_SIZE];
    struct workload w = *workload_find(scenario);
    assert_int_equal(workload_open(&w, err, sizeof(err)), 0);
    return w;
}

TEST(every_scenario_opens_as_it_is)
{
    size_t count;
    const struct workload *all = workload_scenarios(&count);
    static const char *const wanted[] = {"flash", "zipf", "basket", "churn", "restock", "mixed"};
    assert_int_equal(count, sizeof(wanted) / sizeof(wanted[0]));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(all[i].scenario, wanted[i]);
        struct workload w = opened(all[i].scenario);
        workload_close(&w);
    }
    assert_null(workload_find("flush"));
}

TEST(work_is_picked_by_its_weight)
{
    struct workload w = opened("mixed");
    unsigned count[WORKS] = {0};
    struct rng rng;
    rng_seed(&rng, 3);
    for (int i = 0; i < THROWS; i++)
        count[workload_pick(&w, &rng)]++;
    for (int i = 0; i < WORKS; i++) {
        double share = (double)count[i] / THROWS, want = (double)w.weight[i] / w.weights;
        assert_true(fabs(share - want) < 0.005);
    }
    workload_close(&w);
}

TEST(items_follow_zipf_s_law)
{
    struct workload w = opened("zipf"); /* 1,000 items, theta 0.99 */
    unsigned first = 0, second = 0;
    struct rng rng;
    rng_seed(&rng, 5);
    for (int i = 0; i < THROWS; i++) {
        uint32_t item = workload_item(&w, &rng);
        assert_true(item < w.skus);
        first += item == 0;
        second += item == 1;
    }
    assert_true(fabs((double)first / THROWS - 0.129) < 0.005); /* as Gray et al. compute it */
    assert_true(fabs((double)first / second - pow(2, 0.99)) < 0.1);
    workload_close(&w);
}

TEST(every_item_is_reached_when_all_are_alike)
{
    struct workload w = opened("churn");
    unsigned count[4] = {0};
    struct rng rng;
    rng_seed(&rng, 5);
    for (int i = 0; i < THROWS; i++)
        count[workload_item(&w, &rng)]++;
    for (int i = 0; i < 4; i++)
        assert_in_range(count[i], THROWS / 4 - 2000, THROWS / 4 + 2000);
    workload_close(&w);
}

TEST(a_basket_holds_different_items_within_its_bounds)
{
    struct workload w = *workload_find("basket");
    char err[WORKLOAD_ERR_SIZE];
    unsigned sizes[8] = {0}, shuffled = 0;
    struct rng rng;
    w.skus = 6;
    assert_int_equal(workload_open(&w, err, sizeof(err)), 0);
    rng_seed(&rng, 9);
    for (int i = 0; i < 10000; i++) {
        uint32_t items[HISTORY_LINES_MAX];
        unsigned n = workload_basket(&w, &rng, items);
        assert_in_range(n, 2, 5);
        sizes[n]++;
        shuffled += items[0] > items[1];
        for (unsigned a = 0; a < n; a++)
            for (unsigned b = 0; b < a; b++)
                assert_int_not_equal(items[a], items[b]);
    }
    for (int n = 2; n <= 5; n++)
        assert_in_range(sizes[n], 2200, 2800);
    assert_in_range(shuffled, 3000, 7000);
    workload_close(&w);
}

TEST(quantities_stay_within_their_range)
{
    struct workload w = opened("mixed");
    bool seen[4] = {false};
    struct rng rng;
    rng_seed(&rng, 9);
    for (int i = 0; i < 1000; i++) {
        uint32_t q = workload_quantity(&w, &rng);
        assert_in_range(q, 1, 3);
        seen[q] = true;
    }
    assert_true(seen[1] && seen[2] && seen[3]);
    workload_close(&w);
}

TEST(a_limit_is_for_somebody)
{
    struct workload mixed = opened("mixed");
    assert_true(mixed.named && mixed.limit > 0 && mixed.customers > 0);
    assert_int_equal(mixed.limited_every, 5);
    workload_close(&mixed);
    struct workload flash = *workload_find("flash");
    char err[WORKLOAD_ERR_SIZE];
    assert_false(flash.named);
    flash.limit = 2;
    assert_int_equal(workload_open(&flash, err, sizeof(err)), 0);
    assert_true(flash.named && flash.limited_every == 1); /* its one item */
    workload_close(&flash);
}

TEST(a_batch_has_as_many_operations_as_was_asked_for)
{
    struct workload w = *workload_find("mixed");
    char err[WORKLOAD_ERR_SIZE];
    bool seen[5] = {false};
    struct rng rng;
    w.batch_min = 2;
    w.batch_max = 4;
    assert_int_equal(workload_open(&w, err, sizeof(err)), 0);
    rng_seed(&rng, 9);
    for (int i = 0; i < 1000; i++) {
        unsigned n = workload_batch(&w, &rng);
        assert_in_range(n, 2, 4);
        seen[n] = true;
    }
    assert_true(seen[2] && seen[3] && seen[4]);
    assert_int_equal(workload_calls(&w), 4);
    w.weight[WORK_BATCH] = 0;
    assert_int_equal(workload_calls(&w), 1);
    workload_close(&w);
}

TEST(what_can_not_work_is_refused_with_the_flag_to_change)
{
    static const struct {
        const char *word;
        uint32_t skus, stock, qty_max, basket_min, basket_max, ttl_ms, weight;
        double theta;
    } rows[] = {
        {"--skus", 0, 1, 1, 1, 1, 1000, 1, 0},
        {"--skus", 1000001, 1, 1, 1, 1, 1000, 1, 0},
        {"--stock", 1, 2000000001, 1, 1, 1, 1000, 1, 0},
        {"--qty", 1, 1, 1000001, 1, 1, 1000, 1, 0},
        {"--basket", 200, 1, 1, 1, 101, 1000, 1, 0},
        {"--basket", 3, 1, 1, 4, 5, 1000, 1, 0},
        {"--ttl", 1, 1, 1, 1, 1, 1500, 1, 0},
        {"--ttl", 1, 1, 1, 1, 1, 0, 1, 0},
        {"--zipf", 1, 1, 1, 1, 1, 1000, 1, -0.5},
        {"--mix", 1, 1, 1, 1, 1, 1000, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char err[WORKLOAD_ERR_SIZE] = "";
        struct workload w = {.skus = rows[i].skus,
                             .stock = rows[i].stock,
                             .qty_max = rows[i].qty_max,
                             .basket_min = rows[i].basket_min,
                             .basket_max = rows[i].basket_max,
                             .ttl_ms = rows[i].ttl_ms,
                             .weight = {rows[i].weight},
                             .theta = rows[i].theta};
        assert_int_equal(workload_open(&w, err, sizeof(err)), -EINVAL);
        assert_non_null(strstr(err, rows[i].word));
        workload_close(&w);
    }
}

TEST(only_some_items_are_removed_each_as_likely_as_the_next)
{
    static const struct {
        uint32_t skus, every;
    } rows[] = {{1, 1}, {5, 5}, {10, 10}, {100, 10}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char err[WORKLOAD_ERR_SIZE];
        struct workload w = *workload_find("mixed");
        struct rng rng;
        unsigned seen[100] = {0};
        w.skus = rows[i].skus;
        w.basket_max = 1;
        assert_int_equal(workload_open(&w, err, sizeof(err)), 0);
        assert_int_equal(w.removable_every, rows[i].every);
        rng_seed(&rng, 1);
        for (int n = 0; n < 1200; n++)
            seen[workload_removable(&w, &rng)]++;
        for (uint32_t item = 0; item < w.skus; item++)
            if (workload_removes(&w, item))
                assert_in_range(seen[item], 50, 1200);
            else
                assert_int_equal(seen[item], 0);
        workload_close(&w);
        w.weight[WORK_REMOVE] = 0;
        assert_int_equal(workload_open(&w, err, sizeof(err)), 0);
        assert_int_equal(w.removable_every, 0);
        workload_close(&w);
    }
}
