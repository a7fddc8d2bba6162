/* hook_server.h -- an endpoint of hooks that takes events, fails, hangs and lies as it is told.
 *
 * Layer: tests. A process of its own on a free port of 127.0.0.1, which takes one request after the
 * other, a connection each. What came can be read at any time, and what it does changed. Nothing
 * here calls a cmocka assertion.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOOK_RULES    8
#define HOOK_SEEN_MAX 4096

/* For requests whose body has a text: the first rule that fits and is not used up. Without one it
 * is 204. */
struct hook_rule {
    const char *has;    /* in the body; "" any */
    int times;          /* how often; 0: no more */
    const char *answer; /* sent as it is; NULL: nothing */
    const char *fill;   /* then this, again and again, until the client leaves; NULL: nothing */
    bool hang;          /* the connection then stays open, and nothing more is said */
    bool reset;         /* it ends with a reset */
};

struct hook_request {
    char id[96], timestamp[32], signature[192], body[1024];
    bool taken; /* it was answered 204 */
};

struct hook_server {
    pid_t pid;
    int port;
    struct hook_log *log; /* shared with it */
};

int hook_server_start(struct hook_server *s) MUST_CHECK;
void hook_server_stop(struct hook_server *s);

/* Texts are copied. */
void hook_server_rule(struct hook_server *s, int slot, const struct hook_rule *rule);

/* Requests so far; one of them. */
int hook_server_count(const struct hook_server *s);
const struct hook_request *hook_server_get(const struct hook_server *s, int i);

/* How many have a text in their body, and were taken if `taken`. */
int hook_server_with(const struct hook_server *s, const char *text, bool taken);
