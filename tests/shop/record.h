/* record.h -- what became of an operation that had a key: its first answer.
 *
 * Layer: tests. Records live as long as the process, or until another takes their place.
 */
#pragma once

#include "shop/answer.h"
#include "shop/table.h"

struct record {
    uint64_t fingerprint; /* of the request: the same key with another one is refused */
    unsigned status;
    bool open;       /* as in struct answer */
    bool kept, gone; /* FAULT_RESTORE_LOSES: the ledger has it; it was lost */
    int64_t expires_ms;
    uint64_t etag;
    char location[64];
    size_t body_bytes;
    const char *body;
    char key[]; /* ends in NUL; the body follows */
};

/* Records a success, or replaces what was recorded under that key. */
void record_put(struct table *records, const char *key, uint64_t fingerprint,
                const struct answer *a);

const struct record *record_find(const struct table *records, const char *key);

/* The recorded answer again; ttl_ms runs on. */
void record_answer(const struct record *r, struct answer *a, int64_t now_ms);

/* The record itself, as GET of the operation shows it. */
void record_show(const struct record *r, struct answer *a, int64_t now_ms);
