/* health.c -- `stockd health`: see commands.h. One request and no second one: whoever asks does so
 * every few seconds. */
#include "command/client/ask.h"
#include "command/client/http_client.h"
#include "command/client/listen_url.h"
#include "command/client/problem_line.h"
#include "command/commands.h"
#include "fail.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_SIZE 2048

struct options {
    char *url; /* NULL: from the addresses below */
    bool ledger, ready;
    char *listen, *ledger_listen, *tls_cert;
    struct http_tls tls;
    int64_t timeout_ms;
};

/* clang-format off */
static const struct arg_spec specs[] = {
    {"url", ARG_STRING, offsetof(struct options, url), .metavar = "URL", .flag_only = true,
     .help = "Where to ask; without it at this machine, as the addresses below say."},
    {"ready", ARG_BOOL, offsetof(struct options, ready), .flag_only = true,
     .help = "Ask whether it can do its work (/readyz), and not only whether it lives (/healthz)."},
    {"ledger", ARG_BOOL, offsetof(struct options, ledger), .flag_only = true,
     .help = "Ask `stockd ledger`, and not the service."},
    {"timeout", ARG_DURATION_MS, offsetof(struct options, timeout_ms), 10, 600 * 1000,
     .default_text = "2s", .flag_only = true, .help = "How long to wait for the answer."},
    {"listen", ARG_STRING, offsetof(struct options, listen), .default_text = "127.0.0.1:8080", .metavar = "ADDR:PORT",
     .help = "Where the service listens."},
    {"ledger-listen", ARG_STRING, offsetof(struct options, ledger_listen), .metavar = "ADDR:PORT",
     .help = "Where `stockd ledger` listens."},
    {"tls-cert", ARG_STRING, offsetof(struct options, tls_cert), .metavar = "FILE",
     .help = "If both serve HTTPS; without --url the certificate is not looked at, as it may be for another name than that of this machine."},
    HTTP_TLS_SPECS(offsetof(struct options, tls)),
    {0},
};
/* clang-format on */

static bool is_complete(struct cli_call *call, char *err, size_t err_size)
{
    const struct options *options = call->options;
    return options->url || !options->ledger || options->ledger_listen ||
           fail_with(err, err_size,
                     "--ledger: where it listens is not known; give --url or --ledger-listen");
}

/* Where to ask; false with err. */
static bool find_url(const struct options *options, char url[LISTEN_URL_SIZE], char *err,
                     size_t err_size)
{
    if (!options->url)
        return listen_url(options->tls_cert ? "https" : "http",
                          options->ledger ? options->ledger_listen : options->listen, url, err,
                          err_size);
    return snprintf(url, LISTEN_URL_SIZE, "%s", options->url) < LISTEN_URL_SIZE ||
           fail_with(err, err_size, "--url: is longer than %d bytes", LISTEN_URL_SIZE - 1);
}

/* "http://127.0.0.1:8080/healthz: 200". */
static int show_health(const struct cli_call *call, struct http_client *client, const char *path,
                       const struct http_answer *answer)
{
    char line[LINE_SIZE];
    if (answer->status == 200) {
        printf("%s%s: 200\n", http_client_base(client), path);
        return EXIT_SUCCESS;
    }
    struct str body = buf_str(&answer->body);
    json_t *document = json_loadb(body.p, body.n, 0, NULL);
    problem_line(line, sizeof(line), answer, document, http_client_base(client));
    json_decref(document);
    return command_fail(call, line);
}

static int run_health(const struct cli_call *call)
{
    const struct options *options = call->options;
    const char *path = options->ready ? "/readyz" : "/healthz";
    char url[LISTEN_URL_SIZE], err[ARGS_ERR_SIZE] = "", why[HTTP_WHY_SIZE];
    struct http_client *client = NULL;
    struct http_answer answer;
    signal(SIGPIPE, SIG_IGN);
    struct http_tls tls = options->tls;
    tls.unverified = !options->url;
    bool found = find_url(options, url, err, sizeof(err));
    if (found && !http_client_open(&client, url, NULL, &tls, NULL, why, sizeof(why)))
        found = fail_with(err, sizeof(err), "--url: \"%s\" %s", url, why);
    if (!found) {
        fprintf(stderr, "%s: %s\n", call->path, err);
        return EXIT_USAGE;
    }
    http_answer_init(&answer);
    const struct http_request request = {.method = "GET", .path = path};
    int status = EXIT_FAILURE;
    if (http_client_call(client, &request, options->timeout_ms, &answer, why) == HTTP_ANSWERED)
        status = show_health(call, client, path, &answer);
    else
        fprintf(stderr, "%s: %s%s: %s\n", call->path, http_client_base(client), path, why);
    http_answer_free(&answer);
    http_client_close(client);
    return status;
}

static const struct cli_exit exits[] = {
    {EXIT_SUCCESS, "It is well."},
    {EXIT_FAILURE, "It is not, or does not answer; standard error says why."},
    {EXIT_USAGE, "The command line is wrong."},
    {0},
};

const struct cli_command command_health = {
    .name = "health",
    .help = "ask whether a service or a ledger process is well",
    .about = "For the health check of a container.",
    .specs = specs,
    .options_size = sizeof(struct options),
    .complete = is_complete,
    .run = run_health,
    .exits = exits,
};
