/* human.h -- numbers as people read them: 1.25ms, 12.3k, 4.10%.
 *
 * Layer: report, pure. Three digits that count, and the unit behind them. Each function writes to
 * the caller's array and returns it, so that several fit into one printf.
 */
#ifndef LOADGEN_REPORT_HUMAN_H
#define LOADGEN_REPORT_HUMAN_H

#include <stdint.h>

#define HUMAN_SIZE 24 /* holds every text of this module */

/* "0", "850ns", "12.3us", "1.25ms", "31.0s", "5m20s", "2h05m". */
const char *human_duration(uint64_t ns, char out[HUMAN_SIZE]);

/* "7", "9999", "12.3k", "4.56M", "7.89G", "1.20T". */
const char *human_count(uint64_t count, char out[HUMAN_SIZE]);

/* The same of a rate or mean: "0.031", "7.25", "980", "12.3k". "-" when it is no number. */
const char *human_number(double value, char out[HUMAN_SIZE]);

/* "0%", "0.012%", "4.10%", "100%"; "-" of nothing. */
const char *human_share(uint64_t part, uint64_t whole, char out[HUMAN_SIZE]);

#endif
