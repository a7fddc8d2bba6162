/* sheet.h -- one question for a page of events, and its answer, for all who want the same.
 *
 * Layer: http, private to events*.c. Those who want the same are behind the same position and take
 * pages of the same length. To keep them together, a page ends where the watch saw the ledger end
 * last: so there are as many positions as looks of the watch, and not as many as questions. Only
 * who is not to wait at all, or is ahead of what the watch saw, asks for a FRESH page, which ends
 * where the ledger ends now, and shares it with those who came before it was asked.
 *
 *   WANTED --(its turn)--> ASKED --(the query pool has answered)--> READ: kept while it is the
 * newest
 *
 * Ownership: references: one of the list that it is on, one of each subscriber that is to be told
 * of it. Followers that still want it are in its queue; when the last one leaves, it is not asked.
 * The text of a page is shared as well, and lives until the last answer with it is sent.
 */
#pragma once

#include "http/events/feed.h"

/* The sheet for this subscriber, to be joined or, if it is READ, told of. NULL: out of memory. */
struct events_sheet *sheet_find(struct subscriber *f);

/* A subscriber that wanted it does no more. */
void sheet_left(struct events_sheet *sheet);

void sheet_hold(struct events_sheet *sheet);
void sheet_let_go(struct events_sheet *sheet);

/* Hands sheets to the query pool, in their order, as far as that is allowed. */
void sheets_ask(struct events *events);

/* Says why the ledger did not answer, if it did not. */
void sheet_log_failure(const struct query *question);

/* Forgets those that are kept. */
void sheets_forget(struct events *events);

/* The answer to a poll as text, made when it is first needed. NULL: there is no memory
 * for it. */
struct events_text *sheet_text(struct events_sheet *sheet);

/* An exchange sends a text, or has sent it. NULL is fine. */
void text_let_go(struct events_text *text);
