/* tenants.h -- clients of three tenants who ask one service, and look into no other's things.
 *
 * Layer: tests, on fixture.h; for the main thread. No answer to them may ever name a tenant.
 */
#pragma once

#include "support/api_keys.h"
#include "support/fixture.h"

/* Two clients of one tenant, one of another, and one of the default tenant: the store's. */
enum who { ACME = 20, ACME_SELLER, UMBRA, STORE };

#define SPECS     4
#define STRANGERS 2
#define EACH      3

extern const struct api_key_spec specs[SPECS]; /* their keys */
extern const enum who strangers[STRANGERS];    /* to ACME */
extern const enum who each[EACH];              /* one of each tenant */

extern char tenant_keys[TEST_PATH_MAX + 8], tenant_log[TEST_PATH_MAX + 8];

/* Runs the tests, which begin with tenants_serve(). How many failed. */
int tenants_run(const char *name, const struct CMUnitTest *tests, size_t count);
#define run_tenants(name, tests) tenants_run((name), (tests), sizeof(tests) / sizeof((tests)[0]))

/* On the engine of the test, with the files above and these --tenant-items. */
void tenants_serve(void **state, const char *items);

/* The header line with the key. */
const char *key_of(enum who who);

/* The status of the answer; headers: more of them, or "". */
int call_with(enum who who, const char *headers, const char *method, const char *path,
              const char *body);
int call_as(enum who who, const char *method, const char *path, const char *body);

#define must(status, ...) assert_int_equal(call_as(__VA_ARGS__), (status))
