/* judge.c -- read, check, sum up, write. */
#include "run/judge.h"
#include "check/check.h"
#include "report/report.h"
#include "report/thresholds.h"
#include "run/live.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One history on its way through. */
struct trial {
    char name[64];
    struct history_reader reader;
    struct summary summary;
    struct verdict verdict;
    struct gate_result *gate;
    bool read, summed;
};

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

static bool refuse_path(const char *path, int err)
{
    fprintf(stderr, "stockload: %s can not be written: %s\n", path, strerror(err));
    return false;
}

/* Leaves no file behind that was not there: for a new one only its folder is asked. */
static bool can_write(const char *path)
{
    char folder[PATH_MAX];
    if (!path || strcmp(path, "-") == 0)
        return true;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (errno == ENXIO)
        return true; /* a pipe that nobody reads yet */
    if (errno != ENOENT || strlen(path) >= sizeof(folder))
        return refuse_path(path, errno);
    snprintf(folder, sizeof(folder), "%s", path);
    return access(dirname(folder), W_OK | X_OK) == 0 || refuse_path(path, errno);
}

bool judge_can_write(const struct options *options)
{
    return can_write(options->output) && can_write(options->html) && can_write(options->hgrm);
}

static int exit_of_verdict(const struct trial *t)
{
    static const int words[] = {[VERDICT_RIGHT] = EXITS_RIGHT,
                                [VERDICT_UNKNOWN] = EXITS_UNKNOWN,
                                [VERDICT_VIOLATION] = EXITS_VIOLATION};
    uint32_t trouble = atomic_load(&t->reader.facts->trouble);
    int status = words[t->verdict.word];
    if (trouble & (TROUBLE_WORKER_DIED | TROUBLE_UNREACHABLE | TROUBLE_DISK | TROUBLE_SETUP))
        status = exit_worst(status, EXITS_INTERNAL);
    if (trouble & TROUBLE_INTERRUPTED)
        status = exit_worst(status, EXITS_INTERRUPTED);
    return status;
}

static int apply_gates(struct trial *t, const struct options *options)
{
    int status = EXITS_RIGHT;
    for (size_t i = 0; i < options->thresholds.n; i++) {
        struct gate gate;
        char err[GATE_ERR_SIZE];
        if (!gate_parse(&gate, options->thresholds.text[i], err, sizeof(err)))
            return EXITS_USAGE;
        t->gate[i] = gate_evaluate(&gate, &t->summary);
        if (!t->gate[i].met)
            status = EXITS_THRESHOLD;
    }
    return status;
}

static void show_step(void *ctx, const char *step, unsigned percent)
{
    char phase[LIVE_PHASE_SIZE];
    (void)ctx;
    snprintf(phase, sizeof(phase), "checking: %s", step);
    live_show(&(struct live_state){
        .phase = phase, .step = true, .step_percent = true, .step_done = percent, .step_all = 100});
}

/* 0 or -errno, with a message on standard error. */
static int try_history(struct trial *t, const struct options *options, const char *path, int level)
{
    char err[HISTORY_ERR_SIZE];
    int rc = history_read(&t->reader, path, err, sizeof(err));
    if (rc < 0) {
        live_pause();
        fprintf(stderr, "stockload: %s\n", err);
        return rc;
    }
    t->read = true;
    struct check_options as = {
        .level = level < 0 ? (enum check_level)t->reader.facts->verify : (enum check_level)level,
        .workers = (unsigned)options->checkers,
        .progress = show_step,
    };
    t->gate = calloc(options->thresholds.n + 1, sizeof(*t->gate));
    rc = t->gate ? summary_make(&t->summary, &t->reader) : -ENOMEM;
    t->summed = rc == 0;
    rc = rc < 0 ? rc : check_history(&t->verdict, &t->reader, &as);
    if (rc < 0) {
        live_pause();
        const char *why = t->verdict.why_unknown;
        fprintf(stderr, "stockload: %s could not be checked: %s\n", path,
                *why ? why : strerror(-rc));
    } else if (options->verbose) {
        live_pause();
        fprintf(stderr, "stockload: %s: %" PRIu64 " operations checked in %" PRIu64 " ms\n", path,
                t->verdict.coverage.operations, t->verdict.took_ms);
    }
    return rc;
}

typedef int write_fn(FILE *out, const struct report_run *runs, size_t count);

static int write_csv(FILE *out, const struct report_run *runs, size_t count)
{
    (void)count;
    return report_csv(out, runs);
}

static int write_hgrm(FILE *out, const struct report_run *runs, size_t count)
{
    (void)count;
    return report_hgrm(out, runs);
}

/* path NULL or "-": standard output. */
static int write_file(const char *path, write_fn *write, const struct report_run *runs,
                      size_t count)
{
    bool standard = !path || strcmp(path, "-") == 0;
    FILE *out = standard ? stdout : fopen(path, "w");
    if (out)
        errno = 0;
    int rc = out ? write(out, runs, count) : -errno;
    if (rc == -EIO && errno)
        rc = -errno; /* why the stream failed */
    if (out && (standard ? fflush(out) : fclose(out)) != 0 && rc == 0)
        rc = -errno;
    if (rc < 0)
        fprintf(stderr, "stockload: %s can not be written: %s\n", standard ? "the report" : path,
                strerror(-rc));
    return rc < 0 ? EXITS_INTERNAL : EXITS_RIGHT;
}

static int write_all(const struct options *options, const struct report_run *runs, size_t count)
{
    static write_fn *const formats[] = {
        [FORMAT_TEXT] = report_text, [FORMAT_JSON] = report_json, [FORMAT_CSV] = write_csv};
    int status = EXITS_RIGHT;
    if (options->output_format != FORMAT_QUIET)
        status = write_file(options->output, formats[options->output_format], runs, count);
    if (options->html)
        status = exit_worst(status, write_file(options->html, report_html, runs, count));
    if (options->hgrm)
        status = exit_worst(status, write_file(options->hgrm, write_hgrm, runs, count));
    return status;
}

/* What a person calls a history: its file's name without the ending. */
static const char *name_of(struct trial *t, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(t->name, sizeof(t->name), "%s", slash ? slash + 1 : path);
    char *ending = strstr(t->name, ".history");
    if (ending && ending != t->name && ending[8] == '\0')
        *ending = '\0';
    return t->name;
}

static int judge_all(const struct options *options, char *const *paths, size_t count, int level,
                     struct trial *trials, struct report_run *runs)
{
    int status = EXITS_RIGHT;
    size_t readable = 0;
    for (size_t i = 0; i < count; i++) {
        struct trial *t = &trials[i];
        if (try_history(t, options, paths[i], level) < 0) {
            status = exit_worst(status, EXITS_INTERNAL);
            continue;
        }
        int one = exit_worst(exit_of_verdict(t), apply_gates(t, options));
        status = exit_worst(status, one);
        runs[readable++] = (struct report_run){.name = name_of(t, paths[i]),
                                               .history = &t->reader,
                                               .summary = &t->summary,
                                               .verdict = &t->verdict,
                                               .gates = options->thresholds.n,
                                               .gate = t->gate,
                                               .exit_status = one};
    }
    live_close();
    return readable > 0 ? exit_worst(status, write_all(options, runs, readable)) : status;
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
    for (size_t i = 0; trials && i < count; i++) {
        if (trials[i].summed)
            summary_free(&trials[i].summary);
        if (trials[i].read)
            history_unread(&trials[i].reader);
        free(trials[i].gate);
    }
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
