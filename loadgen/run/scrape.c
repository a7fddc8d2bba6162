#include "run/scrape.h"
#include "run/probe.h"

#include <unistd.h>

#define WHILE_NS UINT64_C(300000000)  /* while the load runs */
#define LONG_NS  UINT64_C(5000000000) /* before and after it */
#define ROUNDS   8
#define PAUSE_US 50000

/* Appends the counters of services to the history. False: none showed any, or they are lost. */
static bool scrape_counters(struct scrape *s, unsigned asked, uint64_t limit_ns)
{
    struct history_facts *facts = history_facts(s->load->history);
    struct history_sample sample[PROBE_ASKED_MAX];
    unsigned got = probe_metrics(&s->load->target, asked, limit_ns, sample);
    for (unsigned i = 0; i < got; i++) {
        sample[i].at_ns -= facts->zero_ns;
        if (curve_add(&s->curve, &sample[i]) < 0 || history_put_sample(s->writer, &sample[i]) < 0) {
            atomic_fetch_or(&facts->trouble, TROUBLE_DISK);
            return false;
        }
        facts->metrics = 1;
    }
    return got > 0;
}

void scrape_first(struct scrape *s)
{
    size_t known;
    int round = 0;
    do
        known = s->curve.n;
    while (scrape_counters(s, PROBE_ASKED_MAX, LONG_NS) && s->curve.n > known && ++round < ROUNDS);
}

double scrape_again(struct scrape *s, double seconds)
{
    uint64_t go_ns = history_facts(s->load->history)->go_ns;
    uint64_t before = curve_grown(&s->curve, CURVE_CONFLICTS);
    unsigned asked = s->curve.n < PROBE_ASKED_MAX ? (unsigned)s->curve.n : PROBE_ASKED_MAX;
    if (asked == 0 || !scrape_counters(s, asked, WHILE_NS) || curve_doubt(&s->curve, go_ns, 0, 0))
        return -1;
    return (double)(curve_grown(&s->curve, CURVE_CONFLICTS) - before) / seconds;
}

/* Until each service has told its last, and they have told of all requests: an answer is counted
 * when it was sent, a moment later than it may be read. */
void scrape_last(struct scrape *s, uint64_t requests)
{
    const struct history_facts *facts = history_facts(s->load->history);
    for (int round = 0; round < ROUNDS && facts->metrics; round++) {
        if (round > 0)
            usleep(PAUSE_US);
        if (!scrape_counters(s, PROBE_ASKED_MAX, LONG_NS) ||
            !curve_doubt(&s->curve, facts->go_ns, facts->stop_ns, requests))
            return;
    }
}

void scrape_end(struct scrape *s)
{
    curve_free(&s->curve);
}
