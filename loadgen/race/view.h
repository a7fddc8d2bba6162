/* view.h -- a race as it is looked at: what each strategy has done so far, and what its stock was
 * like from its start on.
 *
 * Layer: loadgen, pure but for the shared memory that it reads. Made by the parent, who owns it:
 * race_view_new .. race_view_free. Figures while a strategy runs are sums over its pages; once it
 * is done they are those of its result, which are printed, too.
 *
 * Invariant: a track has at most RACE_POINTS points, the first at its start, in the order of time.
 * When there is no room for one more every second one goes, and from then on they come half as
 * often: a race of any length has its whole curve.
 */
#pragma once

#include "options.h"
#include "race/worker.h"

#include <jansson.h>

#define RACE_POINTS 200

enum race_lane_end { RACE_LANE_RUNS, RACE_LANE_DONE, RACE_LANE_KILLED };

struct race_lane {
    int64_t sold, conflicts;
    enum race_lane_end end;
};

struct race_point {
    int64_t at_ms, left, conflicts;
};

enum race_track_state { RACE_WAITS, RACE_RUNS, RACE_IS_DONE };

struct race_track {
    const struct race_strategy *strategy;
    enum race_track_state state;
    struct race_result result; /* so far, or for good; left: stock - sold while it runs */
    struct race_point point[RACE_POINTS];
    size_t points;
    int64_t step_ms; /* at least so far apart */
    struct race_lane *lane;
    unsigned lanes;
};

struct race_view {
    const struct options *options;
    struct race_track track[RACE_STRATEGIES];
    size_t tracks;
    bool over;
    int exit_status; /* once it is over */
};

/* Of the strategies that the options ask for. NULL: no memory. */
struct race_view *race_view_new(const struct options *options);
void race_view_free(struct race_view *view);

/* The strategy has been let go, its workers are at work in these books, or were until now. */
void race_view_start(struct race_track *track, int64_t stock);
int race_view_look(struct race_track *track, const struct race_books *books,
                   int64_t elapsed_us) MUST_CHECK;

/* It is over, and this came of it. */
void race_view_finish(struct race_track *track, const struct race_books *books,
                      const struct race_result *result);

/* Units a second, and transactions lost for each unit; 0 without a unit. */
double race_units_per_second(const struct race_result *result);
double race_conflicts_per_unit(const struct race_result *result);

/* "right", "right, not sold out" or "wrong". */
const char *race_word(const struct race_result *result);

/* All of it as a document (docs/loadgen.md). NULL: no memory. */
json_t *race_view_json(const struct race_view *view) MUST_CHECK;
