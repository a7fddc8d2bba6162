#include "store/meta_check.h"
#include "store/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_verdict(struct meta_view *view, enum meta_verdict gate, const char *why)
{
    view->gate = gate;
    snprintf(view->why, sizeof(view->why), "%s", why);
}

bool meta_check_lost(const char *state)
{
    return strncmp(state, "lost", 4) == 0;
}

bool meta_check_reply(const redisReply *reply, const char *run_id, unsigned partitions,
                      const struct store_shared *shared, struct meta_view *view)
{
    const char *v[META_FIELDS];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != META_FIELDS)
        return false;
    for (size_t i = 0; i < META_FIELDS; i++)
        v[i] = reply->element[i]->type == REDIS_REPLY_STRING ? reply->element[i]->str : "";
    uint64_t known = shared->store_id;
    *view = (struct meta_view){.gate = META_IS_OPEN,
                               .epoch = strtoll(v[META_EPOCH], NULL, 10),
                               .store = strtoull(v[META_STORE], NULL, 16)};
    if (known == 0 && shared->state_lost)
        say_verdict(view, META_IS_LOST, "Redis has lost the store's data");
    else if (known == 0)
        say_verdict(view, META_IS_WAIT, "the store has not been opened yet");
    else if (view->store != known &&
             strncmp(v[META_STATE], META_RESTORING, sizeof(META_RESTORING) - 1) == 0)
        say_verdict(view, META_IS_LOST, "a restore is at work, or one did not come to its end");
    else if (view->store != known)
        say_verdict(view, META_IS_LOST,
                    *v[META_STORE] ? "Redis holds another store"
                                   : "Redis has lost the store's data");
    else if (meta_check_lost(v[META_STATE]))
        say_verdict(view, META_IS_LOST, v[META_STATE]);
    else if (strcmp(v[META_STATE], "open") != 0)
        say_verdict(view, META_IS_CLOSED, v[META_STATE]);
    else if (strcmp(v[META_RUN_ID], run_id) != 0)
        say_verdict(view, META_IS_WAIT, "Redis was restarted; its next epoch is not open yet");
    else if (atoi(v[META_FORMAT_F]) != META_FORMAT ||
             (unsigned)atoi(v[META_PARTITIONS]) != partitions || view->epoch < 1)
        say_verdict(view, META_IS_CLOSED,
                    "format or number of partitions differ from this service's");
    return true;
}
