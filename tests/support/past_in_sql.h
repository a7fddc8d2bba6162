/* past_in_sql.h -- does a ledger tell a random past exactly?
 *
 * Layer: tests. Fails the running test if a row differs from the world in memory, if there is one
 * more or less, or if the past did not go every way that a reservation can go.
 */
#ifndef TESTS_SUPPORT_PAST_IN_SQL_H
#define TESTS_SUPPORT_PAST_IN_SQL_H

#include "support/past.h"

void past_check_sql(struct past *past, const char *url);

#endif
