/* cycle.h -- the cycle that keeps operations from having one order (see serial.h).
 *
 * Layer: check, pure. Only used when there is one; takes memory by node for the search.
 */
#ifndef LOADGEN_CHECK_CYCLE_H
#define LOADGEN_CHECK_CYCLE_H

#include "check/serial_graph.h"

#define CYCLE_TAKEN  0xff       /* in waiting[]: the node has its place */
#define CYCLE_NOBODY UINT32_MAX /* all that are left never ended */

/* waiting: by node, 0 .. SERIAL_LINES_MAX or CYCLE_TAKEN; nodes without entries are never met.
 * first: the one left that ended first. Fills length, by_time and cycle. 0 or -ENOMEM. */
int cycle_find(const struct serial *serial, const uint8_t *waiting, uint32_t first,
               struct serial_result *result) __attribute__((warn_unused_result));

#endif
