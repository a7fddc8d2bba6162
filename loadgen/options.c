/* options.c -- what no table of flags can say. */
#include "options.h"
#include "address.h"
#include "args/args.h"
#include "client/run_name.h"
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
#define UI_DEFAULT     "127.0.0.1:0"
#define LINES_MAX      100        /* of one reservation: what the service takes */
#define QUANTITY_MAX   1000000000 /* of one line: what the service takes */

/* What the steps of one options_complete need. */
struct reading {
    struct options *options;
    char *err;
    size_t err_size;
};

#define REFUSE(r, ...) fail_with((r)->err, (r)->err_size, __VA_ARGS__)

/* --- the notations ---------------------------------------------------------------------------- */

static bool read_url(const struct reading *r)
{
    struct options *o = r->options;
    char why[WEBURL_ERR_SIZE];
    const char *text = r->options->words.n == 1 ? r->options->words.text[0] : WEBURL_DEFAULT;
    if (!weburl_parse(text, &o->url, why, sizeof(why)))
        return REFUSE(r, "\"%.100s\" %s", text, why);
    return o->url.tls || (!o->tls.ca && !o->tls.cert && !o->tls.key) ||
           REFUSE(r, "--ca, --cert and --cert-key are for a URL that begins with https");
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
    bool several = r->options->words.n > 1;
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

/* --ui-listen asks for the page, too. */
static bool read_ui(const struct reading *r)
{
    struct options *o = r->options;
    char why[UI_PLACE_ERR_SIZE];
    o->ui |= o->ui_text != NULL;
    if (!ui_place_parse(&o->ui_at, o->ui_text ? o->ui_text : UI_DEFAULT, why, sizeof(why)))
        return REFUSE(r, "--ui-listen: %s", why);
    return o->ui || o->ui_linger_ms == 0 ||
           REFUSE(r, "--ui-linger: there is no live page; give --ui");
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
    if (!read_url(r) || !read_forms(r) || !read_scenario(r) || !read_headers(r) ||
        !check_rules(r) || !read_ui(r))
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

static bool finish_clean(const struct reading *r)
{
    const char *run = r->options->run;
    if (run && !run_name_valid(str_of(run)))
        return REFUSE(r, "--run: \"%.100s\" is no name of a run: those are " RUN_NAME_GRAMMAR, run);
    return read_url(r) && read_headers(r);
}

static bool finish_offline(const struct reading *r)
{
    resolve_processes(r->options);
    return check_rules(r);
}

static bool finish_race(const struct reading *r)
{
    struct options *o = r->options;
    struct address address;
    char why[TLS_WHY_SIZE];
    if (!o->redis)
        return REFUSE(r, "--redis: needed; give redis://host:port or unix:/path.sock");
    if (!address_parse(o->redis, &address, why, sizeof(why)))
        return REFUSE(r, "--redis: %s", why);
    if (!tls_load_for(&address, &o->redis_tls, why))
        return REFUSE(r, "%s", why);
    if (!read_ui(r))
        return false;
    o->processes = o->processes ? o->processes : RACE_PROCESSES;
    o->stock = o->stock ? o->stock : RACE_STOCK;
    o->duration_ms = o->duration_ms ? o->duration_ms : RUN_MS;
    return true;
}

/* --- the command line as text, for reports: it must not give secrets away --------------------- */

/* As one would type it into a shell again. */
static void put_shell_word(struct buf *out, const char *word)
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
        put_shell_word(&line, word.failed ? "..." : word.p);
    }
    char *text = strndup(buf_str(&line).p, line.n);
    buf_free(&word);
    buf_free(&line);
    return text;
}

/* --- all of it -------------------------------------------------------------------------------- */

bool options_complete(struct cli_call *call, enum command command, char *err, size_t err_size)
{
    static bool (*const finishers[COMMANDS])(const struct reading *r) = {
        [COMMAND_RUN] = finish_run,           [COMMAND_CHECK] = finish_offline,
        [COMMAND_REPORT] = finish_offline,    [COMMAND_RACE] = finish_race,
        [COMMAND_CAPACITY] = finish_capacity, [COMMAND_CLEAN] = finish_clean,
    };
    struct options *options = call->options;
    struct reading r = {options, err, err_size};
    options->command = command;
    options->words = call->words;
    options->command_line = make_command_line(call->argc, call->argv);
    if (!options->command_line)
        return REFUSE(&r, "no memory");
    if (finishers[command](&r))
        return true;
    options_free(options);
    return false;
}

void options_free(struct options *options)
{
    free(options->command_line);
    options->command_line = NULL;
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
