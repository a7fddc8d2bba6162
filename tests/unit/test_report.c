/* test_report.c -- the text, JSON, CSV and .hgrm reports of real histories, some of them hostile.
 */

#include "report/page.h"
#include "report/printable.h"
#include "report/report.h"
#include "report/thresholds.h"
#include "support/history_sample.h"
#include "support/schema.h"
#include "support/suite.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define SCHEMA_FILE "loadgen/report/report.schema.json"
#define MS          1000 /* in microseconds */
#define START       (1000 * MS)
#define EVIL        "a\"b,c\nd\re\x1b[31m\x7f\xff\xc3\xa9\xe2\x80\xae<&>"

enum sample { RIGHT, VIOLATION, UNKNOWN, HOSTILE, EMPTY, SAMPLES };

struct run {
    struct history_sample_file file;
    struct summary summary;
    struct verdict verdict;
    struct gate_result gate[3];
    struct report_run report;
    uint32_t slot[2]; /* of the reserve and its confirm */
};

/* --- runs ------------------------------------------------------------------------------------- */

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

/* A set-up, a basket sent twice, its confirm, a refusal, a timeout, a read of nothing, a look-up.
 */
static void add_attempts(struct run *run, const char *id)
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

static struct run *make(enum sample sample)
{
    static const char *const texts[] = {"p99<50ms", "rps>1000", "conflicts<5"};
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    struct history_facts facts = facts_of(sample);
    history_sample_begin(&run->file, &facts);
    if (sample != EMPTY)
        add_attempts(run, sample == HOSTILE ? EVIL : "res-1");
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

static void done(struct run *run)
{
    summary_free(&run->summary);
    history_sample_end(&run->file);
    free(run);
}

typedef int many_fn(FILE *out, const struct report_run *runs, size_t count);
typedef int one_fn(FILE *out, const struct report_run *run);

static char *write_many(many_fn *report, const struct report_run *runs, size_t count)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    assert_int_equal(report(out, runs, count), 0);
    fclose(out);
    assert_int_equal(strlen(text), bytes); /* not a NUL in it */
    return text;
}

static char *write_one(one_fn *report, const struct report_run *run)
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

static char *text_of(enum sample sample)
{
    struct run *run = make(sample);
    char *text = write_many(report_text, &run->report, 1);
    done(run);
    return text;
}

/* --- text ------------------------------------------------------------------------------------- */

static void assert_holds(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("no \"%s\" in:\n%s", what, text);
}

static void assert_lacks(const char *text, const char *what)
{
    if (strstr(text, what))
        fail_msg("\"%s\" in:\n%s", what, text);
}

static void assert_fits(const char *text)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        if (printable_columns((struct str){line, n}) > PAGE_WIDTH)
            fail_msg("too wide: %.*s", (int)n, line);
        for (size_t i = 0; i < n; i++)
            assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
        assert_true(n == 0 || line[n - 1] != ' ');
        line += n + (line[n] == '\n');
    }
}

TEST(a_right_run_says_so_in_its_first_line)
{
    char *text = text_of(RIGHT);
    assert_ptr_equal(strstr(text, "RIGHT        every answer was right: 7 of 7"), text);
    assert_holds(text, "  versions          holds, 1.23M checked. ");
    assert_lacks(text, "Witnesses");
    assert_holds(text, "18446744073709551615"); /* the seed, whole */
    assert_holds(text, "http://127.0.0.1:8080");
    assert_holds(text, "stockload run --scenario flash");
    assert_holds(text, "unknown mutations 1 happened, 2 did not");
    assert_holds(text, "3.00 per success, 6 lost, 2 successes");
    assert_holds(text, "closed loop");
    assert_lacks(text, "generator lag"); /* nothing was planned */
    assert_lacks(text, "  target ");
    assert_holds(text, "25.0% of a processor");
    assert_holds(text, "  all response                 4 1.50ms");
    assert_holds(text, "  reserve response             1 2.00ms");
    assert_holds(text, "  reserve service              1 1.50ms");
    assert_holds(text, "  no answer  0    0       3\n");
    assert_holds(text, "  409        0    1       0\n");
    assert_holds(text, "insufficient-stock 1,");
    assert_holds(text, "reservation-not-found 1,");
    assert_holds(text, "  it-0 ");
    assert_holds(text, "  p99<50ms         2ms    met\n");
    assert_holds(text, "  rps>1000         4/s MISSED\n");
    assert_holds(text, "warning           The threshold rps>1000 was missed.\n");
    assert_fits(text);
    free(text);
}

TEST(a_violation_comes_with_its_witnesses)
{
    char *text = text_of(VIOLATION);
    assert_ptr_equal(strstr(text, "VIOLATION    25 violations of: versions\n"), text);
    assert_holds(text, "  versions          VIOLATED, 1.23M checked. violations: 25. ");
    assert_holds(text, "   1. versions: it-0 was sold twice at version 3\n      - ");
    assert_holds(text, "and 4 more about one of these operations");
    assert_holds(text, "   3. versions");
    assert_lacks(text, "   4. ");
    assert_holds(text, "and 18 more of this sort");
    assert_lacks(text, "more violations");
    assert_holds(text, "client 3");
    assert_holds(text, "1 oversold");
    assert_holds(text, "The target rate was not reached, only 0.1%");
    assert_holds(text, "dropped arrivals  12\n");
    assert_holds(text, "generator lag     p99 500us");
    assert_lacks(text, "The generator was");
    assert_holds(text, "1 died, 1 forked again");
    assert_holds(text, "restores          1 during the run");
    assert_holds(text, "conflicts         not known: ");
    assert_holds(text, "  conflicts<5 the server's /metrics did not show its conflicts MISSED\n");
    assert_fits(text);
    free(text);
}

TEST(an_unknown_says_why)
{
    char *text = text_of(UNKNOWN);
    assert_ptr_equal(strstr(text, "UNKNOWN      one reservation could not be read back\n"), text);
    assert_holds(text,
                 "  lasting           unknown, 1.23M checked. one reservation could not be read\n");
    assert_holds(text, "The run was interrupted");
    assert_holds(text, "The server did not");
    assert_fits(text);
    free(text);
}

TEST(a_run_without_anything_is_not_called_right)
{
    char *text = text_of(EMPTY);
    assert_ptr_equal(strstr(text, "NOT CHECKED  "), text);
    assert_holds(text, "\nRun\n  name ");
    assert_lacks(text, "Properties");
    assert_lacks(text, "Coverage");
    assert_lacks(text, "Latency");
    assert_lacks(text, "Thresholds");
    assert_fits(text);
    free(text);
}

TEST(the_parts_come_in_their_order)
{
    static const char *const titles[] = {
        "VIOLATION",      "\nProperties", "\nWitnesses", "\nCoverage", "\nThroughput",
        "\nRun",          "\nLatency",    "\nItems",     "\nOutcomes", "\nAnswers",
        "\nWhat the ans", "\nClient pro", "\nThresholds"};
    char *text = text_of(VIOLATION);
    const char *at = text;
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        at = strstr(at, titles[i]);
        if (!at)
            fail_msg("%s is missing or too early", titles[i]);
    }
    free(text);
}

TEST(hostile_text_can_not_move_a_cursor)
{
    char *text = text_of(HOSTILE);
    assert_fits(text);
    assert_holds(text, "a\"b,c\\x0ad\\x0de\\x1b[31m\\x7f\\xff\xc3\xa9\\xe2\\x80\\xae<&>");
    free(text);
}

TEST(several_runs_stand_side_by_side)
{
    struct run *run[SAMPLES];
    struct report_run runs[2 * SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        run[i] = make((enum sample)i);
        runs[i] = runs[i + SAMPLES] = run[i]->report;
    }
    char *text = write_many(report_text, runs, 2);
    assert_holds(text, "\nverdict                         RIGHT      VIOLATION\n");
    assert_holds(text, "\nunits oversold                      0              1\n");
    assert_holds(text, "\nthresholds missed                   1              2\n");
    assert_holds(text, "\nconflicts a success              3.00              -\n");
    assert_holds(text, "run                    ..nday.history ..nday.history\n");
    assert_holds(text, "VIOLATION    25 violations of: versions\n\nWitnesses\n   1. versions");
    assert_fits(text);
    free(text);
    text = write_many(report_text, runs, 2 * SAMPLES);
    assert_holds(text, "NOT CHECKED");
    assert_holds(text, "UNKNOWN      one reservation");
    assert_fits(text);
    free(text);
    for (int i = 0; i < SAMPLES; i++)
        done(run[i]);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *load_schema(void)
{
    json_error_t error;
    json_t *schema = json_load_file(SCHEMA_FILE, JSON_REJECT_DUPLICATES, &error);
    if (!schema)
        fail_msg("%s:%d: %s (is this the project's root?)", SCHEMA_FILE, error.line, error.text);
    return schema;
}

TEST(every_report_fits_the_schema)
{
    json_t *schema = load_schema();
    json_t *report = schema_at(schema, "#/$defs/report");
    char why[512] = "";
    struct run *run[SAMPLES];
    struct report_run runs[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        run[i] = make((enum sample)i);
        runs[i] = run[i]->report;
    }
    for (size_t first = 0; first < SAMPLES; first++) {
        char *text = write_many(report_json, runs + first, SAMPLES - first);
        json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(value);
        if (schema_check(schema, report, value, why, sizeof why) != SCHEMA_FITS)
            fail_msg("%s", why);
        if (schema_names_all(schema, report, value, why, sizeof why) != SCHEMA_FITS)
            fail_msg("%s", why);
        json_decref(value);
        free(text);
    }
    for (int i = 0; i < SAMPLES; i++)
        done(run[i]);
    json_decref(schema);
}

/* Whatever describes a value says what it means: members, elements and what both refer to. */
static void assert_described(json_t *schema, const char *name)
{
    const char *key;
    json_t *part, *member;
    size_t i;
    if (json_string_length(json_object_get(schema, "description")) < 3)
        fail_msg("%s has no description", name);
    json_object_foreach(json_object_get(schema, "properties"), key, part)
        assert_described(part, key);
    json_array_foreach(json_object_get(schema, "anyOf"), i, part)
        json_object_foreach(json_object_get(part, "properties"), key, member)
            assert_described(member, key);
    json_t *items = json_object_get(schema, "items");
    if (items && !json_object_get(items, "$ref"))
        assert_described(items, name);
}

TEST(the_schema_is_understood_and_describes_every_member)
{
    json_t *schema = load_schema(), *part;
    const char *name;
    char why[512] = "";
    assert_string_equal(json_string_value(json_object_get(schema, "$schema")),
                        "https://json-schema.org/draft/2020-12/schema");
    json_object_foreach(json_object_get(schema, "$defs"), name, part)
    {
        if (schema_known(schema, part, why, sizeof why) != SCHEMA_FITS)
            fail_msg("%s: %s", name, why);
        assert_described(part, name);
    }
    json_decref(schema);
}

static json_t *json_of(enum sample sample)
{
    struct run *run = make(sample);
    char *text = write_many(report_json, &run->report, 1);
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    free(text);
    done(run);
    return value;
}

static json_t *at(json_t *root, const char *reference)
{
    json_t *value = schema_at(root, reference);
    if (!value)
        fail_msg("%s is not there", reference);
    return value;
}

TEST(the_numbers_in_json_are_those_of_the_run)
{
    json_t *right = json_of(RIGHT);
    assert_string_equal(json_string_value(at(right, "#/runs/0/facts/seed")),
                        "18446744073709551615");
    assert_string_equal(json_string_value(at(right, "#/runs/0/facts/started_at")),
                        "2026-11-21T01:31:37.123Z");
    assert_int_equal(json_integer_value(at(right, "#/runs/0/load/attempts")), 7);
    assert_int_equal(json_integer_value(at(right, "#/runs/0/conflicts/lost")), 6);
    assert_true(json_real_value(at(right, "#/runs/0/conflicts/per_success")) == 3);
    assert_int_equal(json_integer_value(at(right, "#/runs/0/kinds/0/outcomes/ok")), 0);
    assert_int_equal(json_integer_value(at(right, "#/runs/0/kinds/1/response/max_ns")), 2000000);
    assert_int_equal(json_array_size(at(right, "#/runs/0/series/intervals")), 100);
    assert_int_equal(json_integer_value(at(right, "#/runs/0/series/intervals/0/end_ns")), 10000000);
    assert_true(json_is_null(at(right, "#/runs/0/load/late")));
    json_decref(right);

    json_t *wrong = json_of(VIOLATION);
    assert_string_equal(json_string_value(at(wrong, "#/runs/0/verdict/word")), "violation");
    assert_int_equal(json_array_size(at(wrong, "#/runs/0/verdict/witnesses/0/operations")), 2);
    assert_true(json_is_false(at(wrong, "#/runs/0/load/target_reached")));
    assert_true(json_is_null(at(wrong, "#/runs/0/conflicts")));
    assert_true(json_is_null(at(wrong, "#/runs/0/gates/2/actual")));
    assert_int_equal(json_integer_value(at(wrong, "#/runs/0/load/late/max_ns")), 500000);
    json_decref(wrong);

    json_t *unknown = json_of(UNKNOWN);
    assert_true(json_is_null(at(unknown, "#/runs/0/facts/stop_ns")));
    assert_string_equal(json_string_value(at(unknown, "#/runs/0/facts/trouble/1")), "unsettled");
    assert_holds(json_string_value(at(unknown, "#/runs/0/verdict/why_unknown")), "read back");
    json_decref(unknown);
}

/* --- CSV -------------------------------------------------------------------------------------- */

#define COLUMNS  20
#define ROWS_MAX 32

struct table {
    size_t rows;
    char cell[ROWS_MAX][COLUMNS][256];
};

/* Reads RFC 4180 strictly: anything that is not exactly that fails the test. */
static void parse_csv(const char *p, struct table *table)
{
    memset(table, 0, sizeof *table);
    while (*p) {
        assert_true(table->rows < ROWS_MAX);
        for (size_t column = 0; column < COLUMNS; column++) {
            char *to = table->cell[table->rows][column];
            bool quoted = *p == '"';
            for (p += quoted; quoted ? *p != '"' || p[1] == '"' : !strchr(",\r\n", *p); p++) {
                assert_true(*p != '\0');
                assert_true(quoted || *p != '"');
                assert_true((size_t)(to - table->cell[table->rows][column]) < 255);
                *to++ = *p;
                p += quoted && *p == '"';
            }
            p += quoted;
            if (column + 1 < COLUMNS)
                assert_int_equal(*p++, ',');
        }
        assert_int_equal(strncmp(p, "\r\n", 2), 0);
        p += 2;
        table->rows++;
    }
}

static void csv_of(enum sample sample, struct table *table)
{
    struct run *run = make(sample);
    char *text = write_one(report_csv, &run->report);
    parse_csv(text, table);
    free(text);
    done(run);
}

static void assert_row(const struct table *table, size_t row, const char *wanted)
{
    char line[1024] = "";
    for (size_t i = 0; i < COLUMNS; i++) {
        strcat(line, i ? "|" : "");
        strcat(line, table->cell[row][i]);
    }
    assert_string_equal(line, wanted);
}

TEST(there_is_one_row_for_each_line_of_each_attempt)
{
    struct table *table = calloc(1, sizeof *table);
    assert_non_null(table);
    csv_of(RIGHT, table);
    assert_row(table, 0,
               "inv_ns|sched_ns|send_ns|resp_ns|worker|client|seq|attempt|op|line|sku|qty|status|"
               "outcome|detail|version|remaining|reservation|replayed|phase");
    assert_int_equal(table->rows, 1 + 1 + 3 + 3 + 1 + 1 + 1 + 1 + 1 + 1);
    assert_row(table, 1, "5000|5000|5000|9000|0|0|0|1|put|1|it-0|100|201|ok||1|100||false|setup");
    assert_row(table, 2,
               "1010000000|1010000000|1010000000|1011500000|0|3|0|1|reserve|1|it-0|2||unknown|"
               "reset|||res-1|false|load");
    assert_row(table, 7,
               "1010000000|1011500000|1012000000|1013500000|0|3|0|2|reserve|3|it-7|5|201|ok|held|2|"
               "95|res-1|true|load");
    for (size_t i = 8; i < table->rows; i++) {
        if (strcmp(table->cell[i][8], "confirm") == 0)
            assert_string_equal(table->cell[i][17], "res-1");
        if (strcmp(table->cell[i][8], "get-reservation") == 0) {
            assert_string_equal(table->cell[i][9], "");
            assert_string_equal(table->cell[i][10], "");
            assert_string_equal(table->cell[i][17], "res-1");
        }
        if (strcmp(table->cell[i][19], "settle") == 0)
            assert_string_equal(table->cell[i][4], ""); /* the parent is no worker */
    }
    free(table);
}

TEST(an_attempt_that_never_ended_has_no_response_time)
{
    struct table *table = calloc(1, sizeof *table);
    size_t found = 0;
    assert_non_null(table);
    csv_of(RIGHT, table);
    for (size_t i = 1; i < table->rows; i++)
        found += table->cell[i][3][0] == '\0';
    assert_int_equal(found, 1);
    free(table);
}

TEST(hostile_text_stays_in_its_field)
{
    struct table *table = calloc(1, sizeof *table);
    assert_non_null(table);
    csv_of(HOSTILE, table);
    assert_int_equal(table->rows, 14);
    assert_string_equal(table->cell[2][17],
                        "a\"b,c\\x0ad\\x0de\\x1b[31m\\x7f\\xff\xc3\xa9\\xe2\\x80\\xae<&>");
    assert_ptr_equal(strstr(table->cell[1][10], "a\"b,c\\x0ad"), table->cell[1][10]);
    free(table);
}

TEST(long_ids_are_put_together_again)
{
    char id[HISTORY_ID_MAX + 1];
    for (size_t i = 0; i < HISTORY_ID_MAX; i++)
        id[i] = (char)('a' + i % 26);
    id[HISTORY_ID_MAX] = '\0';
    struct run *run = calloc(1, sizeof *run);
    struct table *table = calloc(1, sizeof *table);
    assert_non_null(run);
    assert_non_null(table);
    struct history_facts facts = history_sample_facts();
    history_sample_begin(&run->file, &facts);
    add_attempts(run, id);
    history_sample_read(&run->file);
    run->report.history = &run->file.reader;
    char *text = write_one(report_csv, &run->report);
    parse_csv(text, table);
    assert_string_equal(table->cell[2][17], id);
    free(text);
    free(table);
    history_sample_end(&run->file);
    free(run);
}

/* --- .hgrm ------------------------------------------------------------------------------------ */

TEST(percentiles_are_those_of_the_histogram)
{
    struct run *run = make(RIGHT);
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
    done(run);
}

TEST(five_ticks_lie_in_each_half_of_the_distance)
{
    struct run *run = make(RIGHT);
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
    done(run);
}

TEST(a_histogram_of_nothing_has_its_last_row)
{
    struct run *run = make(EMPTY);
    char *text = write_one(report_hgrm, &run->report);
    assert_holds(text, "\n\n       0.000     1.000000            0          inf\n#[Mean    = ");
    assert_lacks(text, "nan");
    free(text);
    done(run);
}

/* --- all ---------------------------------------------------------------------------------------*/

TEST(a_full_disk_is_an_error)
{
    struct run *run = make(VIOLATION);
    static many_fn *const many[] = {report_text, report_json};
    static one_fn *const one[] = {report_csv, report_hgrm};
    for (size_t i = 0; i < 2; i++) {
        FILE *full = fopen("/dev/full", "we");
        assert_non_null(full);
        setvbuf(full, NULL, _IONBF, 0);
        assert_int_equal(many[i](full, &run->report, 1), -EIO);
        assert_int_equal(one[i](full, &run->report), -EIO);
        fclose(full);
    }
    done(run);
}
