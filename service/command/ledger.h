/* ledger.h -- `stockd ledger`: the ledger process alone, under a parent that restarts it.
 *
 * For a service that runs with --no-ledger-apply, on another host if need be. It prints
 * "carrying events" when it has begun. Exit status 0: it was asked to end; 1: it cannot work here,
 * and the log says why; EXIT_USAGE: the command line.
 */
#ifndef COMMAND_LEDGER_H
#define COMMAND_LEDGER_H

int command_ledger(int argc, char **argv);

#endif
