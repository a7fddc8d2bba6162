/* ask.c -- attempts until retry.h is content, then one line if it is not. */
#include "command/client/ask.h"
#include "clock.h"
#include "command/client/problem_line.h"
#include "config.h"
#include "fail.h"
#include "http/request/json_heap.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTEMPT_MS    10000 /* longer than a service takes: its --request-timeout is 5 s */
#define TOKEN_MAX     4096
#define HEAP_MAX      ((size_t)256 * 1024 * 1024) /* of a parsed answer */
#define SAID_SIZE     2048
#define KEY_CHARS     20
#define KEY_MAX_BYTES 255

const struct cli_exit ask_exits[] = {
    {ASK_FINE, "It is done."},
    {ASK_REFUSED, "The service refused, and standard error says why; nothing was changed."},
    {ASK_UNKNOWN, "It could not be told: there was no answer that can be understood."},
    {EXIT_USAGE, "The command line is wrong."},
    {0},
};

/* --- interrupted ------------------------------------------------------------------------------ */

/* Set by Ctrl-C and SIGTERM. A request that may have taken effect must not end without a word. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
    interrupted = 1;
}

static void watch_signals(void)
{
    const struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* whoever reads the answers may stop; that is no end of a request */
}

/* --- keys ------------------------------------------------------------------------------------- */

bool ask_key_check(const char *key, char *err, size_t err_size)
{
    size_t n = key ? strlen(key) : 1;
    bool plain = n >= 1 && n <= KEY_MAX_BYTES;
    for (const char *c = key; plain && c && *c; c++)
        plain = isgraph((unsigned char)*c) && (unsigned char)*c < 0x80 && *c != '"';
    return plain || fail_with(err, err_size,
                              "--key: must be 1 to %d visible ASCII characters without blanks "
                              "and quotes",
                              KEY_MAX_BYTES);
}

void ask_key(char key[ASK_KEY_SIZE], const char *given)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char dice[KEY_CHARS];
    char made[KEY_CHARS + 1] = "";
    random_bytes(dice, sizeof(dice));
    for (size_t i = 0; i < KEY_CHARS; i++)
        made[i] = chars[dice[i] % 32];
    if (given)
        snprintf(key, ASK_KEY_SIZE, "%s", given);
    else
        snprintf(key, ASK_KEY_SIZE, "cli-%s", made);
}

/* The first line of the file. */
static bool read_token(const char *path, char token[TOKEN_MAX], char *err, size_t err_size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail_with(err, err_size, "--key-file %s: %s", path, strerror(errno));
    bool got = fgets(token, TOKEN_MAX, file) != NULL;
    fclose(file);
    size_t n = got ? strcspn(token, "\r\n") : 0;
    token[n] = '\0';
    for (size_t i = 0; i < n; i++)
        got = got && isgraph((unsigned char)token[i]);
    return (got && n > 0 && n < TOKEN_MAX - 1) ||
           fail_with(err, err_size, "--key-file %s: must hold a line without blanks", path);
}

/* --- opening ---------------------------------------------------------------------------------- */

int ask_open(struct asker *asker, const char *name, const struct ask_options *options)
{
    char err[CONFIG_ERR_SIZE] = "", why[HTTP_WHY_SIZE], token[TOKEN_MAX] = "";
    uint64_t seed;
    *asker = (struct asker){.name = name, .options = options};
    http_answer_init(&asker->answer);
    random_bytes(&seed, sizeof(seed));
    rng_seed(&asker->rng, seed);
    watch_signals();
    bool ok = !options->key_file || read_token(options->key_file, token, err, sizeof(err));
    if (ok && !http_client_open(&asker->http, options->url, token[0] ? token : NULL, &options->tls,
                                &interrupted, why, sizeof(why)))
        ok = fail_with(err, sizeof(err), "--url: \"%.200s\" %s", options->url, why);
    explicit_bzero(token, sizeof(token));
    if (!ok)
        fprintf(stderr, "%s: %s\n", name, err);
    return ok ? ASK_FINE : EXIT_USAGE;
}

void ask_close(struct asker *asker)
{
    json_decref(asker->document);
    http_answer_free(&asker->answer);
    http_client_close(asker->http);
}

/* --- attempts --------------------------------------------------------------------------------- */

static void understand(struct asker *asker)
{
    struct str body = buf_str(&asker->answer.body);
    json_decref(asker->document);
    asker->document = NULL;
    if (json_heap_bound(body) <= HEAP_MAX)
        asker->document = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
}

/* One attempt, and why it was not enough, as the end of a sentence. */
static struct attempt attempt(struct asker *asker, const struct http_request *request,
                              const char *member, int64_t left_ms, char said[SAID_SIZE])
{
    char why[HTTP_WHY_SIZE];
    int64_t limit_ms = left_ms < ATTEMPT_MS ? left_ms : ATTEMPT_MS;
    json_decref(asker->document);
    asker->document = NULL;
    enum http_end end =
        http_client_call(asker->http, request, limit_ms > 0 ? limit_ms : 1, &asker->answer, why);
    if (end != HTTP_ANSWERED) {
        snprintf(said, SAID_SIZE, "%s: %s", http_client_base(asker->http), why);
        return (struct attempt){.end = end == HTTP_UNSENT ? RETRY_END_UNSENT : RETRY_END_SILENT};
    }
    const struct http_answer *answer = &asker->answer;
    understand(asker);
    problem_line(said, SAID_SIZE, answer, asker->document, http_client_base(asker->http));
    return (struct attempt){.end = RETRY_END_ANSWERED,
                            .status = answer->status,
                            .usable = strcmp(answer->type, "application/json") == 0 &&
                                      json_object_get(asker->document, member),
                            .retry_after_s = answer->retry_after_s};
}

/* Sleeps, unless somebody wants an end. */
static void rest(int64_t pause_ms)
{
    int64_t until_ms = clock_mono_ms() + pause_ms;
    for (int64_t left_ms; !interrupted && (left_ms = until_ms - clock_mono_ms()) > 0;)
        usleep((useconds_t)(left_ms < 100 ? left_ms : 100) * 1000);
}

static int explain(const struct asker *asker, const struct http_request *request,
                   enum retry_step step, const char *said)
{
    if (step == RETRY_UNKNOWN && request->key)
        fprintf(
            stderr,
            "%s: whether it took effect is not known: %s; repeat the command with --key %s, and "
            "it takes effect once\n",
            asker->name, said, request->key);
    else
        fprintf(stderr, "%s: %s\n", asker->name, said);
    return step == RETRY_REFUSED ? ASK_REFUSED : ASK_UNKNOWN;
}

int ask(struct asker *asker, const struct http_request *request, const char *member, unsigned quiet)
{
    char said[SAID_SIZE];
    struct retry retry = {.until_ms = clock_mono_ms() + asker->options->timeout_ms,
                          .changes = strcmp(request->method, "GET") != 0};
    for (bool told = false;;) {
        int64_t now_ms = clock_mono_ms(), pause_ms;
        struct attempt last = attempt(asker, request, member, retry.until_ms - now_ms, said);
        enum retry_step step =
            retry_after(&retry, &last, clock_mono_ms(), rng_next(&asker->rng), &pause_ms);
        if (step == RETRY_AGAIN && interrupted)
            step = retry.doubt ? RETRY_UNKNOWN : RETRY_FAILED;
        if (step == RETRY_DONE)
            return ASK_FINE;
        if (step == RETRY_REFUSED && quiet && last.status == quiet)
            return ASK_REFUSED;
        if (step != RETRY_AGAIN)
            return explain(asker, request, step, said);
        if (!told && isatty(STDERR_FILENO))
            fprintf(stderr, "%s: %s; trying again\n", asker->name, said);
        told = true;
        rest(pause_ms);
    }
}

void ask_print_answer(const struct asker *asker)
{
    struct str body = buf_str(&asker->answer.body);
    fwrite(body.p, 1, body.n, stdout);
    if (body.n == 0 || body.p[body.n - 1] != '\n')
        putchar('\n');
}

int ask_finish(const struct asker *asker, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno != EPIPE)
        fprintf(stderr, "%s: standard output: %s\n", asker->name, strerror(errno));
    return status == ASK_FINE ? ASK_REFUSED : status;
}
