/* confine.h -- what a program of ours gives up before anything else.
 *
 * Layer: common.
 */
#ifndef COMMON_CONFINE_H
#define COMMON_CONFINE_H

/* This process, and whatever it forks or runs, never gets more rights than it has: programs with
 * the set-user-ID bit or file capabilities run without them. Aborts where the kernel refuses. */
void confine_rights(void);

/* Files that this process and its children make are for their user alone. */
void confine_files(void);

#endif
