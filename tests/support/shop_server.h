/* shop_server.h -- the test server of tests/shop as a process: honest, or with one fault planted.
 *
 * Layer: tests. The program is the one that the environment variable SHOP names. Its standard error
 * goes to a file in a temporary directory, which lives until tshop_stop.
 */
#pragma once

#include "support/proc.h"

#include <stdint.h>

struct tshop {
    struct tproc proc;
    int port;
    int64_t struck; /* how often the fault did, once it was stopped; -1: it did not say */
    char dir[TEST_PATH_MAX];
    char err_path[TEST_PATH_MAX + 16];
};

/* Starts it on a free port with `--fault fault --every every`. 0 or -errno, with a message. */
int tshop_start(struct tshop *s, const char *fault, int every) MUST_CHECK;

/* SIGTERM, waits, and sets struck. False if it did not exit 0, or wrote anything to its standard
 * error. Removes its directory. */
bool tshop_stop(struct tshop *s);

/* For one that is meant to have died: kills what is left of it. False if standard error says
 * something. Removes its directory. */
bool tshop_bury(struct tshop *s);
