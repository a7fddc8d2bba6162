/* answer_checks.h -- what is wrong with an answer whatever else happened.
 *
 * Layer: check. Violations of ANSWERS: a success that says another state than its request makes,
 * and a refusal for want of stock, or because of a limit, of what takes none.
 */
#ifndef LOADGEN_CHECK_ANSWER_CHECKS_H
#define LOADGEN_CHECK_ANSWER_CHECKS_H

#include "check/index.h"
#include "check/verdict.h"

void single_check(const struct index *index, struct verdict *v);

#endif
