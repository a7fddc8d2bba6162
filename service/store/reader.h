/* reader.h -- plain reads: one connection, all reads of a loop turn in one write.
 *
 * Layer: store, private to it. Each answer quotes one object, or one MGET, so no transaction is
 * needed. The meta of every partition is asked behind the values: a Redis that was emptied in
 * between shows. What lies in a partition that is open is answered whatever the others are; what
 * needs all of them (a list, an operation that none of the open ones has) is not.
 *
 * It also looks at Redis four times a second (PING and meta), so that a store that nobody uses
 * knows whether it is ready: if one partition is open.
 */
#pragma once

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

/* It is connected, and has looked at the metas. */
bool reader_connected(const struct reader *reader);

/* NULL if the last look at Redis found nothing wrong, else what, and with which code reads are
 * answered because of it. */
const char *reader_not_ready(const struct reader *reader, enum outcome_code *code);
