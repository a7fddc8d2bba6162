/* report_sample.c -- see report_sample.h. */
#include "support/report_sample.h"

#include "random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define INTERVALS 120
#define SECOND    UINT64_C(1000000000)
#define STOCK     50000
#define SCRIPT    "<script>window." SAMPLE_HOSTILE_MARK "=1</script>"
#define HANDLER   "<img src=x onerror=\"window." SAMPLE_HOSTILE_MARK "=1\">"

static void *must(void *memory)
{
    assert(memory);
    return memory;
}

static struct history_facts *make_history(struct report_sample *s)
{
    size_t bytes = HISTORY_HEADER_BYTES + HISTORY_CHUNK_BYTES;
    unsigned char *map = must(calloc(1, bytes));
    s->reader = (struct history_reader){.map = map,
                                        .bytes = bytes,
                                        .slots = (uint32_t)(bytes / HISTORY_SLOT_BYTES),
                                        .facts = (const struct history_facts *)(const void *)map,
                                        .fd = -1};
    struct history_chunk *chunk = (void *)(map + HISTORY_HEADER_BYTES);
    chunk->type = SLOT_CHUNK;
    for (uint32_t i = 1; i <= 4; i++) {
        struct history_op *op =
            (void *)(map + (HISTORY_HEADER_SLOTS + i) * (size_t)HISTORY_SLOT_BYTES);
        *op = (struct history_op){.type = SLOT_OP,
                                  .kind = KIND_DECREMENT,
                                  .outcome = OUTCOME_OK,
                                  .flags = PHASE_LOAD,
                                  .status = 200,
                                  .lines = 1,
                                  .client = 16 + i,
                                  .seq = 40 * i,
                                  .begin_ns = 3 * SECOND + i * 210000,
                                  .end_ns = 3 * SECOND + i * 210000 + 830000,
                                  .line = {0, 1, 49217 + i / 2, 783 - i / 2}};
    }
    return (struct history_facts *)(void *)map;
}

static void fill_facts(struct history_facts *f, uint64_t seed)
{
    *f = (struct history_facts){.magic = HISTORY_MAGIC,
                                .format = HISTORY_FORMAT,
                                .header_bytes = HISTORY_HEADER_BYTES,
                                .chunk_bytes = HISTORY_CHUNK_BYTES,
                                .slot_bytes = HISTORY_SLOT_BYTES,
                                .chunks = 1,
                                .progress = RUN_SETTLED,
                                .started_wall_ms = 1795224697123,
                                .zero_ns = 5 * SECOND,
                                .go_ns = SECOND,
                                .stop_ns = 13 * SECOND,
                                .duration_ns = 12 * SECOND,
                                .seed = seed,
                                .processes = 4,
                                .clients = 256,
                                .items = 4,
                                .contended = 1,
                                .stock = STOCK,
                                .cpu_ns = 9 * SECOND,
                                .established = 256,
                                .metrics = 1,
                                .run = "k3v9",
                                .prefix = "flash-k3v9-",
                                .scenario = "flash",
                                .arrival = "closed",
                                .url = "http://127.0.0.1:8080",
                                .version = "1.4.0",
                                .host = "bench-02",
                                .command = "stockload run http://127.0.0.1:8080 --scenario flash "
                                           "--skus 4 --stock 50000 -c 256 -p 4 -d 12s --seed 42 "
                                           "--history flash.history --html flash.html"};
}

/* A latency with a long tail, the longer the more there is to wait for. */
static uint64_t latency_ns(struct rng *rng, uint64_t base_ns)
{
    uint64_t ns = base_ns + rng_below(rng, base_ns);
    for (int i = 0; i < 12 && rng_below(rng, 3) == 0; i++)
        ns += ns / 2 + rng_below(rng, 200000);
    return ns;
}

/* Adds n answers that came in one interval. */
static void add_answers(struct summary *s, struct summary_interval *at, struct rng *rng, uint64_t n,
                        uint64_t base_ns)
{
    struct histogram *now = must(calloc(1, sizeof(*now)));
    for (uint64_t i = 0; i < n; i++) {
        uint64_t service = latency_ns(rng, base_ns), late = rng_below(rng, 90000);
        histogram_add(s->service, service);
        histogram_add(s->late, late);
        histogram_add(s->response, service + late);
        histogram_add(s->by_kind[KIND_DECREMENT][0], service + late);
        histogram_add(s->by_kind[KIND_DECREMENT][1], service);
        histogram_add(now, service + late);
    }
    at->p50_ns = histogram_percentile(now, 50);
    at->p90_ns = histogram_percentile(now, 90);
    at->p99_ns = histogram_percentile(now, 99);
    at->max_ns = now->max;
    free(now);
}

/* The first third sells, the rest is told that nothing is left. */
static void fill_interval(struct summary *s, size_t i, struct rng *rng, uint64_t base_ns)
{
    struct summary_interval *at = &s->interval[i];
    bool selling = i < INTERVALS / 3;
    uint64_t n = 1800 + rng_below(rng, 300) + (selling ? 0 : 900) - (i == 70 ? 1500 : 0);
    at->count[CLASS_OK] = selling ? n : 0;
    at->count[CLASS_NO_STOCK] = selling ? 0 : n;
    at->count[CLASS_BUSY] = i % 17 == 3 ? 60 : 0;
    at->count[CLASS_UNKNOWN] = i == 70 ? 90 : 0;
    at->conflicts = selling ? n / 4 + rng_below(rng, 120) : rng_below(rng, 12);
    at->in_flight = 240 + rng_below(rng, 16);
    for (size_t item = 0; item < 4; item++) {
        uint64_t sold = (i + 1) * STOCK / (INTERVALS / 3 - 4 * item);
        at->left[item] = sold < STOCK ? (int64_t)(STOCK - sold) : 0;
    }
    add_answers(s, at, rng, n, i == 70 ? 20 * base_ns : base_ns);
    for (int c = 0; c < CLASSES; c++) {
        s->count[c] += at->count[c];
        s->kind_count[KIND_DECREMENT][c] += at->count[c];
        s->operations += at->count[c];
    }
    s->conflicts += at->conflicts;
}

static void fill_items(struct summary *s)
{
    s->hot = s->top = 4;
    for (uint32_t i = 0; i < 4; i++) {
        s->hot_item[i] = i;
        s->top_item[i] = (struct summary_item){
            .item = i,
            .requests = s->operations / 4,
            .sold_out_answers = s->count[CLASS_NO_STOCK] / 4,
            .demand = (int64_t)s->operations / 4,
            .taken = STOCK,
            .sold_out_ns = SECOND + (INTERVALS / 3 - 4 * i) * (SECOND / 10) - SECOND / 25,
        };
    }
}

static void fill_workers(struct summary *s)
{
    s->workers = 4;
    for (uint64_t i = 0; i < 4; i++) {
        s->worker[i] = (struct summary_worker){.operations = s->operations / 4 + 900 * i,
                                               .ok = s->count[CLASS_OK] / 4 + 300 * i,
                                               .lives = i == 2 ? 2 : 1};
        s->worker[i].unknown = i == 2 ? s->count[CLASS_UNKNOWN] : 0;
    }
}

static void make_histograms(struct summary *s)
{
    struct histogram **all[] = {&s->response, &s->service, &s->late, &s->by_kind[KIND_DECREMENT][0],
                                &s->by_kind[KIND_DECREMENT][1]};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        *all[i] = must(calloc(1, sizeof(struct histogram)));
}

static void fill_summary(struct summary *s, uint64_t seed, uint64_t base_ns)
{
    struct rng rng;
    rng_seed(&rng, seed);
    s->from_ns = s->facts->go_ns;
    s->to_ns = s->facts->stop_ns;
    s->seconds = INTERVALS / 10.0;
    s->interval_ns = SECOND / 10;
    s->intervals = INTERVALS;
    s->interval = must(calloc(INTERVALS, sizeof(s->interval[0])));
    for (size_t i = 0; i < INTERVALS; i++)
        fill_interval(s, i, &rng, base_ns);
    s->answers = s->operations - s->count[CLASS_UNKNOWN];
    s->successes = s->count[CLASS_OK];
    s->requests = s->operations;
    s->per_second = (double)s->answers / s->seconds;
    s->conflicts_per_success = (double)s->conflicts / (double)s->count[CLASS_OK];
    s->statuses = 4;
    s->status[0] = (struct summary_status){200, {[OUTCOME_OK] = s->count[CLASS_OK]}};
    s->status[1] = (struct summary_status){409, {[OUTCOME_FAIL] = s->count[CLASS_NO_STOCK]}};
    s->status[2] = (struct summary_status){503, {[OUTCOME_FAIL] = s->count[CLASS_BUSY]}};
    s->status[3] = (struct summary_status){0, {[OUTCOME_UNKNOWN] = s->count[CLASS_UNKNOWN]}};
    s->detail[DETAIL_NO_STOCK] = s->count[CLASS_NO_STOCK];
    s->detail[DETAIL_TIMEOUT] = s->count[CLASS_UNKNOWN];
    fill_items(s);
    fill_workers(s);
}

static void fill_verdict(struct report_sample *s)
{
    struct verdict *v = &s->verdict;
    const struct summary *from = &s->summary;
    for (int p = 0; p < PROPERTIES; p++)
        v->property[p].checked = from->operations / (uint64_t)(p + 1);
    v->coverage = (struct coverage){.operations = from->operations,
                                    .ok = from->count[CLASS_OK],
                                    .fail = from->count[CLASS_NO_STOCK] + from->count[CLASS_BUSY],
                                    .unknown = from->count[CLASS_UNKNOWN],
                                    .successes = from->count[CLASS_OK],
                                    .happened = from->count[CLASS_UNKNOWN] / 3,
                                    .absent = from->count[CLASS_UNKNOWN] * 2 / 3,
                                    .replays = 411,
                                    .resent = 520,
                                    .sold_out_items = from->hot,
                                    .sold_out_answers = from->count[CLASS_NO_STOCK],
                                    .most_in_flight = 91,
                                    .received = 4 * STOCK,
                                    .sold_units = from->operations ? 4 * STOCK : 0};
    v->took_ms = 184;
}

/* An open load, without counters, and with an answer that nobody could get. */
static void make_unknown(struct report_sample *s, struct history_facts *f)
{
    strcpy(f->arrival, "const");
    f->rate = 30000;
    f->dropped = 17;
    f->metrics = 0;
    s->summary.conflicts_per_success = -1;
    s->summary.conflicts = 0;
    s->gate[1] = (struct gate_result){
        .text = "conflicts<1", .unknown = true, .unit = "", .why = "its counters do not show"};
    s->summary.conflicts_doubt = "its counters do not show";
    f->trouble = TROUBLE_UNSETTLED;
    s->verdict.coverage.unresolved = 7;
    verdict_unknown(&s->verdict, PROPERTY_SUMS,
                    "7 decrements have no answer, and the server does not say what became of them");
    verdict_conclude(&s->verdict);
    s->run.exit_status = 2;
}

static void make_hostile(struct report_sample *s, struct history_facts *f)
{
    strcpy(f->scenario, "<b>&\"'</title>");
    strcpy(f->prefix, "\"'</script><u onclick=x>-");
    strcpy(f->url, "javascript:window." SAMPLE_HOSTILE_MARK "=1//" HANDLER "</p></title>" SCRIPT);
    strcpy(f->command,
           "stockload '</code></dd>" HANDLER "' \"" SCRIPT "\" \x01\xff\xc0\xaf\xed\xa0\x80 end");
    strcpy(f->host, "<!--<script>" HANDLER);
    strcpy(f->version, "--></footer><script src=x></script>");
    s->run.name = "</script></details><!--<script>" SCRIPT HANDLER;
    s->gate[0].text = "p99<50ms" HANDLER;
    s->gate[1] =
        (struct gate_result){.text = "errors<1" SCRIPT, .actual = 150, .unit = "", .why = ""};
    uint32_t pair[] = {HISTORY_HEADER_SLOTS + 2, HISTORY_HEADER_SLOTS + 3, 0};
    verdict_violation(&s->verdict, PROPERTY_VERSIONS, pair,
                      "Version 49218 of flash-k3v9-0 was given out twice: two decrements both left "
                      "782 units. " HANDLER);
    verdict_violation(&s->verdict, PROPERTY_LINEARIZABLE, pair,
                      "The second of these was answered before the first was sent, yet it has the "
                      "lower version. %s",
                      SCRIPT);
    verdict_unknown(&s->verdict, PROPERTY_LASTING, "<i>" SCRIPT);
    verdict_conclude(&s->verdict);
    s->verdict.coverage.sold_units += 3;
    s->verdict.coverage.oversold_units = 3;
    f->trouble = TROUBLE_INTERRUPTED;
    s->run.exit_status = 1;
}

void report_sample_make(struct report_sample *s, enum report_sample_kind kind, uint64_t seed)
{
    memset(s, 0, sizeof(*s));
    struct history_facts *f = make_history(s);
    fill_facts(f, seed);
    s->summary.facts = f;
    make_histograms(&s->summary);
    if (kind != SAMPLE_EMPTY)
        fill_summary(&s->summary, seed, 250000 + 150000 * (seed % 4));
    fill_verdict(s);
    s->gate[0] = (struct gate_result){
        .text = "p99<50ms", .actual = 4.81, .met = true, .unit = "ms", .why = ""};
    s->gate[1] = (struct gate_result){
        .text = "errors<200", .actual = 90, .met = true, .unit = "", .why = ""};
    s->run = (struct report_run){.name = "flash.history",
                                 .history = &s->reader,
                                 .summary = &s->summary,
                                 .verdict = &s->verdict,
                                 .gates = 2,
                                 .gate = s->gate};
    if (kind == SAMPLE_UNKNOWN)
        make_unknown(s, f);
    if (kind == SAMPLE_HOSTILE)
        make_hostile(s, f);
}

void report_sample_free(struct report_sample *s)
{
    free(s->summary.response);
    free(s->summary.service);
    free(s->summary.late);
    free(s->summary.by_kind[KIND_DECREMENT][0]);
    free(s->summary.by_kind[KIND_DECREMENT][1]);
    free(s->summary.interval);
    free((void *)(uintptr_t)s->reader.map);
}

struct capacity capacity_sample(void)
{
    struct capacity c = {.goal_ns = 5000000,
                         .precision = 0.05,
                         .tries = 2,
                         .ceiling = 1000000,
                         .rate = 8000,
                         .missed = 8400,
                         .steps = 3,
                         .step = {{.rate = 8000, .offered = 8012, .answered = 8011.5}}};
    c.step[0].answers = 40000;
    c.step[0].p99_ns = 3400000;
    c.step[0].service_p99_ns = 3300000;
    c.step[0].lag_p99_ns = 120000;
    c.step[0].cpu_share = 0.31;
    c.step[1] = c.step[2] = c.step[0];
    c.step[1].rate = c.step[2].rate = 8400;
    c.step[1].offered = c.step[2].offered = 8391.25;
    c.step[1].answered = c.step[2].answered = 8390.75;
    c.step[1].word = CAPACITY_ERRORS;
    c.step[1].errors = 7;
    c.step[1].cpu_share = -1;
    c.step[1].answers = 0;
    c.step[2].word = CAPACITY_LATENCY;
    c.step[2].p99_ns = 7100000;
    c.step[2].service_p99_ns = 6900000;
    capacity_conclude(&c, false);
    return c;
}
