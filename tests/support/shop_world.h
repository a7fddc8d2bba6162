/* shop_world.h -- a shop that exists only in memory, and the clients that use it, as rows.
 *
 * A simulation of a server that keeps its promises: every request has a moment between its begin
 * and its end at which it takes effect, requests of several clients overlap, answers get lost,
 * requests are sent again with the same key, holds run out. The rows are what a history will hold.
 * A fault changes one thing that the server does, once. Owned by shop_history.c: shop_world_make ..
 * shop_world_free.
 */
#pragma once

#include "history/format.h"
#include "random.h"
#include "support/shop_history.h"
#include "support/shop_rules.h"

#include <stdbool.h>
#include <stddef.h>

#define SHOP_LINES_MAX   3
#define SHOP_CLIENTS_MAX 64
#define SHOP_CUSTOMERS   3 /* shared by the clients, if items are limited */
#define SHOP_LIMITED     2 /* one item in so many is, then */

/* One attempt, as it will be written. */
struct shop_row {
    enum history_kind kind;
    enum history_phase phase;
    enum history_outcome outcome;
    enum history_detail detail;
    uint8_t flags;
    uint16_t status;
    uint32_t client, seq;
    size_t of; /* number of another row, SHOP_NONE for none */
    uint64_t begin_ns, end_ns;
    unsigned lines;
    struct history_line line[SHOP_LINES_MAX];
    struct history_line told[SHOP_LINES_MAX]; /* with FLAG_TOOK_AGAIN: of the expiry before */
    bool happened;                            /* whatever the client heard of it */
    bool dropped;                             /* not to be written */
};
#define SHOP_NONE SIZE_MAX

struct shop_item {
    struct stock now;
    int64_t used[SHOP_CUSTOMERS]; /* of the limit */
    bool off[SHOP_CUSTOMERS];     /* planted: and that is too much */
};

struct shop_hold {
    size_t row;  /* of the reserve's first attempt */
    size_t end;  /* of the answer that ended it, SHOP_NONE */
    size_t last; /* row with the pairs of the last transition; SHOP_NONE: of an expiry */
    struct history_line expired[SHOP_LINES_MAX];
    bool again; /* confirmed after that */
    enum history_detail state;
    uint32_t client;
    bool known;  /* the client got the answer, and knows the id */
    bool unsure; /* something about its end got no answer: the client leaves it alone */
    bool lost;   /* planted: acknowledged, but not stored */
    uint64_t deadline_ns;
    uint64_t known_ns; /* since when, if it is known */
    uint64_t free_ns;  /* when the last request about it was over */
};

struct shop_world {
    const struct shop_options *options;
    struct rng rng;
    uint64_t now_ns;
    struct shop_item *items;
    struct shop_row *rows;
    size_t row_count, row_cap;
    struct shop_hold *holds;
    size_t hold_count, hold_cap;
    uint64_t free_ns[SHOP_CLIENTS_MAX];
    uint32_t seq[SHOP_CLIENTS_MAX];
    struct shop_backup *backup; /* what the ledger has, before the restore */
    size_t restored;            /* rows there were when it was restored; 0: it was not */
    bool lost;                  /* something that had been answered */
    size_t batch;               /* number of the first row of a batch under way, SHOP_NONE */
    bool planted, no_memory;
};

int shop_world_make(struct shop_world *w, const struct shop_options *options);
void shop_world_free(struct shop_world *w);

/* Creates the items, then lets the clients have their way. */
void shop_world_run(struct shop_world *w);

/* --- time, rows, items and holds: shop_world.c --- */

/* A new row, zero but for its `of`; NULL without memory. */
struct shop_row *shop_world_row(struct shop_world *w);

/* The row of an attempt that takes effect now, by a client that has nothing else to do; SHOP_NONE
 * without memory. And the same request once more, behind the first, as time goes on. */
size_t shop_attempt(struct shop_world *w, uint32_t client, enum history_kind kind);
size_t shop_next_attempt(struct shop_world *w, size_t first);

void shop_answer(struct shop_row *row, enum history_outcome outcome, unsigned status,
                 enum history_detail detail);

/* The line says what the item is now. */
void shop_quote(const struct shop_world *w, struct history_line *line);

/* One transition of one item, quoted in the line; what it counts, it counts for the client. */
void shop_change(struct shop_world *w, uint32_t client, struct history_line *line,
                 struct stock_move move);

/* What the customer of the client has used of the item's limit, and that limit, 0 for none. */
int64_t *shop_used(struct shop_world *w, uint32_t client, uint32_t item);
int64_t shop_limit(const struct shop_world *w, uint32_t item);

/* NULL without memory. */
struct shop_hold *shop_new_hold(struct shop_world *w, size_t row);
void shop_expire(struct shop_world *w, struct shop_hold *hold);

/* The answer in that row is about a hold: it tells of the expiry before, if there was one. */
void shop_tell_expiry(struct shop_row *row, const struct shop_hold *hold);

/* Whether the fault is this one and still to be planted, with much before and behind it. */
bool shop_world_armed(const struct shop_world *w, enum shop_fault fault);

/* The same, and this is the place: it is planted now. */
bool shop_strikes(struct shop_world *w, enum shop_fault fault);

bool shop_chance(struct shop_world *w, unsigned percent);
uint64_t shop_time(struct shop_world *w);
uint64_t shop_world_ttl_ns(const struct shop_world *w);

/* --- the ledger: shop_restore.c --- */

/* Takes the backup and restores the shop from it, each when its time has come. */
void shop_restore_in_time(struct shop_world *w);
void shop_restore_free(struct shop_world *w);

/* Answered transitions are lost; a replica takes over. */
bool shop_restore_loses(enum shop_restore how);
bool shop_restore_fails_over(enum shop_restore how);

/* --- the server: shop_decide.c --- */

/* Decides about the request in that row; hold: number of the reservation that it is about. */
void shop_decide(struct shop_world *w, size_t row, size_t hold);

/* --- the clients: shop_clients.c, shop_batch.c --- */

/* A client does something. */
void shop_act(struct shop_world *w, uint32_t client);

/* A client does several things in one request. */
void shop_act_together(struct shop_world *w, uint32_t client);

/* The fault of that name. */
void shop_cross_baskets(struct shop_world *w);

/* --- faults of the record, a correct world written down wrongly: shop_record.c --- */

/* Plants the fault of the options if it is one of these and there is a place for it. */
void shop_record_plant(struct shop_world *w);

/* Shows the hold as the row `pairs` left it, or as it expired. */
void shop_show(struct shop_world *w, struct shop_row *row, const struct shop_hold *hold,
               size_t pairs, enum history_detail state);
