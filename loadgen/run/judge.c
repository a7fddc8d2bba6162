/* judge.c -- every history tried, then all reports. */
#include "run/judge.h"

#include "options.h"
#include "report/outfile.h"
#include "report/report.h"
#include "report/thresholds.h"
#include "run/live.h"
#include "run/live_page.h"
#include "run/trial.h"
#include "terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

bool judge_knows_thresholds(const struct options *options)
{
    char err[GATE_ERR_SIZE];
    struct gate gate;
    for (size_t i = 0; i < options->thresholds.n; i++) {
        if (gate_parse(&gate, options->thresholds.text[i], err, sizeof(err)))
            continue;
        fprintf(stderr, "stockload: --threshold \"%s\": %s\n", options->thresholds.text[i], err);
        return false;
    }
    return true;
}

bool judge_can_write(const struct options *options)
{
    return outfile_can_write(options->output) && outfile_can_write(options->html) &&
           outfile_can_write(options->hgrm);
}

typedef int write_fn(FILE *out, const struct report *report);

static int write_csv(FILE *out, const struct report *report)
{
    return report_csv(out, &report->runs[0]);
}

static int write_hgrm(FILE *out, const struct report *report)
{
    return report_hgrm(out, &report->runs[0]);
}

/* A report, and the form that it is written in. */
struct form {
    write_fn *write;
    const struct report *report;
};

static int write_form(FILE *out, const void *what)
{
    const struct form *form = what;
    return form->write(out, form->report);
}

static int write_file(const char *path, write_fn *write, const struct report *report)
{
    const struct form form = {write, report};
    return outfile_write(path, write_form, &form) ? EXITS_RIGHT : EXITS_INTERNAL;
}

/* As the terminal is that will show it, if one will. */
static struct report_style style_for(const struct options *options)
{
    bool standard = !options->output || strcmp(options->output, "-") == 0;
    return (struct report_style){.whole = options->verbose,
                                 .width = standard ? terminal_width(stdout) : 0,
                                 .coloured = standard && terminal_colours(stdout)};
}

int judge_write(const struct options *options, const struct report *judged)
{
    static write_fn *const formats[] = {
        [FORMAT_TEXT] = report_text, [FORMAT_JSON] = report_json, [FORMAT_CSV] = write_csv};
    struct report styled = *judged;
    const struct report *report = &styled;
    int status = EXITS_RIGHT;
    styled.style = style_for(options);
    if (options->output_format != FORMAT_QUIET)
        status = write_file(options->output, formats[options->output_format], report);
    if (options->html)
        status = exit_worst(status, write_file(options->html, report_html, report));
    if (options->hgrm)
        status = exit_worst(status, write_file(options->hgrm, write_hgrm, report));
    return status;
}

static int judge_all(const struct options *options, char *const *paths, size_t count, int level,
                     struct trial *trials, struct report_run *runs)
{
    int status = EXITS_RIGHT;
    size_t readable = 0;
    for (size_t i = 0; i < count; i++) {
        int rc = trial_open(&trials[i], options, paths[i], level);
        status = exit_worst(status, trials[i].exit_status);
        if (rc < 0)
            continue;
        runs[readable] = trial_report(&trials[i], options);
        live_page_judge(&runs[readable++]);
    }
    live_close();
    const struct report report = {.runs = runs, .count = readable};
    return readable > 0 ? exit_worst(status, judge_write(options, &report)) : status;
}

int judge(const struct options *options, char *const *paths, size_t count, int level)
{
    struct trial *trials = calloc(count, sizeof(*trials));
    struct report_run *runs = calloc(count, sizeof(*runs));
    int status = EXITS_INTERNAL;
    if (trials && runs)
        status = judge_all(options, paths, count, level, trials, runs);
    else
        fprintf(stderr, "stockload: out of memory\n");
    for (size_t i = 0; trials && i < count; i++)
        trial_close(&trials[i]);
    free(trials);
    free(runs);
    return status;
}

/* --- from files alone ------------------------------------------------------------------------- */

static int judge_words(const struct options *options, int level)
{
    if (!judge_knows_thresholds(options))
        return EXITS_USAGE;
    if (!judge_can_write(options))
        return EXITS_INTERNAL;
    signal(SIGPIPE, SIG_IGN); /* whoever reads the report may stop; the other files are still due */
    live_open(stderr, live_choose(stderr, options->tui, options->quiet));
    return judge(options, options->words.text, options->words.n, level);
}

int check_command(const struct options *options)
{
    return judge_words(options, options->verify);
}

int report_command(const struct options *options)
{
    return judge_words(options, -1);
}
