/* http_client.h -- one HTTP request and its answer, over libcurl: for commands, which wait for it.
 *
 * Layer: command. Knows HTTP, and nothing of stock. A client keeps its connection between requests;
 * whoever opened it closes it. It sends nothing but a GET twice by itself, follows no redirect,
 * speaks http and https and no other protocol, and takes a proxy from the environment as curl does,
 * but never to this machine itself.
 *
 * Invariant: an answer is whole, or there is none: what is cut off, too long or no HTTP is
 * HTTP_SILENT.
 */
#pragma once

#include "buf.h"

#include <signal.h>
#include <stdint.h>

#define HTTP_ANSWER_MAX (4 * 1024 * 1024) /* bytes of a body that is taken */
#define HTTP_HEAD_MAX   (64 * 1024)       /* of all header lines */
#define HTTP_WHY_SIZE   256
#define HTTP_TYPE_SIZE  64

struct http_client;

/* Paths of PEM; what an https:// needs beside what the system trusts. */
struct http_tls {
    const char *ca; /* the CAs that the service's certificate may be of; NULL: the system's */
    const char *cert, *key; /* to show to a service that asks for one; NULL: none */
    bool unverified;        /* whoever answers is believed: for this machine itself */
};

/* base: "http://host:8080", perhaps with a path before all others. token: sent as Authorization:
 * Bearer, or NULL. tls: its texts are the caller's while this is open. interrupted: looked at while
 * a call waits, which ends once it is not 0; or NULL. False with why, to be read behind the text of
 * `base`. */
bool http_client_open(struct http_client **client, const char *base, const char *token,
                      const struct http_tls *tls, const volatile sig_atomic_t *interrupted,
                      char *why, size_t size) MUST_CHECK;
void http_client_close(struct http_client *client); /* NULL: nothing to do */

/* Where its requests go, without a slash at the end. */
const char *http_client_base(const struct http_client *client);

struct http_request {
    const char *method;
    const char *path;     /* behind the base; a query is part of it, and encoded */
    const char *key;      /* Idempotency-Key; NULL: none */
    const char *if_match; /* as in the header; NULL: none */
    bool if_none_match;   /* If-None-Match: * */
    struct str body;      /* JSON; absent: none */
};

struct http_answer {
    unsigned status;
    char type[HTTP_TYPE_SIZE]; /* Content-Type without parameters, in lower case; "": not said */
    unsigned retry_after_s;    /* 0: not said, or a date */
    struct buf body;
};

void http_answer_init(struct http_answer *answer);
void http_answer_free(struct http_answer *answer);

enum http_end {
    HTTP_ANSWERED,
    HTTP_UNSENT, /* not a byte of the request left this machine */
    HTTP_SILENT, /* no answer that can be read: whether the request arrived is not known */
};

/* Unless HTTP_ANSWERED, why has the reason, as the end of a sentence. What answer held is gone. */
enum http_end http_client_call(struct http_client *client, const struct http_request *request,
                               int64_t timeout_ms, struct http_answer *answer,
                               char why[HTTP_WHY_SIZE]) MUST_CHECK;

/* Appends the text as a part of a path or a query: what is not unreserved, percent-encoded. */
void http_put_encoded(struct buf *out, struct str text);

/* The path of one of what is below `above`: its name, encoded, and what is behind that. */
void http_path_of(char *path, size_t size, const char *above, const char *name, const char *behind);
