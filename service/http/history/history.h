/* history.h -- requests that the ledger answers, not Redis.
 *
 * Layer: http, private to the server. Such a request waits, suspended, while a thread of the query
 * pool reads and renders; the loop only copies the bytes.
 *
 * Ownership: a job belongs to itself. The server lists it as long as its exchange waits, and an
 * exchange that was told that the ledger is late is forgotten by its job: so neither a connection
 * nor the server ever waits for a database that hangs. A job that nobody waits for any more ends
 * with its question, wherever that is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct http_server;

/* Whether a GET is to be answered here. */
bool history_job_wanted(struct exchange *x);

/* Asks, or refuses at once. */
void history_job_begin(struct exchange *x);

/* Tells those that have waited for the request timeout; returns the ms until the next one has, -1
 * if none waits. */
int64_t history_job_expire(struct http_server *server);

/* Asserts that each of them has an exchange that waits for it; returns how many there are. */
unsigned history_job_check(const struct http_server *server);

/* Tells all. */
void history_job_stop(struct http_server *server);
