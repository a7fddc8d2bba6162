/* command.h -- the commands of stockd that are no service: options in, text and an exit status out.
 *
 * Each status is EXIT_USAGE for what the command line has wrong; the others are said with each.
 */
#pragma once

#include "args.h"
#include "config.h"

/* `stockd audit`: compares Redis with its ledger. 0: they are equal; 1: they are not; 2: it could
 * not be told, since one of them is out of reach, or lags, or they are not of one store. */
int command_audit(int argc, char **argv);

/* `stockd restore`: builds the store in Redis anew from SQL. 0 done; 1 refused, or failed: Redis
 * stays as it was, or closed; 2 Redis or SQL is out of reach, or somebody else is at work: try
 * again. */
int command_restore(int argc, char **argv);

/* `stockd migrate`: the ledger's schema, by hand. 0: the database has this program's schema; 1: it
 * has not, and standard error says why. */
int command_migrate(int argc, char **argv);

/* `stockd ledger`: the ledger process alone, under a parent that restarts it, for a service that
 * runs with --no-ledger-apply, on another host if need be. It prints "carrying events" when it has
 * begun. 0: it was asked to end; 1: it cannot work here, and the log says why. */
int command_ledger(int argc, char **argv);

/* A password that is kept apart from its address, which it is put into before `complete` looks. */
struct command_password {
    const char *option;   /* "redis-password"; NULL: no more */
    size_t url, password; /* offsets of char * */
};
#define COMMAND_PASSWORDS 2

/* The row of such an option. */
#define COMMAND_PASSWORD_SPEC(of, at)                                                              \
    {                                                                                              \
        of "-password", ARG_STRING, at,                                                            \
            .metavar = "TEXT", .secret = true,                                                     \
            .help = "Password for the user in --" of ", as it is: nothing in it is escaped. Keep " \
                    "it in a file."                                                                \
    }

/* What a command makes of its options. */
struct command {
    const char *name;
    const char *help; /* before the list of the options */
    const struct arg_spec *specs;
    size_t spec_count;
    struct command_password passwords[COMMAND_PASSWORDS];
    /* False, with err: something is missing, or cannot be. */
    bool (*complete)(const void *options, char *err, size_t err_size);
    int (*run)(const void *options); /* the exit status */
};

/* options: zeroed, as the specs have it. */
int command_run(const struct command *command, int argc, char **argv, void *options);

/* Of a command that needs both: NULL is an option that was not given. */
bool command_has_both(const char *redis, const char *ledger, char *err, size_t err_size);
