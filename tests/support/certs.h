/* certs.h -- certificates of a test's own, made by the openssl command.
 *
 * Layer: tests. Each is NAME.pem with its key in NAME.key, in a temporary directory. Nothing here
 * calls a cmocka assertion. 0, or -1 after the command has said what is wrong.
 */
#pragma once

#include "support/proc.h"

#define CERTS_PATH_MAX (TEST_PATH_MAX + 48)

struct certs {
    char dir[TEST_PATH_MAX];
};

int certs_begin(struct certs *c) MUST_CHECK;
void certs_end(struct certs *c); /* fine on one that is zeroed */

/* A CA, and what it has signed: san as "IP:127.0.0.1,DNS:localhost"; days -1: it has expired. */
int certs_make_ca(const struct certs *c, const char *name) MUST_CHECK;
int certs_make(const struct certs *c, const char *name, const char *ca, const char *san,
               int days) MUST_CHECK;

/* Begins it with what a Redis on loopback and its clients need: ca, redis and client. */
int certs_begin_redis(struct certs *c) MUST_CHECK;

/* The same files under another name, in place of what was there. */
int certs_copy(const struct certs *c, const char *from, const char *to) MUST_CHECK;

/* "NAME.kind"; returns path. */
const char *certs_path(const struct certs *c, const char *name, const char *kind,
                       char path[CERTS_PATH_MAX]);
