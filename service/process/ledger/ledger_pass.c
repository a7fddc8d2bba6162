#include "process/ledger/ledger_pass.h"
#include "clock.h"

#include <stdio.h>

/* What was known of the partition was learnt on a connection that is lost. */
static void lose(struct ledger_pass *pass, struct carry *part, const char *why)
{
    snprintf(pass->why, sizeof(pass->why), "%s", why);
    carry_forget(part);
    pass->away++;
}

/* Is the partition's Redis there, and is it the one that it was? */
static enum admin_result reach_partition(struct ledger_pass *pass, struct carry *part)
{
    struct admin *admin = pass->carrier.admin;
    enum admin_result result = admin_at(admin, part->partition);
    pass->loading = pass->loading || result == ADMIN_LOADING;
    pass->known = pass->known || result == ADMIN_OK;
    if (result != ADMIN_OK) {
        lose(pass, part, admin_why(admin));
    } else if (part->connection != admin_connection(admin)) {
        carry_forget(part);
        part->connection = admin_connection(admin);
    }
    return result;
}

/* One that was right once and is not now may be in the middle of a repair. */
static enum carry_result reach_all(struct ledger_pass *pass)
{
    pass->away = 0;
    pass->loading = false;
    for (unsigned i = 0; i < pass->count; i++) {
        if (reach_partition(pass, &pass->parts[i]) != ADMIN_REFUSED || pass->known)
            continue;
        snprintf(pass->carrier.why, sizeof(pass->carrier.why), "%s", pass->why);
        return CARRY_REFUSED;
    }
    return CARRY_IDLE;
}

/* Trouble with the Redis of one partition is no matter of the others. */
static enum carry_result lose_if_redis_failed(struct ledger_pass *pass, struct carry *part,
                                              enum carry_result result)
{
    if (result != CARRY_REDIS)
        return result;
    lose(pass, part, pass->carrier.why);
    return CARRY_IDLE;
}

/* On the connection that it was seen on. */
static bool is_reached(const struct ledger_pass *pass, const struct carry *part)
{
    struct admin *admin = pass->carrier.admin;
    return part->connection != 0 && admin_at(admin, part->partition) == ADMIN_OK &&
           part->connection == admin_connection(admin);
}

/* Every checkpoint is known before anything is made or opened: whether the store is new or lost is
 * a question to all of them. */
static enum carry_result look_at_all(struct ledger_pass *pass, struct store_shared *shared)
{
    enum carry_result result = CARRY_IDLE;
    bool has_past = false, lost = false;
    for (unsigned i = 0; i < pass->count && result == CARRY_IDLE; i++) {
        result = carry_begin(&pass->carrier, &pass->parts[i]);
        has_past = has_past || pass->parts[i].at.epoch > 0;
    }
    for (unsigned i = 0; i < pass->count && result == CARRY_IDLE; i++) {
        struct carry *part = &pass->parts[i];
        if (is_reached(pass, part))
            result = lose_if_redis_failed(
                pass, part, carry_look(&pass->carrier, part, has_past, clock_mono_ms()));
        lost = lost || part->state == CARRY_LOST;
    }
    if (result == CARRY_IDLE)
        shared->state_lost = lost;
    return result;
}

static enum carry_result step_all(struct ledger_pass *pass)
{
    enum carry_result worst = CARRY_IDLE;
    for (unsigned i = 0; i < pass->count && worst < CARRY_REDIS; i++) {
        struct carry *part = &pass->parts[i];
        if (!is_reached(pass, part))
            continue;
        enum carry_result result =
            lose_if_redis_failed(pass, part, carry_step(&pass->carrier, part));
        if (result > worst)
            worst = result;
    }
    return worst;
}

enum carry_result ledger_pass(struct ledger_pass *pass, struct store_shared *shared)
{
    enum carry_result result = reach_all(pass);
    if (result == CARRY_IDLE && pass->away < pass->count)
        result = look_at_all(pass, shared);
    if (result == CARRY_IDLE && pass->away < pass->count)
        result = step_all(pass);
    return result < CARRY_REDIS && pass->away == pass->count ? CARRY_REDIS : result;
}
