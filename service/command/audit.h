/* audit.h -- `stockd audit`: does Redis hold what the ledger says it must?
 *
 * Changes nothing but the hash that says what the last audit found.
 */
#ifndef COMMAND_AUDIT_H
#define COMMAND_AUDIT_H

/* argv[0] is the word "audit". The exit status: enum audit_result, or EXIT_USAGE. */
int command_audit(int argc, char **argv);

#endif
