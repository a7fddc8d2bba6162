/* hook_store.h -- what SQL has of hooks: who sends them, how far they have come, and their letters.
 *
 * Layer: hooks. Everything runs inside the caller's transaction and changes nothing by itself.
 */
#pragma once

#include "ledger/db.h"
#include "ledger/query/tail.h"

#define HOOK_OWNER_SIZE 33 /* 16 bytes in hex, and the NUL */

struct hook_row {
    struct str name, owner; /* owner empty: nobody */
    int64_t beat;
    int64_t off_ms; /* 0: it is on */
    struct str off_why;
    int64_t waiting, dead; /* letters */
};

/* Letters are named by where their event is. */
struct letter {
    unsigned partition;
    struct tail_position at;
    struct str state; /* "waits", "dead", "replay" */
    int64_t at_ms;
    struct str type, sku, body;
    int64_t attempts, next_ms, tried_ms, status;
    struct str why; /* absent: none */
};

typedef int hook_row_fn(void *context, const struct hook_row *row);
typedef int letter_fn(void *context, const struct letter *letter);

/* Each, in the order of names; without counts of letters if that is not asked for. */
enum db_result hook_store_list(struct db *db, bool counts, hook_row_fn *on_row,
                               void *context) MUST_CHECK;

/* Partitions that the ledger has events of. */
enum db_result hook_store_partitions(struct db *db, unsigned *count) MUST_CHECK;

/* --- who sends: *done is whether it was so, and has changed ------------------------------------
 */

/* A row for a hook that has none, of nobody. */
enum db_result hook_store_make(struct db *db, struct str name, bool *done) MUST_CHECK;

/* From whoever was seen with that beat. */
enum db_result hook_store_take(struct db *db, struct str name, struct str seen, int64_t beat,
                               struct str owner, bool *done) MUST_CHECK;
enum db_result hook_store_beat(struct db *db, struct str name, struct str owner,
                               bool *done) MUST_CHECK;
enum db_result hook_store_leave(struct db *db, struct str name, struct str owner,
                                bool *done) MUST_CHECK;

/* off_ms 0: on. */
enum db_result hook_store_switch(struct db *db, struct str name, int64_t off_ms, struct str why,
                                 bool *done) MUST_CHECK;

/* All that SQL has of it. *done: there was a row. */
enum db_result hook_store_forget(struct db *db, struct str name, bool *done) MUST_CHECK;

/* --- how far ---------------------------------------------------------------------------------- */

/* Those that there are no rows of are zeroed. */
enum db_result hook_store_positions(struct db *db, struct str name, struct tail_position *at,
                                    unsigned partitions) MUST_CHECK;

/* Writes those that differ from `before`. */
enum db_result hook_store_put_positions(struct db *db, struct str name,
                                        const struct tail_position *at,
                                        const struct tail_position *before,
                                        unsigned partitions) MUST_CHECK;

/* --- letters ---------------------------------------------------------------------------------- */

/* Up to `max` of a state, in their order. */
enum db_result hook_store_letters(struct db *db, struct str name, struct str state, size_t max,
                                  letter_fn *on_letter, void *context) MUST_CHECK;

enum db_result hook_store_put_letter(struct db *db, struct str name,
                                     const struct letter *letter) MUST_CHECK;
enum db_result hook_store_drop_letter(struct db *db, struct str name, unsigned partition,
                                      const struct tail_position *at) MUST_CHECK;

/* Of dead ones: that one, or all if at is NULL. *changed is how many there were. */
enum db_result hook_store_replay(struct db *db, struct str name, unsigned partition,
                                 const struct tail_position *at, size_t *changed) MUST_CHECK;
enum db_result hook_store_drop_dead(struct db *db, struct str name, unsigned partition,
                                    const struct tail_position *at, size_t *changed) MUST_CHECK;
