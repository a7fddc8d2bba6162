/* shop.c -- a server that keeps the HTTP contract in memory, or breaks it as it is told to.
 *
 *   shop [--fault NAME] [--every N] [--port P] [--no-metrics]
 *
 * For tests of what drives and checks the service: with `--fault none` every answer is right, with
 * any other the answers lie, or fail, in one known way, once in N times. When it is stopped
 * it says how often it struck.
 */
#include "args/args.h"
#include "shop/server.h"

#include <inttypes.h>
#include <stdlib.h>

#define EXIT_USAGE 64

struct options {
    int fault;
    int64_t every;
    int64_t port;
    bool metrics;
};

static const struct arg_spec specs[] = {
    {.name = "fault",
     .type = ARG_ENUM,
     .offset = offsetof(struct options, fault),
     .choices = fault_names,
     .default_text = "none",
     .help = "The one way in which answers are wrong."},
    {.name = "every",
     .type = ARG_COUNT,
     .offset = offsetof(struct options, every),
     .min = 1,
     .max = 1000000000,
     .default_text = "1000",
     .help = "Strike once in so many chances."},
    {.name = "port",
     .type = ARG_INT,
     .offset = offsetof(struct options, port),
     .min = 0,
     .max = 65535,
     .default_text = "0",
     .help = "Port on 127.0.0.1; 0 takes a free one."},
    {.name = "metrics",
     .type = ARG_BOOL,
     .offset = offsetof(struct options, metrics),
     .default_text = "yes",
     .help = "Serve /metrics."},
};
#define SPECS (sizeof(specs) / sizeof(specs[0]))

/* Of the process, so that a request nobody will ever answer is still reachable at the end. */
static struct front front;
static struct server *server;
static volatile sig_atomic_t stop;

static void on_signal(int signo)
{
    stop = 1;
}

int main(int argc, char **argv)
{
    struct options options;
    char err[ARGS_ERR_SIZE];
    fault_make_names();
    const struct args_input in = {.argc = argc, .argv = argv, .env_prefix = "SHOP_"};
    enum args_result result = args_parse(specs, SPECS, &in, &options, err, sizeof(err));
    if (result == ARGS_HELP) {
        struct paragraph help = paragraph_on(stdout);
        args_print_help(&help, specs, SPECS, "SHOP_");
        return EXIT_SUCCESS;
    }
    if (result != ARGS_OK) {
        fprintf(stderr, "shop: %s\n", err);
        return EXIT_USAGE;
    }
    front.metrics = options.metrics;
    front.store.faults =
        (struct fault_plan){.fault = (enum fault)options.fault, .every = (uint64_t)options.every};
    args_free(specs, SPECS, &options);

    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    server = server_start(&front, (uint16_t)options.port);
    if (!server) {
        fprintf(stderr, "shop: cannot listen on port %d\n", (int)options.port);
        return EXIT_FAILURE;
    }
    printf("listening on http://127.0.0.1:%u\n", (unsigned)server_port(server));
    fflush(stdout);
    server_run(server, &stop);
    printf("the fault struck %" PRIu64 " times in %" PRIu64 " chances\n", front.store.faults.fired,
           front.store.faults.seen);
    return EXIT_SUCCESS;
}
