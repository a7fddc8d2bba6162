/* refuse_command.h -- the commands of Redis, as far as its states tell them apart.
 *
 * Layer: tests, private to the proxy of refuseproxy.h: refuseproxy.c learns them before it starts
 * the process, refuse_link.c asks there.
 */
#pragma once

#include "support/refuseproxy.h"

struct refuse_command {
    char name[REFUSE_NAME_SIZE]; /* in small letters */
    bool writes, takes_memory, while_loading, while_busy, has_keys;
};

/* From the answer of this Redis to COMMAND, in place of those learnt before. False: it gave none.
 */
bool refuse_commands_learn(const struct tredis *redis) MUST_CHECK;

/* One that is not known is refused by every state, which would show. */
const struct refuse_command *refuse_command_find(const char *name);

bool refuse_command_is(const struct refuse_command *command, const char *name);
