/* describe.h -- the words of witnesses: items, moments and operations, named as people name them.
 *
 * Layer: check, pure. Small texts are given back by value, to be used within one printf. Items are
 * called by their sku, moments are milliseconds since the clients were let go.
 */
#pragma once

#include "buf.h"
#include "history/reader.h"

struct words {
    char text[96];
};

struct words describe_sku(const struct history_reader *r, uint32_t item);

/* "12.345 ms", or "nobody knows when". */
struct words describe_time(const struct history_reader *r, uint64_t at_ns);

/* What an answer says was made of the operation's first item: "version 7 of load-x-3", or, of a
 * delete, "the removal of load-x-3". */
struct words describe_made(const struct history_reader *r, const struct history_op *op);

/* "the reserve of client 3, request 17". */
struct words describe_who(const struct history_op *op);

/* "the reservation of client 3, request 17", of the request that made it. */
struct words describe_reservation(const struct history_op *reserve);

/* Writes one operation as a line for people: when, who, what, what was answered. */
void describe_op(struct buf *out, const struct history_reader *r, uint32_t slot);
