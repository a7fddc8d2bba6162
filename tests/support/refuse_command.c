#include "support/refuse_command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define COMMANDS_MAX 512

static struct refuse_command commands[COMMANDS_MAX];
static size_t command_count;

static void command_take(const redisReply *row)
{
    struct refuse_command *command = &commands[command_count++];
    assert(command_count < COMMANDS_MAX);
    *command = (struct refuse_command){.writes = false};
    snprintf(command->name, sizeof(command->name), "%s", row->element[0]->str);
    command->has_keys = row->element[3]->integer > 0;
    for (size_t i = 0; i < row->element[2]->elements; i++) {
        const char *flag = row->element[2]->element[i]->str;
        command->writes |= strcmp(flag, "write") == 0;
        command->takes_memory |= strcmp(flag, "denyoom") == 0;
        command->while_loading |= strcmp(flag, "loading") == 0;
        command->while_busy |= strcmp(flag, "allow_busy") == 0;
    }
}

bool refuse_commands_learn(const struct tredis *redis)
{
    command_count = 0;
    redisContext *c = tredis_connect(redis);
    redisReply *all = c ? redisCommand(c, "COMMAND") : NULL;
    for (size_t i = 0; all && i < all->elements; i++)
        command_take(all->element[i]);
    freeReplyObject(all);
    redisFree(c);
    return command_count > 0;
}

const struct refuse_command *refuse_command_find(const char *name)
{
    static const struct refuse_command unknown = {
        .writes = true, .takes_memory = true, .has_keys = true};
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return &unknown;
}

bool refuse_command_is(const struct refuse_command *command, const char *name)
{
    return strcmp(command->name, name) == 0;
}
