/* main.c -- the command line of stockd. */
#include "command/command.h"
#include "process/master.h"
#include "startup.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int serve(int argc, char **argv)
{
    struct config config;
    char err[CONFIG_ERR_SIZE];
    int status = config_parse(argc, argv, &config, err, sizeof(err));
    if (status == EXIT_SUCCESS) {
        status = master_run(&config);
    } else if (err[0]) {
        fprintf(stderr, "stockd: %s\n", err);
    } else {
        status = EXIT_SUCCESS; /* help was asked for */
    }
    config_free(&config);
    return status;
}

static int version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("stockd %s\n", stockd_version);
    return EXIT_SUCCESS;
}

static int help(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("stockd: stock reservations over HTTP, in Redis\n\n"
           "  stockd [serve] [options]   serve; without --redis an own Redis is started\n"
           "  stockd ledger [options]    bring events into the ledger, beside serve "
           "--no-ledger-apply\n"
           "  stockd migrate --ledger U  bring a ledger's database to this version's schema\n"
           "  stockd audit [options]     compare Redis with its ledger\n"
           "  stockd restore [options]   build the store in Redis anew from the ledger\n"
           "  stockd version             print the version\n\n"
           "Options of serve and ledger, and their environment variables:\n");
    config_print_help(stdout);
    return EXIT_SUCCESS;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"serve", serve},
                {"ledger", command_ledger},
                {"migrate", command_migrate},
                {"audit", command_audit},
                {"restore", command_restore},
                {"version", version},
                {"--version", version},
                {"help", help},
                {"--help", help},
                {"-h", help}};

int main(int argc, char **argv)
{
    startup_confine_rights();
    startup_confine_files();
    startup_keep_standard();
    if (argc < 2)
        return serve(argc, argv);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (argv[1][0] == '-')
        return serve(argc, argv);
    fprintf(stderr,
            "stockd: unknown command %s; there are serve, ledger, migrate, audit, restore, version "
            "and help\n",
            argv[1]);
    return EXIT_USAGE;
}
