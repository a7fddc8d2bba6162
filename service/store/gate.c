#include "store/gate.h"
#include "store/keys.h"
#include "store/meta.h"
#include "store/resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fields[] = {"format", "partitions", "store", "epoch", "run_id", "state"};
enum { FORMAT, PARTITIONS, STORE, EPOCH, RUN_ID, STATE, FIELDS };

void gate_ask(struct buf *out, unsigned partition)
{
    resp_begin(out, 2 + FIELDS);
    resp_arg(out, STR("HMGET"));
    resp_key(out, partition, KEY_META, NO_NAME);
    for (size_t i = 0; i < FIELDS; i++)
        resp_arg(out, str_of(fields[i]));
}

static void say(struct gate_view *view, enum gate gate, const char *why)
{
    view->gate = gate;
    snprintf(view->why, sizeof(view->why), "%s", why);
}

bool gate_state_lost(const char *state)
{
    return strncmp(state, "lost", 4) == 0;
}

bool gate_judge(const redisReply *reply, const char *run_id, unsigned partitions,
                const struct store_shared *shared, struct gate_view *view)
{
    const char *v[FIELDS];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != FIELDS)
        return false;
    for (size_t i = 0; i < FIELDS; i++)
        v[i] = reply->element[i]->type == REDIS_REPLY_STRING ? reply->element[i]->str : "";
    uint64_t known = shared->store_id;
    *view = (struct gate_view){.gate = GATE_OPEN,
                               .epoch = strtoll(v[EPOCH], NULL, 10),
                               .store = strtoull(v[STORE], NULL, 16)};
    if (known == 0 && shared->state_lost)
        say(view, GATE_LOST, "Redis has lost the store's data");
    else if (known == 0)
        say(view, GATE_WAIT, "the store has not been opened yet");
    else if (view->store != known &&
             strncmp(v[STATE], META_RESTORING, sizeof(META_RESTORING) - 1) == 0)
        say(view, GATE_LOST, "a restore is at work, or one did not come to its end");
    else if (view->store != known)
        say(view, GATE_LOST,
            *v[STORE] ? "Redis holds another store" : "Redis has lost the store's data");
    else if (gate_state_lost(v[STATE]))
        say(view, GATE_LOST, v[STATE]);
    else if (strcmp(v[STATE], "open") != 0)
        say(view, GATE_CLOSED, v[STATE]);
    else if (strcmp(v[RUN_ID], run_id) != 0)
        say(view, GATE_WAIT, "Redis was restarted; its next epoch is not open yet");
    else if (atoi(v[FORMAT]) != META_FORMAT || (unsigned)atoi(v[PARTITIONS]) != partitions ||
             view->epoch < 1)
        say(view, GATE_CLOSED, "format or number of partitions differ from this service's");
    return true;
}
