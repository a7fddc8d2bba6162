/* hooks.c -- `stockd hooks ...`: see commands.h. `run` sends; the others ask SQL, and change there
 * what `run` takes notice of within seconds. */
#include "clock.h"
#include "command/client/table.h"
#include "command/commands.h"
#include "fail.h"
#include "hex.h"
#include "hooks/hook_store.h"
#include "hooks/post.h"
#include "hooks/sender.h"
#include "ledger/schema.h"
#include "process/apart.h"
#include "process/port_look.h"
#include "random.h"
#include "shared.h"
#include "url_password.h"

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

/* --- what the others share -------------------------------------------------------------------- */

struct options {
    char *ledger, *ledger_password;
    char *hooks_file, *hooks_allow, *hooks_ca;
    bool all;
};

#define AT(field) offsetof(struct options, field)
/* clang-format off */
#define LEDGER_ROWS                                                                                \
    {"ledger", ARG_STRING, AT(ledger), .metavar = "URL", .secret = true,                           \
     .help = "The ledger's database: sqlite:/path/file.db or postgresql://user@host/name."},       \
    PASSWORD_ROW("ledger", AT(ledger_password))
/* clang-format on */

static const struct arg_spec ledger_specs[] = {LEDGER_ROWS, {0}};

static bool has_ledger(struct cli_call *call, char *err, size_t err_size)
{
    struct options *options = call->options;
    if (!url_take_password(&options->ledger, options->ledger_password, "ledger", err, err_size))
        return false;
    if (!options->ledger)
        return fail_with(err, err_size, "--ledger is needed");
    return db_address_known(options->ledger) ||
           fail_with(err, err_size,
                     "--ledger: sqlite:/path/file.db or postgresql://user@host/name");
}

static int fail(const struct cli_call *call, const char *why)
{
    fprintf(stderr, "%s: %s\n", call->path, why);
    return EXIT_FAILURE;
}

/* NULL: it has said why. */
static struct db *open_ledger(const struct cli_call *call)
{
    const struct options *options = call->options;
    struct identity identity;
    struct db *db;
    char err[DB_WHY_SIZE];
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of a write, as a full disk is */
    signal(SIGPIPE, SIG_IGN);
    if (db_open(&db, options->ledger, err, sizeof(err)) != DB_OK) {
        (void)fail(call, err);
        return NULL;
    }
    if (identity_read(db, &identity) == IDENTITY_KNOWN)
        return db;
    (void)fail(call, identity.why);
    db_close(db);
    return NULL;
}

static struct str first_word(const struct cli_call *call)
{
    return str_of(call->words.text[0]);
}

/* --- list, dead ------------------------------------------------------------------------------- */

static const struct table_column hook_columns[] = {
    {"HOOK", .may_cut = true}, {"STATE", .may_cut = true}, {"WAITING", .number = true},
    {"DEAD", .number = true},  {"SENT BY", .drop = 1},
};

static int put_hook(void *context, const struct hook_row *row)
{
    struct table *table = context;
    table_put(table, row->name);
    table_put(table, row->off_ms == 0           ? STR("on")
                     : str_absent(row->off_why) ? STR("off")
                                                : row->off_why);
    table_put_number(table, row->waiting);
    table_put_number(table, row->dead);
    table_put(table, row->owner.n > 0 ? row->owner : (struct str){NULL, 0});
    return 0;
}

static const struct table_column letter_columns[] = {
    {"ID", .number = false},
    {"AT", .drop = 3},
    {"TYPE", .drop = 2},
    {"ITEM", .may_cut = true},
    {"ATTEMPTS", .number = true, .drop = 4},
    {"STATUS", .number = true, .drop = 1},
    {"WHY", .may_cut = true},
};

static int put_letter(void *context, const struct letter *letter)
{
    struct table *table = context;
    char id[POST_ID_SIZE], at[CLOCK_RFC3339_SIZE];
    post_id(letter->partition, &letter->at, id);
    clock_format_rfc3339(letter->at_ms, at);
    table_put(table, str_of(id));
    table_put(table, str_of(at));
    table_put(table, letter->type);
    table_put(table, letter->sku);
    table_put_number(table, letter->attempts);
    table_put_number(table, letter->status);
    table_put(table, letter->why);
    return 0;
}

static int show(const struct cli_call *call, const struct table_column *columns, unsigned count,
                enum db_result (*ask)(struct db *db, const struct cli_call *call,
                                      struct table *table))
{
    struct table table;
    struct db *db = open_ledger(call);
    if (!db)
        return EXIT_FAILURE;
    table_init(&table, stdout, columns, count, table_width(stdout));
    enum db_result result = db_begin_read(db);
    if (result == DB_OK)
        result = ask(db, call, &table);
    int status = result == DB_OK ? EXIT_SUCCESS : fail(call, db_why(db));
    if (status == EXIT_SUCCESS && table_print(&table) < 0)
        status = fail(call, "standard output cannot be written");
    table_free(&table);
    db_close(db);
    return status;
}

static enum db_result ask_hooks(struct db *db, const struct cli_call *call, struct table *table)
{
    return hook_store_list(db, true, put_hook, table);
}

static enum db_result ask_dead(struct db *db, const struct cli_call *call, struct table *table)
{
    return hook_store_letters(db, first_word(call), STR("dead"), TABLE_ROWS, put_letter, table);
}

static int run_list(const struct cli_call *call)
{
    return show(call, hook_columns, sizeof(hook_columns) / sizeof(hook_columns[0]), ask_hooks);
}

static int run_dead(const struct cli_call *call)
{
    return show(call, letter_columns, sizeof(letter_columns) / sizeof(letter_columns[0]), ask_dead);
}

static const struct cli_command list_command = {
    .name = "list",
    .help = "list hooks, whether they are on, and what they could not deliver",
    .specs = ledger_specs,
    .options_size = sizeof(struct options),
    .complete = has_ledger,
    .run = run_list,
};

static const struct cli_command dead_command = {
    .name = "dead",
    .help = "list the events that a hook has given up",
    .about = "10,000 at the most.",
    .words = "HOOK",
    .words_min = 1,
    .words_max = 1,
    .specs = ledger_specs,
    .options_size = sizeof(struct options),
    .complete = has_ledger,
    .run = run_dead,
};

/* --- replay, drop ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct arg_spec dead_specs[] = {
    LEDGER_ROWS,
    {"all", ARG_BOOL, AT(all), .flag_only = true, .help = "All that the hook has given up, instead of IDs."},
    {0},
};
/* clang-format on */

/* IDs, or all. */
static bool names_dead(struct cli_call *call, char *err, size_t err_size)
{
    const struct options *options = call->options;
    unsigned partition;
    struct tail_position at;
    if (!has_ledger(call, err, err_size))
        return false;
    if (options->all == (call->words.n > 1))
        return fail_with(err, err_size, "give either IDs, as `hooks dead` shows them, or --all");
    for (size_t i = 1; i < call->words.n; i++)
        if (!post_read_id(str_of(call->words.text[i]), &partition, &at))
            return fail_with(err, err_size,
                             "ID: \"%.100s\" is none; they look as evt_0_1_42_1, and `hooks dead` "
                             "shows them",
                             call->words.text[i]);
    return true;
}

typedef enum db_result change_fn(struct db *db, struct str name, unsigned partition,
                                 const struct tail_position *at, size_t *changed);

/* *missing: the first ID that none was found of; NULL: all were. */
static enum db_result change_dead(struct db *db, const struct cli_call *call, change_fn *change,
                                  size_t *changed, const char **missing)
{
    const struct options *options = call->options;
    *missing = NULL;
    if (options->all)
        return change(db, first_word(call), 0, NULL, changed);
    enum db_result result = DB_OK;
    for (size_t i = 1; i < call->words.n && result == DB_OK; i++) {
        unsigned partition = 0;
        size_t one = 0;
        struct tail_position at = {.n = 0};
        bool is_id = post_read_id(str_of(call->words.text[i]), &partition, &at);
        assert(is_id); /* names_dead() has looked */
        (void)is_id;
        result = change(db, first_word(call), partition, &at, &one);
        *changed += one;
        if (one == 0 && !*missing)
            *missing = call->words.text[i];
    }
    return result;
}

static int change_all(const struct cli_call *call, change_fn *change, const char *done)
{
    const char *missing;
    size_t changed = 0;
    int status = EXIT_SUCCESS;
    struct db *db = open_ledger(call);
    if (!db)
        return EXIT_FAILURE;
    enum db_result result = db_begin(db);
    if (result == DB_OK)
        result = change_dead(db, call, change, &changed, &missing);
    if (result == DB_OK && missing) {
        fprintf(stderr, "%s: hook %s has given up no event %s; nothing was changed\n", call->path,
                call->words.text[0], missing);
        status = EXIT_FAILURE;
    } else if (result == DB_OK) {
        result = db_commit(db);
    }
    if (result != DB_OK)
        status = fail(call, db_why(db));
    else if (status == EXIT_SUCCESS)
        printf("%zu %s\n", changed, done);
    db_close(db);
    return status;
}

static int run_replay(const struct cli_call *call)
{
    return change_all(call, hook_store_replay, "to be sent again");
}

static int run_drop(const struct cli_call *call)
{
    return change_all(call, hook_store_drop_dead, "dropped");
}

static const struct cli_command replay_command = {
    .name = "replay",
    .help = "send events again that a hook has given up",
    .about = "They come behind what was delivered since, so out of the order of their items.",
    .words = "HOOK [ID...]",
    .words_min = 1,
    .words_max = CLI_WORDS_MAX,
    .specs = dead_specs,
    .options_size = sizeof(struct options),
    .complete = names_dead,
    .run = run_replay,
};

static const struct cli_command drop_command = {
    .name = "drop",
    .help = "forget events that a hook has given up",
    .words = "HOOK [ID...]",
    .words_min = 1,
    .words_max = CLI_WORDS_MAX,
    .specs = dead_specs,
    .options_size = sizeof(struct options),
    .complete = names_dead,
    .run = run_drop,
};

/* --- on, off, forget -------------------------------------------------------------------------- */

static enum db_result switch_on(struct db *db, struct str name, bool *done)
{
    return hook_store_switch(db, name, 0, (struct str){NULL, 0}, done);
}

static enum db_result switch_off(struct db *db, struct str name, bool *done)
{
    return hook_store_switch(db, name, clock_wall_ms(), STR("switched off by hand"), done);
}

static int change_hook(const struct cli_call *call,
                       enum db_result (*change)(struct db *db, struct str name, bool *done))
{
    bool done = false;
    int status = EXIT_SUCCESS;
    struct db *db = open_ledger(call);
    if (!db)
        return EXIT_FAILURE;
    enum db_result result = db_begin(db);
    if (result == DB_OK)
        result = change(db, first_word(call), &done);
    if (result == DB_OK && done)
        result = db_commit(db);
    if (result != DB_OK)
        status = fail(call, db_why(db));
    else if (!done)
        status = fail(call, "there is no such hook; `hooks list` shows those that there are");
    db_close(db);
    return status;
}

static int run_on(const struct cli_call *call)
{
    return change_hook(call, switch_on);
}

static int run_off(const struct cli_call *call)
{
    return change_hook(call, switch_off);
}

static int run_forget(const struct cli_call *call)
{
    return change_hook(call, hook_store_forget);
}

#define HOOK_COMMAND(ID, NAME, HELP, ABOUT)                                                        \
    static const struct cli_command ID##_command = {                                               \
        .name = (NAME),                                                                            \
        .help = (HELP),                                                                            \
        .about = (ABOUT),                                                                          \
        .words = "HOOK",                                                                           \
        .words_min = 1,                                                                            \
        .words_max = 1,                                                                            \
        .specs = ledger_specs,                                                                     \
        .options_size = sizeof(struct options),                                                    \
        .complete = has_ledger,                                                                    \
        .run = run_##ID,                                                                           \
    }

HOOK_COMMAND(on, "on", "send a hook again that was switched off",
             "It goes on where it stopped: what has happened meanwhile is sent.");
HOOK_COMMAND(off, "off", "send nothing to a hook until it is switched on",
             "Where it stopped is kept. So it goes with an endpoint that answers 410.");
HOOK_COMMAND(forget, "forget", "forget how far a hook has come, and what it has given up",
             "For one that was taken out of --hooks-file; if it is there still, it begins anew.");

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
    return shown ? EXIT_SUCCESS : fail(call, strerror(errno));
}

static const struct cli_command secret_command = {
    .name = "secret",
    .help = "make a secret for a hook",
    .about = "For the member \"secret\" in --hooks-file, and for who verifies what comes.",
    .run = run_secret,
};

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
    return sent ? say_result(call, spec, &result) : fail(call, "out of memory");
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
        return fail(call, why);
    }
    const struct hook_spec *spec = hooks_file_find(list, call->words.text[0]);
    struct sender *sender = spec ? sender_new(&guard, options->hooks_ca, why) : NULL;
    if (!spec)
        status = fail(call, "there is no hook of that name in --hooks-file");
    else
        status = sender ? send_test(call, sender, spec) : fail(call, why);
    sender_free(sender);
    hooks_file_free(list);
    free(list);
    return status;
}

static const struct cli_command test_command = {
    .name = "test",
    .help = "send one signed event of type \"test\" to a hook, now",
    .words = "HOOK",
    .words_min = 1,
    .words_max = 1,
    .specs = test_specs,
    .options_size = sizeof(struct options),
    .complete = complete_test,
    .run = run_test,
};

static const struct cli_command *const below[] = {
    &run_command, &list_command, &dead_command,   &replay_command, &drop_command, &on_command,
    &off_command, &test_command, &secret_command, &forget_command, NULL};

const struct cli_command command_hooks = {
    .name = "hooks",
    .help = "send events to URLs, and look after what was not delivered",
    .below = below,
};
