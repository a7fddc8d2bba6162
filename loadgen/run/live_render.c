/* live_render.c -- the pure half of live.h: a moment of the run, as text. */
#include "report/units.h"
#include "run/live.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define BAR_MIN  8
#define LABEL    9  /* columns of "latency  " */
#define COLUMNS2 80 /* from this width on, items stand in two columns */
#define SPARK_AT 44 /* the first column of a sparkline */
#define SPARKS   8  /* levels; and the fewest columns that show something */

static const char *const classes[LIVE_CLASSES] = {"ok", "sold out", "refused", "busy", "unknown"};

/* A line that is being put together: never longer than its width, never a control byte. */
struct line {
    char text[LIVE_WIDTH_MAX + 1];
    unsigned n, width;
};

__attribute__((format(printf, 2, 3))) static void add_text(struct line *line, const char *format,
                                                           ...)
{
    char text[LIVE_WIDTH_MAX + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (const char *c = text; *c && line->n < line->width; c++)
        line->text[line->n++] = *c >= ' ' && *c <= '~' ? *c : '?';
    line->text[line->n] = '\0';
}

static void pad_to(struct line *line, unsigned column)
{
    while (line->n < column && line->n < line->width)
        add_text(line, " ");
}

/* "[####----]" of `columns` columns in all. */
static void add_bar(struct line *line, unsigned columns, int percent)
{
    unsigned inside = columns - 2;
    unsigned full = inside * (unsigned)percent / 100;
    add_text(line, "[");
    for (unsigned i = 0; i < inside; i++)
        add_text(line, "%c", i < full ? '#' : '-');
    add_text(line, "]");
}

static void put_screen_line(struct buf *out, const struct line *line)
{
    buf_put(out, line->text, line->n);
    buf_putc(out, '\n');
}

/* One more part of a list behind a label; one that does not fit goes on in the next line. */
__attribute__((format(printf, 3, 4))) static void add_part(struct buf *out, struct line *line,
                                                           const char *format, ...)
{
    char part[LIVE_WIDTH_MAX + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(part, sizeof(part), format, args);
    va_end(args);
    bool first = line->n <= LABEL;
    if (!first && line->n + strlen(part) + 3 > line->width) { /* ", " and the comma behind it */
        add_text(line, ",");
        put_screen_line(out, line);
        *line = (struct line){.width = line->width};
        pad_to(line, LABEL);
        first = true;
    }
    add_text(line, "%s%s", first ? "" : ", ", part);
}

void live_remember(struct live_state *s)
{
    if (s->past == LIVE_PAST) {
        s->past--;
        memmove(s->past_rate, s->past_rate + 1, s->past * sizeof(*s->past_rate));
        memmove(s->past_p99_ms, s->past_p99_ms + 1, s->past * sizeof(*s->past_p99_ms));
    }
    s->past_rate[s->past] = (float)s->rate_now;
    s->past_p99_ms[s->past] = (float)s->p99_ms;
    s->past++;
}

/* A column a value, as high as its share of the largest. */
static void put_sparks(struct buf *out, const float *value, size_t n, bool utf8)
{
    static const char *const glyphs[2][SPARKS] = {{"_", ".", "-", ":", "=", "+", "*", "#"},
                                                  {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}};
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = value[i] > largest ? value[i] : largest;
    for (size_t i = 0; i < n; i++) {
        int level = largest > 0 ? (int)(value[i] / largest * (SPARKS - 1) + 0.5F) : 0;
        buf_puts(out, value[i] < 0 ? STR(" ") : str_of(glyphs[utf8][level]));
    }
}

/* The line, and behind it the last seconds, as many as there is room for. */
static void put_line_and_past(struct buf *out, struct line *line, const float *past, size_t n,
                              const struct live_look *look, const char *colour)
{
    pad_to(line, SPARK_AT);
    add_text(line, "  ");
    size_t room = look->width - line->n;
    bool shown = n > 0 && room >= SPARKS;
    while (!shown && line->n > 0 && line->text[line->n - 1] == ' ')
        line->n--;
    buf_put(out, line->text, line->n);
    if (shown) {
        size_t columns = n < room ? n : room;
        buf_puts(out, str_of(look->coloured ? colour : ""));
        put_sparks(out, past + (n - columns), columns, look->utf8);
        buf_puts(out, look->coloured ? STR("\033[0m") : STR(""));
    }
    buf_putc(out, '\n');
}

static int percent_of(double part, double whole)
{
    double percent = whole > 0 ? 100 * part / whole : 0;
    return percent < 0 ? 0 : percent > 100 ? 100 : (int)percent;
}

int live_percent(const struct live_state *s)
{
    if (s->step)
        return percent_of((double)s->step_done, (double)s->step_all);
    int by_time = s->planned_ms > 0 ? percent_of((double)s->elapsed_ms, (double)s->planned_ms) : -1;
    int by_count = s->requests_planned > 0
                       ? percent_of((double)s->requests_sent, (double)s->requests_planned)
                       : -1;
    return by_time > by_count ? by_time : by_count;
}

/* "1:02:03" or "02:03". */
static void add_clock(struct line *line, int64_t ms)
{
    int64_t s = ms > 0 ? ms / 1000 : 0;
    if (s >= 3600)
        add_text(line, "%" PRId64 ":", s / 3600);
    add_text(line, "%02d:%02d", (int)(s / 60 % 60), (int)(s % 60));
}

static const char *phase_of(const struct live_state *s)
{
    return s->phase ? s->phase : "running";
}

static void put_phase(struct buf *out, const struct live_state *s, unsigned width)
{
    struct line line = {.width = width};
    add_text(&line, "%.*s  ", LIVE_PHASE_SIZE, phase_of(s));
    add_clock(&line, s->elapsed_ms);
    if (s->planned_ms > 0) {
        add_text(&line, " of ");
        add_clock(&line, s->planned_ms);
    }
    if (s->requests_planned > 0)
        add_text(&line, "  %s of %s requests", FIGURE(count, (int64_t)s->requests_sent),
                 FIGURE(count, (int64_t)s->requests_planned));
    put_screen_line(out, &line);
}

static void put_progress(struct buf *out, const struct live_state *s, unsigned width)
{
    struct line line = {.width = width};
    int percent = live_percent(s);
    if (percent < 0)
        return;
    add_bar(&line, width - 5, percent); /* " 100%" */
    add_text(&line, " %3d%%", percent);
    put_screen_line(out, &line);
}

static void put_numbers(struct buf *out, const struct live_state *s, const struct live_look *look)
{
    unsigned width = look->width;
    struct line rate = {.width = width}, latency = {.width = width}, classed = {.width = width};
    add_text(&rate, "rate     ");
    add_part(out, &rate, "%s/s now", FIGURE(rate, s->rate_now));
    add_part(out, &rate, "%s/s on average", FIGURE(rate, s->rate_average));
    put_line_and_past(out, &rate, s->past_rate, s->past, look, "\033[32m");
    add_text(&latency, "latency  p50 %s, p99 %s", FIGURE(ms, s->p50_ms), FIGURE(ms, s->p99_ms));
    put_line_and_past(out, &latency, s->past_p99_ms, s->past, look, "\033[33m");
    add_text(&classed, "answers  ");
    for (size_t i = 0; i < LIVE_CLASSES; i++)
        add_part(out, &classed, "%s %s", classes[i], FIGURE(count, (int64_t)s->count[i]));
    put_screen_line(out, &classed);
}

static void put_load(struct buf *out, const struct live_state *s, unsigned width)
{
    struct line line = {.width = width};
    add_text(&line, "load     ");
    add_part(out, &line, "%s in flight", FIGURE(count, (int64_t)s->in_flight));
    add_part(out, &line, "%s connections", FIGURE(count, (int64_t)s->connections));
    if (s->conflicts >= 0)
        add_part(out, &line, "%s conflicts/s", FIGURE(rate, s->conflicts));
    if (s->dropped > 0)
        add_part(out, &line, "%s dropped", FIGURE(count, (int64_t)s->dropped));
    put_screen_line(out, &line);
}

/* "item 12    [###-----] 375 of 1,000", from where the line is to `end`. */
static void add_item_bar(struct line *line, const struct live_item *item, unsigned end)
{
    char left[2 * UNIT_TEXT_SIZE + 8];
    if (item->remaining < 0)
        snprintf(left, sizeof(left), "? of %s", FIGURE(count, item->initial));
    else
        snprintf(left, sizeof(left), "%s of %s", FIGURE(count, item->remaining),
                 FIGURE(count, item->initial));
    add_text(line, "item %-3" PRIu32 " ", item->index);
    unsigned used = line->n + (unsigned)strlen(left) + 1;
    if (used + BAR_MIN <= end && item->remaining >= 0) {
        add_bar(line, end - used, percent_of((double)item->remaining, (double)item->initial));
        add_text(line, " ");
    }
    add_text(line, "%s", left);
}

static void put_item_bars(struct buf *out, const struct live_state *s, unsigned width)
{
    size_t hot = s->hot < LIVE_HOT ? s->hot : LIVE_HOT;
    size_t columns = width >= COLUMNS2 && hot > 1 ? 2 : 1;
    unsigned each = (width - 2 * (unsigned)(columns - 1)) / (unsigned)columns;
    size_t rows = (hot + columns - 1) / columns;
    for (size_t row = 0; row < rows; row++) {
        struct line line = {.width = width};
        for (size_t column = 0; column < columns && column * rows + row < hot; column++) {
            unsigned from = (unsigned)column * (each + 2);
            pad_to(&line, from);
            add_item_bar(&line, &s->item[column * rows + row], from + each);
        }
        put_screen_line(out, &line);
    }
}

/* "creating items  120 of 1,000" or "checking: sums  12%" */
static void put_step(struct buf *out, const struct live_state *s, unsigned width)
{
    struct line line = {.width = width};
    char done[2 * UNIT_TEXT_SIZE + 8];
    if (s->step_percent)
        snprintf(done, sizeof(done), "%d%%", live_percent(s));
    else
        snprintf(done, sizeof(done), "%s of %s", FIGURE(count, (int64_t)s->step_done),
                 FIGURE(count, (int64_t)s->step_all));
    int room = (int)width - (int)strlen(done) - 2; /* the number is what changes: it is shown */
    add_text(&line, "%.*s  %s", room < LIVE_PHASE_SIZE ? room : LIVE_PHASE_SIZE, phase_of(s), done);
    put_screen_line(out, &line);
}

static unsigned cut_width(unsigned width, unsigned most)
{
    width = width < LIVE_WIDTH_MIN ? LIVE_WIDTH_MIN : width;
    return width > most ? most : width;
}

void live_render_block(struct buf *out, const struct live_state *s, struct live_look look)
{
    unsigned width = look.width = cut_width(look.width, LIVE_WIDTH_MAX);
    if (s->step) {
        put_step(out, s, width);
        put_progress(out, s, width);
        return;
    }
    put_phase(out, s, width);
    put_progress(out, s, width);
    put_numbers(out, s, &look);
    put_load(out, s, width);
    put_item_bars(out, s, width);
}

/* One more part of a line, if there is room for it. */
__attribute__((format(printf, 2, 3))) static void add_if_fits(struct line *line, const char *format,
                                                              ...)
{
    char part[LIVE_WIDTH_MAX + 1];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(part, sizeof(part), format, args);
    va_end(args);
    if (line->n + (unsigned)n + 2 <= line->width)
        add_text(line, ", %s", part);
}

static void add_class(struct line *line, const struct live_state *s, enum live_class class)
{
    if (s->count[class] > 0)
        add_if_fits(line, "%s %s", classes[class], FIGURE(count, (int64_t)s->count[class]));
}

/* In the order of what somebody who watches would miss. */
static void add_figures(struct line *line, const struct live_state *s)
{
    add_if_fits(line, "p99 %s", FIGURE(ms, s->p99_ms));
    add_class(line, s, LIVE_UNKNOWN);
    add_class(line, s, LIVE_BUSY);
    add_if_fits(line, "ok %s", FIGURE(count, (int64_t)s->count[LIVE_OK]));
    add_class(line, s, LIVE_NO_STOCK);
    if (s->conflicts >= 0)
        add_if_fits(line, "conflicts %s/s", FIGURE(rate, s->conflicts));
    if (s->dropped > 0)
        add_if_fits(line, "dropped %s", FIGURE(count, (int64_t)s->dropped));
    add_class(line, s, LIVE_REFUSED);
    if (s->hot > 0 && s->item[0].remaining >= 0)
        add_if_fits(line, "item %" PRIu32 ": %s left", s->item[0].index,
                    FIGURE(count, s->item[0].remaining));
}

void live_render_line(struct buf *out, const struct live_state *s, unsigned width)
{
    struct line line = {.width = cut_width(width, LIVE_LINE_WIDTH)};
    int percent = live_percent(s);
    if (s->step) {
        put_step(out, s, line.width);
        return;
    }
    add_clock(&line, s->elapsed_ms);
    if (percent >= 0)
        add_text(&line, " %3d%%", percent);
    if (s->phase && strcmp(s->phase, "running") != 0)
        add_text(&line, " %.*s:", LIVE_PHASE_SIZE, s->phase);
    add_text(&line, " %s/s", FIGURE(rate, s->rate_now));
    add_figures(&line, s);
    put_screen_line(out, &line);
}
