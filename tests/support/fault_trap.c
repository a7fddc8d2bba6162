#include "support/fault_trap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- striking --------------------------------------------------------------------------------- */

/* `pass` of these bytes still go through. */
static void strike(struct fault_trap *t, struct fault_relay *r, const char *bytes, size_t count,
                   size_t pass)
{
    int d = (int)t->rule.direction;
    struct fault_stream *s = &r->stream[d];
    t->armed = false;
    t->struck_on = r->number;
    r->status.struck = true;
    fault_relay_deliver(r, d, bytes, pass);

    switch (t->rule.action) {
    case FAULT_CUT_RST: fault_relay_end(r, true); return;
    case FAULT_CUT_FIN: fault_relay_end(r, false); return;
    case FAULT_HOLD: s->flow = FLOW_HELD; break;
    case FAULT_BLACK_HOLE: s->flow = FLOW_HOLE; break;
    case FAULT_DRIP: s->flow = FLOW_DRIP; break;
    case FAULT_SHRED: s->flow = FLOW_SHRED; break;
    case FAULT_COUNT: break;
    }
    fault_relay_forward(r, d, bytes + pass, count - pass);
}

/* Bytes of direction d: counted by the rule if it is anchored here, then forwarded. */
static void feed(struct fault_trap *t, struct fault_relay *r, int d, const char *bytes,
                 size_t count)
{
    if (t->armed && t->anchored == r && (int)t->rule.direction == d) {
        uint64_t so_far = r->status.counted[d] + r->stream[d].kept_bytes;
        if (t->rule.action != FAULT_COUNT && so_far + count > t->rule.after) {
            size_t pass = t->rule.after > so_far ? (size_t)(t->rule.after - so_far) : 0;
            strike(t, r, bytes, count, pass);
            return;
        }
    }
    fault_relay_forward(r, d, bytes, count);
}

void fault_trap_due(struct fault_trap *t)
{
    const struct fault_relay *r = t->anchored;
    int d = (int)t->rule.direction;
    if (!t->armed || !r || t->rule.action == FAULT_COUNT)
        return;
    if (r->fd[FAULT_UP] >= 0 && r->status.counted[d] >= t->rule.after &&
        r->stream[d].kept_bytes == 0)
        strike(t, t->anchored, "", 0, 0);
}

/* --- anchoring -------------------------------------------------------------------------------- */

static void anchor(struct fault_trap *t, struct fault_relay *r)
{
    for (int d = 0; d < 2; d++) /* what came before the anchor does not count: it goes now */
        if (r->stream[d].flow != FLOW_HELD && r->stream[d].flow != FLOW_HOLE)
            fault_relay_deliver(r, d, "", 0);
    t->anchored = r;
    r->status.anchored = true;
    r->status.struck = false;
    r->status.counted[FAULT_UP] = r->status.counted[FAULT_DOWN] = 0;
}

static bool waits_for(const struct fault_trap *t, const struct fault_relay *r)
{
    return t->armed && !t->anchored && (t->rule.connection == 0 || t->rule.connection == r->number);
}

void fault_trap_meet(struct fault_trap *t, struct fault_relay *r)
{
    if (waits_for(t, r) && t->rule.anchor == FAULT_AT_ARMING && r->fd[FAULT_UP] >= 0)
        anchor(t, r);
}

void fault_trap_arm(struct fault_trap *t, const struct fault_rule *rule,
                    struct fault_relay *const *relays, int count)
{
    t->armed = true;
    t->rule = *rule;
    t->skipped = 0;
    t->anchored = NULL;
    t->struck_on = 0;
    for (int i = 1; i <= count; i++)
        relays[i]->status.anchored = relays[i]->status.struck = false;
    for (int i = 1; i <= count; i++)
        fault_trap_meet(t, relays[i]);
}

/* --- patterns --------------------------------------------------------------------------------- */

/* The offset of the pattern's first byte relative to these bytes (negative if it began in earlier
 * ones), in *at. */
static bool pattern_find(const struct fault_relay *r, const char *pattern, const char *bytes,
                         size_t count, ssize_t *at)
{
    size_t n = strlen(pattern);
    size_t before = r->window_bytes < n - 1 ? r->window_bytes : n - 1;
    size_t total = before + count;
    char *joined = malloc(total + 1);
    assert(joined);
    memcpy(joined, r->window + r->window_bytes - before, before);
    memcpy(joined + before, bytes, count);
    char *found = memmem(joined, total, pattern, n);
    if (found)
        *at = found - joined - (ssize_t)before;
    free(joined);
    return found != NULL;
}

static void window_add(struct fault_relay *r, const char *bytes, size_t count)
{
    size_t room = sizeof(r->window);
    if (count >= room) {
        memcpy(r->window, bytes + count - room, room);
        r->window_bytes = room;
        return;
    }
    size_t stay = r->window_bytes < room - count ? r->window_bytes : room - count;
    memmove(r->window, r->window + r->window_bytes - stay, stay);
    memcpy(r->window + stay, bytes, count);
    r->window_bytes = stay + count;
}

/* Bytes from the service: looks for the watched text and for the rule's anchor, then forwards. */
static void service_bytes(struct fault_trap *t, struct fault_relay *r, const char *bytes,
                          size_t count)
{
    ssize_t at = 0;
    if (*t->watched && pattern_find(r, t->watched, bytes, count, &at))
        t->seen_on = r->number;

    size_t from = 0; /* bytes before the anchor */
    bool waits = waits_for(t, r) && t->rule.anchor != FAULT_AT_ARMING;
    const char *rest = bytes;
    size_t rest_bytes = count;
    while (waits && pattern_find(r, t->rule.pattern, rest, rest_bytes, &at)) {
        size_t behind =
            (size_t)(at + (ssize_t)strlen(t->rule.pattern)); /* it ends in these bytes */
        if (t->skipped < t->rule.skip) {
            t->skipped++;
            window_add(r, rest, behind);
            rest += behind;
            rest_bytes -= behind;
            continue;
        }
        size_t offset = (size_t)(rest - bytes);
        if (t->rule.anchor == FAULT_AT_PATTERN)
            from = offset + (at > 0 ? (size_t)at : 0);
        else if (t->rule.anchor == FAULT_BEHIND_PATTERN)
            from = offset + behind;
        feed(t, r, FAULT_UP, bytes, from);
        anchor(t, r);
        waits = false;
    }
    window_add(r, rest, rest_bytes);
    feed(t, r, FAULT_UP, bytes + from, count - from);
}

void fault_trap_bytes(struct fault_trap *t, struct fault_relay *r, int d, const char *bytes,
                      size_t count)
{
    if (d == FAULT_UP)
        service_bytes(t, r, bytes, count);
    else
        feed(t, r, d, bytes, count);
}
