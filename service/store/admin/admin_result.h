/* admin_result.h -- how a look at Redis ended, and ending it.
 *
 * Layer: store; the words that admin.h and admin_link.h share.
 */
#ifndef STORE_ADMIN_ADMIN_RESULT_H
#define STORE_ADMIN_ADMIN_RESULT_H

#define ADMIN_CURSOR_SIZE 24 /* of SCAN and its like; begins and ends as "0" */

enum admin_result {
    ADMIN_OK,
    ADMIN_DOWN,      /* Redis cannot be reached, or refused, now */
    ADMIN_LOADING,   /* Redis reads its data from its disk: how far it is, is in the shared store */
    ADMIN_LOST,      /* Redis does not hold the store that it held before */
    ADMIN_CLOSED,    /* a partition is closed; a person has to look */
    ADMIN_REFUSED,   /* Redis is not set up for this service: say so and do not start */
    ADMIN_MISSING,   /* there is no meta, and the caller may not make it */
    ADMIN_RESTARTED, /* Redis was restarted, and the caller may not open the next epoch */
};

struct admin;

/* Closes the connection; the next call connects anew. */
void admin_hang_up(struct admin *admin);

#endif
