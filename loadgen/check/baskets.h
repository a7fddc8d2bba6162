/* baskets.h -- operations on several items at once happened at one moment on all of them.
 *
 * Layer: check. All or none is what versions and sums show; here the versions of all items and the
 * order of time together must allow one order of all operations (serial.h). Only looked at when an
 * operation has two lines or more: otherwise each item's own order is all there is.
 */
#ifndef LOADGEN_CHECK_BASKETS_H
#define LOADGEN_CHECK_BASKETS_H

#include "check/entries.h"
#include "check/verdict.h"

/* Comes after numbers.h. 0 or -ENOMEM. */
int baskets_check(const struct index *index, struct entries *entries, struct verdict *v)
    __attribute__((warn_unused_result));

#endif
