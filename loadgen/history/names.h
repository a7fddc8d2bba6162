/* names.h -- what kinds, details and outcomes are called: by programs, and by people.
 *
 * Layer: history, pure. A name ("get-item") is what JSON and CSV say and does not change; a text
 * ("get of an item") stands in a sentence. What is none of the enum comes from a broken file and is
 * called so.
 */
#pragma once

#include "history/format.h"

const char *history_kind_name(enum history_kind kind);
const char *history_kind_text(enum history_kind kind);
const char *history_detail_name(enum history_detail detail);
const char *history_detail_text(enum history_detail detail); /* of DETAIL_NONE "" */
const char *history_outcome_name(enum history_outcome outcome);
