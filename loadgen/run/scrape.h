/* scrape.h -- the counters of the services that serve a load, from /metrics into the history.
 *
 * Layer: loadgen, on probe.h and report/curve.h. How many services a balancer has behind it nobody
 * says: it is asked over several connections at once, until no new one answers. Whether all were
 * seen is for the curve to say, and for whoever reads the history.
 */
#pragma once

#include "client/load.h"
#include "history/writer.h"
#include "report/curve.h"

struct scrape {
    const struct load *load;
    struct history_writer *writer;
    struct curve curve;
};

/* Before the clients are let go. */
void scrape_first(struct scrape *s);

/* While they are at work, which waits for it a fraction of a second: conflicts a second since the
 * last time, `seconds` ago; -1: not known. */
double scrape_again(struct scrape *s, double seconds);

/* When all have stopped: stop_ns of the facts is known, and how many requests they have sent. */
void scrape_last(struct scrape *s, uint64_t requests);

void scrape_end(struct scrape *s);
