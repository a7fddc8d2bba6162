/* hook_case.h -- a service, `stockd hooks run` beside it and an endpoint, for tests of hooks.
 *
 * Layer: tests; for the main thread of a program with cmocka, which has one of each of what is
 * declared here. Everything here may fail the running test.
 */
#pragma once

#include "hooks/signature.h"
#include "support/fixture.h"
#include "support/hook_server.h"

#define HOOK_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ANSWER(...) "HTTP/1.1 " __VA_ARGS__ "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define FOR_EVER    1000000
#define FIRST       "'from':'beginning','retry_first_ms':10"
#define SENDERS     2

extern struct hook_server endpoint;
extern struct tproc senders[SENDERS];
extern char hooks_dir[TEST_PATH_MAX], hooks_file[TEST_PATH_MAX + 16];

/* A file with one hook, "shop", to the endpoint, and these members more; single quotes stand for
 * double ones. The second one: to that URL. */
void hooks_file_write(const char *members);
void hooks_file_write_to(const char *url, const char *members);

/* A service with that ledger, an endpoint and a file. */
void hooks_begin(const enum base_engine *ledger, const char *members);

/* A test's teardown: ends all that. */
int hooks_end(void **state);

/* One of SENDERS, allowed to send to loopback; or with another option. */
void sender_start(int which);
void sender_start_with(int which, const char *option, const char *value);

/* The first one, with a library that is loaded before the C library. */
void sender_start_preloaded(const char *library);

/* Its process that works; 0: there is none just now. */
pid_t sender_worker(int which);

/* Kills that one, which must come about; its id. */
pid_t sender_kill(int which);

/* Answers that many requests with this in their body so; none of them any more. */
void hook_rule(int slot, const char *has, int times, const char *answer);
void no_rules(void);

/* An item of that name, and changes of it: versions 1 .. changes + 1. */
void make_changes(const char *sku, int changes);

/* How often that version of an item came to the endpoint, and was taken there. */
int came(const char *sku, int version);
int taken(const char *sku, int version);
void await_taken(const char *sku, int versions);

/* In a body of that event. */
const char *version_of(const char *sku, int version);

/* What was taken of an item came in the order of its versions; what came twice is passed over. */
void check_order(const char *sku);

#define await_owner()                                                                              \
    assert_true(await(sql_int("SELECT COUNT(*) FROM hooks WHERE owner <> ''") == 1, RECOVERY_MS))
#define dead_letters() sql_int("SELECT COUNT(*) FROM hook_letters WHERE state = 'dead'")
#define letters()      sql_int("SELECT COUNT(*) FROM hook_letters")

/* Rows of a table of tests. */
#define HOOK_TEST(test) ON_ENGINES(test, NULL, hooks_end)
#define HOOK_ONCE(test)                                                                            \
    {                                                                                              \
#test, test, NULL, hooks_end, ON_SQLITE                                                    \
    }
