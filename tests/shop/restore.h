/* restore.h -- the store lost its memory and was rebuilt from what its ledger had.
 *
 * Layer: tests. A restore raises every item's version by RESTORE_STEP, so that no version is given
 * twice, and is counted for whoever asks whether the store is ready. Three planted faults: one that
 * is no lie (everything is kept, and told), one whose ledger was some operations behind, and one
 * that tells nobody. It happens between two operations.
 */
#ifndef SHOP_RESTORE_H
#define SHOP_RESTORE_H

#include "shop/store.h"

#define RESTORE_STEP   (UINT64_C(1) << 20)
#define RESTORE_BEHIND 50 /* FAULT_RESTORE_LOSES: operations that the ledger does not have yet */

/* To be called before each operation. */
void restore_when_due(struct store *s);

#endif
