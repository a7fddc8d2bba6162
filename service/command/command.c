#include "command/command.h"
#include "address.h"
#include "fail.h"
#include "url_password.h"

#include <stdio.h>
#include <stdlib.h>

static bool take_passwords(const struct command *c, void *options, char *err, size_t err_size)
{
    char why[ARGS_WHY_SIZE];
    for (size_t i = 0; i < COMMAND_PASSWORDS && c->passwords[i].option; i++) {
        const struct command_password *row = &c->passwords[i];
        const char *password = *(char **)((char *)options + row->password);
        char **url = (char **)((char *)options + row->url);
        if (password && !url_add_password(url, password, why, sizeof(why)))
            return fail_with(err, err_size, "--%s: %s", row->option, why);
    }
    return true;
}

int command_run(const struct command *c, int argc, char **argv, void *options)
{
    char err[ARGS_ERR_SIZE] = "";
    int status = EXIT_USAGE;
    enum args_result parsed = args_parse(c->specs, c->spec_count, "STOCKD_", argc, argv, getenv,
                                         NULL, options, err, sizeof(err));
    if (parsed == ARGS_HELP) {
        printf("stockd %s: %s\n\n", c->name, c->help);
        args_print_help(stdout, c->specs, c->spec_count, "STOCKD_");
        return EXIT_SUCCESS;
    }
    if (parsed == ARGS_OK && take_passwords(c, options, err, sizeof(err)) &&
        c->complete(options, err, sizeof(err)))
        status = c->run(options);
    else
        fprintf(stderr, "stockd %s: %s\n", c->name, err);
    if (parsed == ARGS_OK)
        args_free(c->specs, c->spec_count, options);
    return status;
}

bool command_has_both(const char *redis, const char *ledger, char *err, size_t err_size)
{
    struct address address;
    if (redis && ledger)
        return address_parse(redis, &address, err, err_size);
    return fail_with(err, err_size, "--redis and --ledger are needed");
}
