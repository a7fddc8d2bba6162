/* html_data.c -- see html_data.h. Times are seconds since the end of the warm-up, latencies are
 * milliseconds; null is "not known". */
#include "report/html_data.h"

#include "report/html.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#define NAME_BYTES_MAX 4096

bool html_data_over_time(const struct summary *s)
{
    return s->intervals > 0 && s->interval_ns > 0;
}

bool html_data_latency(const struct summary *s)
{
    return s->response && s->service && s->response->count > 0;
}

bool html_data_stock(const struct summary *s)
{
    return s->hot > 0 && html_data_over_time(s);
}

bool html_data_workers(const struct summary *s)
{
    return s->workers > 0;
}

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count_of(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* jansson refuses text that is not UTF-8; names come from files and servers. */
static json_t *text(struct str raw)
{
    struct buf clean;
    buf_init(&clean, NAME_BYTES_MAX);
    printable_put(&clean, raw);
    struct str shown = buf_str(&clean);
    json_t *value = clean.failed ? NULL : json_stringn(shown.p, shown.n);
    buf_free(&clean);
    return value;
}

/* Takes the value over, NULL too. What could not be added is missed once, at the end. */
static void set(json_t *object, const char *name, json_t *value, bool *ok)
{
    if (json_object_set_new(object, name, value) < 0)
        *ok = false;
}

static void append(json_t *array, json_t *value, bool *ok)
{
    if (json_array_append_new(array, value) < 0)
        *ok = false;
}

/* Seconds that interval i really lasted: the last one is cut off by the end of the run. */
static double lasted(const struct summary *s, size_t i)
{
    double whole = (double)s->interval_ns / 1e9;
    double left = s->seconds - whole * (double)i;
    return i + 1 == s->intervals && left > 0 ? left : whole;
}

static json_t *ends(const struct summary *s, bool *ok)
{
    json_t *array = json_array();
    double whole = (double)s->interval_ns / 1e9;
    for (size_t i = 0; i < s->intervals; i++)
        append(array, number(whole * (double)i + lasted(s, i)), ok);
    return array;
}

/* [[answers a second ...] ...]: a list for each enum summary_class, in its order. */
static json_t *rates(const struct summary *s, bool *ok)
{
    json_t *classes = json_array();
    for (int c = 0; c < CLASSES; c++) {
        json_t *array = json_array();
        for (size_t i = 0; i < s->intervals; i++)
            append(array, number((double)s->interval[i].count[c] / lasted(s, i)), ok);
        append(classes, array, ok);
    }
    return classes;
}

/* A member of every interval, as a list; 0 is "there was no answer" where `latency` says so. */
static json_t *series(const struct summary *s, size_t offset, bool latency, bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < s->intervals; i++) {
        uint64_t value;
        memcpy(&value, (const char *)&s->interval[i] + offset, sizeof(value));
        json_t *shown = !latency ? count_of(value) : value ? number(ms(value)) : json_null();
        append(array, shown, ok);
    }
    return array;
}

/* [[1 / (1 - p), ms] ...]: five points each time the rest halves, as HdrHistogram draws it, down to
 * the slowest answer. */
static json_t *curve(const struct histogram *h, bool *ok)
{
    json_t *points = json_array();
    uint64_t count = h ? h->count : 0;
    if (count == 0)
        return points;
    for (int step = 0;; step++) {
        double x = exp2(step / 5.0);
        bool last = x >= (double)count;
        json_t *point = json_array();
        append(point, number(last ? (double)count : x), ok);
        double percent = last ? 100.0 : 100.0 * (1.0 - 1.0 / x);
        append(point, number(ms(histogram_percentile(h, percent))), ok);
        append(points, point, ok);
        if (last)
            return points;
    }
}

/* In seconds of the measured time; -1: before it began, in the warm-up. */
static json_t *sold_out_at(const struct summary *s, uint32_t item)
{
    for (size_t i = 0; i < s->top; i++)
        if (s->top_item[i].item == item && s->top_item[i].sold_out_ns != 0) {
            uint64_t at = s->top_item[i].sold_out_ns;
            return number(at >= s->from_ns ? (double)(at - s->from_ns) / 1e9 : -1);
        }
    return json_null();
}

/* [{"item": 3, "sold_out": seconds, -1 or null, "left": [units ...]} ...] */
static json_t *stock(const struct summary *s, bool *ok)
{
    json_t *items = json_array();
    for (size_t n = 0; n < s->hot; n++) {
        json_t *left = json_array();
        for (size_t i = 0; i < s->intervals; i++) {
            int64_t value = s->interval[i].left[n];
            append(left, value == -1 ? json_null() : json_integer(value), ok);
        }
        json_t *item = json_object();
        set(item, "item", count_of(s->hot_item[n]), ok);
        set(item, "sold_out", sold_out_at(s, s->hot_item[n]), ok);
        set(item, "left", left, ok);
        append(items, item, ok);
    }
    return items;
}

/* [[ok, other answers, unknown] ...] */
static json_t *workers(const struct summary *s, bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < s->workers; i++) {
        const struct summary_worker *w = &s->worker[i];
        uint64_t known = w->ok + w->unknown;
        json_t *row = json_array();
        append(row, count_of(w->ok), ok);
        append(row, count_of(w->operations > known ? w->operations - known : 0), ok);
        append(row, count_of(w->unknown), ok);
        append(array, row, ok);
    }
    return array;
}

static json_t *run_data(const struct report_run *run, bool *ok)
{
    const struct summary *s = run->summary;
    json_t *object = json_object();
    set(object, "name", text(str_of(run->name)), ok);
    set(object, "scenario", text(HTML_FIELD(s->facts->scenario)), ok);
    set(object, "prefix", text(HTML_FIELD(s->facts->prefix)), ok);
    set(object, "start_stock", s->facts->warmup_ns ? json_null() : count_of(s->facts->stock), ok);
    set(object, "end", ends(s, ok), ok);
    set(object, "rate", rates(s, ok), ok);
    set(object, "p50", series(s, offsetof(struct summary_interval, p50_ns), true, ok), ok);
    set(object, "p90", series(s, offsetof(struct summary_interval, p90_ns), true, ok), ok);
    set(object, "p99", series(s, offsetof(struct summary_interval, p99_ns), true, ok), ok);
    set(object, "max", series(s, offsetof(struct summary_interval, max_ns), true, ok), ok);
    set(object, "in_flight", series(s, offsetof(struct summary_interval, in_flight), false, ok),
        ok);
    set(object, "conflicts",
        s->facts->metrics ? series(s, offsetof(struct summary_interval, conflicts), false, ok)
                          : json_null(),
        ok);
    set(object, "response", curve(s->response, ok), ok);
    set(object, "service", curve(s->service, ok), ok);
    set(object, "stock", stock(s, ok), ok);
    set(object, "workers", workers(s, ok), ok);
    return object;
}

/* "<" occurs in JSON only within strings, where its escape means the same; so no text can end the
 * script element, or open a comment in it. */
static int write_escaped(const char *bytes, size_t n, void *stream)
{
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];
        if (c == '<' || c == '>' || c == '&')
            fprintf(stream, "\\u%04x", (unsigned)c);
        else
            putc(c, stream);
    }
    return 0;
}

int html_data(FILE *out, const struct report_run *runs, size_t count)
{
    bool ok = true;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        append(list, run_data(&runs[i], &ok), &ok);
    if (!list || !ok ||
        json_dump_callback(list, write_escaped, out, JSON_COMPACT | JSON_REAL_PRECISION(6)) < 0) {
        json_decref(list);
        return -ENOMEM;
    }
    json_decref(list);
    return 0;
}
