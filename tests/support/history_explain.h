/* history_explain.h -- is there a right server that would have given these answers? By search.
 *
 * Tries every order of the requests that time allows, every fate of what got no answer and every
 * moment at which a hold may run out, against a model of the interface; so it is only for
 * histories of a dozen requests. It shares nothing with loadgen/check but the reader, so that each
 * can find what the other one misses. Restores are not known to it.
 *
 * What docs/loadgen.md says is not covered is free here too: how late a hold runs out, and the
 * lines that a refusal says nothing about.
 */
#pragma once

#include "history/reader.h"

enum explained { EXPLAIN_NO, EXPLAIN_YES, EXPLAIN_TOO_LARGE };

enum explained history_explain(const struct history_reader *r);
