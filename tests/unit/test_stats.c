#include "stats.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const routes[] = {"alpha", "beta"};

/* The value on the line that begins with `name `; fails if there is none. */
static double value_of(const struct stats *stats, const char *name)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    stats_render(stats, &out);
    buf_putc(&out, '\0');
    assert_false(out.failed);
    size_t n = strlen(name);
    for (const char *line = out.p; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == ' ') {
            double value = atof(line + n);
            buf_free(&out);
            return value;
        }
    }
    fail_msg("no line %s", name);
    return -1;
}

TEST(writing_before_attach_is_nothing)
{
    stats_count(STATS_BATCHES, 1);
    stats_set(STATS_EPOCH, 1);
    stats_observe(STATS_TRIES, 1);
    stats_request(0, 200, 1);
}

TEST(counts_and_gauges)
{
    struct stats *stats = stats_new(2, routes, 2);
    assert_non_null(stats);
    stats_attach(stats, 0, "worker");
    stats_count(STATS_BATCHES, 3);
    stats_count(STATS_CONFLICTS, 1);
    stats_set(STATS_EXPIRY_LAG_MS, 1500);
    stats_set(STATS_KEEPER_ROUND_AT_MS, 1795231293500);
    stats_add(STATS_QUEUE_DEPTH, 5);
    stats_add(STATS_QUEUE_DEPTH, -2);
    assert_true(value_of(stats, "stockd_batches_total") == 3);
    assert_true(value_of(stats, "stockd_conflicts_total") == 1);
    assert_true(value_of(stats, "stockd_expiry_lag_seconds") == 1.5);
    assert_true(value_of(stats, "stockd_keeper_round_timestamp_seconds") == 1795231293.5);
    assert_true(value_of(stats, "stockd_queue_depth") == 3);
    stats_free(stats);
}

/* The line that names the service; a text that the caller frees. */
static char *service_of(const struct stats *stats)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    stats_render(stats, &out);
    buf_putc(&out, '\0');
    const char *line = strstr(out.p, "\nstockd_service_start_time_seconds{service=\"");
    assert_non_null(line);
    char *service = strndup(line, strcspn(line + 1, "\n"));
    buf_free(&out);
    return service;
}

TEST(each_start_of_a_service_has_a_name_of_its_own)
{
    struct stats *one = stats_new(1, routes, 2), *other = stats_new(1, routes, 2);
    char *names[] = {service_of(one), service_of(one), service_of(other)};
    assert_string_equal(names[0], names[1]);
    assert_string_not_equal(names[0], names[2]);
    for (size_t i = 0; i < 3; i++)
        free(names[i]);
    stats_free(one);
    stats_free(other);
}

TEST(the_largest_value_of_all_processes)
{
    struct stats *stats = stats_new(2, routes, 2);
    assert_non_null(stats);
    for (unsigned slot = 0; slot < 2; slot++) {
        stats_attach(stats, slot, "worker");
        stats_raise(STATS_LOST_RUN_MAX, slot == 0 ? 7 : 4);
        stats_raise(STATS_LOST_RUN_MAX, 2);
    }
    assert_true(value_of(stats, "stockd_exec_lost_run_max") == 7);
    assert_int_equal(stats_gauge(stats, STATS_LOST_RUN_MAX), 7);
    stats_free(stats);
}

TEST(sums_over_processes)
{
    struct stats *stats = stats_new(3, routes, 2);
    assert_non_null(stats);
    for (unsigned i = 0; i < 3; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            stats_attach(stats, i, "worker");
            for (int n = 0; n < 1000; n++)
                stats_count(STATS_BATCHES, 1);
            stats_request(1, 200, 70);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    assert_true(value_of(stats, "stockd_batches_total") == 3000);
    assert_true(value_of(stats, "stockd_http_requests_total{route=\"beta\",status=\"200\"}") == 3);
    stats_free(stats);
}

TEST(operations_by_kind_and_outcome)
{
    static const char *const kinds[] = {"sell", "hold"};
    struct stats *stats = stats_new(2, routes, 2);
    assert_non_null(stats);
    stats_name_operations(stats, kinds, 2);
    stats_operation(1, STATS_DONE); /* of nobody yet */
    for (unsigned slot = 0; slot < 2; slot++) {
        stats_attach(stats, slot, "worker");
        stats_operation(1, STATS_DONE);
        stats_operation(0, STATS_INSUFFICIENT);
    }
    assert_true(value_of(stats, "stockd_operations_total{op=\"hold\",outcome=\"done\"}") == 2);
    assert_true(
        value_of(stats, "stockd_operations_total{op=\"sell\",outcome=\"insufficient_stock\"}") ==
        2);
    assert_int_equal(stats_operations(stats, 1, STATS_DONE), 2);
    assert_int_equal(stats_operations(stats, 0, STATS_DONE), 0);
    stats_free(stats);
}

TEST(what_was_counted_can_be_asked_for)
{
    struct stats *stats = stats_new(2, routes, 2);
    uint64_t buckets[STATS_TIME_BUCKETS];
    assert_non_null(stats);
    for (unsigned slot = 0; slot < 2; slot++) {
        stats_attach(stats, slot, "worker");
        stats_count(STATS_BATCHES, 5);
        stats_request(0, 200, 70);
        stats_request(1, 503, 99999999);
        stats_observe(STATS_TOTAL_US, 50);       /* at a bound is below it */
        stats_observe(STATS_TOTAL_US, 51);       /* in the next */
        stats_observe(STATS_TOTAL_US, 99999999); /* above all */
    }
    assert_int_equal(stats_counted(stats, STATS_BATCHES), 10);
    assert_int_equal(stats_counted(stats, STATS_CONFLICTS), 0);
    assert_int_equal(stats_requests(stats), 4);
    stats_times(stats, STATS_TOTAL_US, buckets);
    for (unsigned i = 0; i < STATS_TIME_BUCKETS; i++)
        assert_int_equal(buckets[i], i <= 1 || i == STATS_TIME_BUCKETS - 1 ? 2 : 0);
    assert_int_equal(stats_time_bounds()[0], 50);
    for (unsigned i = 1; i + 1 < STATS_TIME_BUCKETS; i++)
        assert_true(stats_time_bounds()[i] > stats_time_bounds()[i - 1]);
    stats_free(stats);
}

/* A worker that takes over a slot: counters go on, gauges begin anew. */
TEST(a_slot_outlives_its_process)
{
    struct stats *stats = stats_new(1, routes, 2);
    stats_attach(stats, 0, "worker");
    stats_count(STATS_EXPIRED, 2);
    stats_add(STATS_HTTP_OPEN, 7);
    stats_attach(stats, 0, "worker");
    stats_count(STATS_EXPIRED, 1);
    assert_true(value_of(stats, "stockd_reservations_expired_total") == 3);
    assert_true(value_of(stats, "stockd_http_connections_open") == 0);
    stats_free(stats);
}

TEST(histograms_are_cumulative)
{
    struct stats *stats = stats_new(1, routes, 2);
    stats_attach(stats, 0, "worker");
    stats_observe(STATS_BATCH_SIZE, 1);
    stats_observe(STATS_BATCH_SIZE, 2);
    stats_observe(STATS_BATCH_SIZE, 3);
    stats_observe(STATS_BATCH_SIZE, 100000);
    assert_true(value_of(stats, "stockd_batch_size_bucket{le=\"1\"}") == 1);
    assert_true(value_of(stats, "stockd_batch_size_bucket{le=\"2\"}") == 2);
    assert_true(value_of(stats, "stockd_batch_size_bucket{le=\"4\"}") == 3);
    assert_true(value_of(stats, "stockd_batch_size_bucket{le=\"1024\"}") == 3);
    assert_true(value_of(stats, "stockd_batch_size_bucket{le=\"+Inf\"}") == 4);
    assert_true(value_of(stats, "stockd_batch_size_count") == 4);
    assert_true(value_of(stats, "stockd_batch_size_sum") == 100006);
    stats_request(0, 503, 250);
    assert_true(
        value_of(stats, "stockd_http_request_seconds_bucket{route=\"alpha\",le=\"0.0001\"}") == 0);
    assert_true(
        value_of(stats, "stockd_http_request_seconds_bucket{route=\"alpha\",le=\"0.00025\"}") == 1);
    assert_true(value_of(stats, "stockd_http_request_seconds_sum{route=\"alpha\"}") == 0.00025);
    assert_true(value_of(stats, "stockd_http_requests_total{route=\"alpha\",status=\"503\"}") == 1);
    stats_free(stats);
}
