/* test_http_conn.c -- how a connection that is given up ends on the other side. */
#include "client/http_conn.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define WAIT_MS 60000

struct world {
    uv_loop_t loop;
    struct target target;
    struct wire wire;
    int listener;
    bool sent;
    void (*give_up)(struct wire *wire);
};

static struct world world;

static void on_open(struct wire *wire)
{
    target_request(&world.target, &wire->out, STR("GET"), STR("/v1/items/a"), (struct str){NULL, 0},
                   (struct str){NULL, 0});
    world.sent = wire_send(wire) == 0 && wire_all_sent(wire);
    world.give_up(wire);
}

static void on_answer(struct wire *wire, const struct response *response)
{
    fail_msg("an answer with %u that nobody gave", (unsigned)response->status);
}

static void on_lost(struct wire *wire, enum wire_state was, int err)
{
    fail_msg("lost in state %d: %d", (int)was, err);
}

static void on_closed(struct wire *wire)
{
}

static const struct wire_events events = {on_open, on_answer, on_lost, on_closed};

static int set_up(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    char err[TARGET_ERR_SIZE];
    world.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(world.listener, (struct sockaddr *)&address, bytes) < 0 ||
        listen(world.listener, 8) < 0 ||
        getsockname(world.listener, (struct sockaddr *)&address, &bytes) < 0)
        return -1;
    const struct target_options options = {.host = "127.0.0.1", .port = ntohs(address.sin_port)};
    if (target_open(&world.target, &options, err, sizeof(err)) < 0)
        return -1;
    return uv_loop_init(&world.loop);
}

static int tear_down(void **state)
{
    target_close(&world.target);
    close(world.listener);
    return uv_loop_close(&world.loop);
}

/* What recv says behind the request: 0 an end, or an errno. */
static int end_seen_after(void (*give_up)(struct wire *wire))
{
    world.give_up = give_up;
    assert_int_equal(wire_init(&world.wire, &world.loop, &world.target, &events), 0);
    assert_int_equal(wire_open(&world.wire), 0);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_true(world.sent);
    wire_free(&world.wire);

    char bytes[1024];
    int fd = accept(world.listener, NULL, NULL), err = -1;
    assert_true(fd >= 0);
    while (err == -1) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        err = n > 0 ? -1 : n == 0 ? 0 : errno;
    }
    close(fd);
    return err;
}

TEST(a_closed_connection_ends_in_good_order)
{
    assert_int_equal(end_seen_after(wire_close), 0);
}

TEST(a_reset_one_is_torn)
{
    assert_int_equal(end_seen_after(wire_reset), ECONNRESET);
}

ALL_BETWEEN(set_up, tear_down)
