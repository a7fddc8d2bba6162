/* summary_sample.c -- see summary_sample.h. */
#include "support/summary_sample.h"

#include "support/suite.h"

struct history_facts facts;
struct history_sample_file summary_file;
struct summary summary;

static bool begun, summed;

int summary_sample_setup(void **state)
{
    facts = history_sample_facts();
    begun = summed = false;
    return 0;
}

int summary_sample_teardown(void **state)
{
    again();
    return 0;
}

void again(void)
{
    if (summed)
        summary_free(&summary);
    if (begun)
        history_sample_end(&summary_file);
    begun = summed = false;
}

struct history_attempt reserve(uint64_t at_us, uint64_t took_us, uint64_t version, int64_t left)
{
    return (struct history_attempt){
        .phase = PHASE_LOAD,
        .kind = KIND_RESERVE,
        .outcome = OUTCOME_OK,
        .status = 201,
        .detail = DETAIL_HELD,
        .begin_us = at_us,
        .end_us = at_us + took_us,
        .line = {{.item = 0, .quantity = 1, .version = version, .remaining = left}}};
}

struct history_attempt refused(struct history_attempt attempt, uint16_t status,
                               enum history_detail detail)
{
    attempt.outcome = OUTCOME_FAIL;
    attempt.status = status;
    attempt.detail = detail;
    return attempt;
}

struct history_attempt unknown(struct history_attempt attempt, enum history_detail detail)
{
    attempt.outcome = OUTCOME_UNKNOWN;
    attempt.status = 0;
    attempt.detail = detail;
    return attempt;
}

static void begin(void)
{
    if (!begun)
        history_sample_begin(&summary_file, &facts);
    begun = true;
}

uint32_t add(struct history_attempt attempt)
{
    begin();
    return history_sample_add(&summary_file, &attempt);
}

void add_conflicts(uint64_t at_us, uint64_t conflicts, uint64_t batches, uint64_t batch_ops)
{
    begin();
    history_sample_conflicts(&summary_file, at_us, conflicts, batches, batch_ops);
}

void sum_up(void)
{
    begin();
    history_sample_read(&summary_file);
    assert_int_equal(summary_make(&summary, &summary_file.reader), 0);
    summed = true;
}
