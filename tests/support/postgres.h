/* postgres.h -- a PostgreSQL server of a test's own, to be killed and started again.
 *
 * Layer: tests. It lives in a temporary directory of its own, on a free port of loopback and on a
 * unix socket in that directory, with fsync on, and is gone with the test program however that
 * ends. PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody`. Nothing here
 * calls a cmocka assertion.
 */
#pragma once

#include "support/proc.h"

#define TPG_PASSWORD "pa55word" /* of the user stockd */

struct tpg {
    struct tproc proc;
    char dir[TEST_PATH_MAX];
    int port;
    char url[TEST_PATH_MAX + 64]; /* of the database, without a password: for the unix socket */
};

/* Makes a cluster, starts it and waits until it answers. The database and the superuser are both
 * `stockd`; the unix socket wants no password, TCP does. */
int tpg_start(struct tpg *pg) MUST_CHECK;

/* Again in the same directory and at the same port, after tpg_kill9. */
int tpg_restart(struct tpg *pg) MUST_CHECK;

void tpg_kill9(struct tpg *pg); /* the server and all its processes, as a crash does */

/* Stops it and removes its directory. Fine on one that is zeroed. */
void tpg_stop(struct tpg *pg);

/* Drops and makes the database again; who is connected is thrown out. */
int tpg_reset(const struct tpg *pg) MUST_CHECK;
