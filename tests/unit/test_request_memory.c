/* test_request_memory.c -- a request is read while the n-th allocation fails, for every n: it is
 * read all the same, or refused for want of memory, never called wrong. */
#include "http/request/request.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *method, *target, *body;
} requests[] = {
    {"PUT", "/v1/items/a", "{\"on_hand\":5,\"max_per_customer\":2}"},
    {"POST", "/v1/items/a/adjustments", "{\"delta\":5,\"reason\":\"r\",\"reference\":\"x\"}"},
    {"POST", "/v1/items/a/decrements", "{\"quantity\":1,\"customer\":\"c\"}"},
    {"POST", "/v1/items/a/transfers", "{\"to\":\"b\",\"quantity\":1,\"reason\":\"r\"}"},
    {"POST", "/v1/reservations",
     "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"b\",\"quantity\":2}],\"ttl_seconds\":9,"
     "\"customer\":\"c\",\"reference\":\"r\",\"metadata\":{\"a\":[1,2.5,null,true,\"text\",{}]}}"},
    {"POST", "/v1/reservations/r0-00000000000000000000000/confirm",
     "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}],\"if_expired\":\"rereserve\"}"},
    {"POST", "/v1/reservations/r0-00000000000000000000000/extend", "{\"ttl_seconds\":9}"},
};

/* False: refused. */
static bool read_one(size_t i, struct refusal *why)
{
    struct route_match match;
    static char room[1024];
    struct arena arena;
    struct op op;
    char *body = strdup(requests[i].body);
    assert_non_null(body);
    match = route_find(str_of(requests[i].method), str_of(requests[i].target), room);
    struct request_head head = {.match = &match, .key = STR("key")};
    arena_init(&arena, 64, 1 << 20);
    bool good = request_op(&op, &arena, &head, body, strlen(body), why);
    arena_free(&arena);
    free(body);
    return good;
}

TEST(requests_are_read_while_there_is_memory)
{
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        struct refusal why = {.problem = PROBLEMS};
        assert_true(read_one(i, &why));
    }
}

#if !defined(__SANITIZE_ADDRESS__) /* the sanitizer has an allocator of its own */
static long fail_at;               /* counts down to the allocation that fails; 0: none does */
static bool failed;

extern void *__libc_malloc(size_t n);
extern void *__libc_realloc(void *p, size_t n);

static bool fails(void)
{
    bool now = fail_at > 0 && --fail_at == 0;
    failed |= now;
    return now;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}

TEST(no_allocation_that_fails_makes_a_request_wrong)
{
    long refused = 0;
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
        for (long n = 2;; n++) { /* the first is the test's own */
            struct refusal why = {.problem = PROBLEMS};
            failed = false;
            fail_at = n;
            bool good = read_one(i, &why);
            fail_at = 0;
            if (!failed)
                break;
            refused += !good;
            if (!good && why.problem != PROBLEM_OVERLOADED)
                print_error("%s: allocation %ld: %s\n", requests[i].body, n,
                            problem_get(why.problem)->name);
            assert_true(good || why.problem == PROBLEM_OVERLOADED);
        }
    assert_true(refused > 50);
}
#endif
