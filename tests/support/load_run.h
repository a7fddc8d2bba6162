/* load_run.h -- one run of the load generator, from start to exit status and report.
 *
 * Layer: tests. The program is the one that the environment variable STOCKLOAD names. Report,
 * history and standard error lie in a temporary directory, which lives until tload_free.
 */
#pragma once

#include "support/proc.h"

#include <jansson.h>

struct tload {
    char dir[TEST_PATH_MAX];
    char history[TEST_PATH_MAX + 16], report[TEST_PATH_MAX + 16], err_path[TEST_PATH_MAX + 16];
    struct tproc proc;
    json_t *json; /* the report; NULL when none was written */
};

#define TLOAD_TIMED_OUT (-1) /* killed: it did not come to an end */
#define TLOAD_CRASHED   (-2) /* ended by a signal */

/* `stockload run` against 127.0.0.1:port, with TEST_TLS by HTTPS (tls_client.h), with a scenario
 * (NULL: the default) and more flags, separated by spaces; waits and reads the report. Its exit
 * status, or one of the above. */
int tload_run(struct tload *l, int port, const char *scenario, const char *flags);

/* The two halves of it, for tests that do something meanwhile. */
int tload_start(struct tload *l, int port, const char *scenario, const char *flags);
int tload_finish(struct tload *l);

/* `stockload check` of the history that the run left: its exit status, or one of the above. */
int tload_check(const struct tload *l);

/* What the verdict of the report is: "right", "unknown", "violation"; "" without a report. */
const char *tload_word(const struct tload *l);

/* How many violations of the property the report counts, and whether a witness with at least one
 * operation shows one of any property. */
int64_t tload_violations(const struct tload *l, const char *property);
bool tload_has_witness(const struct tload *l);

/* How many acknowledged operations it says a failover lost. */
int64_t tload_lost(const struct tload *l);

/* A number of the report's coverage ("unknown", "replays", ...), -1 when there is none. */
int64_t tload_coverage(const struct tload *l, const char *name);

/* The same of what the run was ("restores", "deaths", ...). */
int64_t tload_fact(const struct tload *l, const char *name);

/* Report and what it wrote to standard error, for a test that is about to fail. */
void tload_print(const struct tload *l);

void tload_free(struct tload *l);
