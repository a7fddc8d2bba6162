/* items.c -- `stockd items ...`: see commands.h. */
#include "command/client/ask.h"
#include "command/client/pages.h"
#include "command/client/table.h"
#include "command/commands.h"
#include "core/item.h"
#include "core/limits.h"
#include "fail.h"
#include "units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define PATH_SIZE  (sizeof("/v1/items//adjustments") + 3 * SKU_MAX_BYTES)
#define SET_ROUNDS 3 /* of setting an item that comes and goes */

/* clang-format off */
static const struct table_column columns[] = {
    {.title = "SKU"},
    {.title = "AVAILABLE", .number = true},
    {.title = "HELD", .number = true},
    {.title = "ON HAND", .number = true},
    {.title = "SOLD", .number = true, .drop = 1},
    {.title = "LIMIT", .number = true, .drop = 2},
    {.title = "VERSION", .number = true, .drop = 3},
    {.title = "UPDATED", .drop = 4},
};
/* clang-format on */
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void put_item_row(struct table *table, const json_t *item)
{
    pages_put_text(table, item, "sku");
    pages_put_number(table, item, "available");
    pages_put_number(table, item, "held");
    pages_put_number(table, item, "on_hand");
    pages_put_number(table, item, "sold");
    pages_put_number(table, item, "max_per_customer");
    pages_put_number(table, item, "version");
    pages_put_text(table, item, "updated_at");
}

/* --- what get, set and adjust share ----------------------------------------------------------- */

static bool check_sku(struct cli_call *call, char *err, size_t err_size)
{
    const char *sku = call->words.text[0];
    return sku_valid(str_of(sku)) ||
           fail_with(err, err_size,
                     "SKU: \"%.100s\" must be 1 to %d characters of A-Z a-z 0-9 . _ : -", sku,
                     SKU_MAX_BYTES);
}

static int print_item(struct asker *asker)
{
    int status = ASK_FINE;
    if (asker->options->json)
        ask_print_answer(asker);
    else
        status = pages_print_rows(asker, asker->document, columns, COLUMNS, put_item_row);
    return ask_finish(asker, status);
}

/* --- list ------------------------------------------------------------------------------------- */

struct list_options {
    struct ask_options ask;
    char *prefix, *cursor;
    int64_t limit;
};

/* clang-format off */
static const struct arg_spec list_specs[] = {
    {"prefix", ARG_STRING, offsetof(struct list_options, prefix), .metavar = "TEXT", .flag_only = true,
     .group = "List", .help = "Only items whose SKU begins so."},
    {"limit", ARG_INT, offsetof(struct list_options, limit), .default_text = "0", .flag_only = true,
     .help = "Items at the most; 0: all."},
    {"cursor", ARG_STRING, offsetof(struct list_options, cursor), .metavar = "TEXT", .flag_only = true,
     .help = "Go on where a list ended: its next_cursor."},
    ASK_SPECS(struct list_options),
};
/* clang-format on */

static int run_list(const struct cli_call *call)
{
    const struct list_options *options = call->options;
    struct buf query;
    buf_init(&query, 1024);
    pages_put_filter(&query, "prefix", options->prefix);
    const struct pages pages = {.path = "/v1/items",
                                .member = "items",
                                .query = &query,
                                .cursor = options->cursor,
                                .page = LIST_MAX,
                                .limit = options->limit,
                                .columns = columns,
                                .column_count = COLUMNS,
                                .put = put_item_row};
    int status = pages_print(call->path, &options->ask, &pages);
    buf_free(&query);
    return status;
}

static const struct cli_command list = {
    .name = "list",
    .help = "list items, sorted by SKU",
    .specs = list_specs,
    .options_size = sizeof(struct list_options),
    .run = run_list,
    .exits = ask_exits,
};

/* --- get -------------------------------------------------------------------------------------- */

struct get_options {
    struct ask_options ask;
};

static const struct arg_spec get_specs[] = {ASK_SPECS(struct get_options)};

static int run_get(const struct cli_call *call)
{
    const struct get_options *options = call->options;
    struct asker asker;
    char path[PATH_SIZE];
    http_path_of(path, sizeof(path), "/v1/items/", call->words.text[0], "");
    int status = ask_open(&asker, call->path, &options->ask);
    if (status == ASK_FINE)
        status = ask(&asker, &(struct http_request){.method = "GET", .path = path}, "sku", 0);
    if (status == ASK_FINE)
        status = print_item(&asker);
    ask_close(&asker);
    return status;
}

static const struct cli_command get = {
    .name = "get",
    .help = "show an item",
    .words = "SKU",
    .specs = get_specs,
    .options_size = sizeof(struct get_options),
    .complete = check_sku,
    .run = run_get,
    .exits = ask_exits,
};

/* --- set -------------------------------------------------------------------------------------- */

struct set_options {
    struct ask_options ask;
    char *on_hand, *limit; /* as typed, whole numbers; NULL: to stay as it is */
    int64_t if_version;    /* 0: any */
    char *key;
};

/* clang-format off */
static const struct arg_spec set_specs[] = {
    {"on-hand", ARG_STRING, offsetof(struct set_options, on_hand), .metavar = "N", .flag_only = true,
     .group = "Item", .help = "Units that are there, held ones included; needed for an item that is not there yet."},
    {"max-per-customer", ARG_STRING, offsetof(struct set_options, limit), .metavar = "N", .flag_only = true,
     .help = "Units that one customer may hold and buy; none: no limit."},
    {"if-version", ARG_INT, offsetof(struct set_options, if_version), 0, UNITS_MAX, .default_text = "0", .flag_only = true,
     .help = "Only if the item is at that version; 0: at any, or not there yet."},
    {"key", ARG_STRING, offsetof(struct set_options, key), .metavar = "KEY", .flag_only = true, .help = ASK_KEY_HELP},
    ASK_SPECS(struct set_options),
};
/* clang-format on */

static bool check_count(const char *flag, const char *text, int64_t min, char *err, size_t err_size)
{
    char why[UNITS_ERR_SIZE];
    int64_t value;
    return !text || units_parse_int(text, min, UNITS_MAX, &value, why, sizeof(why)) ||
           fail_with(err, err_size, "%s: \"%.100s\" %s", flag, text, why);
}

static bool complete_set(struct cli_call *call, char *err, size_t err_size)
{
    const struct set_options *options = call->options;
    bool unlimited = options->limit && strcmp(options->limit, "none") == 0;
    if (!check_sku(call, err, err_size))
        return false;
    if (!options->on_hand && !options->limit)
        return fail_with(err, err_size, "nothing to set; give --on-hand N or --max-per-customer N");
    return check_count("--on-hand", options->on_hand, 0, err, err_size) &&
           (unlimited || check_count("--max-per-customer", options->limit, 1, err, err_size)) &&
           ask_key_check(options->key, err, err_size);
}

static void put_set_body(struct buf *body, const struct set_options *options)
{
    bool unlimited = options->limit && strcmp(options->limit, "none") == 0;
    buf_putc(body, '{');
    if (options->on_hand)
        buf_printf(body, "\"on_hand\":%" PRId64, (int64_t)atoll(options->on_hand));
    if (options->limit)
        buf_puts(body, options->on_hand ? STR(",") : STR(""));
    if (unlimited)
        buf_puts(body, STR("\"max_per_customer\":null"));
    else if (options->limit)
        buf_printf(body, "\"max_per_customer\":%" PRId64, (int64_t)atoll(options->limit));
    buf_putc(body, '}');
}

/* Sets what is there, or else creates it. In between it may have come or gone: then again. */
static int set_or_create(struct asker *asker, struct http_request *request, bool may_create)
{
    for (int round = 0; round < SET_ROUNDS; round++) {
        request->if_match = "*";
        request->if_none_match = false;
        int status = ask(asker, request, "sku", 412);
        if (status != ASK_REFUSED || asker->answer.status != 412)
            return status;
        if (!may_create) {
            fprintf(stderr, "%s: there is no such item; --on-hand N creates it\n", asker->name);
            return ASK_REFUSED;
        }
        request->if_match = NULL;
        request->if_none_match = true;
        status = ask(asker, request, "sku", 412);
        if (status != ASK_REFUSED || asker->answer.status != 412)
            return status;
    }
    fprintf(stderr, "%s: others delete and create the item all the while\n", asker->name);
    return ASK_REFUSED;
}

static int run_set(const struct cli_call *call)
{
    const struct set_options *options = call->options;
    struct asker asker;
    struct buf body;
    char path[PATH_SIZE], key[ASK_KEY_SIZE], version[32];
    http_path_of(path, sizeof(path), "/v1/items/", call->words.text[0], "");
    ask_key(key, options->key);
    buf_init(&body, 256);
    put_set_body(&body, options);
    struct http_request request = {
        .method = "PUT", .path = path, .key = key, .body = buf_str(&body), .if_match = version};
    snprintf(version, sizeof(version), "\"%" PRId64 "\"", options->if_version);
    int status = ask_open(&asker, call->path, &options->ask);
    if (status == ASK_FINE)
        status = options->if_version > 0
                     ? ask(&asker, &request, "sku", 0)
                     : set_or_create(&asker, &request, options->on_hand != NULL);
    if (status == ASK_FINE)
        status = print_item(&asker);
    ask_close(&asker);
    buf_free(&body);
    return status;
}

static const struct cli_command set = {
    .name = "set",
    .help = "set an item's units and limit, or create it",
    .about = "Whatever is not given stays as it is. Units that are held cannot be taken away so.",
    .words = "SKU",
    .specs = set_specs,
    .options_size = sizeof(struct set_options),
    .complete = complete_set,
    .run = run_set,
    .exits = ask_exits,
};

/* --- adjust ----------------------------------------------------------------------------------- */

struct adjust_options {
    struct ask_options ask;
    char *reason, *reference, *key;
};

/* clang-format off */
static const struct arg_spec adjust_specs[] = {
    {"reason", ARG_STRING, offsetof(struct adjust_options, reason), .metavar = "TEXT", .flag_only = true,
     .group = "Adjustment", .help = "Why, for the ledger: restock, shrinkage ..."},
    {"reference", ARG_STRING, offsetof(struct adjust_options, reference), .metavar = "TEXT", .flag_only = true,
     .help = "What it belongs to, for the ledger: a delivery note ..."},
    {"key", ARG_STRING, offsetof(struct adjust_options, key), .metavar = "KEY", .flag_only = true, .help = ASK_KEY_HELP},
    ASK_SPECS(struct adjust_options),
};
/* clang-format on */

/* "+5" or "-5". Without a sign it could be meant as the new stock. */
static bool read_delta(const char *text, int64_t *delta, char *err, size_t err_size)
{
    char why[UNITS_ERR_SIZE];
    bool is_signed = (text[0] == '+' || text[0] == '-') && isdigit((unsigned char)text[1]);
    if (!is_signed)
        return fail_with(err, err_size, "DELTA: \"%.100s\" has no sign; give +5 to add, -5 to take",
                         text);
    if (!units_parse_int(text + (text[0] == '+'), -DELTA_MAX, DELTA_MAX, delta, why, sizeof(why)))
        return fail_with(err, err_size, "DELTA: \"%.100s\" %s", text, why);
    return *delta != 0 || fail_with(err, err_size, "DELTA: 0 changes nothing");
}

static bool complete_adjust(struct cli_call *call, char *err, size_t err_size)
{
    const struct adjust_options *options = call->options;
    int64_t delta;
    return check_sku(call, err, err_size) &&
           read_delta(call->words.text[1], &delta, err, err_size) &&
           ask_key_check(options->key, err, err_size);
}

/* NULL: a text is no UTF-8. */
static char *adjust_body(const struct adjust_options *options, int64_t delta)
{
    json_t *body = json_pack("{s:I,s:s*,s:s*}", "delta", (json_int_t)delta, "reason",
                             options->reason, "reference", options->reference);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return text;
}

static int run_adjust(const struct cli_call *call)
{
    const struct adjust_options *options = call->options;
    struct asker asker;
    char path[PATH_SIZE], key[ASK_KEY_SIZE], err[ARGS_ERR_SIZE];
    int64_t delta = 0;
    bool ok = read_delta(call->words.text[1], &delta, err, sizeof(err));
    char *body = ok ? adjust_body(options, delta) : NULL;
    if (!body) {
        fprintf(stderr, "%s: --reason, --reference: must be UTF-8\n", call->path);
        return EXIT_USAGE;
    }
    http_path_of(path, sizeof(path), "/v1/items/", call->words.text[0], "/adjustments");
    ask_key(key, options->key);
    const struct http_request request = {
        .method = "POST", .path = path, .key = key, .body = str_of(body)};
    int status = ask_open(&asker, call->path, &options->ask);
    if (status == ASK_FINE)
        status = ask(&asker, &request, "sku", 0);
    if (status == ASK_FINE)
        status = print_item(&asker);
    ask_close(&asker);
    free(body);
    return status;
}

static const struct cli_command adjust = {
    .name = "adjust",
    .help = "add units to an item, or take some that nobody holds",
    .words = "SKU +N|-N",
    .specs = adjust_specs,
    .options_size = sizeof(struct adjust_options),
    .complete = complete_adjust,
    .run = run_adjust,
    .exits = ask_exits,
};

static const struct cli_command *const below[] = {&list, &get, &set, &adjust, NULL};

const struct cli_command command_items = {
    .name = "items",
    .help = "list, show, set and adjust items of a running service",
    .below = below,
};
