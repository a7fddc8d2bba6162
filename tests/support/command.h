/* command.h -- commands of stockd that run to their end: audit, restore, migrate, a service that
 * refuses to start; of another program where a suite says so.
 *
 * Layer: tests; for the main thread of a program with cmocka. The program is the one that STOCKD
 * names, or command_variable. What a command writes goes to files of its own, which command_end()
 * takes away.
 */
#pragma once

#include "support/proc.h"

struct command {
    struct tproc proc;
    char dir[TEST_PATH_MAX];
};

/* Standard output of the command that ended last, then its standard error. */
extern char command_said[256 * 1024];

extern const char *command_variable; /* "STOCKLOAD" for stockload */

/* arguments: the command and what follows, ended by NULL. */
void command_start(struct command *c, const char *const *arguments);

/* Waits for its end: its exit status, -1 if a signal ended it. */
int command_end(struct command *c);

/* Both; the last one fails the test at another status, with what the command has said. */
#define command_run(...) command_run_of((const char *const[]){__VA_ARGS__, NULL})
int command_run_of(const char *const *arguments);
#define check_command(status, ...)                                                                 \
    check_command_at((status), (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
void check_command_at(int status, const char *const *arguments, const char *file, int line);

/* Fails the test if the last command has not said that. */
#define check_said(words) check_said_at((words), __FILE__, __LINE__)
void check_said_at(const char *words, const char *file, int line);
