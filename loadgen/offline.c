/* offline.c -- check and report are judge, with another idea of how thoroughly. */
#include "offline.h"

#include "exit_codes.h"
#include "run/judge.h"
#include "run/live.h"

#include <signal.h>

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
