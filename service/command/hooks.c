/* hooks.c -- `stockd hooks ...`: see commands.h. Here is what needs the file of hooks; what asks
 * SQL is in hooks_state.c. */
#include "clock.h"
#include "command/commands.h"
#include "command/hooks_state.h"
#include "fail.h"
#include "hex.h"
#include "hooks/post.h"
#include "hooks/sender.h"
#include "process/apart.h"
#include "process/port_look.h"
#include "random.h"
#include "shared.h"

#include <errno.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdlib.h>

/* --- run -------------------------------------------------------------------------------------- */

#define OWNER_BYTES 16

static bool make_look(struct shared_state *shared)
{
    uint8_t id[OWNER_BYTES];
    shared->hooks_look = shared_alloc(sizeof(*shared->hooks_look));
    if (!shared->hooks_look)
        return false;
    random_bytes(id, sizeof(id));
    hex_put(shared->hooks_look->owner, id, sizeof(id));
    return true;
}

static int run_hooks(const struct cli_call *call)
{
    const struct config *config = call->options;
    const struct apart apart = {
        .command = "stockd hooks run",
        .child = "hooks",
        .said = "sending hooks",
        .status = "Sending hooks",
        .listen_option = "--hooks-listen",
        .listen = config->hooks_listen,
        .run = hooks_process_run,
        .look = port_look_hooks,
        .make = make_look,
    };
    return apart_run(&apart, config);
}

/* So that a mistake in it is told before anything begins. */
static bool check_file(const char *path, char *err, size_t err_size)
{
    char why[HOOKS_WHY_SIZE];
    if (!path)
        return fail_with(err, err_size, "--hooks-file is needed");
    struct hook_list *list = calloc(1, sizeof(*list));
    if (!list)
        return fail_with(err, err_size, "out of memory");
    bool good = hooks_file_read(list, path, why) ||
                fail_with(err, err_size, "--hooks-file %s: %s", path, why);
    hooks_file_free(list);
    free(list);
    return good;
}

static bool check_allowed(const char *nets, char *err, size_t err_size)
{
    struct guard guard;
    char why[ARGS_ERR_SIZE / 2];
    return guard_parse(&guard, nets, why, sizeof(why)) ||
           fail_with(err, err_size, "--hooks-allow: %s", why);
}

static bool complete_run(struct cli_call *call, char *err, size_t err_size)
{
    struct config *config = call->options;
    if (!config_complete(config, err, err_size))
        return false;
    if (!config_has_ledger(config))
        return fail_with(err, err_size, "--ledger is needed: that is where the events are");
    return check_file(config->hooks_file, err, err_size) &&
           check_allowed(config->hooks_allow, err, err_size) &&
           apart_check_port("--hooks-listen", config->hooks_listen, config, err, err_size);
}

static const struct cli_command run_command = {
    .name = "run",
    .help = "send events of the ledger to the URLs of --hooks-file",
    .about =
        "Prints \"sending hooks\" when it has begun. It needs no Redis. Several may run on one "
        "ledger: each hook is sent by one of them, and by another when that one is gone. Most of "
        "its options are those of serve, and are taken so that both can have the same.",
    .specs = config_specs,
    .options_size = sizeof(struct config),
    .complete = complete_run,
    .run = run_hooks,
};

/* --- secret, test ----------------------------------------------------------------------------- */

#define SECRET_BYTES 32
#define SECRET_TEXT  44 /* of them in base64 */

static int run_secret(const struct cli_call *call)
{
    uint8_t secret[SECRET_BYTES];
    unsigned char coded[SECRET_TEXT + 1];
    random_bytes(secret, sizeof(secret));
    EVP_EncodeBlock(coded, secret, sizeof(secret));
    bool shown = printf("whsec_%s\n", (const char *)coded) > 0 && fflush(stdout) == 0;
    return shown ? EXIT_SUCCESS : command_fail(call, strerror(errno));
}

static const struct cli_command secret_command = {
    .name = "secret",
    .help = "make a secret for a hook",
    .about = "For the member \"secret\" in --hooks-file, and for who verifies what comes.",
    .run = run_secret,
};

struct options {
    char *hooks_file, *hooks_allow, *hooks_ca;
};

#define AT(field) offsetof(struct options, field)
/* clang-format off */
static const struct arg_spec test_specs[] = {
    {"hooks-file", ARG_STRING, AT(hooks_file), .metavar = "FILE", .help = "The file of hooks, as `stockd hooks run` is told."},
    {"hooks-allow", ARG_STRING, AT(hooks_allow), .metavar = "NETS", .help = "The same of what may be sent to although it is not of the public internet."},
    {"hooks-ca", ARG_STRING, AT(hooks_ca), .metavar = "FILE", .help = "The same of CAs to trust."},
    {0},
};
/* clang-format on */

static bool complete_test(struct cli_call *call, char *err, size_t err_size)
{
    const struct options *options = call->options;
    return check_file(options->hooks_file, err, err_size) &&
           check_allowed(options->hooks_allow, err, err_size);
}

static int say_result(const struct cli_call *call, const struct hook_spec *spec,
                      const struct sender_result *result)
{
    if (!result->why) {
        printf("%s has answered %d\n", spec->url, result->status);
        return EXIT_SUCCESS;
    }
    if (result->status)
        fprintf(stderr, "%s: %s has answered %d: %s\n", call->path, spec->url, result->status,
                result->why);
    else
        fprintf(stderr, "%s: %s: %s\n", call->path, spec->url, result->why);
    return EXIT_FAILURE;
}

static int send_test(const struct cli_call *call, struct sender *sender,
                     const struct hook_spec *spec)
{
    struct sender_result result;
    struct buf id, body;
    uint8_t random[OWNER_BYTES];
    char digits[2 * OWNER_BYTES];
    random_bytes(random, sizeof(random));
    hex_put(digits, random, sizeof(random));
    buf_init(&id, POST_ID_SIZE);
    buf_init(&body, 4096);
    buf_printf(&id, "test_%.*s", (int)sizeof(digits), digits);
    post_test_body(&body, str_of(spec->name), clock_wall_ms());
    const struct sender_request request = {.hook = spec,
                                           .id = buf_str(&id),
                                           .body = buf_str(&body),
                                           .timestamp_s = clock_wall_ms() / 1000};
    bool sent = !id.failed && !body.failed && sender_post(sender, &request);
    while (sent && !sender_take(sender, &result))
        sender_wait(sender, 1000);
    buf_free(&id);
    buf_free(&body);
    return sent ? say_result(call, spec, &result) : command_fail(call, "out of memory");
}

static int run_test(const struct cli_call *call)
{
    const struct options *options = call->options;
    char why[HOOKS_WHY_SIZE] = "out of memory";
    struct guard guard;
    struct hook_list *list = calloc(1, sizeof(*list));
    int status = EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);
    if (!list || !guard_parse(&guard, options->hooks_allow, why, sizeof(why)) ||
        !hooks_file_read(list, options->hooks_file, why)) {
        free(list);
        return command_fail(call, why);
    }
    const struct hook_spec *spec = hooks_file_find(list, call->words.text[0]);
    struct sender *sender = spec ? sender_new(&guard, options->hooks_ca, why) : NULL;
    if (!spec)
        status = command_fail(call, "there is no hook of that name in --hooks-file");
    else
        status = sender ? send_test(call, sender, spec) : command_fail(call, why);
    sender_free(sender);
    hooks_file_free(list);
    free(list);
    return status;
}

static const struct cli_command test_command = {
    .name = "test",
    .help = "send one signed event of type \"test\" to a hook, now",
    .words = "HOOK",
    .specs = test_specs,
    .options_size = sizeof(struct options),
    .complete = complete_test,
    .run = run_test,
};

static const struct cli_command *const below[] = {
    &run_command, &hooks_list,   &hooks_dead,     &hooks_replay, &hooks_drop, &hooks_on,
    &hooks_off,   &test_command, &secret_command, &hooks_forget, NULL};

const struct cli_command command_hooks = {
    .name = "hooks",
    .help = "send events to URLs, and look after what was not delivered",
    .below = below,
};
