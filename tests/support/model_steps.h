/* model_steps.h -- what the decisions of the naive model share. Private to model*.c.
 *
 * A decision returns its code, OUT_NONE when it is deferred; what refuses says so with true, the
 * code and all else of it in the answer.
 */
#pragma once

#include "support/model.h"

#define NAIVE_MOST ((INT64_C(1) << 53) - 1) /* of any counter */

typedef enum outcome_code naive_decision(struct model *m, const struct op *op, bool deferred,
                                         struct model_answer *a);

/* model_items.c */
naive_decision naive_put, naive_adjust, naive_delete, naive_decrement, naive_transfer;
/* model_reservations.c */
naive_decision naive_reserve, naive_of_reservation;

/* --- transitions ------------------------------------------------------------------------------ */

void naive_add(struct model *m, const struct model_resv *r); /* model.c */
struct model_event *naive_happened(struct model *m, enum event_type type);
void naive_happened_to(struct model *m, struct model_event *event, int item, int64_t quantity);
void naive_happened_to_resv(struct model *m, enum event_type type, const struct model_resv *r);
void naive_use(struct model_item *item, int customer, int64_t units);

/* The hold ends; line i sells sells[i] of its units, none if NULL. */
void naive_end(struct model *m, struct model_resv *r, enum reservation_state state,
               const int64_t *sells);
/* It expires, if its time is up. */
void naive_expire(struct model *m, struct model_resv *r);

/* Gives back what is due on the item: of what the batch found at its begin, a hold that has ended
 * since included, the first VIEW_DUE_MAX. */
void naive_settle(struct model *m, int item);

/* --- what may not be -------------------------------------------------------------------------- */

enum outcome_code naive_invalid(struct model_answer *a, const char *field);

/* An operation is about to be refused for want of something that a due hold of the item could
 * bring back. True: it is deferred, or `wrong` says that the code should have done so. */
bool naive_waits(const struct model *m, int item, bool deferred, struct model_answer *a);

bool naive_lacks_stock(struct model *m, const struct model_line *lines, unsigned n, bool deferred,
                       struct model_answer *a);
/* 404, then limit, then stock. */
bool naive_may_not_take(struct model *m, const struct model_line *lines, unsigned n, int customer,
                        bool deferred, struct model_answer *a);

/* An operation whose effect would push a counter past 2^53-1 is refused; 2^40 versions are kept for
 * the ends of holds. */
bool naive_no_room(struct model *m, int item, int64_t sells, int64_t takes, int customer,
                   struct model_answer *a);
bool naive_no_room_for(struct model *m, const struct model_line *lines, unsigned n, int customer,
                       bool sells, struct model_answer *a);

unsigned naive_lines_of(const struct op *op, struct model_line *lines);
