#include "race/view.h"
#include "args/args.h"
#include "report/jsonput.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define STEP_MS       100 /* between two points, at first */
#define COMMAND_SHOWN 2000

struct race_view *race_view_new(const struct options *options)
{
    struct race_view *view = calloc(1, sizeof(*view));
    if (!view)
        return NULL;
    view->options = options;
    for (size_t i = 0; i < RACE_STRATEGIES; i++) {
        struct race_track *track = &view->track[view->tracks];
        if (options->strategy != STRATEGY_ALL && (size_t)options->strategy != i)
            continue;
        view->tracks++;
        *track = (struct race_track){
            .strategy = &race_strategies[i],
            .result = {.stock = options->stock, .left = options->stock, .p50_ms = -1, .p99_ms = -1},
            .lane = calloc((size_t)options->processes, sizeof(*track->lane)),
            .lanes = (unsigned)options->processes,
        };
        if (!track->lane) {
            race_view_free(view);
            return NULL;
        }
    }
    return view;
}

void race_view_free(struct race_view *view)
{
    if (!view)
        return;
    for (size_t i = 0; i < view->tracks; i++)
        free(view->track[i].lane);
    free(view);
}

static void add_point(struct race_track *track, struct race_point point)
{
    if (track->points == RACE_POINTS) {
        track->points /= 2;
        for (size_t i = 1; i < track->points; i++)
            track->point[i] = track->point[2 * i];
        track->step_ms *= 2;
    }
    assert(track->points < RACE_POINTS);
    track->point[track->points++] = point;
}

void race_view_start(struct race_track *track, int64_t stock)
{
    track->state = RACE_RUNS;
    track->step_ms = STEP_MS;
    track->points = 0;
    add_point(track, (struct race_point){0, stock, 0});
}

static void read_lanes(struct race_track *track, const struct race_books *books, bool over)
{
    assert(books->workers == track->lanes);
    for (unsigned i = 0; i < books->workers; i++) {
        const struct race_page *page = &books->page[i];
        bool ended = atomic_load(&page->ended_us) != 0;
        track->lane[i] = (struct race_lane){
            .sold = atomic_load(&page->sold),
            .conflicts = atomic_load(&page->conflicts),
            .end = ended  ? RACE_LANE_DONE
                   : over ? RACE_LANE_KILLED
                          : RACE_LANE_RUNS,
        };
    }
}

int race_view_look(struct race_track *track, const struct race_books *books, int64_t elapsed_us)
{
    struct race_result *r = &track->result;
    assert(track->state == RACE_RUNS && track->points > 0);
    int rc = race_books_sum(books, r);
    if (rc < 0)
        return rc;
    read_lanes(track, books, false);
    r->elapsed_us = elapsed_us > 0 ? elapsed_us : 0;
    r->left = r->stock - r->sold;
    int64_t at_ms = r->elapsed_us / 1000;
    if (at_ms >= track->point[track->points - 1].at_ms + track->step_ms)
        add_point(track, (struct race_point){at_ms, r->left, r->conflicts});
    return 0;
}

void race_view_finish(struct race_track *track, const struct race_books *books,
                      const struct race_result *result)
{
    assert(track->state == RACE_RUNS);
    track->state = RACE_IS_DONE;
    track->result = *result;
    read_lanes(track, books, true);
    int64_t at_ms = result->elapsed_us / 1000;
    while (track->points > 1 && track->point[track->points - 1].at_ms >= at_ms)
        track->points--; /* looked at after the last worker had ended */
    add_point(track, (struct race_point){at_ms, result->left, result->conflicts});
}

double race_units_per_second(const struct race_result *r)
{
    return (double)r->sold / (r->elapsed_us > 0 ? (double)r->elapsed_us / 1e6 : 1e-6);
}

double race_conflicts_per_unit(const struct race_result *r)
{
    return r->sold > 0 ? (double)r->conflicts / (double)r->sold : 0;
}

const char *race_word(const struct race_result *r)
{
    if (!race_balanced(r))
        return "wrong";
    return r->left > 0 ? "right, not sold out" : "right";
}

/* --- the document ----------------------------------------------------------------------------- */

static void put_facts(struct jsonput *j, json_t *document, const struct options *o)
{
    json_t *facts = jsonput_object(j, document, "facts");
    struct str command = str_of(o->command_line);
    struct buf url;
    buf_init(&url, 1024);
    args_put_url(&url, o->redis);
    command.n = command.n < COMMAND_SHOWN ? command.n : COMMAND_SHOWN;
    jsonput_text(j, facts, "url", buf_str(&url));
    jsonput_text(j, facts, "command", command);
    jsonput_integer(j, facts, "stock", o->stock);
    jsonput_integer(j, facts, "processes", o->processes);
    buf_free(&url);
}

/* Lists of numbers, since there may be hundreds: sold, conflicts, enum race_lane_end. */
static void put_lanes(struct jsonput *j, json_t *o, const struct race_track *track)
{
    json_t *list = jsonput_array(j, o, "workers");
    for (unsigned i = 0; i < track->lanes; i++) {
        json_t *row = jsonput_array(j, list, NULL);
        jsonput_integer(j, row, NULL, track->lane[i].sold);
        jsonput_integer(j, row, NULL, track->lane[i].conflicts);
        jsonput_integer(j, row, NULL, track->lane[i].end);
    }
}

/* The same: milliseconds from the start, units left, transactions lost. */
static void put_points(struct jsonput *j, json_t *o, const struct race_track *track)
{
    json_t *list = jsonput_array(j, o, "points");
    for (size_t i = 0; i < track->points; i++) {
        json_t *row = jsonput_array(j, list, NULL);
        jsonput_integer(j, row, NULL, track->point[i].at_ms);
        jsonput_integer(j, row, NULL, track->point[i].left);
        jsonput_integer(j, row, NULL, track->point[i].conflicts);
    }
}

/* What is below 0, or of a strategy whose turn has not come, is not known. */
static void put_measured(struct jsonput *j, json_t *o, const char *key, bool known, double value)
{
    jsonput_number(j, o, key, known && value >= 0 ? round(value * 1e4) / 1e4 : (double)NAN);
}

static void put_track(struct jsonput *j, json_t *list, const struct race_track *track)
{
    static const char *const states[] = {
        [RACE_WAITS] = "waiting", [RACE_RUNS] = "running", [RACE_IS_DONE] = "done"};
    const struct race_result *r = &track->result;
    bool begun = track->state != RACE_WAITS, done = track->state == RACE_IS_DONE;
    json_t *o = jsonput_object(j, list, NULL);
    jsonput_text(j, o, "name", str_of(track->strategy->name));
    jsonput_text(j, o, "about", str_of(track->strategy->about));
    jsonput_text(j, o, "state", str_of(states[track->state]));
    jsonput_text_or_null(j, o, "verdict", str_of(done ? race_word(r) : ""));
    jsonput_integer(j, o, "elapsed_ms", r->elapsed_us / 1000);
    jsonput_integer(j, o, "sold", r->sold);
    jsonput_integer(j, o, "left", r->left);
    jsonput_integer(j, o, "conflicts", r->conflicts);
    jsonput_integer(j, o, "oversold", done ? race_oversold(r) : 0);
    jsonput_integer(j, o, "unclaimed", done ? race_unclaimed(r) : 0);
    jsonput_count(j, o, "killed", r->dead);
    put_measured(j, o, "units_per_second", begun, race_units_per_second(r));
    put_measured(j, o, "conflicts_per_unit", begun, race_conflicts_per_unit(r));
    put_measured(j, o, "p50_ms", begun, r->p50_ms);
    put_measured(j, o, "p99_ms", begun, r->p99_ms);
    put_lanes(j, o, track);
    put_points(j, o, track);
}

/* The strategy that runs, or what is before and after them. */
static const char *phase_of(const struct race_view *view)
{
    for (size_t i = 0; i < view->tracks; i++)
        if (view->track[i].state == RACE_RUNS)
            return view->track[i].strategy->name;
    return view->over ? "over" : "starting";
}

json_t *race_view_json(const struct race_view *view)
{
    struct jsonput j = {0};
    json_t *document = json_object();
    jsonput_text(&j, document, "kind", STR("race"));
    jsonput_text(&j, document, "phase", str_of(phase_of(view)));
    jsonput_bool(&j, document, "over", view->over);
    put_facts(&j, document, view->options);
    json_t *list = jsonput_array(&j, document, "strategies");
    for (size_t i = 0; i < view->tracks; i++)
        put_track(&j, list, &view->track[i]);
    jsonput_integer_if(&j, document, "exit_status", view->over, view->exit_status);
    return jsonput_end(&j, document);
}
