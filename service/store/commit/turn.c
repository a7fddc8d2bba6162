#include "store/commit/turn.h"
#include "clock.h"
#include "digits.h"
#include "log.h"
#include "stats.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define QUIET_US    1000000 /* without others, until no turn is asked for any more */
#define KEEP_MS     "10000" /* a turn that nobody asks for */
#define TIME_MIN_US 20000   /* of BLPOP: some 50 transactions */
#define TIME_WAITS  4       /* BLPOP waits for so many times what was seen of late */
#define HEX         16
#define TEXT_SIZE   (3 * HEX + 1)

void turn_init(struct turn *turn, enum store_turns when, unsigned partition, uint64_t lane)
{
    *turn = (struct turn){.when = when, .partition = partition, .lane = lane};
}

static bool met_of_late(const struct turn *turn, int64_t now_us)
{
    return turn->met_us > 0 && now_us - turn->met_us < QUIET_US;
}

static bool takes_turns(const struct turn *turn)
{
    return !turn->refused && turn->when != TURNS_OFF;
}

bool turn_wanted(const struct turn *turn, int64_t now_us)
{
    if (!takes_turns(turn))
        return false;
    return turn->held || turn->when == TURNS_ALWAYS || met_of_late(turn, now_us);
}

bool turn_to_ask(const struct turn *turn, int64_t now_us)
{
    return !turn->held && !turn->missing && turn_wanted(turn, now_us);
}

/* --- asking ----------------------------------------------------------------------------------- */

void turn_ask(struct turn *turn, struct buf *out, int64_t now_us, int64_t left_us)
{
    char seconds[32];
    int64_t most_us = left_us / 4 * 3; /* the rest is for the transaction */
    assert(!turn->held && !turn->asked);
    turn->time_us = TIME_WAITS * turn->wait_us;
    if (turn->time_us < TIME_MIN_US)
        turn->time_us = TIME_MIN_US;
    if (turn->time_us > most_us)
        turn->time_us = most_us > 1000 ? most_us : 1000; /* 0 would be for ever */
    snprintf(seconds, sizeof(seconds), "%" PRId64 ".%06" PRId64, turn->time_us / 1000000,
             turn->time_us % 1000000);
    layout_command(out, STR("BLPOP"), turn->partition, KEY_TURN, NO_NAME, 1);
    resp_arg(out, str_of(seconds));
    turn->asked = true;
    turn->asked_us = now_us;
}

/* HEX digits of either case. */
static bool read_hex(const char *digits, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < HEX; i++) {
        int digit = digits_hex(digits[i]);
        if (digit < 0)
            return false;
        *value = *value << 4 | (uint64_t)digit;
    }
    return true;
}

static bool is_older(const struct turn_made *a, const struct turn_made *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->by < b->by;
}

/* False: an older turn than one that was seen, which goes no further, or not one of ours. */
static bool take_made(struct turn *turn, struct str text, uint64_t *from)
{
    struct turn_made made;
    if (text.n != TEXT_SIZE - 1 || !read_hex(text.p, &made.at_ms) ||
        !read_hex(text.p + HEX, &made.by) || !read_hex(text.p + 2 * (size_t)HEX, from) ||
        is_older(&made, &turn->newest))
        return false;
    turn->mine = turn->newest = made;
    return true;
}

bool turn_take(struct turn *turn, const redisReply *reply, int64_t now_us)
{
    int64_t wait_us = now_us - turn->asked_us;
    uint64_t from = 0;
    assert(turn->asked);
    turn->asked = false;
    if (reply->type == REDIS_REPLY_ERROR) {
        turn_refuse(turn, reply);
        return true;
    }
    turn->missing = turn->in_vain = reply->type != REDIS_REPLY_ARRAY || reply->elements != 2;
    if (turn->missing) {
        stats_count(STATS_TURNS_MISSED, 1);
        wait_us = 0; /* it may have been lost: that says nothing of the queue */
    } else {
        turn->held = take_made(turn, reply_text(reply->element[1]), &from);
        stats_observe(STATS_TURN_US, (uint64_t)wait_us);
    }
    turn->met_others = from != turn->lane;
    turn->wait_us -= turn->wait_us / 8;
    if (turn->wait_us < wait_us)
        turn->wait_us = wait_us;
    return turn->held || turn->missing;
}

/* --- passing on ------------------------------------------------------------------------------- */

bool turn_is_due(const struct turn *turn)
{
    return takes_turns(turn) && (turn->held || turn->missing);
}

void turn_write(struct turn *turn, struct buf *out, int64_t now_ms)
{
    char text[TEXT_SIZE];
    if (!turn->held) {
        uint64_t at_ms = (uint64_t)now_ms;
        turn->mine.at_ms = at_ms > turn->newest.at_ms ? at_ms : turn->newest.at_ms + 1;
        turn->mine.by = turn->lane;
        turn->newest = turn->mine;
    }
    snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, turn->mine.at_ms,
             turn->mine.by, turn->lane);
    layout_command(out, STR("LPUSH"), turn->partition, KEY_TURN, NO_NAME, 1);
    resp_arg(out, str_of(text));
    layout_command(out, STR("PEXPIRE"), turn->partition, KEY_TURN, NO_NAME, 1);
    resp_arg(out, STR(KEEP_MS));
}

void turn_passed(struct turn *turn)
{
    turn->held = turn->missing = false;
}

/* --- who else there is ------------------------------------------------------------------------ */

void turn_lost(struct turn *turn, int64_t now_us)
{
    int64_t twice_us = turn->time_us * 2 / TIME_WAITS;
    turn->missing = !turn->held && !met_of_late(turn, now_us);
    turn->met_us = now_us;
    if (turn->in_vain && turn->wait_us < twice_us)
        turn->wait_us = twice_us;
    turn->in_vain = false;
}

void turn_won(struct turn *turn, int64_t now_us)
{
    if (turn->met_others)
        turn->met_us = now_us;
    turn->met_others = turn->in_vain = false;
}

void turn_forget(struct turn *turn)
{
    turn->held = turn->missing = turn->in_vain = turn->asked = turn->refused = false;
}

/* What is no matter of rights passes: a Redis that became a replica (UNBLOCKED), is loading, is
 * full. What stands behind in the same write says the rest. */
void turn_refuse(struct turn *turn, const redisReply *error)
{
    static struct log_gate gate;
    struct str text = reply_error(error);
    enum reply_class class = reply_classify(text);
    turn->held = turn->missing = false;
    turn->refused = class == REPLY_FORBIDDEN || class == REPLY_BROKEN;
    if (turn->refused && log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "redis refuses turns", LOG_TEXT("error", text),
                  LOG_STR("so", "under contention transactions are lost and repeated"));
}
