/* key_client.h -- clients of a service with --keys-file, made by `stockd keys add` while it runs.
 *
 * Layer: tests, on fixture.h: the suite begins with a file of the keys of all roles, of
 * api_keys_write().
 */
#pragma once

#include "support/api_keys.h"
#include "support/fixture.h"

struct key_client {
    char name[16], id[API_KEY_ID_CHARS + 1];
    char header[256]; /* the line with its key */
};

extern char key_file[TEST_PATH_MAX + 8];

/* Makes the file, before a suite begins whose service has so many workers. 0 or -1. */
int key_clients_begin(int workers) MUST_CHECK;
void key_clients_end(void);

/* A new client; tenant NULL: the default one. Its key is in force when this returns. */
struct key_client key_client_of(const char *role, const char *tenant, const char *quota);

/* Reads a key that was just printed, and waits until it is in force; id and header of the client
 * are then of that one. */
void key_client_take(struct key_client *c);

/* The status of the answer, over another connection, which may be another worker's. */
int key_client_call(const struct key_client *c, const char *method, const char *path,
                    const char *body);
