/* report_case.c -- see report_case.h. */
#include "support/report_case.h"

#include "support/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct history_attempt load(enum history_kind kind, enum history_outcome outcome,
                                   uint16_t status, enum history_detail detail, uint64_t at_us)
{
    return (struct history_attempt){.phase = PHASE_LOAD,
                                    .kind = kind,
                                    .outcome = outcome,
                                    .status = status,
                                    .detail = detail,
                                    .client = 3,
                                    .seq = (uint32_t)at_us % 1000,
                                    .begin_us = START + at_us,
                                    .end_us = START + at_us + 1500,
                                    .line = {{.item = 0, .quantity = 2}}};
}

static void say(struct history_attempt *a, unsigned line, uint64_t version, int64_t remaining)
{
    a->line[line].version = version;
    a->line[line].remaining = remaining;
}

void run_add_attempts(struct run *run, const char *id)
{
    struct history_sample_file *f = &run->file;
    history_sample_add(f, &(struct history_attempt){.kind = KIND_PUT,
                                                    .outcome = OUTCOME_OK,
                                                    .status = 201,
                                                    .begin_us = 5,
                                                    .end_us = 9,
                                                    .line = {{0, 100, 1, 100}}});
    struct history_attempt reserve = load(KIND_RESERVE, OUTCOME_UNKNOWN, 0, DETAIL_RESET, 10 * MS);
    reserve.lines = 3;
    reserve.line[1] = (struct history_line){.item = 1, .quantity = 1};
    reserve.line[2] = (struct history_line){.item = 7, .quantity = 5};
    run->slot[0] = history_sample_add(f, &reserve);
    reserve.flags = FLAG_RESENT | FLAG_REPLAYED;
    reserve.of = run->slot[0];
    reserve.begin_us += 2 * MS;
    reserve.end_us += 2 * MS;
    reserve.late_us = 1 * MS / 2;
    reserve.outcome = OUTCOME_OK;
    reserve.status = 201;
    reserve.detail = DETAIL_HELD;
    say(&reserve, 0, 2, 98);
    say(&reserve, 1, 2, 99);
    say(&reserve, 2, 2, 95);
    uint32_t again = history_sample_add(f, &reserve);
    history_sample_id(f, again, id);
    history_sample_id(f, run->slot[0], id); /* both attempts may have been told */
    struct history_attempt confirm = load(KIND_CONFIRM, OUTCOME_OK, 200, DETAIL_CONFIRMED, 20 * MS);
    confirm.of = run->slot[0];
    confirm.worker = 1;
    say(&confirm, 0, 3, 98);
    run->slot[1] = history_sample_add(f, &confirm);
    struct history_attempt refused =
        load(KIND_DECREMENT, OUTCOME_FAIL, 409, DETAIL_NO_STOCK, 30 * MS);
    say(&refused, 0, 3, 1);
    history_sample_add(f, &refused);
    struct history_attempt lost = load(KIND_DECREMENT, OUTCOME_UNKNOWN, 0, DETAIL_TIMEOUT, 40 * MS);
    history_sample_add(f, &lost);
    lost.end_us = 0; /* its process died */
    history_sample_add(f, &lost);
    struct history_attempt get =
        load(KIND_GET_RESERVATION, OUTCOME_FAIL, 404, DETAIL_NO_RESERVATION, 50 * MS);
    get.no_lines = true;
    get.of = run->slot[0];
    history_sample_add(f, &get);
    lost.phase = PHASE_SETTLE;
    lost.worker = HISTORY_SAMPLE_PARENT;
    lost.of = run->slot[0];
    lost.end_us = lost.begin_us + 2000 * MS;
    history_sample_add(f, &lost);
}

static struct history_facts facts_of(enum sample sample)
{
    struct history_facts facts = history_sample_facts();
    if (sample == RIGHT)
        facts.metrics = 1;
    if (sample == VIOLATION) {
        facts.rate = 5000;
        strcpy(facts.arrival, "const");
        facts.dropped = 12;
        facts.attempts_unsent = 2;
        facts.deaths = facts.respawns = 1;
        facts.restores = 1;
    }
    if (sample == UNKNOWN) {
        facts.trouble = TROUBLE_INTERRUPTED | TROUBLE_UNSETTLED;
        facts.stop_ns = 0;
        facts.progress = RUN_LOADED;
        facts.rate = (double)NAN;
    }
    if (sample == HOSTILE) {
        snprintf(facts.prefix, sizeof facts.prefix, "%s", EVIL);
        snprintf(facts.url, sizeof facts.url, "%s", EVIL);
        snprintf(facts.host, sizeof facts.host, "%s", EVIL);
        snprintf(facts.command, sizeof facts.command, "%s", EVIL);
        snprintf(facts.version, sizeof facts.version, "%s", EVIL);
        snprintf(facts.scenario, sizeof facts.scenario, "%s", EVIL);
        snprintf(facts.arrival, sizeof facts.arrival, "%s", EVIL);
        facts.rate = INFINITY;
        facts.started_wall_ms = INT64_MAX;
        facts.dropped = UINT64_MAX;
    }
    return facts;
}

static void judge(struct run *run, enum sample sample)
{
    struct verdict *v = &run->verdict;
    for (int i = 0; i < PROPERTIES; i++)
        v->property[i].checked = sample == EMPTY ? 0 : 1234567;
    v->coverage = (struct coverage){.operations = 7,
                                    .ok = 2,
                                    .unknown = 3,
                                    .successes = 2,
                                    .happened = 1,
                                    .absent = 2,
                                    .most_in_flight = sample == EMPTY ? 0 : 3,
                                    .received = 10,
                                    .sold_units = 8};
    if (sample == VIOLATION || sample == HOSTILE) {
        const char *what = sample == HOSTILE ? EVIL : "it-0 was sold twice at version 3";
        const uint32_t ops[] = {run->slot[0], run->slot[1], 0};
        for (uint32_t i = 0; i < 25; i++) {
            const uint32_t others[] = {run->slot[1] + 1000 + i, 0};
            verdict_violation(v, PROPERTY_VERSIONS, i < 5 ? ops : others, "%s", what);
        }
        v->coverage.oversold_units = 1;
    }
    if (sample == UNKNOWN)
        verdict_unknown(v, PROPERTY_LASTING, "one reservation could not be read back");
    verdict_conclude(v);
}

struct run *run_make(enum sample sample)
{
    static const char *const texts[] = {"p99<50ms", "rps>1000", "conflicts<5"};
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    struct history_facts facts = facts_of(sample);
    history_sample_begin(&run->file, &facts);
    if (sample != EMPTY)
        run_add_attempts(run, sample == HOSTILE ? EVIL : "res-1");
    if (sample == RIGHT) {
        history_sample_conflicts(&run->file, START, 10, 0, 0);
        history_sample_conflicts(&run->file, 2 * START, 16, 3, 12);
    }
    history_sample_read(&run->file);
    assert_int_equal(summary_make(&run->summary, &run->file.reader), 0);
    judge(run, sample);
    for (size_t i = 0; i < 3; i++) {
        struct gate gate;
        char err[GATE_ERR_SIZE];
        assert_true(gate_parse(&gate, texts[i], err, sizeof err));
        run->gate[i] = gate_evaluate(&gate, &run->summary);
    }
    run->report = (struct report_run){.name = sample == HOSTILE ? EVIL : "runs/monday.history",
                                      .history = &run->file.reader,
                                      .summary = &run->summary,
                                      .verdict = &run->verdict,
                                      .gates = sample == EMPTY ? 0 : 3,
                                      .gate = run->gate,
                                      .exit_status = sample == VIOLATION};
    return run;
}

void run_free(struct run *run)
{
    summary_free(&run->summary);
    history_sample_end(&run->file);
    free(run);
}

char *write_as(many_fn *write, const struct report *report)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    assert_int_equal(write(out, report), 0);
    fclose(out);
    assert_int_equal(strlen(text), bytes); /* not a NUL in it */
    return text;
}

char *write_many(many_fn *report, const struct report_run *runs, size_t count)
{
    return write_as(report, &(struct report){.runs = runs, .count = count});
}

char *write_one(one_fn *report, const struct report_run *run)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    assert_int_equal(report(out, run), 0);
    fclose(out);
    assert_int_equal(strlen(text), bytes);
    return text;
}

void assert_holds(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("no \"%s\" in:\n%s", what, text);
}

void assert_lacks(const char *text, const char *what)
{
    if (strstr(text, what))
        fail_msg("\"%s\" in:\n%s", what, text);
}
