#include "check/realtime_order.h"

#include <assert.h>

uint32_t sweep_step(struct sweep *s, bool mutation, uint64_t begin_ns, uint64_t end_ns, uint32_t by)
{
    assert(by != 0);
    if (begin_ns > s->next_ns) {
        s->next_ns = begin_ns;
        s->next_by = by;
    }
    /* A mutation comes after every read of the version before it, and after itself. */
    if (mutation) {
        s->must_ns = s->next_ns;
        s->must_by = s->next_by;
    }
    assert(s->must_ns <= s->next_ns);
    return end_ns < s->must_ns ? s->must_by : 0;
}
