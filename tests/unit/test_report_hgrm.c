/* test_report_hgrm.c -- the response times of a run as an .hgrm file. */
#include "support/report_case.h"
#include "support/suite.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST(percentiles_are_those_of_the_histogram)
{
    struct run *run = run_make(RIGHT);
    struct histogram *h = run->summary.response;
    memset(h, 0, sizeof *h);
    for (uint64_t i = 1; i <= 10000; i++)
        histogram_add(h, i * i);
    char *text = write_one(report_hgrm, &run->report);
    const char *line = text;
    assert_ptr_equal(strstr(text, "       Value   Percentile   TotalCount 1/(1-Percentile)\n\n"),
                     text);
    line = strstr(text, "\n\n") + 2;
    double value = 0, percentile = 0, distance = 0, before = -1;
    uint64_t count = 0, counted = 0;
    size_t rows = 0;
    for (; *line != '#'; line = strchr(line, '\n') + 1, rows++) {
        assert_int_equal(
            sscanf(line, "%lf %lf %" SCNu64 " %lf", &value, &percentile, &count, &distance), 4);
        uint64_t wanted = histogram_percentile(h, 100 * percentile);
        assert_true(fabs(value * 1e6 - (double)wanted) <= (double)wanted * 0.01 + 1000);
        assert_true(percentile > before && count >= counted);
        assert_true((double)count >= percentile * 10000 - 1);
        before = percentile;
        counted = count;
    }
    assert_true(rows > 50 && rows < 100);
    assert_true(percentile == 1 && isinf(distance));
    assert_int_equal(count, 10000);
    assert_true(fabs(value - 100) < 0.001);
    double mean = 0, deviation = 0, max = 0;
    uint64_t total = 0;
    unsigned buckets = 0, sub_buckets = 0;
    assert_int_equal(sscanf(line,
                            "#[Mean = %lf, StdDeviation = %lf]\n#[Max = %lf, Total count = %" SCNu64
                            "]\n#[Buckets = %u, SubBuckets = %u]",
                            &mean, &deviation, &max, &total, &buckets, &sub_buckets),
                     6);
    assert_true(fabs(mean - 33.338) < 0.01);
    assert_true(fabs(deviation - 29.81) < 0.2);
    assert_true(max == 100);
    assert_int_equal(total, 10000);
    assert_int_equal(buckets * sub_buckets, HISTOGRAM_BUCKETS);
    free(text);
    run_free(run);
}

TEST(five_ticks_lie_in_each_half_of_the_distance)
{
    struct run *run = run_make(RIGHT);
    struct histogram *h = run->summary.response;
    memset(h, 0, sizeof *h);
    for (uint64_t i = 1; i <= 200; i++)
        histogram_add(h, i * 1000000);
    char *text = write_one(report_hgrm, &run->report);
    static const char *const ticks[] = {" 0.000000 ", " 0.100000 ", " 0.400000 ", " 0.500000 ",
                                        " 0.550000 ", " 0.700000 ", " 0.750000 ", " 0.775000 "};
    for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++)
        assert_holds(text, ticks[i]);
    free(text);
    run_free(run);
}

TEST(a_histogram_of_nothing_has_its_last_row)
{
    struct run *run = run_make(EMPTY);
    char *text = write_one(report_hgrm, &run->report);
    assert_holds(text, "\n\n       0.000     1.000000            0          inf\n#[Mean    = ");
    assert_lacks(text, "nan");
    free(text);
    run_free(run);
}
