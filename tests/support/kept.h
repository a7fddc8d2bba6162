/* kept.h -- files that earlier builds wrote, kept in tests/kept, and answers that they gave.
 *
 * Layer: tests. Programs that use it run in the root of the repository. What fails here fails the
 * running cmocka test.
 */
#pragma once

#include "support/api.h"
#include "support/ledger_base.h"

#define KEPT_DIR "tests/kept/"

/* The bytes of KEPT_DIR/<name>.gz, in a file of its own. */
void kept_unpack(const char *name, const char *to);

/* The document in KEPT_DIR/<name>.gz, which the caller releases. */
json_t *kept_json(const char *name);

/* The database of a ledger as bytes, packed; and an empty one of this engine filled with them. */
void kept_dump_ledger(const char *url, enum base_engine engine, const char *to);
void kept_load_ledger(const char *url, enum base_engine engine, const char *from);

/* A call with what was answered: {"method", "path", "headers", "body", "status", "answer"}, null
 * for what there is not. The caller releases it. */
json_t *kept_call(struct api *a, const char *method, const char *path, const char *headers,
                  const char *body);

/* Makes the call once more and fails the test unless it is answered as it was: left out are
 * `ttl_ms`, which runs on, `replayed`, and where the ledger is. restored: versions may have been
 * raised by restores since. */
void kept_check(struct api *a, const json_t *call, bool restored);

/* The same for each of a list. */
void kept_check_all(struct api *a, const json_t *calls, bool restored);
