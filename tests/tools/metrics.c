/* metrics.c -- docs/metrics.md on standard output, from what /metrics says of itself: `make
 * metrics`. */
#include "buf.h"
#include "core/op.h"
#include "core/route.h"
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX   (1u << 20)
#define LABELS_MAX 256
#define ROUTE_SEEN ROUTE_ITEM
#define KIND_SEEN  OP_DECREMENT

/* A metric, as its lines tell of it. */
struct metric {
    char name[64], help[1024], type[16], labels[LABELS_MAX];
    char least[32], most[32]; /* bounds of its buckets */
};

static const struct {
    const char *type, *title, *head;
} sections[] = {
    {"counter", "Counters", "| metric | labels | what it counts |\n| --- | --- | --- |\n"},
    {"gauge", "Gauges", "| metric | labels | what it says |\n| --- | --- | --- |\n"},
    {"histogram", "Histograms",
     "| metric | labels | buckets | what it measures |\n| --- | --- | --- | --- |\n"},
};

/* The names of labels in `{a="x",b="y"}`, as "`a` `b`"; those of buckets are not told. */
static void take_labels(struct metric *metric, const char *line, size_t n)
{
    const char *at = memchr(line, '{', n), *equals;
    char *out = metric->labels;
    if (!at || *out)
        return;
    for (at++; (equals = strchr(at, '=')) && equals < line + n; at = equals) {
        if (strncmp(at, "le=", 3) != 0)
            out +=
                sprintf(out, "%s`%.*s`", out > metric->labels ? " " : "", (int)(equals - at), at);
        equals = strchr(equals + 2, '"') + 1;
        equals += *equals == ',';
    }
}

static void take_bound(struct metric *metric, const char *line, size_t n)
{
    const char *at = strstr(line, "le=\"");
    if (!at || at > line + n || at[4] == '+')
        return;
    at += 4;
    char *to = metric->least[0] ? metric->most : metric->least;
    snprintf(to, sizeof(metric->most), "%.*s", (int)strcspn(at, "\""), at);
}

/* The next metric of the text, which is behind it afterwards. */
static bool next_metric(const char **text, struct metric *metric)
{
    *metric = (struct metric){.name = ""};
    if (sscanf(*text, "# HELP %63s %1023[^\n]\n# TYPE %*s %15s", metric->name, metric->help,
               metric->type) != 3)
        return false;
    const char *line = strchr(strchr(*text, '\n') + 1, '\n') + 1;
    for (; *line && *line != '#'; line = strchr(line, '\n') + 1) {
        size_t n = strcspn(line, "\n");
        take_labels(metric, line, n);
        take_bound(metric, line, n);
    }
    *text = line;
    return true;
}

static void put_row(const struct metric *metric)
{
    printf("| `%s` | %s | ", metric->name, metric->labels);
    if (metric->least[0])
        printf("%s to %s | ", metric->least, metric->most);
    printf("%s |\n", metric->help);
}

static void put_section(const char *text, size_t i)
{
    struct metric metric;
    printf("\n## %s\n\n%s", sections[i].title, sections[i].head);
    while (next_metric(&text, &metric))
        if (strcmp(metric.type, sections[i].type) == 0)
            put_row(&metric);
}

/* What the label `route` names. */
static void put_routes(void)
{
    printf("\n## Routes\n\n| `route` | path |\n| --- | --- |\n");
    for (int i = 0; i < ROUTE_NONE; i++)
        printf("| `%s` | `%s` |\n", route_row(i)->name, route_row(i)->pattern);
    printf("| `none` | any other |\n");
}

int main(void)
{
    struct buf out;
    struct stats *stats = stats_new(1, route_names(), ROUTES);
    buf_init(&out, TEXT_MAX);
    if (!stats)
        return EXIT_FAILURE;
    stats_name_operations(stats, op_names(), OP_KINDS);
    stats_attach(stats, 0, "worker");
    stats_request(ROUTE_SEEN, 200, 1); /* what was never asked has no line */
    stats_operation(KIND_SEEN, 0);
    stats_render(stats, &out);
    buf_putc(&out, '\0');
    if (out.failed)
        return EXIT_FAILURE;
    puts(
        "# Metrics\n\n"
        "What `GET /metrics` tells, of one service: the sums over all of its processes, if nothing "
        "else is said.\n"
        "[Operations](operations.md#metrics) says how to read them, and "
        "[which are worth an alert](operations.md#alerts).\n\n"
        "Written by `make metrics` from `common/stats.h` and `stats.c`: a text is changed there.");
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
        put_section(out.p, i);
    put_routes();
    buf_free(&out);
    stats_free(stats);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
