/* past_in_sql.h -- does a ledger tell a random past exactly?
 *
 * Layer: tests. Fails the running test if a row differs from the world in memory, if there is one
 * more or less, or if the past did not go every way that a reservation can go.
 */
#pragma once

#include "support/past.h"

void past_check_sql(struct past *past, const char *url);
