/* scan_link.h -- what the files of the scan share: transactions, items in replies.
 *
 * Layer: store, private to scan*.c. An answer of another shape than the command gives means that
 * the connection is of no use any more: it is closed, and admin_why() says so.
 */
#ifndef STORE_ADMIN_SCAN_LINK_H
#define STORE_ADMIN_SCAN_LINK_H

#include "store/admin/admin_link.h"
#include "store/layout.h"

/* MULTI; the caller writes commands; EXEC. The array of their answers, none of them an error. */
void scan_begin(struct admin *admin);
redisReply *scan_commit(struct admin *admin, size_t commands);

/* Closes the connection and frees the reply: -EIO. */
int scan_surprised(struct admin *admin, redisReply *reply);

/* Frees a reply that was taken from with this result; -EIO: what it holds was not asked for. */
int scan_done(struct admin *admin, redisReply *reply, int rc);

#endif
