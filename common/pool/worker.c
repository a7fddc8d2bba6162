#include "pool/worker.h"
#include "pool/options.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct poolworker_request) + POOL_TASK_BYTES <= POOL_MESSAGE_MAX,
              "a request must fit");
static_assert(sizeof(struct poolworker_reply) + POOL_TASK_BYTES <= POOL_MESSAGE_MAX,
              "a reply must fit");

/* What one worker keeps from task to task. */
struct desk {
    char *message;     /* POOL_MESSAGE_MAX bytes, for one request */
    struct buf out;    /* of the task */
    struct buf packet; /* the reply */
};

/* Ctrl-C reaches the whole process group, but it is the parent who decides what it means. */
int poolworker_init(struct pool_child *child, void *arg)
{
    const struct pool_tasks_options *options = arg;
    signal(SIGINT, SIG_IGN);
    return options->init ? options->init(options->arg) : 0;
}

/* What the task left in out, or what is wrong with it. A task's own error is worth more than that
 * its text was too long. */
static void bound_reply(struct poolworker_reply *reply, struct buf *out)
{
    assert(reply->err <= 0);
    bool too_much = out->failed;
    if (too_much)
        buf_reset(out);
    if (too_much && reply->err == 0) {
        reply->err = -EMSGSIZE;
        buf_printf(out, "the result is larger than the %d bytes allowed", POOL_TASK_BYTES);
    }
    if (reply->err != 0 && out->n == 0)
        buf_puts(out, str_of(strerror(-reply->err)));
}

static int send_reply(struct pool_child *child, struct desk *desk,
                      const struct poolworker_reply *reply, struct str bytes)
{
    buf_reset(&desk->packet);
    buf_put(&desk->packet, reply, sizeof *reply);
    buf_puts(&desk->packet, bytes);
    if (desk->packet.failed)
        return -ENOMEM;
    return pool_child_send(child, desk->packet.p, desk->packet.n);
}

static int run_task(struct pool_child *child, struct desk *desk, size_t n, bool leaving)
{
    struct poolworker_request request;
    memcpy(&request, desk->message, sizeof request);
    struct str in = {desk->message + sizeof request, n - sizeof request};
    struct poolworker_reply reply = {.id = request.id, .leaving = leaving};
    buf_reset(&desk->out);
    reply.err = request.fn(in, &desk->out);
    bound_reply(&reply, &desk->out);
    int rc = send_reply(child, desk, &reply, buf_str(&desk->out));
    if (rc != -EMSGSIZE)
        return rc;
    reply.err = rc;
    return send_reply(child, desk, &reply,
                      STR("the kernel's socket buffer is too small for the result"));
}

int poolworker_run(struct pool_child *child, void *arg)
{
    const struct pool_tasks_options *options = arg;
    struct desk desk = {.message = malloc(POOL_MESSAGE_MAX)};
    buf_init(&desk.out, POOL_TASK_BYTES);
    buf_init(&desk.packet, POOL_MESSAGE_MAX);
    int status = desk.message && pool_ready(child) == 0 ? 0 : 1;

    for (uint64_t done = 1; status == 0; done++) {
        ssize_t n = pool_child_receive(child, desk.message, POOL_MESSAGE_MAX, -1);
        bool leaving = options->max_tasks > 0 && done >= options->max_tasks;
        /* Without a parent there is nobody to work for. */
        if (n < (ssize_t)sizeof(struct poolworker_request) ||
            run_task(child, &desk, (size_t)n, leaving) != 0)
            status = 1;
        else if (leaving)
            status = POOL_EXIT_AGAIN;
    }
    free(desk.message);
    buf_free(&desk.out);
    buf_free(&desk.packet);
    return status;
}
