/* proxy_process.h -- the process that a proxy runs in, which ends with the test.
 *
 * Layer: tests, private to the two proxies, faultproxy.h and refuseproxy.h.
 */
#pragma once

#include <sys/types.h>

/* As fork(). In the child nothing of the test is left open but standard streams and the `count`
 * descriptors in fds, which have other numbers there: a socket that the test closes must not stay
 * open here. */
pid_t proxy_process_start(int *fds, int count) MUST_CHECK;

/* Kills it and waits for its end. */
void proxy_process_end(pid_t pid);
