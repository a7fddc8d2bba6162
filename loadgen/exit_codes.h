/* exit_codes.h -- what the exit status of stockload says.
 *
 * Layer: loadgen, pure. The numbers are an interface: pipelines are built on them.
 */
#ifndef LOADGEN_EXIT_CODES_H
#define LOADGEN_EXIT_CODES_H

enum exit_code {
    EXITS_RIGHT = 0,         /* every answer was right, every threshold was met */
    EXITS_VIOLATION = 1,     /* an answer was wrong */
    EXITS_UNKNOWN = 2,       /* not enough evidence: no success, nothing contended, unsettled */
    EXITS_THRESHOLD = 99,    /* a threshold was missed */
    EXITS_INTERRUPTED = 105, /* stopped by a signal; the report was written */
    EXITS_USAGE = 254,       /* the command line is wrong; nothing was sent */
    EXITS_INTERNAL = 255,    /* target unreachable, pool broken, disk full */
};

/* The one of two that says more: 1 beats 255 beats 2 beats 105 beats 99 beats 0. 254 comes right
 * after 255; a number that is none of these counts as 255. */
int exit_worst(int a, int b);

#endif
