/* test_lookup.c -- host names off the loop. The system's getaddrinfo() is the one below, which
 * answers when the test lets it. */
#include "store/redis/lookup.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static sem_t begun, go_on;
static atomic_int asked;
static pthread_t main_thread;
static atomic_bool asked_on_loop;

/* As freeaddrinfo() expects it: one piece of memory each. */
static struct addrinfo *entry(int family, const char *digits, struct addrinfo *next)
{
    struct {
        struct addrinfo info;
        union {
            struct sockaddr_in v4;
            struct sockaddr_in6 v6;
        } address;
    } *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->info = (struct addrinfo){.ai_family = family,
                                .ai_addr = (struct sockaddr *)&e->address,
                                .ai_addrlen = family == AF_INET ? sizeof(e->address.v4)
                                                                : sizeof(e->address.v6),
                                .ai_next = next};
    e->info.ai_addr->sa_family = (sa_family_t)family;
    if (inet_pton(family, digits,
                  family == AF_INET ? (void *)&e->address.v4.sin_addr
                                    : (void *)&e->address.v6.sin6_addr) != 1)
        abort();
    return &e->info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    (void)service, (void)hints;
    atomic_fetch_add(&asked, 1);
    if (pthread_equal(pthread_self(), main_thread))
        atomic_store(&asked_on_loop, true);
    sem_post(&begun);
    sem_wait(&go_on);
    if (strcmp(name, "two.test") != 0)
        return EAI_NONAME;
    *found = entry(AF_INET6, "::1", entry(AF_INET, "192.0.2.7", entry(AF_INET, "192.0.2.9", NULL)));
    return 0;
}

struct seen {
    int calls;
    char numeric[64], why[128];
};

static void found(void *user, const char *numeric, const char *why)
{
    struct seen *seen = user;
    seen->calls++;
    strncpy(seen->numeric, numeric ? numeric : "", sizeof(seen->numeric) - 1);
    strncpy(seen->why, why ? why : "", sizeof(seen->why) - 1);
}

static uv_loop_t loop;

static struct lookup *begin(const char *name, unsigned turn, struct seen *seen)
{
    *seen = (struct seen){0};
    struct lookup *lookup = lookup_begin(&loop, name, turn, found, seen);
    assert_non_null(lookup);
    return lookup;
}

TEST(only_names_are_looked_up)
{
    static const struct {
        struct endpoint at;
        bool needed;
    } rows[] = {{{.host = "127.0.0.1"}, false},   {{.host = "::1"}, false},
                {{.host = "2001:db8::7"}, false}, {{.is_unix = true, .host = "redis.sock"}, false},
                {{.host = "localhost"}, true},    {{.host = "redis.example.com"}, true},
                {{.host = "127.0.0.1.nip"}, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(lookup_needed(&rows[i].at), rows[i].needed);
}

TEST(the_loop_goes_on_and_addresses_take_turns)
{
    static const char *const turns[] = {"192.0.2.7", "192.0.2.9", "::1", "192.0.2.7"};
    for (unsigned turn = 0; turn < 4; turn++) {
        struct seen seen;
        (void)begin("two.test", turn, &seen);
        sem_wait(&begun); /* a thread has it */
        for (int i = 0; i < 10; i++)
            uv_run(&loop, UV_RUN_NOWAIT);
        assert_int_equal(seen.calls, 0);
        sem_post(&go_on);
        uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(seen.calls, 1);
        assert_string_equal(seen.numeric, turns[turn]);
    }
    assert_false(atomic_load(&asked_on_loop));
}

TEST(a_name_that_is_none_says_why)
{
    struct seen seen;
    sem_post(&go_on);
    (void)begin("none.test", 0, &seen);
    uv_run(&loop, UV_RUN_DEFAULT);
    sem_wait(&begun);
    assert_int_equal(seen.calls, 1);
    assert_string_equal(seen.numeric, "");
    assert_string_equal(seen.why, uv_strerror(UV_EAI_NONAME));
}

/* More than there are threads: some have begun, others wait. */
TEST(one_that_was_let_go_calls_nobody)
{
    enum { MANY = 40 };
    struct seen seen[MANY];
    struct lookup *lookups[MANY];
    int before = atomic_load(&asked);
    for (int i = 0; i < MANY; i++)
        lookups[i] = begin("two.test", 0, &seen[i]);
    sem_wait(&begun);
    for (int i = 0; i < MANY; i++)
        lookup_let_go(lookups[i]);
    lookup_let_go(NULL);
    for (int i = 0; i < MANY; i++)
        sem_post(&go_on);
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(seen[i].calls, 0);
    assert_true(atomic_load(&asked) - before < MANY); /* the others were never begun */
}

static int group_setup(void **state)
{
    main_thread = pthread_self();
    return sem_init(&begun, 0, 0) || sem_init(&go_on, 0, 0) || uv_loop_init(&loop);
}

static int group_teardown(void **state)
{
    return uv_loop_close(&loop);
}

ALL_BETWEEN(group_setup, group_teardown)
