#include "race/print.h"
#include "args/args.h"
#include "report/units.h"

#include <inttypes.h>

void race_print_head(FILE *out, const struct options *o)
{
    struct buf url;
    buf_init(&url, 1024);
    args_put_url(&url, o->redis);
    fprintf(out, "stockload race: %s unit%s of one key, %" PRId64 " process%s, %.*s\n\n",
            FIGURE(count, o->stock), o->stock == 1 ? "" : "s", o->processes,
            o->processes == 1 ? "" : "es", STR_ARG(buf_str(&url)));
    fflush(out);
    buf_free(&url);
}

void race_print_title(FILE *out, const struct race_strategy *strategy)
{
    fprintf(out, "%s: %s\n", strategy->name, strategy->about);
    fflush(out);
}

static void print_shares(FILE *out, const struct race_track *track)
{
    const struct race_result *r = &track->result;
    fprintf(out, "  worker        sold    share     conflicts  conflicts/unit\n");
    for (unsigned i = 0; i < track->lanes; i++) {
        const struct race_lane *lane = &track->lane[i];
        double share = r->sold > 0 ? (double)lane->sold / (double)r->sold : 0;
        double lost = lane->sold > 0 ? (double)lane->conflicts / (double)lane->sold : 0;
        fprintf(out, "  %6u  %10s  %7s  %12s  %14s%s\n", i, FIGURE(count, lane->sold),
                FIGURE(share, share), FIGURE(count, lane->conflicts),
                lane->sold > 0 ? FIGURE(rate, lost) : "-",
                lane->end == RACE_LANE_KILLED ? "  killed" : "");
    }
}

/* Sentences about what was out of the ordinary. */
static void print_notes(FILE *out, const struct race_result *r)
{
    if (r->interrupted)
        fprintf(out, "  Interrupted with %s units left.\n", FIGURE(count, r->left));
    else if (r->timed_out)
        fprintf(out, "  Time was over with %s units left.\n", FIGURE(count, r->left));
    else if (r->left > 0)
        fprintf(out, "  Every worker was gone with %s units left.\n", FIGURE(count, r->left));
    if (r->dead > 0)
        fprintf(out,
                "  %u worker%s killed; of %s units asked for last, %s left the stock without an "
                "answer.\n",
                r->dead, r->dead == 1 ? " was" : "s were", FIGURE(count, r->pending),
                FIGURE(count, race_unclaimed(r)));
    if (!race_balanced(r))
        fprintf(out, "  %s units were sold that were not there, %s are missing.\n",
                FIGURE(count, race_oversold(r)), FIGURE(count, race_unclaimed(r)));
}

void race_print_result(FILE *out, const struct race_track *track, bool shares)
{
    const struct race_result *r = &track->result;
    int64_t unclaimed = race_unclaimed(r);
    double elapsed_ms = r->elapsed_us > 0 ? (double)r->elapsed_us / 1e3 : 1e-3;
    if (shares)
        print_shares(out, track);
    fprintf(out, "  %s unit%s in %s: %s/s, %s conflicts a unit, wait p50 %s, p99 %s\n",
            FIGURE(count, r->sold), r->sold == 1 ? "" : "s", FIGURE(ms, elapsed_ms),
            FIGURE(rate, race_units_per_second(r)), FIGURE(rate, race_conflicts_per_unit(r)),
            FIGURE(ms, r->p50_ms), FIGURE(ms, r->p99_ms));
    print_notes(out, r);
    fprintf(out, "  %s: %s sold + %s%s%s left %s %s\n\n", race_word(r), FIGURE(count, r->sold),
            unclaimed > 0 ? FIGURE(count, unclaimed) : "", unclaimed > 0 ? " unclaimed + " : "",
            FIGURE(count, r->left), race_balanced(r) ? "=" : "against", FIGURE(count, r->stock));
    fflush(out);
}

void race_print_table(FILE *out, const struct race_view *view)
{
    fprintf(out, "%-12s %10s %15s %10s %12s %12s %9s  %s\n", "strategy", "units/s",
            "conflicts/unit", "p99 wait", "sold", "left", "oversold", "verdict");
    for (size_t i = 0; i < view->tracks; i++) {
        const struct race_track *track = &view->track[i];
        const struct race_result *r = &track->result;
        if (track->state == RACE_IS_DONE)
            fprintf(out, "%-12s %10s %15s %10s %12s %12s %9s  %s\n", track->strategy->name,
                    FIGURE(rate, race_units_per_second(r)),
                    FIGURE(rate, race_conflicts_per_unit(r)), FIGURE(ms, r->p99_ms),
                    FIGURE(count, r->sold), FIGURE(count, r->left), FIGURE(count, race_oversold(r)),
                    race_word(r));
    }
}
