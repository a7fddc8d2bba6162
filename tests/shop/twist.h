/* twist.h -- lies that are only told: what was done is right, the answer says something else.
 *
 * Layer: tests. An answer is twisted when it is ready to be sent; what is recorded of it is not.
 */
#ifndef SHOP_TWIST_H
#define SHOP_TWIST_H

#include "shop/answer.h"
#include "shop/fault.h"

/* Twists the answer if it is the planted fault's turn and the answer has what it twists. */
void twist_answer(struct fault_plan *plan, struct answer *a);

#endif
