/* hosts.h -- machines of a test's own, each with a network of its own and a cable to the others
 * that can be pulled.
 *
 *     test 10.77.0.254 ==front==  10.77.0.1 host 1 10.78.0.1  ==back==  host 2, ..., the test
 *
 * Each is a network namespace. A cut pulls its cable to `back`: what runs on the host goes on to
 * reach what else runs there, and the test to reach all of it by `front`, and nothing else reaches
 * anything. Nobody is told: what is sent gets lost.
 *
 * Layer: tests; for the main thread. From thosts_start to thosts_stop the test itself has a network
 * of its own, too. The namespaces live as long as the test has them open, and what runs in them
 * dies with the test: nothing is left behind, however it ends. Only root may make them.
 */
#pragma once

#include <stdbool.h>

#define THOSTS_MAX 6

struct thosts;

struct thost {
    struct thosts *all;
    int ns;           /* its network namespace, as a descriptor */
    char address[16]; /* by which the others reach it */
    char front[16];   /* by which the test always does */
};

struct thosts {
    int count; /* 0: there are none */
    int before, hub;
    struct thost host[THOSTS_MAX];
};

/* 0, or -errno: -EPERM if this user may not, which then is said on standard error. */
int thosts_start(struct thosts *hosts, int count) MUST_CHECK;

/* Fine on one that is zeroed, or was not started. */
void thosts_stop(struct thosts *hosts);

/* What is started between these two runs on that host. host NULL: they do nothing. */
void thost_enter(const struct thost *host);
void thost_leave(const struct thost *host);

void thost_cut(const struct thost *host);
void thost_mend(const struct thost *host);
