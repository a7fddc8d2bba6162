/* print.c -- shares, sentences, one table. */
#include "race/print.h"

#include "run/figures.h"

static double seconds_of(const struct race_result *r)
{
    return r->elapsed_us > 0 ? (double)r->elapsed_us / 1e6 : 1e-6;
}

static double per_unit(int64_t conflicts, int64_t units)
{
    return units > 0 ? (double)conflicts / (double)units : 0;
}

static const char *word_of(const struct race_result *r)
{
    if (!race_balanced(r))
        return "wrong";
    return r->left > 0 ? "right, not sold out" : "right";
}

static void print_shares(FILE *out, const struct race_books *books, const struct race_result *r)
{
    fprintf(out, "  worker        sold    share     conflicts  conflicts/unit\n");
    for (unsigned i = 0; i < books->workers; i++) {
        const struct race_page *page = &books->page[i];
        int64_t sold = page->sold, conflicts = page->conflicts;
        double share = r->sold > 0 ? 100.0 * (double)sold / (double)r->sold : 0;
        char each[FIGURE_SIZE] = "-";
        if (sold > 0)
            snprintf(each, sizeof(each), "%.2f", per_unit(conflicts, sold));
        fprintf(out, "  %6u  %10s  %5.1f %%  %12s  %14s%s\n", i, FIGURE(count, sold), share,
                FIGURE(count, conflicts), each, page->ended_us == 0 ? "  killed" : "");
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

void race_print_title(FILE *out, const struct race_strategy *strategy)
{
    fprintf(out, "%s: %s\n", strategy->name, strategy->about);
    fflush(out);
}

void race_print_result(FILE *out, const struct race_books *books, const struct race_result *r,
                       bool shares)
{
    if (shares)
        print_shares(out, books, r);
    fprintf(out, "  %s unit%s in %.3f s: %s/s, %.2f conflicts a unit, wait p50 %s, p99 %s\n",
            FIGURE(count, r->sold), r->sold == 1 ? "" : "s", seconds_of(r),
            FIGURE(rate, (double)r->sold / seconds_of(r)), per_unit(r->conflicts, r->sold),
            FIGURE(ms, r->p50_ms), FIGURE(ms, r->p99_ms));
    print_notes(out, r);
    int64_t unclaimed = race_unclaimed(r);
    fprintf(out, "  %s: %s sold + %s%s%s left %s %s\n\n", word_of(r), FIGURE(count, r->sold),
            unclaimed > 0 ? FIGURE(count, unclaimed) : "", unclaimed > 0 ? " unclaimed + " : "",
            FIGURE(count, r->left), race_balanced(r) ? "=" : "against", FIGURE(count, r->stock));
}

void race_print_table(FILE *out, const struct race_strategy *const *strategies,
                      const struct race_result *results, size_t count)
{
    fprintf(out, "%-12s %10s %15s %10s %12s %12s %9s  %s\n", "strategy", "units/s",
            "conflicts/unit", "p99 wait", "sold", "left", "oversold", "verdict");
    for (size_t i = 0; i < count; i++) {
        const struct race_result *r = &results[i];
        fprintf(out, "%-12s %10s %15.2f %10s %12s %12s %9s  %s\n", strategies[i]->name,
                FIGURE(rate, (double)r->sold / seconds_of(r)), per_unit(r->conflicts, r->sold),
                FIGURE(ms, r->p99_ms), FIGURE(count, r->sold), FIGURE(count, r->left),
                FIGURE(count, race_oversold(r)), word_of(r));
    }
}
