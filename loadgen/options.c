/* options.c -- the command word, its table of flags, then what no table can say. */
#include "options.h"
#include "address.h"
#include "args.h"
#include "fail.h"
#include "random.h"
#include "report/capacity.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_MS         10000
#define RACE_PROCESSES 16
#define RACE_STOCK     10000
#define LINES_MAX      100        /* of one reservation: what the service takes */
#define QUANTITY_MAX   1000000000 /* of one line: what the service takes */

static const struct {
    const char *name, *words, *about;
} commands[COMMANDS] = {
    [COMMAND_RUN] = {"run", "[URL]", "load a service, then check its answers (the default)"},
    [COMMAND_CHECK] = {"check", "HISTORY...", "check recorded runs again"},
    [COMMAND_REPORT] = {"report", "HISTORY...", "report on recorded runs, several side by side"},
    [COMMAND_RACE] = {"race", "--redis URL", "processes straight at Redis, for one item"},
    [COMMAND_CAPACITY] = {"capacity", "[URL]", "the highest rate that keeps a given p99"},
    [COMMAND_LIST] = {"list", "", "the scenarios of run"},
    [COMMAND_HELP] = {"help", "[COMMAND]", "this, or the options of a command"},
    [COMMAND_VERSION] = {"version", "", "print the version"},
};

/* What the steps of one options_parse need. */
struct reading {
    struct options *options;
    int argc; /* without the command word: argv[0] stands for it */
    char *const *argv;
    char *err;
    size_t err_size;
};

#define REFUSE(r, ...) fail_with((r)->err, (r)->err_size, __VA_ARGS__)

/* --- the command ------------------------------------------------------------------------------ */

/* The command of this name, or COMMANDS. */
static enum command find_command(const char *word)
{
    if (strcmp(word, "--version") == 0)
        return COMMAND_VERSION;
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, word) == 0)
            return (enum command)i;
    return COMMANDS;
}

static bool refuse_command(const struct reading *r, const char *word)
{
    return REFUSE(
        r,
        "\"%.100s\": no such command; there are run, check, report, race, capacity, list, "
        "help and version, and a URL begins with http://",
        word);
}

/* Takes the command word off. What has neither a dash nor the marks of a URL was meant as one. */
static bool take_command(struct reading *r)
{
    r->options->command = COMMAND_RUN;
    r->options->about = COMMAND_HELP;
    if (r->argc < 2)
        return true;
    const char *word = r->argv[1];
    enum command found = find_command(word);
    if (found == COMMANDS)
        return word[0] == '-' || strpbrk(word, ":/") || refuse_command(r, word);
    r->options->command = found;
    r->argc--;
    r->argv++;
    return true;
}

/* The commands without flags; help takes the name of one. */
static bool read_bare(const struct reading *r)
{
    struct options *o = r->options;
    int most = o->command == COMMAND_HELP ? 2 : 1;
    if (r->argc > most)
        return REFUSE(r, "\"%.100s\": unexpected; `stockload %s%s` takes no more", r->argv[most],
                      commands[o->command].name, most == 2 ? " COMMAND" : "");
    if (r->argc == 2)
        o->about = find_command(r->argv[1]);
    return o->about != COMMANDS || refuse_command(r, r->argv[1]);
}

/* --- the notations ---------------------------------------------------------------------------- */

static bool read_url(const struct reading *r)
{
    struct options *o = r->options;
    char why[WEBURL_ERR_SIZE];
    if (o->words.n > 1)
        return REFUSE(r, "\"%.100s\": unexpected; one URL is all that `stockload %s` takes",
                      o->words.text[1], commands[o->command].name);
    const char *text = o->words.n == 1 ? o->words.text[0] : WEBURL_DEFAULT;
    return weburl_parse(text, &o->url, why, sizeof(why)) || REFUSE(r, "\"%.100s\" %s", text, why);
}

static bool read_forms(const struct reading *r)
{
    struct options *o = r->options;
    char why[FORM_ERR_SIZE];
    const char *text;
    o->zipf = isnan(o->zipf) ? -1 : o->zipf;
    o->mixed = o->mix_text != NULL;
    if ((text = o->stages_text) && !form_stages_parse(text, &o->stages, why, sizeof(why)))
        return REFUSE(r, "--stages: \"%.100s\" %s", text, why);
    if ((text = o->qty_text) && !form_range_parse(text, QUANTITY_MAX, &o->qty, why, sizeof(why)))
        return REFUSE(r, "--qty: \"%.100s\" %s", text, why);
    if ((text = o->basket_text) && !form_range_parse(text, LINES_MAX, &o->basket, why, sizeof(why)))
        return REFUSE(r, "--basket: \"%.100s\" %s", text, why);
    if ((text = o->batch_text) &&
        !form_range_parse(text, WORKLOAD_BATCH_MAX, &o->batch, why, sizeof(why)))
        return REFUSE(r, "--batch: \"%.100s\" %s", text, why);
    if ((text = o->mix_text) && !form_mix_parse(text, o->mix, why, sizeof(why)))
        return REFUSE(r, "--mix: \"%.100s\" %s", text, why);
    return true;
}

static bool read_scenario(const struct reading *r)
{
    if (workload_find(r->options->scenario))
        return true;
    char names[200] = "";
    size_t count, n = 0;
    const struct workload *known = workload_scenarios(&count);
    for (size_t i = 0; i < count && n < sizeof(names); i++)
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
                              i == 0           ? ""
                              : i + 1 == count ? " or "
                                               : ", ",
                              known[i].scenario);
    return REFUSE(r, "--scenario: \"%.100s\" is not known; give %s", r->options->scenario, names);
}

/* Which one is wrong is said by its number: values may be secret. */
static bool read_headers(const struct reading *r)
{
    const struct arg_list *headers = &r->options->headers;
    char why[FORM_ERR_SIZE];
    for (size_t i = 0; i < headers->n; i++)
        if (!form_header_check(headers->text[i], why, sizeof(why)))
            return REFUSE(r, "--header: number %zu %s", i + 1, why);
    return true;
}

/* --- what does not go together ---------------------------------------------------------------- */

static bool check_rules(const struct reading *r)
{
    const struct options *o = r->options;
    bool staged = o->stages.count > 0;
    bool several = o->command != COMMAND_RUN && o->words.n > 1;
    bool csv = o->output_format == FORMAT_CSV;
    const struct {
        bool broken;
        const char *why;
    } rules[] = {
        {staged && o->rate > 0, "--stages and --rate: both say how fast; give one"},
        {staged && o->requests > 0, "--stages and --requests: both say when to end; give one"},
        {staged && o->duration_ms > 0, "--stages and --duration: both say how long; give one"},
        {o->think_ms > 0 && (staged || o->rate > 0),
         "--think: clients of an open loop do not wait; drop it, or --rate and --stages"},
        {o->ttl_ms % 1000 != 0, "--ttl: give whole seconds, as in 2s"},
        {o->skus > 0 && o->basket.min > o->skus,
         "--basket: asks for more different items than --skus has"},
        {o->output && o->output_format == FORMAT_QUIET,
         "--output: nothing would be written to it with --output-format quiet"},
        {o->command == COMMAND_CAPACITY && csv,
         "--output-format: csv holds the attempts of one run, and capacity makes several"},
        {several && csv, "--output-format: csv holds the attempts of one run; give one history"},
        {several && o->hgrm, "--hgrm: holds the percentiles of one run; give one history"},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].broken)
            return REFUSE(r, "%s", rules[i].why);
    return true;
}

static int64_t online_cpus(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus < 1 ? 1 : cpus > OPTIONS_PROCESSES_MAX ? OPTIONS_PROCESSES_MAX : cpus;
}

static void resolve_processes(struct options *o)
{
    int64_t cpus = online_cpus();
    if (o->processes == 0)
        o->processes = cpus;
    o->checkers = o->processes < cpus ? o->processes : cpus;
}

/* What was left open and does not depend on the scenario. */
static void resolve_run(struct options *o)
{
    resolve_processes(o);
    if (o->processes > o->connections)
        o->processes = o->connections;
    if (o->requests > 0 && o->processes > o->requests)
        o->processes = o->requests; /* each has a share, and a share of 0 would mean no end */
    if (o->stages.count > 0)
        o->duration_ms = form_stages_ms(&o->stages);
    if (o->duration_ms == 0 && o->requests == 0)
        o->duration_ms = RUN_MS;
    while (o->seed == 0) { /* short enough to be typed again */
        uint32_t bits;
        random_bytes(&bits, sizeof(bits));
        o->seed = bits;
    }
}

static bool finish_run(const struct reading *r)
{
    if (!read_url(r) || !read_forms(r) || !read_scenario(r) || !read_headers(r) || !check_rules(r))
        return false;
    resolve_run(r->options);
    return true;
}

static bool finish_capacity(const struct reading *r)
{
    struct options *o = r->options;
    char why[FORM_ERR_SIZE];
    if (!form_latency_parse(o->p99_text, &o->goal_ns, why, sizeof(why)))
        return REFUSE(r, "--p99: \"%.100s\" %s", o->p99_text, why);
    if (o->rate == 0)
        return REFUSE(r, "--rate: the first rate to try; give 1 at least");
    if (!finish_run(r))
        return false;
    o->rate_min = (CAPACITY_FEWEST * INT64_C(1000) + o->duration_ms - 1) / o->duration_ms;
    return o->rate_min <= o->rate_max ||
           REFUSE(r,
                  "--rate-max: a step would have fewer than %d requests; give %" PRId64
                  " at least, or a longer --duration",
                  CAPACITY_FEWEST, o->rate_min);
}

static bool finish_offline(const struct reading *r)
{
    struct options *o = r->options;
    if (o->words.n == 0)
        return REFUSE(r, "%s: needs a file; give `stockload %s HISTORY...`, made by run --history",
                      commands[o->command].name, commands[o->command].name);
    resolve_processes(o);
    return check_rules(r);
}

static bool finish_race(const struct reading *r)
{
    struct options *o = r->options;
    struct address address;
    char why[200];
    if (o->words.n > 0)
        return REFUSE(r, "\"%.100s\": unexpected; Redis is named by --redis URL", o->words.text[0]);
    if (!o->redis)
        return REFUSE(r, "--redis: needed; give redis://host:port or unix:/path.sock");
    if (!address_parse(o->redis, &address, why, sizeof(why)))
        return REFUSE(r, "--redis: %s", why);
    o->processes = o->processes ? o->processes : RACE_PROCESSES;
    o->stock = o->stock ? o->stock : RACE_STOCK;
    o->duration_ms = o->duration_ms ? o->duration_ms : RUN_MS;
    return true;
}

/* --- the command line as text, for reports: it must not give secrets away --------------------- */

/* As one would type it into a shell again. */
static void put_word(struct buf *out, const char *word)
{
    bool plain = *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_=+:,./@%*") == strlen(word);
    buf_puts(out, plain ? STR("") : STR("'"));
    for (; *word; word++)
        buf_put(out, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
    buf_puts(out, plain ? STR("") : STR("'"));
}

/* How many bytes of a word stand before the value of --header; 0 when it is another word, all of
 * them when the value is the next word. */
static size_t before_header(const char *word)
{
    if (strncmp(word, "--header", 8) == 0 && (word[8] == '\0' || word[8] == '='))
        return word[8] ? 9 : 8;
    size_t at = 1 + strspn(word + (word[0] == '-'), "qv");
    return word[0] == '-' && word[at] == 'H' ? at + 1 : 0;
}

/* "stockload -c 5 -H '***' ...": quoted for a shell where needed, headers (which may carry tokens)
 * and passwords in URLs masked. The caller frees it; NULL when there is no memory. */
static char *make_command_line(int argc, char *const *argv)
{
    struct buf line, word;
    buf_init(&line, 64 * 1024);
    buf_init(&word, 16 * 1024);
    buf_puts(&line, STR("stockload"));
    bool hide_next = false;
    for (int i = 1; i < argc; i++) {
        size_t shown = before_header(argv[i]);
        buf_reset(&word);
        if (hide_next)
            buf_puts(&word, STR("***"));
        else if (shown > 0)
            buf_put(&word, argv[i], shown);
        else
            args_put_url(&word, argv[i]);
        if (!hide_next && shown > 0 && argv[i][shown])
            buf_puts(&word, STR("***"));
        buf_putc(&word, '\0');
        hide_next = !hide_next && shown > 0 && !argv[i][shown];
        buf_putc(&line, ' ');
        put_word(&line, word.failed ? "..." : word.p);
    }
    char *text = strndup(buf_str(&line).p, line.n);
    buf_free(&word);
    buf_free(&line);
    return text;
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool finish_options(const struct reading *r, int argc, char *const *argv)
{
    static bool (*const finishers[COMMANDS])(const struct reading *r) = {
        [COMMAND_RUN] = finish_run,           [COMMAND_CHECK] = finish_offline,
        [COMMAND_REPORT] = finish_offline,    [COMMAND_RACE] = finish_race,
        [COMMAND_CAPACITY] = finish_capacity,
    };
    r->options->command_line = make_command_line(argc, argv);
    if (!r->options->command_line)
        return REFUSE(r, "no memory");
    return finishers[r->options->command](r);
}

static bool is_bare(enum command command)
{
    return command == COMMAND_LIST || command == COMMAND_HELP || command == COMMAND_VERSION;
}

enum options_result options_parse(struct options *options, int argc, char *const *argv,
                                  char *(*env)(const char *name), char *err, size_t err_size)
{
    struct arg_spec specs[OPTION_ROWS_MAX];
    struct reading r = {options, argc, argv, err, err_size};
    *options = (struct options){.command = COMMAND_RUN};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        options->command = options->about = COMMAND_HELP;
        return OPTIONS_OK;
    }
    if (!take_command(&r))
        return OPTIONS_USAGE;
    if (is_bare(options->command))
        return read_bare(&r) ? OPTIONS_OK : OPTIONS_USAGE;
    size_t count = option_specs(options->command, specs);
    switch (args_parse(specs, count, OPTION_ENV, r.argc, r.argv, env, &options->words, options, err,
                       err_size)) {
    case ARGS_HELP:
        options->about = options->command;
        options->command = COMMAND_HELP;
        return OPTIONS_OK;
    case ARGS_USAGE: return OPTIONS_USAGE;
    case ARGS_OK: break;
    }
    if (finish_options(&r, argc, argv))
        return OPTIONS_OK;
    options_free(options);
    return OPTIONS_USAGE;
}

void options_free(struct options *options)
{
    struct arg_spec specs[OPTION_ROWS_MAX];
    if (!is_bare(options->command))
        args_free(specs, option_specs(options->command, specs), options);
    args_list_free(&options->words);
    free(options->command_line);
    options->command_line = NULL;
}

void options_print_help(FILE *out, enum command about)
{
    if (about != COMMAND_HELP && is_bare(about))
        fprintf(out, "stockload %s: %s\n", commands[about].name, commands[about].about);
    if (about != COMMAND_HELP && !is_bare(about)) {
        fprintf(out, "stockload %s %s [options]: %s\n", commands[about].name, commands[about].words,
                commands[about].about);
        option_rows_print(out, about);
    }
    if (about != COMMAND_HELP)
        return;
    fputs("stockload: load for a stock service, and proof that its answers were right\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  stockload %-8s%-13s %s\n", commands[i].name, commands[i].words,
                commands[i].about);
    fputs("\nWithout a command it is run, and without a URL " WEBURL_DEFAULT ":\n"
          "  stockload -c 200 -d 30s --scenario flash http://127.0.0.1:8080\n"
          "  stockload -R 5k -d 1m --warmup 10s --scenario zipf --threshold 'p99<50ms'\n"
          "  stockload capacity --p99 5ms\n"
          "\nExit status: 0 right and thresholds met; 1 a wrong answer; 2 unknown, not enough\n"
          "evidence; 99 a threshold missed; 105 interrupted; 254 usage; 255 internal.\n"
          "1 beats 255 beats 2 beats 105 beats 99.\n\nOptions of run:\n",
          out);
    option_rows_print(out, COMMAND_RUN);
}

/* --- the exit status -------------------------------------------------------------------------- */

static const int by_severity[] = {EXITS_RIGHT, EXITS_THRESHOLD, EXITS_INTERRUPTED, EXITS_UNKNOWN,
                                  EXITS_USAGE, EXITS_INTERNAL,  EXITS_VIOLATION};
enum { CODES = sizeof(by_severity) / sizeof(by_severity[0]) };

/* Its place in the table; a status of no meaning here is a program that broke. */
static size_t severity(int code)
{
    size_t internal = 0;
    for (size_t i = 0; i < CODES; i++) {
        if (by_severity[i] == code)
            return i;
        if (by_severity[i] == EXITS_INTERNAL)
            internal = i;
    }
    return internal;
}

int exit_worst(int a, int b)
{
    return by_severity[severity(a) > severity(b) ? severity(a) : severity(b)];
}
