/* reader_state.h -- what the reader has in hand, and its steps that more than one of the files it
 * is made of need.
 *
 * Layer: store, private to reader*.c.
 *
 * Ownership: a read's `ask` is its own, those of a wide read belong to that. An ask is in one place
 * at a time: waiting at a link, flying on one, among those for later, or nowhere.
 */
#pragma once

#include "arena.h"
#include "store/commit/lane_state.h"
#include "store/store_op.h"

#define READS_MAX       256 /* an exchange */
#define READER_WHY_SIZE 160

TAILQ_HEAD(read_asks, read_ask);

/* At the meta of a partition. */
struct reader_look {
    uint16_t partition;
    enum { LOOK_WELL, LOOK_AGAIN, LOOK_REFUSED } end;
};

/* A connection to where one partition is written to, for all that are written to there. */
struct reader_link {
    LIST_ENTRY(reader_link) next;
    struct reader *reader;
    struct conn conn;
    struct endpoint at;
    bool at_known;
    struct arena arena; /* of what the reads of one exchange are answered with */
    struct read_asks waiting;
    struct read_ask *flying[READS_MAX]; /* NULL: nobody waits for it any more */
    unsigned count;
    struct reader_look looks[PARTITIONS_MAX]; /* at metas, which the exchange under way asks */
    unsigned look_count;
    int64_t asked_us; /* when it began */
    bool probing;     /* the next exchange looks at all partitions */
    bool silent;      /* the one under way has lasted too long for a Redis that is well */
    bool moved;       /* it led elsewhere until the last look at the topology */
    bool used;        /* a partition lies there, as of that */
    uint64_t closed_ms;
};

LIST_HEAD(reader_links, reader_link);

/* What the reader knows of a partition. */
struct reader_part {
    struct reader_link *link; /* NULL: out of memory */
    bool judged;              /* a look at it has come to an end, well or not */
    bool looked;              /* well */
    uint64_t marked;          /* in the exchange of this number its meta is asked */
    uint16_t mark;            /* at this place */
    char why[READER_WHY_SIZE];
};

struct reader {
    struct store *store;
    struct reader_part *parts;
    struct reader_links links;
    struct reader_links closed; /* whose memory the loop may still use */
    LIST_HEAD(, reader_wide) wides;
    unsigned wide_count;    /* that nobody has answered yet */
    struct read_asks apart; /* not begun yet: each is the ask of its read */
    struct read_asks later; /* to be asked again */
    int64_t later_us;       /* when */
    uint64_t exchanges;     /* their number */
    uint64_t version;       /* of the topology that the links are of */
    bool mapped;
    uv_timer_t probe;
};

/* --- reader.c --------------------------------------------------------------------------------- */

void reader_answer(struct store_read *read, enum outcome_code code, const char *why);

/* Puts it where it is to be asked. */
void reader_send(struct reader *reader, struct read_ask *ask);
void reader_send_later(struct reader *reader, struct read_ask *ask);

/* The read that waits for it; NULL: nobody does. */
struct store_read *reader_read_of(const struct read_ask *ask);

/* Nobody waits for it, or not any longer. A wide read has a time of its own. */
bool reader_is_late(const struct read_ask *ask, int64_t now_us);

/* It is in no queue any more, and will not be answered: with the code, or, if its read has been
 * answered, not at all. */
void reader_give_up(struct read_ask *ask, enum outcome_code code, const char *why);

/* The same with why the partition has not been read in time. */
void reader_give_up_late(struct reader *reader, struct read_ask *ask);
const char *reader_why_late(const struct reader *reader, unsigned partition);

/* --- reader_ask.c ----------------------------------------------------------------------------- */

void reader_put_command(struct buf *out, const struct read_ask *ask);

/* Takes the reply of a partition that is open, for a read that waits. False: it is no answer to
 * what was asked. */
bool reader_take_reply(struct reader *reader, struct arena *arena, struct read_ask *ask,
                       const redisReply *reply, int64_t now_ms) MUST_CHECK;

/* Answers with what a key has recorded. False: it is not that. */
bool reader_take_result(struct arena *arena, struct store_read *read,
                        const redisReply *reply) MUST_CHECK;

/* --- reader_wide.c: a read that asks all partitions ------------------------------------------- */

/* Begins it. False: out of memory. */
bool reader_wide_begin(struct reader *reader, struct store_read *read) MUST_CHECK;
void reader_wide_put_command(struct buf *out, const struct read_ask *ask);
bool reader_wide_take(struct arena *arena, struct read_ask *ask,
                      const redisReply *reply) MUST_CHECK;
void reader_wide_give_up(struct read_ask *ask, enum outcome_code code, const char *why);
struct store_read *reader_wide_read(const struct reader_wide *wide); /* NULL: it was answered */
void reader_wide_expire(struct reader *reader, int64_t now_us);
void reader_wide_free_all(struct reader *reader);

/* --- reader_link.c ---------------------------------------------------------------------------- */

/* Begins to connect to where the partition is. NULL: out of memory. */
struct reader_link *reader_link_new(struct reader *reader, unsigned partition);
void reader_link_free(struct reader_link *link); /* closed, and the loop has run */
void reader_link_start(struct reader_link *link);
void reader_link_expire(struct reader_link *link, int64_t now_us);
bool reader_link_idle(const struct reader_link *link);

/* --- reader_map.c ----------------------------------------------------------------------------- */

/* One link for each Redis that partitions lie in now, as the topology says. What waits elsewhere
 * goes there. */
void reader_map(struct reader *reader);
