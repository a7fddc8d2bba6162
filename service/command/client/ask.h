/* ask.h -- a command's questions to a service: asked until there is an answer, and explained to a
 * person where there is none.
 *
 * Layer: command, on http_client.h and retry.h. What goes wrong is said on standard error, in one
 * line that begins with the command; what is asked for is left to the caller. An asker owns its
 * last answer.
 */
#pragma once

#include "cli/cli.h"
#include "command/client/http_client.h"
#include "command/client/retry.h"
#include "random.h"

#include <jansson.h>

#define ASK_KEY_SIZE 256 /* of an Idempotency-Key, with the NUL */

#define ASK_KEY_HELP                                                                               \
    "The Idempotency-Key, to ask again what became of a request; without it a new one is made."

/* Exit statuses, beside EXIT_USAGE. */
enum ask_status {
    ASK_FINE = 0,
    ASK_REFUSED = 1, /* the service said no, or standard output could not be written */
    ASK_UNKNOWN = 2, /* nobody answered, or nobody who can be understood */
};

extern const struct cli_exit ask_exits[];

/* What all commands of this kind take: the member `ask` of their options, whose last rows are
 * ASK_SPECS. */
struct ask_options {
    char *url;
    char *key_file; /* NULL: none */
    struct http_tls tls;
    int64_t timeout_ms;
    bool json;
};

#define ASK_AT(type, field) (offsetof(type, ask) + offsetof(struct ask_options, field))
/* clang-format off */
/* The rows of a struct http_tls at this place. */
#define HTTP_TLS_SPECS(at)                                                                         \
    {"ca", ARG_STRING, (at) + offsetof(struct http_tls, ca), .metavar = "FILE",                    \
     .help = "With https://: the CAs, in PEM, that the certificate of the service may be of; without it those that the system trusts."}, \
    {"cert", ARG_STRING, (at) + offsetof(struct http_tls, cert), .metavar = "FILE",                \
     .help = "With https://: a certificate, in PEM, to show to a service that asks for one."},     \
    {"cert-key", ARG_STRING, (at) + offsetof(struct http_tls, key), .metavar = "FILE",             \
     .help = "The private key of --cert, in PEM."}

#define ASK_SPECS(type)                                                                            \
    {"url", ARG_STRING, ASK_AT(type, url), .default_text = "http://127.0.0.1:8080",                \
     .metavar = "URL", .group = "Service", .help = "Where the service is."},                       \
    {"key-file", ARG_STRING, ASK_AT(type, key_file), .metavar = "FILE",                            \
     .help = "File with an API key, sent as Authorization: Bearer."},                              \
    HTTP_TLS_SPECS(ASK_AT(type, tls)),                                                             \
    {"timeout", ARG_DURATION_MS, ASK_AT(type, timeout_ms), 100, 3600 * 1000,                       \
     .default_text = "30s", .flag_only = true,                                                     \
     .help = "How long each request is tried; one that was lost, or answered 5xx, is sent again."}, \
    {"json", ARG_BOOL, ASK_AT(type, json), .flag_only = true,                                      \
     .help = "Print what the service answered, as one JSON document."},                            \
    {0}
/* clang-format on */

struct asker {
    const char *name; /* "stockd items get" */
    const struct ask_options *options;
    struct http_client *http;
    struct http_answer answer;
    json_t *document; /* of the answer, if that was understood: an object */
    struct rng rng;
};

/* ASK_FINE; otherwise a status to exit with, and standard error says why. The caller closes it in
 * either case. */
int ask_open(struct asker *asker, const char *name, const struct ask_options *options) MUST_CHECK;
void ask_close(struct asker *asker);

/* Asks, again where that may help. The answer must be a JSON object with `member`. ASK_FINE:
 * asker->document and asker->answer hold it. Standard error says anything else; a refusal with the
 * status `quiet` is not explained, for the caller to go on from. */
int ask(struct asker *asker, const struct http_request *request, const char *member,
        unsigned quiet) MUST_CHECK;

/* Makes the key of a request that changes something: `given`, or else a new one. */
void ask_key(char key[ASK_KEY_SIZE], const char *given);

/* Whether it can be sent as a key; false with err. NULL can: one is made. */
bool ask_key_check(const char *key, char *err, size_t err_size) MUST_CHECK;

/* Prints the answer as it came, and the end of the line. */
void ask_print_answer(const struct asker *asker);

/* Writes what standard output still holds; `status`, unless that fails. */
int ask_finish(const struct asker *asker, int status) MUST_CHECK;
