/* live.h -- what is seen while a run goes on: a block that is redrawn in place, or a line a second.
 *
 * Layer: loadgen. The two render functions are pure: a struct live_state in, text out. live_open
 * decides which of them a stream gets; live_show may be called as often as one likes, the plain
 * line appears at most once a second and at each new phase. Everything goes to one stream
 * (standard error, so that a report on standard output stays clean).
 *
 * Invariant: no line is wider than asked for, and plain lines hold no control bytes but the newline
 * at their end. One view per process.
 */
#pragma once

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LIVE_HOT        8
#define LIVE_WIDTH_MIN  40
#define LIVE_WIDTH_MAX  200
#define LIVE_LINE_WIDTH 79 /* of a plain line, at most */
#define LIVE_PHASE_SIZE 80
#define LIVE_PAST       160 /* seconds that are remembered */

enum live_mode { LIVE_OFF, LIVE_LINES, LIVE_BLOCK };
enum live_class { LIVE_OK, LIVE_NO_STOCK, LIVE_REFUSED, LIVE_BUSY, LIVE_UNKNOWN, LIVE_CLASSES };

struct live_item {
    uint32_t index;
    int64_t remaining; /* -1: not known yet */
    int64_t initial;
};

/* What a client process has done so far. */
struct live_process {
    uint64_t requests;
    uint64_t count[LIVE_CLASSES];
    uint32_t lives; /* 1, unless it was forked again */
};

/* A moment of the run. Zeros are fine for what is not known, but where it says otherwise. */
struct live_state {
    const char *phase; /* "running", "creating items"; NULL for "running" */
    bool step;         /* before or after the load: only the next three are shown */
    bool step_percent; /* step_done is a share of 100, not a number of things */
    uint64_t step_done, step_all;
    int64_t elapsed_ms;                       /* since the clients were let go */
    int64_t planned_ms;                       /* 0: not ended by time */
    uint64_t requests_planned, requests_sent; /* planned 0: not ended by their number */
    uint64_t count[LIVE_CLASSES];
    double rate_now, rate_average; /* answers a second */
    double p50_ms, p99_ms;         /* of the last second, or of the first moments; < 0: no answer */
    double conflicts;              /* a second; < 0: unknown */
    uint64_t in_flight, connections, dropped;
    size_t hot; /* items below */
    struct live_item item[LIVE_HOT];
    size_t past; /* seconds below, the newest last; p99 < 0: no answer */
    float past_rate[LIVE_PAST], past_p99_ms[LIVE_PAST];
    size_t processes;                   /* below; the view of a terminal does not show them */
    const struct live_process *process; /* whoever fills it in keeps it, for as long as that call */
};

/* What the stream can show. */
struct live_look {
    unsigned width; /* columns, cut to 40..200 */
    bool utf8, coloured;
};

/* What a stream gets: a block only on a terminal that can move its cursor (TERM is set and not
 * dumb) and has 40 columns, and if `block_wanted`; nothing when `quiet`. */
enum live_mode live_choose(FILE *out, bool block_wanted, bool quiet);

void live_open(FILE *out, enum live_mode mode);
void live_show(const struct live_state *state);

/* Whom else to tell of all that is shown, whether or not a view is open; NULL: nobody any more. */
typedef void live_show_fn(const struct live_state *state);
void live_also(live_show_fn *show);

/* Makes room for a message: what is printed next starts on an empty line. */
void live_pause(void);

/* Ends the view. What it showed last of the load stays on the screen, a step goes with its end.
 * Fine when it was never opened. */
void live_close(void);

/* Another second is over. */
void live_remember(struct live_state *state);

/* The block: lines ended by '\n'; beyond ASCII are only sparklines, and only if the look is. */
void live_render_block(struct buf *out, const struct live_state *state, struct live_look look);

/* One line, with its newline: what matters most, as much as fits. */
void live_render_line(struct buf *out, const struct live_state *state, unsigned width);

/* How much of the run is over, 0..100; -1 when nobody knows its end. */
int live_percent(const struct live_state *state);
