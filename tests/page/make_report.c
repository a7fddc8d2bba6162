/* make_report.c -- writes the HTML reports that report.mjs opens: make_report DIRECTORY. */
#include "support/report_sample.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RUNS_MAX 3

struct page {
    const char *file;
    size_t runs;
    enum report_sample_kind kind[RUNS_MAX];
    const char *name[RUNS_MAX]; /* NULL: as the sample has it */
    bool capacity;              /* the runs are steps of a search */
};

static const struct page pages[] = {
    {"right.html", 1, {SAMPLE_RIGHT}, {NULL}, false},
    {"hostile.html", 1, {SAMPLE_HOSTILE}, {NULL}, false},
    {"unknown.html", 1, {SAMPLE_UNKNOWN}, {NULL}, false},
    {"empty.html", 1, {SAMPLE_EMPTY}, {NULL}, false},
    {"three.html",
     3,
     {SAMPLE_RIGHT, SAMPLE_UNKNOWN, SAMPLE_HOSTILE},
     {"four-workers.history", "plain-server.history", NULL},
     false},
    {"capacity.html",
     3,
     {SAMPLE_RIGHT, SAMPLE_UNKNOWN, SAMPLE_EMPTY},
     {"step 1: 8,000/s", "step 2: 8,400/s", "step 3: 8,400/s"},
     true},
};

static int write_page(const char *directory, const struct page *page)
{
    static struct report_sample samples[RUNS_MAX];
    struct report_run runs[RUNS_MAX];
    for (size_t i = 0; i < page->runs; i++) {
        report_sample_make(&samples[i], page->kind[i], 42 + i);
        runs[i] = samples[i].run;
        if (page->name[i])
            runs[i].name = page->name[i];
    }
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, page->file);
    FILE *out = fopen(path, "we");
    struct capacity capacity = capacity_sample();
    const struct report report = {
        .runs = runs, .count = page->runs, .capacity = page->capacity ? &capacity : NULL};
    int err = out ? report_html(out, &report) : -errno;
    if (out && fclose(out) == EOF && err == 0)
        err = -errno;
    for (size_t i = 0; i < page->runs; i++)
        report_sample_free(&samples[i]);
    if (err < 0)
        fprintf(stderr, "make_report: %s: %s\n", path, strerror(-err));
    return err;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: make_report DIRECTORY\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (write_page(argv[1], &pages[i]) < 0)
            return 1;
    return 0;
}
