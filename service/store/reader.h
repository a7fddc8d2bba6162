/* reader.h -- plain reads: one connection to each Redis that partitions lie in, all reads of a loop
 * turn in one write.
 *
 * Layer: store, private to it. Each command asks one partition, and goes to where that is written
 * to, as the topology says; each answer quotes one object, or those of one MGET, so no transaction
 * is needed. The meta of each partition that is asked is asked behind the values: a Redis that was
 * emptied in between shows. What a partition answers counts if it is open, whatever the others are;
 * what needs all of them (a list, an operation that none of the others has) is not answered without
 * one.
 *
 * A reply that says that the partition is elsewhere, or that its Redis is not ready to answer, is
 * no answer, and neither is that of a partition whose epoch is not open yet: it is asked again
 * until the time of the read is over.
 *
 * It also looks at each Redis four times a second (PING, and the meta of all partitions that lie
 * there), so that a store that nobody uses knows which of its partitions can be used.
 */
#pragma once

#include "store/meta.h"
#include "store/store_op.h"

struct store;

struct reader;

struct reader *reader_new(struct store *store);
void reader_close(struct reader *reader);
void reader_free(struct reader *reader);
void reader_submit(struct reader *reader, struct store_read *read);
void reader_start(struct reader *reader);
void reader_expire(struct reader *reader, int64_t now_us);
bool reader_idle(const struct reader *reader);

/* A host name is being looked up for it. */
bool reader_looks_up(const struct reader *reader);

/* Each partition has been looked at, or its Redis is away; and one at least has been. */
bool reader_connected(const struct reader *reader);

/* NULL if the last look at the partition came to its end, so that store->partitions[].gate says
 * what it is; else why not. */
const char *reader_trouble(const struct reader *reader, unsigned partition);

/* With what a partition that is not open is answered. */
enum outcome_code reader_code_of(enum meta_verdict gate);
