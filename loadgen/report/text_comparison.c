/* text_comparison.c -- several runs side by side, one column a run. */
#include "report/text_run.h"

#include "report/human.h"
#include "report/page.h"
#include "report/printable.h"

#include <inttypes.h>

#define LABEL_COLUMNS  22
#define CELL_COLUMNS   14
#define COLUMNS_A_PAGE ((PAGE_WIDTH - LABEL_COLUMNS) / (CELL_COLUMNS + 1))
#define CELL_SIZE      300

static_assert(COLUMNS_A_PAGE >= 2, "a comparison has two columns at least");

typedef void cell_fn(const struct report_run *run, char text[CELL_SIZE]);

static void cell_name(const struct report_run *run, char text[CELL_SIZE])
{
    size_t n = strlen(run->name);
    snprintf(text, CELL_SIZE, "%s", n < CELL_SIZE ? run->name : run->name + n - CELL_SIZE + 1);
}

static void cell_scenario(const struct report_run *run, char text[CELL_SIZE])
{
    const struct history_facts *facts = run->summary->facts;
    snprintf(text, CELL_SIZE, "%.*s",
             STR_ARG(printable_field(facts->scenario, sizeof facts->scenario)));
}

static void cell_rate(const struct report_run *run, char text[CELL_SIZE])
{
    char rate[HUMAN_SIZE];
    snprintf(text, CELL_SIZE, "%s/s", human_number(run->summary->per_second, rate));
}

static void put_percentile(const struct summary *s, double percent, char text[CELL_SIZE])
{
    char time[HUMAN_SIZE];
    human_duration(histogram_percentile(s->response, percent), time);
    snprintf(text, CELL_SIZE, "%s", s->answers ? time : "-");
}

static void cell_p50(const struct report_run *run, char text[CELL_SIZE])
{
    put_percentile(run->summary, 50, text);
}

static void cell_p99(const struct report_run *run, char text[CELL_SIZE])
{
    put_percentile(run->summary, 99, text);
}

static void cell_conflicts(const struct report_run *run, char text[CELL_SIZE])
{
    char ratio[HUMAN_SIZE] = "-";
    if (run->summary->conflicts_per_success >= 0)
        human_number(run->summary->conflicts_per_success, ratio);
    snprintf(text, CELL_SIZE, "%s", ratio);
}

static void cell_successes(const struct report_run *run, char text[CELL_SIZE])
{
    snprintf(text, CELL_SIZE, "%" PRIu64, run->verdict->coverage.successes);
}

static void cell_sold(const struct report_run *run, char text[CELL_SIZE])
{
    snprintf(text, CELL_SIZE, "%" PRId64, run->verdict->coverage.sold_units);
}

/* Nothing oversold is a claim: a violation may have had that effect, and hidden it. */
static void cell_oversold(const struct report_run *run, char text[CELL_SIZE])
{
    const struct verdict *v = run->verdict;
    bool claimed = v->word != VERDICT_VIOLATION && v->property[PROPERTY_SUMS].checked > 0;
    if (v->coverage.oversold_units != 0 || claimed)
        snprintf(text, CELL_SIZE, "%" PRId64, v->coverage.oversold_units);
    else
        snprintf(text, CELL_SIZE, "-");
}

static void cell_unknown(const struct report_run *run, char text[CELL_SIZE])
{
    const struct coverage *c = &run->verdict->coverage;
    snprintf(text, CELL_SIZE, "%" PRIu64 "->%" PRIu64 "/%" PRIu64,
             c->happened + c->absent + c->unresolved, c->happened, c->absent);
}

static void cell_gates(const struct report_run *run, char text[CELL_SIZE])
{
    size_t met = 0;
    for (size_t i = 0; i < run->gates; i++)
        met += run->gate[i].met;
    snprintf(text, CELL_SIZE, "%zu of %zu", met, run->gates);
}

static void cell_verdict(const struct report_run *run, char text[CELL_SIZE])
{
    snprintf(text, CELL_SIZE, "%s", text_word(run->verdict));
}

static const struct {
    const char *label;
    cell_fn *cell;
} rows[] = {
    {"run", cell_name},
    {"scenario", cell_scenario},
    {"answers a second", cell_rate},
    {"p50", cell_p50},
    {"p99", cell_p99},
    {"conflicts a success", cell_conflicts},
    {"successes", cell_successes},
    {"units sold", cell_sold},
    {"units oversold", cell_oversold},
    {"unknown->there/not", cell_unknown},
    {"thresholds met", cell_gates},
    {"verdict", cell_verdict},
};

static void put_table(struct buf *b, const struct report_run *runs, size_t count)
{
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        if (rows[row].cell == cell_gates && runs[0].gates == 0)
            continue;
        buf_printf(b, "%-*s", LABEL_COLUMNS, rows[row].label);
        for (size_t i = 0; i < count; i++) {
            char text[CELL_SIZE];
            rows[row].cell(&runs[i], text);
            buf_putc(b, ' ');
            page_cell(b, str_of(text), CELL_COLUMNS, true);
        }
        buf_putc(b, '\n');
    }
}

void text_comparison(struct buf *b, const struct report_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i += COLUMNS_A_PAGE) {
        if (i > 0)
            buf_putc(b, '\n');
        put_table(b, runs + i, count - i < COLUMNS_A_PAGE ? count - i : COLUMNS_A_PAGE);
    }
    for (size_t i = 0; i < count; i++) {
        const struct verdict *v = runs[i].verdict;
        if (v->word == VERDICT_RIGHT)
            continue;
        buf_putc(b, '\n');
        page_wrap(b, 0, 2, str_of(runs[i].name));
        text_verdict(b, v);
        text_witnesses(b, v, runs[i].history);
    }
}
