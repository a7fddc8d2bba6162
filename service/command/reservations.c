/* reservations.c -- `stockd reservations ...`: see commands.h. */
#include "command/client/ask.h"
#include "command/client/json_raw.h"
#include "command/client/pages.h"
#include "command/client/table.h"
#include "command/commands.h"
#include "core/reservation.h"
#include "fail.h"
#include "printable.h"

#define ID_MAX_BYTES 128
#define PATH_SIZE    (sizeof("/v1/reservations//release") + 3 * ID_MAX_BYTES)
#define PAGE         100  /* a reservation may have 100 lines and 4 KiB of metadata */
#define LINES_SHOWN  4096 /* bytes */

/* clang-format off */
static const struct table_column columns[] = {
    {.title = "ID"},
    {.title = "STATE"},
    {.title = "LINES", .may_cut = true},
    {.title = "CUSTOMER", .may_cut = true, .drop = 1},
    {.title = "EXPIRES", .drop = 2},
    {.title = "REFERENCE", .may_cut = true, .drop = 3},
    {.title = "CREATED", .drop = 4},
};
static const struct table_column line_columns[] = {
    {.title = "SKU"},
    {.title = "QUANTITY", .number = true},
    {.title = "RESERVED", .number = true},
    {.title = "REMAINING", .number = true},
    {.title = "VERSION", .number = true},
};
/* clang-format on */
#define COLUMNS      (sizeof(columns) / sizeof(columns[0]))
#define LINE_COLUMNS (sizeof(line_columns) / sizeof(line_columns[0]))

/* "2 apple, 1 pear". */
static void put_lines(struct table *table, const json_t *reservation)
{
    struct buf text;
    size_t i;
    const json_t *line;
    buf_init(&text, LINES_SHOWN);
    json_array_foreach(json_object_get(reservation, "lines"), i, line)
    {
        const char *sku = json_string_value(json_object_get(line, "sku"));
        buf_printf(&text, "%s%" JSON_INTEGER_FORMAT " %s", i > 0 ? ", " : "",
                   json_integer_value(json_object_get(line, "quantity")), sku ? sku : "?");
    }
    table_put(table, buf_str(&text));
    buf_free(&text);
}

static void put_reservation(struct table *table, const json_t *reservation)
{
    pages_put_text(table, reservation, "id");
    pages_put_text(table, reservation, "state");
    put_lines(table, reservation);
    pages_put_text(table, reservation, "customer");
    pages_put_text(table, reservation, "expires_at");
    pages_put_text(table, reservation, "reference");
    pages_put_text(table, reservation, "created_at");
}

static void put_line_row(struct table *table, const json_t *line)
{
    pages_put_text(table, line, "sku");
    pages_put_number(table, line, "quantity");
    pages_put_number(table, line, "reserved");
    pages_put_number(table, line, "remaining");
    pages_put_number(table, line, "version");
}

/* --- one -------------------------------------------------------------------------------------- */

static bool check_id(struct cli_call *call, char *err, size_t err_size)
{
    size_t n = strlen(call->words.text[0]);
    return (n >= 1 && n <= ID_MAX_BYTES) ||
           fail_with(err, err_size,
                     "ID: must be that of a reservation, as r0-38fs4t3se7elb1hhb69cuco");
}

/* "name       value": a text as it is, anything else as it stands in the answer. */
static void print_field(const struct asker *asker, const char *title, const char *name)
{
    const json_t *value = json_object_get(asker->document, name);
    struct str text = json_is_string(value)
                          ? (struct str){json_string_value(value), json_string_length(value)}
                          : json_raw_find(buf_str(&asker->answer.body), name);
    struct buf line;
    buf_init(&line, 5 * HTTP_ANSWER_MAX);
    buf_printf(&line, "%-11s", title);
    printable_put(&line, !value || json_is_null(value) ? STR("-") : text);
    buf_putc(&line, '\n');
    fwrite(line.p, 1, line.n, stdout);
    buf_free(&line);
}

static int print_fields(const struct asker *asker)
{
    static const char *const fields[][2] = {
        {"id", "id"},
        {"state", "state"},
        {"customer", "customer"},
        {"reference", "reference"},
        {"metadata", "metadata"},
        {"created", "created_at"},
        {"expires", "expires_at"},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        print_field(asker, fields[i][0], fields[i][1]);
    putchar('\n');
    return pages_print_rows(asker, json_object_get(asker->document, "lines"), line_columns,
                            LINE_COLUMNS, put_line_row);
}

/* Asks for one, and shows it. */
static int ask_one(const struct cli_call *call, const struct ask_options *options,
                   const struct http_request *request)
{
    struct asker asker;
    int status = ask_open(&asker, call->path, options);
    if (status == ASK_FINE)
        status = ask(&asker, request, "state", 0);
    if (status == ASK_FINE && options->json)
        ask_print_answer(&asker);
    else if (status == ASK_FINE)
        status = print_fields(&asker);
    if (status == ASK_FINE)
        status = ask_finish(&asker, status);
    ask_close(&asker);
    return status;
}

/* --- list ------------------------------------------------------------------------------------- */

struct list_options {
    struct ask_options ask;
    char *state, *sku, *customer, *reference, *cursor;
    int64_t limit;
};

/* clang-format off */
static const struct arg_spec list_specs[] = {
    {"state", ARG_STRING, offsetof(struct list_options, state), .metavar = "WORD", .flag_only = true,
     .group = "List", .help = "Only those that are held, confirmed, released or expired."},
    {"sku", ARG_STRING, offsetof(struct list_options, sku), .metavar = "SKU", .flag_only = true,
     .help = "Only those with a line of this item."},
    {"customer", ARG_STRING, offsetof(struct list_options, customer), .metavar = "TEXT", .flag_only = true,
     .help = "Only those of this customer."},
    {"reference", ARG_STRING, offsetof(struct list_options, reference), .metavar = "TEXT", .flag_only = true,
     .help = "Only those with this reference."},
    {"limit", ARG_INT, offsetof(struct list_options, limit), .default_text = "0", .flag_only = true,
     .help = "Reservations at the most; 0: all."},
    {"cursor", ARG_STRING, offsetof(struct list_options, cursor), .metavar = "TEXT", .flag_only = true,
     .help = "Go on where a list ended: its next_cursor."},
    ASK_SPECS(struct list_options),
};
/* clang-format on */

static bool complete_list(struct cli_call *call, char *err, size_t err_size)
{
    const struct list_options *options = call->options;
    bool known = !options->state;
    for (int i = 0; i < RESERVATION_STATES && !known; i++)
        known = strcmp(options->state, reservation_state_name((enum reservation_state)i)) == 0;
    return known || fail_with(err, err_size,
                              "--state: \"%.100s\": give held, confirmed, released or expired",
                              options->state);
}

static int run_list(const struct cli_call *call)
{
    const struct list_options *options = call->options;
    struct buf query;
    buf_init(&query, 4096);
    pages_put_filter(&query, "state", options->state);
    pages_put_filter(&query, "sku", options->sku);
    pages_put_filter(&query, "customer", options->customer);
    pages_put_filter(&query, "reference", options->reference);
    const struct pages pages = {.path = "/v1/reservations",
                                .member = "reservations",
                                .query = &query,
                                .cursor = options->cursor,
                                .page = PAGE,
                                .limit = options->limit,
                                .columns = columns,
                                .column_count = COLUMNS,
                                .put = put_reservation};
    int status = pages_print(call->path, &options->ask, &pages);
    buf_free(&query);
    return status;
}

static const struct cli_command list = {
    .name = "list",
    .help = "list reservations, the latest first",
    .about =
        "Read from the ledger, so a change shows a moment after it was made; a service without "
        "a ledger has no such list.",
    .specs = list_specs,
    .options_size = sizeof(struct list_options),
    .complete = complete_list,
    .run = run_list,
    .exits = ask_exits,
};

/* --- get, release ----------------------------------------------------------------------------- */

struct get_options {
    struct ask_options ask;
};

static const struct arg_spec get_specs[] = {ASK_SPECS(struct get_options)};

static int run_get(const struct cli_call *call)
{
    const struct get_options *options = call->options;
    char path[PATH_SIZE];
    http_path_of(path, sizeof(path), "/v1/reservations/", call->words.text[0], "");
    return ask_one(call, &options->ask, &(struct http_request){.method = "GET", .path = path});
}

static const struct cli_command get = {
    .name = "get",
    .help = "show a reservation",
    .words = "ID",
    .specs = get_specs,
    .options_size = sizeof(struct get_options),
    .complete = check_id,
    .run = run_get,
    .exits = ask_exits,
};

struct release_options {
    struct ask_options ask;
    char *key;
};

/* clang-format off */
static const struct arg_spec release_specs[] = {
    {"key", ARG_STRING, offsetof(struct release_options, key), .metavar = "KEY", .flag_only = true,
     .group = "Release", .help = ASK_KEY_HELP},
    ASK_SPECS(struct release_options),
};
/* clang-format on */

static bool complete_release(struct cli_call *call, char *err, size_t err_size)
{
    const struct release_options *options = call->options;
    return check_id(call, err, err_size) && ask_key_check(options->key, err, err_size);
}

static int run_release(const struct cli_call *call)
{
    const struct release_options *options = call->options;
    char path[PATH_SIZE], key[ASK_KEY_SIZE];
    http_path_of(path, sizeof(path), "/v1/reservations/", call->words.text[0], "/release");
    ask_key(key, options->key);
    return ask_one(call, &options->ask,
                   &(struct http_request){.method = "POST", .path = path, .key = key});
}

static const struct cli_command release = {
    .name = "release",
    .help = "give the units of a held reservation back",
    .words = "ID",
    .specs = release_specs,
    .options_size = sizeof(struct release_options),
    .complete = complete_release,
    .run = run_release,
    .exits = ask_exits,
};

static const struct cli_command *const below[] = {&list, &get, &release, NULL};

const struct cli_command command_reservations = {
    .name = "reservations",
    .help = "list, show and release reservations of a running service",
    .below = below,
};
