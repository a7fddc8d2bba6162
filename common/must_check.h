/* must_check.h -- MUST_CHECK behind a prototype: the compiler objects where its result is not
 * looked at.
 *
 * The Makefile has the compiler include it everywhere.
 */
#ifndef MUST_CHECK_H
#define MUST_CHECK_H

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
