/* fault_process.h -- the process of the proxy of faultproxy.h: a poll(2) loop over the control
 * socket, the listener and the connections.
 *
 * Layer: tests, private to faultproxy.c, which starts the process and calls this in it.
 */
#pragma once

#include "support/proxy_socket.h"

#include <stdint.h>

/* Runs until the test has closed its end of the control socket, then leaves the process. */
void fault_process_run(int control, int listener, const struct proxy_address *upstream,
                       uint64_t seed) __attribute__((noreturn));
