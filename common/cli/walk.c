#include "cli/walk.h"

#include <assert.h>

static void fill_specs(struct walk_stop *stop, const struct cli_command *command)
{
    struct arg_spec specs[CLI_SPECS_MAX];
    size_t n = command ? cli_specs(command, specs) : 0;
    for (size_t i = 0; i < n; i++)
        if (specs[i].type != ARG_REFUSED)
            stop->specs[stop->spec_count++] = specs[i];
}

static void fill_below(struct walk_stop *stop)
{
    const struct cli_command *const *c = cli_list(stop->program, stop->command);
    for (; c && *c; c++) {
        if ((*c)->hidden)
            continue;
        assert(stop->below_count < CLI_BELOW_MAX);
        stop->below[stop->below_count++] = *c;
    }
}

static void walk(const struct walk_stop *at,
                 void (*visit)(void *user, const struct walk_stop *stop), void *user)
{
    struct walk_stop stop = *at;
    fill_specs(&stop, stop.command ? stop.command : stop.program->otherwise);
    fill_below(&stop);
    visit(user, &stop);
    for (size_t i = 0; i < stop.below_count; i++) {
        char path[CLI_PATH_SIZE];
        snprintf(path, sizeof(path), "%s %s", stop.path, stop.below[i]->name);
        walk(&(struct walk_stop){.program = stop.program, .command = stop.below[i], .path = path},
             visit, user);
    }
}

void walk_commands(const struct cli_program *program,
                   void (*visit)(void *user, const struct walk_stop *stop), void *user)
{
    walk(&(struct walk_stop){.program = program, .path = program->name}, visit, user);
}
