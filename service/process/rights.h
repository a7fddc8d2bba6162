/* rights.h -- what a service gives up once it has its ports: root, capabilities, core dumps, system
 * calls.
 *
 * Layer: process. For the parent of the processes, before its first fork: what it gives up its
 * children never have. Each of them then confines itself to the calls of its kind (confine.h).
 */
#pragma once

#include "config.h"

#include <sys/types.h>

/* Whom --user names. */
struct rights_user {
    const char *name; /* NULL: it stays who it is */
    uid_t uid;
    gid_t gid;
};

/* False, with err: there is no such user, or this process can not become it. */
bool rights_find(const struct config *config, struct rights_user *user, char *err,
                 size_t err_size) MUST_CHECK;

/* Becomes that user, with its groups and without a capability, and has no core dumps unless
 * --core-dumps says so. Makes the data directory for it if there is none. False, with err; then it
 * is not to go on. */
bool rights_drop(const struct config *config, const struct rights_user *user, char *err,
                 size_t err_size) MUST_CHECK;
