/* hooks_state.c -- what of `stockd hooks` asks SQL, and changes there what `stockd hooks run` takes
 * notice of within seconds. */
#include "command/hooks_state.h"
#include "clock.h"
#include "command/client/table.h"
#include "command/commands.h"
#include "config.h"
#include "fail.h"
#include "hooks/hook_store.h"
#include "hooks/post.h"
#include "ledger/schema.h"
#include "url_password.h"

#include <signal.h>
#include <stdlib.h>

struct options {
    char *ledger, *ledger_password;
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

/* NULL: it has said why. */
static struct db *open_ledger(const struct cli_call *call)
{
    const struct options *options = call->options;
    struct identity identity;
    struct db *db;
    char err[DB_WHY_SIZE];
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of a write, as a full disk is */
    signal(SIGPIPE, SIG_IGN);
    if (db_file_missing(options->ledger)) {
        (void)command_fail(call, "there is no such file in --ledger");
        return NULL;
    }
    if (db_open(&db, options->ledger, err, sizeof(err)) != DB_OK) {
        (void)command_fail(call, err);
        return NULL;
    }
    if (identity_read(db, &identity) == IDENTITY_KNOWN)
        return db;
    (void)command_fail(call, identity.why);
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

static int show_table(const struct cli_call *call, const struct table_column *columns,
                      unsigned count,
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
    int status = result == DB_OK ? EXIT_SUCCESS : command_fail(call, db_why(db));
    if (status == EXIT_SUCCESS && table_print(&table) < 0)
        status = command_fail(call, "standard output cannot be written");
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
    return show_table(call, hook_columns, sizeof(hook_columns) / sizeof(hook_columns[0]),
                      ask_hooks);
}

static int run_dead(const struct cli_call *call)
{
    return show_table(call, letter_columns, sizeof(letter_columns) / sizeof(letter_columns[0]),
                      ask_dead);
}

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
        status = command_fail(call, db_why(db));
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
        status = command_fail(call, db_why(db));
    else if (!done)
        status =
            command_fail(call, "there is no such hook; `hooks list` shows those that there are");
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

/* --- what there is ---------------------------------------------------------------------------- */

#define HOOKS_COMMAND(id, takes, rows, check, says, more)                                          \
    const struct cli_command hooks_##id = {                                                        \
        .name = #id,                                                                               \
        .help = (says),                                                                            \
        .about = (more),                                                                           \
        .words = (takes),                                                                          \
        .specs = (rows),                                                                           \
        .options_size = sizeof(struct options),                                                    \
        .complete = (check),                                                                       \
        .run = run_##id,                                                                           \
    }

HOOKS_COMMAND(list, NULL, ledger_specs, has_ledger,
              "list hooks, whether they are on, and what they could not deliver", NULL);
HOOKS_COMMAND(dead, "HOOK", ledger_specs, has_ledger, "list the events that a hook has given up",
              "10,000 at the most.");
HOOKS_COMMAND(replay, "HOOK [ID...]", dead_specs, names_dead,
              "send events again that a hook has given up",
              "They come behind what was delivered since, so out of the order of their items.");
HOOKS_COMMAND(drop, "HOOK [ID...]", dead_specs, names_dead,
              "forget events that a hook has given up", NULL);
HOOKS_COMMAND(on, "HOOK", ledger_specs, has_ledger, "send a hook again that was switched off",
              "It goes on where it stopped: what has happened meanwhile is sent.");
HOOKS_COMMAND(off, "HOOK", ledger_specs, has_ledger,
              "send nothing to a hook until it is switched on",
              "Where it stopped is kept. So it goes with an endpoint that answers 410.");
HOOKS_COMMAND(forget, "HOOK", ledger_specs, has_ledger,
              "forget how far a hook has come, and what it has given up",
              "For one that was taken out of --hooks-file; if it is there still, it begins anew.");
