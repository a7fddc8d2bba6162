/* load_run.c -- see load_run.h. */
#include "support/load_run.h"
#include "support/tls_client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define ARGS_MAX   48
#define FLAGS_MAX  512
#define TIMEOUT_MS 300000

#define WITNESSES_SHOWN 5

static int finish(struct tproc *p)
{
    int err = tproc_wait(p, TIMEOUT_MS);
    if (err != 0) {
        tproc_kill9(p);
        return TLOAD_TIMED_OUT;
    }
    return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : TLOAD_CRASHED;
}

static int run(const char *const argv[], const char *err_path)
{
    struct tproc proc;
    int err = argv[0] ? tproc_start(&proc, argv, err_path) : -1;
    if (err == 0)
        return finish(&proc);
    fprintf(stderr, "the load generator was not started: does STOCKLOAD name it?\n");
    return TLOAD_CRASHED;
}

static void name_files(struct tload *l)
{
    snprintf(l->history, sizeof(l->history), "%s/history", l->dir);
    snprintf(l->report, sizeof(l->report), "%s/report.json", l->dir);
    snprintf(l->err_path, sizeof(l->err_path), "%s/stockload.err", l->dir);
}

int tload_start(struct tload *l, int port, const char *scenario, const char *flags)
{
    *l = (struct tload){.json = NULL};
    int err = temp_dir_make(l->dir);
    if (err != 0)
        return err;
    name_files(l);
    char url[64], ca[TEST_PATH_MAX + 16], words[FLAGS_MAX];
    snprintf(url, sizeof(url), "%s://127.0.0.1:%d", tls_client_folder() ? "https" : "http", port);
    snprintf(words, sizeof(words), "%s", flags);
    const char *argv[ARGS_MAX] = {
        getenv("STOCKLOAD"), "run",  url,  "--history", l->history, "--no-tui",
        "--output-format",   "json", "-o", l->report};
    size_t n = 0;
    while (argv[n])
        n++;
    if (tls_client_folder()) {
        snprintf(ca, sizeof(ca), "%s/ca.pem", tls_client_folder());
        argv[n++] = "--ca";
        argv[n++] = ca;
    }
    if (scenario) {
        argv[n++] = "--scenario";
        argv[n++] = scenario;
    }
    char *rest = words;
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        assert(n < ARGS_MAX - 1);
        argv[n++] = word;
    }
    return argv[0] ? tproc_start(&l->proc, argv, l->err_path) : -ENOENT;
}

int tload_finish(struct tload *l)
{
    int status = finish(&l->proc);
    l->json = json_load_file(l->report, 0, NULL);
    return status;
}

int tload_run(struct tload *l, int port, const char *scenario, const char *flags)
{
    if (tload_start(l, port, scenario, flags) == 0)
        return tload_finish(l);
    fprintf(stderr, "the load generator was not started: does STOCKLOAD name it?\n");
    return TLOAD_CRASHED;
}

int tload_check(const struct tload *l)
{
    const char *const argv[] = {getenv("STOCKLOAD"), "check", l->history,
                                "--output-format",   "quiet", NULL};
    return run(argv, l->err_path);
}

/* Of the first run in the report; NULL without a report. */
static const json_t *part(const struct tload *l, const char *name)
{
    return json_object_get(json_array_get(json_object_get(l->json, "runs"), 0), name);
}

const char *tload_word(const struct tload *l)
{
    const char *word = json_string_value(json_object_get(part(l, "verdict"), "word"));
    return word ? word : "";
}

int64_t tload_violations(const struct tload *l, const char *property)
{
    const json_t *list = json_object_get(part(l, "verdict"), "properties");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(one, "name"));
        if (name && strcmp(name, property) == 0)
            return json_integer_value(json_object_get(one, "violations"));
    }
    return 0;
}

bool tload_has_witness(const struct tload *l)
{
    const json_t *list = json_object_get(part(l, "verdict"), "witnesses");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *text = json_string_value(json_object_get(one, "text"));
        if (text && *text && json_array_size(json_object_get(one, "operations")) > 0)
            return true;
    }
    return false;
}

static int64_t number_in(const struct tload *l, const char *of, const char *name)
{
    const json_t *number = json_object_get(part(l, of), name);
    return json_is_integer(number) ? json_integer_value(number) : -1;
}

int64_t tload_coverage(const struct tload *l, const char *name)
{
    return number_in(l, "coverage", name);
}

int64_t tload_fact(const struct tload *l, const char *name)
{
    return number_in(l, "facts", name);
}

/* Why the verdict is what it is. */
static void print_verdict(const struct tload *l)
{
    const json_t *verdict = part(l, "verdict"), *list = json_object_get(verdict, "properties");
    const char *why = json_string_value(json_object_get(verdict, "why_unknown"));
    fprintf(stderr, "verdict: %s; %s\n", tload_word(l), why ? why : "known");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        why = json_string_value(json_object_get(one, "why"));
        fprintf(stderr, "  %s: %s; %s\n", json_string_value(json_object_get(one, "name")),
                json_string_value(json_object_get(one, "word")), why ? why : "-");
    }
}

static void print_witnesses(const struct tload *l)
{
    const json_t *list = json_object_get(part(l, "verdict"), "witnesses");
    for (size_t i = 0; i < json_array_size(list) && i < WITNESSES_SHOWN; i++) {
        const char *text = json_string_value(json_object_get(json_array_get(list, i), "text"));
        fprintf(stderr, "  witness: %s\n", text ? text : "-");
    }
}

void tload_print(const struct tload *l)
{
    print_verdict(l);
    print_witnesses(l);
    print_tail(l->report, 30);
    print_tail(l->err_path, 30);
}

void tload_free(struct tload *l)
{
    json_decref(l->json);
    l->json = NULL;
    temp_dir_remove(l->dir);
}

int64_t tload_lost(const struct tload *l)
{
    const json_t *runs = json_object_get(l->json, "runs");
    const json_t *verdict = json_object_get(json_array_get(runs, 0), "verdict");
    return json_integer_value(json_object_get(json_object_get(verdict, "lost"), "operations"));
}
