/* check.h -- what holds of a server between two steps of its loop.
 *
 * Layer: http, private to the server. A build with -DSTOCKD_CHECKS=1 (the sanitizers' and the
 * fuzzers') asks at every turn and ends where something does not hold, so that a list that forgets
 * or keeps an exchange is found when that happens, not when its memory is used again. The cost is
 * a walk over everything that is open.
 */
#pragma once

#ifndef STOCKD_CHECKS
#define STOCKD_CHECKS 0
#endif

struct http_server;

/* Asserts it; to be called while nothing of the server is on the stack. */
void server_check(const struct http_server *server);
