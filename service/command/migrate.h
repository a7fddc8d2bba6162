/* migrate.h -- `stockd migrate`: the ledger's schema, by hand.
 *
 * Exit status 0: the database has this program's schema; 1: it has not, and standard error says
 * why; EXIT_USAGE: the command line.
 */
#ifndef COMMAND_MIGRATE_H
#define COMMAND_MIGRATE_H

int command_migrate(int argc, char **argv);

#endif
