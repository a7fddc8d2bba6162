/* startup.h -- what a program of ours does before anything else.
 *
 * Layer: common.
 */
#pragma once

/* This process, and whatever it forks or runs, never gets more rights than it has: programs with
 * the set-user-ID bit or file capabilities run without them. Aborts where the kernel refuses. */
void startup_confine_rights(void);

/* Files that this process and its children make are for their user alone. */
void startup_confine_files(void);

/* Gives the descriptors 0, 1 and 2 to nobody else where the caller closed them: a file or a socket
 * that got one of these numbers would be written into by messages. To be called before anything is
 * opened. Writing to a closed standard output still fails. */
void startup_keep_standard(void);
