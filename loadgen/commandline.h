/* commandline.h -- the command line as text, for reports: it must not give secrets away.
 *
 * Layer: loadgen, pure.
 */
#ifndef LOADGEN_COMMANDLINE_H
#define LOADGEN_COMMANDLINE_H

/* "stockload -c 5 -H '***' ...": quoted for a shell where needed, headers (which may carry tokens)
 * and passwords in URLs masked. The caller frees it; NULL when there is no memory. */
char *commandline_text(int argc, char *const *argv) __attribute__((warn_unused_result));

#endif
