/* shop_record.h -- faults of the record: a correct world, written down wrongly. */
#ifndef TESTS_SUPPORT_SHOP_RECORD_H
#define TESTS_SUPPORT_SHOP_RECORD_H

#include "support/shop_world.h"

/* Plants the fault of the options if it is one of these and there is a place for it. */
void shop_record_plant(struct shop_world *w);

#endif
