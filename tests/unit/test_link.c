/* test_link.c -- a blocking connection to Redis waits no longer than it was told to, whatever the
 * other side does; and a host name no longer than that either. */
#include "clock.h"
#include "store/redis/link.h"
#include "store/redis/resolve.h"
#include "store/redis/resp.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT_MS 300
#define LONG_MS  60000
#define DRIP_US  5000

/* --- the system's look-up --------------------------------------------------------------------- */

static _Atomic bool hangs;
static _Atomic int answered;

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* In front of the system's: `slow.test` is answered when it may be, `two.test` has an address where
 * nobody listens before the one where somebody does. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    look_up *system_s = (look_up *)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");
    bool digits = hints->ai_flags & AI_NUMERICHOST;
    if (strcmp(name, "slow.test") == 0 && !digits) {
        while (hangs)
            usleep(1000);
        int rc = system_s("127.0.0.1", service, hints, found);
        answered++;
        return rc;
    }
    if (strcmp(name, "two.test") != 0 || digits)
        return system_s(name, service, hints, found);
    int rc = system_s("127.0.0.2", service, hints, found);
    return rc == 0 ? system_s("127.0.0.1", service, hints, &(*found)->ai_next) : rc;
}

TEST(a_host_name_is_not_waited_for_longer_than_asked)
{
    struct addrinfo *list;
    hangs = true;
    assert_int_equal(resolve_host("slow.test", 6379, 50, &list), EAI_AGAIN);
    assert_null(list);
    hangs = false;
    while (answered == 0)
        usleep(1000);
    assert_int_equal(resolve_host("slow.test", 6379, LONG_MS, &list), 0);
    assert_non_null(list);
    freeaddrinfo(list);
}

TEST(a_host_that_is_none_is_told_from_one_that_is_away)
{
    struct link link = {0};
    struct endpoint at = {.host = "no.such.host.invalid", .port = 6379};
    assert_false(link_open(&link, &at, NULL, false, LONG_MS));
    assert_int_equal(link.trouble, LINK_HOST);
    assert_string_not_equal(link.why, "");
    snprintf(at.host, sizeof(at.host), "127.0.0.1");
    at.port = 1;
    assert_false(link_open(&link, &at, NULL, false, LONG_MS));
    assert_int_equal(link.trouble, LINK_AWAY);
    assert_string_equal(link.why, "Connection refused");
}

/* --- a Redis of ours -------------------------------------------------------------------------- */

struct peer {
    pid_t pid;
    struct endpoint at;
};

/* Says `text`, then `drip` again and again, a byte at a time; NULL: closes the connection. */
static void serve(int listener, const char *text, const char *drip)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        (void)!write(fd, text, strlen(text));
        for (const char *p = drip; p; p = p[1] ? p + 1 : drip) {
            if (send(fd, p, 1, MSG_NOSIGNAL) != 1)
                break;
            usleep(DRIP_US);
        }
        shutdown(fd, SHUT_WR);
        char ignored[256];
        while (read(fd, ignored, sizeof(ignored)) > 0)
            ;
        close(fd);
    }
}

static struct peer start_peer(const char *text, const char *drip)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(to);
    struct peer peer = {.at = {.host = "127.0.0.1"}};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&to, size), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &size), 0);
    peer.at.port = ntohs(to.sin_port);
    peer.pid = fork();
    if (peer.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, text, drip);
    }
    close(listener);
    return peer;
}

static void stop_peer(const struct peer *peer)
{
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
}

/* Asks once on a new connection. */
static void check_fails(const char *text, const char *drip, enum link_trouble trouble,
                        const char *why)
{
    struct peer peer = start_peer(text, drip);
    struct link link = {0};
    struct buf out;
    buf_init(&out, 1024);
    assert_true(link_open(&link, &peer.at, NULL, false, LONG_MS));
    link.timeout_ms = trouble == LINK_LATE ? SHORT_MS : LONG_MS;
    resp_words(&out, 1, "PING");
    assert_null(link_ask(&link, &out));
    assert_false(link_is_open(&link));
    assert_int_equal(link.trouble, trouble);
    assert_non_null(strstr(link.why, why));
    buf_free(&out);
    stop_peer(&peer);
}

TEST(an_answer_that_comes_byte_by_byte_and_never_ends_is_late)
{
    check_fails("", "+", LINK_LATE, "Redis did not answer in time");
    check_fails("$100000\r\n", "x", LINK_LATE, "Redis did not answer in time");
}

TEST(whatever_is_no_answer_closes_the_link_and_says_why)
{
    check_fails("", NULL, LINK_AWAY, "Server closed the connection");
    check_fails("$5\r\nab", NULL, LINK_AWAY, "Server closed the connection");
    check_fails("HTTP/1.1 400 Bad Request\r\n\r\n", NULL, LINK_AWAY, "Protocol error");
}

TEST(answers_come_one_by_one_however_they_were_cut)
{
    struct peer peer = start_peer("+one\r\n:2\r\n-ERR th", "ree\r\n+four\r\n");
    struct link link = {0};
    assert_true(link_open(&link, &peer.at, NULL, false, LONG_MS));
    const int types[] = {REDIS_REPLY_STATUS, REDIS_REPLY_INTEGER, REDIS_REPLY_ERROR,
                         REDIS_REPLY_STATUS};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        redisReply *reply = link_next(&link);
        assert_non_null(reply);
        assert_int_equal(reply->type, types[i]);
        freeReplyObject(reply);
    }
    link_close(&link);
    link_close(&link);
    stop_peer(&peer);
}

TEST(who_is_refused_at_the_beginning_is_told_how)
{
    static const struct {
        const char *text;
        enum link_trouble trouble;
    } rows[] = {
        {"-WRONGPASS invalid\r\n", LINK_LOGIN},
        {"-ERR Client sent AUTH, but no password is set\r\n", LINK_LOGIN},
        {"+OK\r\n-NOPERM this user may not\r\n", LINK_RIGHTS},
        {"+OK\r\n-ERR DB index is out of range\r\n", LINK_REFUSED},
    };
    const struct address who = {.user = "u", .password = "p", .db = 3};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer peer = start_peer(rows[i].text, NULL);
        struct link link = {0};
        assert_false(link_open(&link, &peer.at, &who, false, LONG_MS));
        assert_int_equal(link.trouble, rows[i].trouble);
        assert_non_null(strstr(link.why, "Redis answered: "));
        stop_peer(&peer);
    }
}

TEST(an_address_where_nobody_listens_is_not_the_last_of_a_name)
{
    struct peer peer = start_peer("+PONG\r\n", NULL);
    struct link link = {0};
    snprintf(peer.at.host, sizeof(peer.at.host), "two.test");
    assert_true(link_open(&link, &peer.at, NULL, false, LONG_MS));
    link_close(&link);
    stop_peer(&peer);
}
