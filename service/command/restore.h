/* restore.h -- `stockd restore`: builds the store in Redis anew from SQL.
 *
 * Exit status: 0 done; 1 refused, or failed: Redis stays as it was, or closed; 2 Redis or SQL is
 * out of reach, or somebody else is at work: try again; 64 wrong arguments.
 */
#ifndef COMMAND_RESTORE_H
#define COMMAND_RESTORE_H

int command_restore(int argc, char **argv) __attribute__((warn_unused_result));

#endif
