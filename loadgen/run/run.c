/* run.c -- a recording, and its judgement. */
#include "run/run.h"

#include "options.h"
#include "run/clean.h"
#include "run/judge.h"
#include "run/live.h"
#include "run/live_page.h"
#include "run/recording.h"

static int run(const struct options *options)
{
    struct recording r;
    recording_watch_signals();
    live_open(stderr, live_choose(stderr, options->tui, options->quiet));
    int status = recording_make(&r, options);
    if (status != EXITS_RIGHT) {
        live_close();
        return status;
    }
    char *path = r.path;
    status = judge(options, &path, 1, options->verify);
    if (options->clean) {
        recording_watch_signals();
        clean_run(options, path, recording_is_interrupted);
    }
    recording_put_away(&r, status);
    return status;
}

int run_command(const struct options *options)
{
    if (!judge_knows_thresholds(options))
        return EXITS_USAGE;
    if (!judge_can_write(options) || !live_page_open(options))
        return EXITS_INTERNAL;
    int status = run(options);
    live_page_close(options, status);
    return status;
}
