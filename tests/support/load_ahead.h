/* load_ahead.h -- rows of a table of loads, a few of them running at a time.
 *
 * Layer: tests. Most of a run is waiting, for holds to end or for a second look. So the row that a
 * test asks for is started together with the next ones, and usually finished when their turn comes.
 */
#pragma once

#include "support/load_run.h"
#include "support/shop_server.h"

#define LOAD_AHEAD 3 /* rows that run beside the one asked for */
#define LOAD_TRIES 5 /* of a row on a machine that is too busy for it */

struct load_row {
    const char *fault;
    int every;
    const char *scenario;
    char flags[256];
};

struct load_case {
    bool started;
    int tries;
    int err; /* of starting it */
    struct tshop shop;
    struct tload load;
};

/* Fills in row i. */
typedef void load_row_fn(size_t i, struct load_row *row);

/* Starts the rows at .. at + LOAD_AHEAD that were not started yet; gives the case of row `at`,
 * whose load is to be finished, and shop to be stopped, by the caller. */
struct load_case *load_ahead(struct load_case *cases, size_t count, size_t at, load_row_fn *row);

/* Starts the row `at` once more, when its load is finished and its shop stopped: too little came
 * about in it. If it ends by the clock (-d), it has more time than before. */
void load_again(struct load_case *c, size_t at, load_row_fn *row);

/* Ends what was started and not finished: rows that a filter left out. */
void load_ahead_end(struct load_case *cases, size_t count);
