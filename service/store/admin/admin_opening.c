/* admin_opening.c -- an epoch that the ledger process opens, as Redis sees it: claimed first, open
 * at the end. In between SQL has it. */
#include "random.h"
#include "store/admin/admin_make.h"
#include "store/admin/feed.h"
#include "store/layout.h"
#include "store/redis/resp.h"

#include <inttypes.h>
#include <stdio.h>

/* What meta says is ours to change: it was read under WATCH. */
static enum admin_claimed whose(struct admin *admin, unsigned partition, const struct meta *meta,
                                struct admin_claim *claim, bool take)
{
    const char *state = meta->v[META_STATE];
    if (meta_missing(meta) || admin_check_meta(admin, partition, meta) != ADMIN_OK ||
        !admin_wants(admin, meta))
        return CLAIM_OVER;
    bool free = !meta_opening(state) || strcmp(state, claim->state) == 0 ||
                (take && strcmp(state, claim->other) == 0);
    if (free)
        return CLAIM_OURS;
    snprintf(claim->other, sizeof(claim->other), "%.*s", ADMIN_CLAIM_SIZE - 1, state);
    return CLAIM_OTHERS;
}

/* A new sign each time: what an earlier attempt has sent, and Redis not read yet, finds another. */
static enum admin_claimed put_sign(struct admin *admin, unsigned partition,
                                   struct admin_claim *claim)
{
    uint64_t sign;
    char state[ADMIN_CLAIM_SIZE];
    random_bytes(&sign, sizeof(sign));
    snprintf(state, sizeof(state), META_OPENING "%016" PRIx64, sign);
    resp_words(&admin->out, 1, "MULTI");
    if (!admin_done(admin, ANSWER_OK))
        return CLAIM_DOWN;
    layout_put_state(&admin->out, partition, state);
    if (!admin_done(admin, ANSWER_QUEUED))
        return CLAIM_DOWN;
    memcpy(claim->state, state, sizeof(state)); /* it may be there, whatever the answer is */
    int done = admin_exec(admin, 1);
    memcpy(admin->claimed, state, sizeof(state));
    return done > 0 ? CLAIM_OURS : done == 0 ? CLAIM_OVER : CLAIM_DOWN;
}

/* Rule CLAIM (docs/model). Whom it is claimed for is read behind it, since what was read before may
 * be over; with the same promotion still, all that was read in between is of it. */
enum admin_claimed admin_claim(struct admin *admin, unsigned partition, struct admin_claim *claim,
                               bool take)
{
    struct meta meta;
    if (!meta_read(admin, partition, &meta))
        return CLAIM_DOWN;
    uint64_t connection = admin_connection(admin);
    admin->epochs[partition] = meta_epoch(&meta);
    enum admin_claimed claimed = whose(admin, partition, &meta, claim, take);
    if (claimed == CLAIM_OURS)
        claimed = put_sign(admin, partition, claim);
    else
        admin_unwatch(admin);
    if (claimed == CLAIM_OURS && !admin_is_master_now(admin, partition))
        return CLAIM_DOWN;
    claim->reign = admin->node->reign;
    return admin_connection(admin) == connection ? claimed : CLAIM_OVER;
}

static bool queue(struct admin *admin)
{
    return admin_done(admin, ANSWER_QUEUED);
}

/* All that says that it is open, in one transaction. */
static enum admin_claimed put_open(struct admin *admin, unsigned partition, const struct meta *meta,
                                   const struct event_ends *ended)
{
    int64_t epoch = meta_epoch(meta);
    resp_words(&admin->out, 1, "MULTI");
    if (!admin_done(admin, ANSWER_OK))
        return CLAIM_DOWN;
    meta_put(&admin->out, partition, meta);
    if (!queue(admin))
        return CLAIM_DOWN;
    meta_put_epoch_event(&admin->out, partition, epoch);
    if (!queue(admin))
        return CLAIM_DOWN;
    feed_put_applied(&admin->out, partition, (struct event_id){epoch, 0}, ended);
    if (!queue(admin))
        return CLAIM_DOWN;
    int done = admin_exec(admin, 3);
    return done > 0 ? CLAIM_OURS : done == 0 ? CLAIM_OVER : CLAIM_DOWN;
}

enum admin_claimed admin_open_claimed(struct admin *admin, unsigned partition,
                                      struct admin_claim *claim, int64_t epoch,
                                      const struct event_ends *ended, bool rolled)
{
    struct meta meta;
    if (!meta_read(admin, partition, &meta))
        return CLAIM_DOWN;
    if (strcmp(meta.v[META_STATE], claim->state) != 0) {
        admin_unwatch(admin);
        return CLAIM_OVER;
    }
    meta_fill_reign(&meta, &claim->reign);
    snprintf(meta.v[META_EPOCH], META_VALUE_SIZE, "%" PRId64, epoch);
    if (rolled) /* rule LATER (docs/model): these effects have no markers */
        snprintf(meta.v[META_ROLLED], META_VALUE_SIZE, "%" PRId64, epoch);
    snprintf(meta.v[META_FORMAT_F], META_VALUE_SIZE, "%d", META_FORMAT);
    snprintf(meta.v[META_STATE], META_VALUE_SIZE, "open");
    enum admin_claimed opened = put_open(admin, partition, &meta, ended);
    if (opened != CLAIM_OURS)
        return opened;
    admin->epochs[partition] = epoch;
    admin_say_opened(partition, &meta);
    return admin_take_store(admin, &meta) ? CLAIM_OURS : CLAIM_OVER;
}
