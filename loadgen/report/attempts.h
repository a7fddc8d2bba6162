/* attempts.h -- which attempts belong together, and the reservations they made.
 *
 * Layer: report, pure. Attempts with one key are one operation; its root is the slot of the first.
 * The id of a reservation may lie under any attempt of the reserve that made it, and is found from
 * all of them, and from the confirms, releases and reads of the reservation.
 *
 * Owned by the caller: attempts_init .. attempts_free.
 */
#ifndef LOADGEN_REPORT_ATTEMPTS_H
#define LOADGEN_REPORT_ATTEMPTS_H

#include "history/reader.h"

struct attempts_id {
    uint32_t root, op, slot; /* of the reserve; of its attempt; of the first id slot */
    uint16_t offset;
};

struct attempts {
    const struct history_reader *reader;
    size_t ids, cap;
    struct attempts_id *id; /* sorted by root, attempt, offset */
    unsigned char *sent;    /* how often the operation with that root was sent; saturating */
};

/* 0 or -ENOMEM. */
int attempts_init(struct attempts *a, const struct history_reader *r)
    __attribute__((warn_unused_result));

/* The slot of the first attempt with the key of the operation in this slot. */
uint32_t attempts_root(const struct attempts *a, uint32_t slot);

/* The number of this attempt, from 1. To be asked once for each, in the order of the file. */
unsigned attempts_count(struct attempts *a, uint32_t root);

/* The id of the reservation that the operation is about, into text; "" when nobody knows it. */
struct str attempts_reservation(const struct attempts *a, uint32_t slot, char text[HISTORY_ID_MAX]);

void attempts_free(struct attempts *a);

#endif
