/* losses.c -- what was acknowledged and then undone by a restore of the service, or a failover.
 *
 * Where a failover may lose it (index.h, may_lose) each operation is told. Elsewhere: one violation
 * of LASTING for each item and restore: how many transitions are gone, up to which version the
 * ledger had the item, and the first that it did not have. Which reservations are not there any
 * more is found where they are read (reservation_rules.h).
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"
#include "check/restored.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What one restore undid of one item. */
struct loss {
    uint64_t transitions, version; /* the first of them */
    uint32_t first;                /* its slot */
};

/* NULL: it was not undone. */
static const struct restored_jump *undone_by(const struct restored *restored,
                                             const struct history_line *said)
{
    const struct restored_jump *end, *jump = restored_of(restored, said->item, &end);
    while (jump < end && jump->last < said->version)
        jump++;
    return jump < end && said->version > jump->kept ? jump : NULL;
}

static void count_line(const struct restored *restored, struct loss *losses, uint32_t slot,
                       const struct history_line *said)
{
    const struct restored_jump *jump = undone_by(restored, said);
    if (!jump)
        return;
    struct loss *loss = &losses[jump - restored->all];
    loss->transitions++;
    if (loss->first && loss->version <= said->version)
        return;
    loss->first = slot;
    loss->version = said->version;
}

/* Whether somebody was told that it happened. */
static bool happened(const struct index *index, const struct index_pass *pass)
{
    enum index_role role = index_role(pass->op);
    return (role == ROLE_FIRST && index_took_effect(index, pass->slot)) ||
           (role == ROLE_ATTEMPT && index->effect[pass->slot] == pass->slot);
}

static void count_all(const struct index *index, struct loss *losses)
{
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        bool counts = happened(index, &pass);
        for (unsigned n = 0; counts && n < pass.op->lines; n++) {
            const struct history_line *said = effect_pair(index, pass.slot, n);
            if (said)
                count_line(index->restored, losses, pass.slot, said);
        }
    }
}

/* Operation by operation. */
static void tell_all(const struct index *index, struct verdict *v)
{
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        const struct history_line *said = NULL;
        bool counts = happened(index, &pass);
        for (unsigned n = 0; counts && n < pass.op->lines; n++) {
            said = effect_pair(index, pass.slot, n);
            if (!said || !undone_by(index->restored, said))
                continue;
            if (v->lost_count < LOST_MAX)
                v->lost[v->lost_count] = (struct lost){pass.slot, said->item, said->version};
            v->lost_count++;
            break;
        }
    }
}

static void report_loss(const struct index *index, uint32_t item, const struct restored_jump *jump,
                        const struct loss *loss, struct verdict *v)
{
    verdict_violation(v, PROPERTY_LASTING, OPS(loss->first),
                      "%s: %" PRIu64 " acknowledged transition%s lost when the service was "
                      "restored: it came back as it was at version %" PRIu64
                      ", though version %" PRIu64 " had been answered. The first that is gone, "
                      "version %" PRIu64 ", is %s.",
                      describe_sku(index->reader, item).text, loss->transitions,
                      loss->transitions == 1 ? " was" : "s were", jump->kept, jump->last,
                      loss->version, describe_who(index_op(index, loss->first)).text);
}

int losses_check(const struct index *index, struct verdict *v)
{
    const struct restored *restored = index->restored;
    if (restored->count == 0)
        return 0;
    if (index->may_lose) {
        tell_all(index, v);
        return 0;
    }
    struct loss *losses = calloc(restored->count, sizeof(*losses));
    if (!losses)
        return -ENOMEM;
    count_all(index, losses);
    for (uint32_t i = 0; i < index->items; i++) {
        const struct restored_jump *end, *jump = restored_of(restored, i, &end);
        for (; jump < end; jump++) {
            const struct loss *loss = &losses[jump - restored->all];
            if (loss->transitions > 0)
                report_loss(index, i, jump, loss, v);
        }
    }
    free(losses);
    return 0;
}
