/* must_check.h -- MUST_CHECK behind a prototype: the compiler objects where its result is not
 * looked at.
 *
 * The Makefile has the compiler include it everywhere.
 */
#pragma once

#define MUST_CHECK __attribute__((warn_unused_result))
