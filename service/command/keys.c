/* keys.c -- `stockd keys ...`: see commands.h. */
#include "clock.h"
#include "command/client/table.h"
#include "command/commands.h"
#include "fail.h"
#include "keys/key_ring.h"
#include "random.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define DAY_MS     (INT64_C(24) * 3600 * 1000)
#define EXPIRY_MAX (3650 * DAY_MS)

static const char *const roles[] = {"reader", "seller", "stock", "admin", NULL};

/* --- what all of them share ------------------------------------------------------------------- */

struct options {
    char *keys_file;
    char *name, *certificate;
    char *tenant;
    char *quota;         /* as text */
    struct quota limits; /* what that says */
    int role;            /* an index into roles */
    int64_t expires_in_ms, overlap_ms;
};

#define AT(field) offsetof(struct options, field)
/* clang-format off */
#define KEYS_FILE_ROW                                                                              \
    {"keys-file", ARG_STRING, AT(keys_file), .metavar = "FILE", .help = "The file with the API keys."}
#define EXPIRES_ROW                                                                                \
    {"expires-in", ARG_DURATION_MS, AT(expires_in_ms), 0, EXPIRY_MAX, .default_text = "0",         \
     .flag_only = true, .help = "How long the new key is good; 0: until it is revoked."}
#define QUOTA_ROW(otherwise)                                                                       \
    {"quota", ARG_STRING, AT(quota), .default_text = (otherwise), .metavar = "QUOTA", .flag_only = true, \
     .help = "What the client may have at most, as rps=50,burst=100: requests a second, and so many at once; holds=100,units=5000: open holds and units in them; metadata=1000000,operations=100000: bytes and idempotency keys kept; none: as much as it likes."}
/* clang-format on */

static bool has_file(struct cli_call *call, char *err, size_t err_size)
{
    const struct options *options = call->options;
    return options->keys_file || fail_with(err, err_size, "--keys-file is needed");
}

static bool check_id(struct cli_call *call, char *err, size_t err_size)
{
    uint64_t id;
    return (has_file(call, err, err_size) && api_key_read_id(str_of(call->words.text[0]), &id)) ||
           (!err[0] && fail_with(err, err_size,
                                 "ID: \"%.100s\" must be 12 digits of 0-9 a-f, as `keys list` "
                                 "shows them",
                                 call->words.text[0]));
}

static bool read_quota(struct cli_call *call, char *err, size_t err_size)
{
    struct options *options = call->options;
    const char *why =
        "what it is to be is needed, none or limits as in rps=50,burst=100 or holds=100,units=5000";
    return (options->quota && quota_parse(&options->limits, str_of(options->quota), &why)) ||
           fail_with(err, err_size, "--quota: %s", why);
}

static uint64_t id_of(const struct cli_call *call)
{
    uint64_t id = 0;
    bool is_id = api_key_read_id(str_of(call->words.text[0]), &id);
    assert(is_id); /* check_id() has looked */
    return id;
}

static int fail_on_keys_file(const struct cli_call *call, const char *why)
{
    const struct options *options = call->options;
    fprintf(stderr, "%s: %s: %s\n", call->path, options->keys_file, why);
    return EXIT_FAILURE;
}

static const char *why_not(enum key_change change)
{
    static const char *const texts[] = {
        [KEY_LIST_FULL] = "1000 keys are all that it may hold; revoke some",
        [KEY_NAME_HAS] = "there is a key of that name; rotate it, revoke it, or give another name",
        [KEY_UNKNOWN] = "there is no key of that id; `keys list` shows those that there are",
        [KEY_OVER] = "that key has expired; add another one",
        [KEY_CERTIFICATE_TAKEN] = "that certificate is another client's; `keys list` shows whose",
        [KEY_HAS_TWO] = "the client has two keys that are good; revoke the one that it has left",
    };
    return texts[change];
}

/* Saves what was changed. An exit status. */
static int save(const struct cli_call *call, struct keys_file *file, enum key_change change)
{
    char why[KEYS_WHY_SIZE];
    if (change != KEY_CHANGED)
        return fail_on_keys_file(call, why_not(change));
    return keys_file_save(file, why) ? EXIT_SUCCESS : fail_on_keys_file(call, why);
}

static bool open_keys_file(const struct cli_call *call, struct keys_file *file, enum keys_open how)
{
    const struct options *options = call->options;
    char why[KEYS_WHY_SIZE];
    return keys_file_open(file, options->keys_file, how, why) ||
           (fail_on_keys_file(call, why), false);
}

/* --- a new key -------------------------------------------------------------------------------- */

/* Makes the text of a key, and what the file is to know of it. False: out of memory. */
static bool make_key(struct key_entry *key, char text[API_KEY_SIZE], const struct options *options,
                     int64_t now_ms)
{
    uint8_t id[API_KEY_ID_BYTES], secret[API_KEY_SECRET_BYTES];
    random_bytes(id, sizeof(id));
    random_bytes(secret, sizeof(secret));
    *key = (struct key_entry){.created_ms = now_ms};
    for (size_t i = 0; i < sizeof(id); i++)
        key->id = key->id << 8 | id[i];
    key->expires_ms = options->expires_in_ms ? now_ms + options->expires_in_ms : 0;
    api_key_write(key->id, secret, text);
    OPENSSL_cleanse(secret, sizeof(secret));
    return key_hash((struct str){text, API_KEY_CHARS}, key->hash);
}

/* It is in the file: whoever does not see it now, never will. */
static int show_key(const struct cli_call *call, const char *text)
{
    if (printf("%s\n", text) > 0 && fflush(stdout) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s: standard output: %s; the key %.*s was made and not shown: revoke it\n",
            call->path, strerror(errno), API_KEY_ID_CHARS, text + strlen("sk_"));
    return EXIT_FAILURE;
}

/* One id in 2^48 is another's: once more then. */
static int make_and_save(const struct cli_call *call, struct keys_file *file,
                         enum key_change (*put)(const struct cli_call *call, struct key_list *list,
                                                struct key_entry *key, int64_t now_ms))
{
    struct key_entry key;
    char text[API_KEY_SIZE];
    enum key_change change;
    int64_t now_ms = clock_wall_ms();
    do {
        if (!make_key(&key, text, call->options, now_ms))
            return fail_on_keys_file(call, "out of memory");
        change = put(call, file->list, &key, now_ms);
    } while (change == KEY_ID_TAKEN);
    int status = save(call, file, change);
    if (status == EXIT_SUCCESS)
        status = show_key(call, text);
    OPENSSL_cleanse(text, sizeof(text));
    return status;
}

/* --- add -------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct arg_spec add_specs[] = {
    KEYS_FILE_ROW,
    {"name", ARG_STRING, AT(name), .metavar = "NAME", .flag_only = true,
     .help = "Whose key it is: 1 to 64 characters of A-Z a-z 0-9 . _ @ : -"},
    {"role", ARG_ENUM, AT(role), .choices = roles, .default_text = "reader", .flag_only = true,
     .help = "What it may do: read; seller: also reservations and sales; stock: also items; admin: everything."},
    {"tenant", ARG_STRING, AT(tenant), .metavar = "TENANT", .default_text = TENANT_DEFAULT, .flag_only = true,
     .help = "Who sees what it makes: all keys of this tenant; 1 to 32 characters of a-z 0-9 _ -"},
    QUOTA_ROW(QUOTA_NONE),
    {"certificate", ARG_STRING, AT(certificate), .metavar = "KIND:NAME", .flag_only = true,
     .help = "Whoever shows a certificate of this name to serve --tls-client-ca needs no key: uri:, dns:, email: or cn: and the name."},
    EXPIRES_ROW,
    {0},
};
/* clang-format on */

static bool complete_add(struct cli_call *call, char *err, size_t err_size)
{
    const struct options *options = call->options;
    if (!has_file(call, err, err_size) || !read_quota(call, err, err_size))
        return false;
    if (!options->name || !client_valid(str_of(options->name)))
        return fail_with(err, err_size,
                         "--name: must be 1 to %d characters of A-Z a-z 0-9 . _ @ : -",
                         CLIENT_MAX_BYTES);
    if (options->certificate && !cert_name_valid(str_of(options->certificate)))
        return fail_with(err, err_size, "--certificate: must be " CERT_NAME_FORM);
    return tenant_valid(str_of(options->tenant)) ||
           fail_with(err, err_size,
                     "--tenant: must be 1 to %d characters of a-z 0-9 _ -, the first no _ or -",
                     TENANT_MAX_BYTES);
}

static enum key_change put_new(const struct cli_call *call, struct key_list *list,
                               struct key_entry *key, int64_t now_ms)
{
    const struct options *options = call->options;
    snprintf(key->name, sizeof(key->name), "%s", options->name);
    snprintf(key->tenant, sizeof(key->tenant), "%s", options->tenant);
    if (options->certificate)
        snprintf(key->certificate, sizeof(key->certificate), "%s", options->certificate);
    key->role = role_of_name(str_of(roles[options->role]));
    key->quota = options->limits;
    return key_list_add(list, key, now_ms);
}

static int run_add(const struct cli_call *call)
{
    struct keys_file file;
    if (!open_keys_file(call, &file, KEYS_OPEN_OR_MAKE))
        return EXIT_FAILURE;
    int status = make_and_save(call, &file, put_new);
    keys_file_close(&file);
    return status;
}

static const struct cli_command add_command = {
    .name = "add",
    .help = "make a key for a client, and print it, this once",
    .about = "The file is made if there is none. It holds a hash of the key and not the key: who "
             "loses it is given another one.",
    .specs = add_specs,
    .options_size = sizeof(struct options),
    .complete = complete_add,
    .run = run_add,
};

/* --- list ------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct table_column columns[] = {
    {.title = "ID"},
    {.title = "NAME"},
    {.title = "ROLE"},
    {.title = "TENANT"},
    {.title = "QUOTA", .drop = 2},
    {.title = "CREATED", .drop = 1},
    {.title = "EXPIRES"},
    {.title = "LAST USED"},
    {.title = "CERTIFICATE", .drop = 2},
};
static const struct arg_spec list_specs[] = {
    KEYS_FILE_ROW,
    {0},
};
/* clang-format on */

static void put_time(struct table *table, int64_t ms, const char *otherwise)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(ms, text);
    table_put(table, str_of(ms ? text : otherwise));
}

static void put_quota(struct table *table, const struct quota *quota)
{
    struct buf text;
    buf_init(&text, QUOTA_TEXT_SIZE);
    quota_write(quota, &text);
    table_put(table, buf_str(&text));
    buf_free(&text);
}

static void put_key(struct table *table, const struct key_entry *key, int64_t used_ms)
{
    char id[API_KEY_ID_CHARS + 1];
    api_key_put_id(key->id, id);
    table_put(table, str_of(id));
    table_put(table, str_of(key->name));
    table_put(table, str_of(role_name(key->role)));
    table_put(table, str_of(key->tenant));
    put_quota(table, &key->quota);
    put_time(table, key->created_ms, NULL);
    if (key_is_over(key, clock_wall_ms()))
        table_put(table, STR("expired"));
    else
        put_time(table, key->expires_ms, "never");
    put_time(table, used_ms, NULL);
    table_put(table, key->certificate[0] ? str_of(key->certificate) : (struct str){NULL, 0});
}

static int print_list(const struct cli_call *call, const struct key_list *list)
{
    static int64_t used_ms[KEYS_MAX];
    const struct options *options = call->options;
    char why[KEYS_WHY_SIZE];
    struct table table;
    if (!key_use_read(options->keys_file, list, used_ms, why))
        fprintf(stderr, "%s: %s.used: %s; when keys were used is not known\n", call->path,
                options->keys_file, why);
    table_init(&table, stdout, columns, sizeof(columns) / sizeof(columns[0]), table_width(stdout));
    for (unsigned i = 0; i < list->count; i++)
        put_key(&table, &list->keys[i], used_ms[i]);
    int rc = table_print(&table);
    table_free(&table);
    if (rc == 0 && fflush(stdout) != 0)
        rc = -errno;
    if (rc < 0)
        fprintf(stderr, "%s: standard output: %s\n", call->path, strerror(-rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_list(const struct cli_call *call)
{
    const struct options *options = call->options;
    char why[KEYS_WHY_SIZE];
    struct key_list *list = malloc(sizeof(*list));
    if (!list)
        return fail_on_keys_file(call, "out of memory");
    bool good = keys_file_read(options->keys_file, list, why);
    int status = good ? print_list(call, list) : fail_on_keys_file(call, why);
    free(list);
    return status;
}

static const struct cli_command list_command = {
    .name = "list",
    .help = "show whose keys there are, and when they were last used",
    .specs = list_specs,
    .options_size = sizeof(struct options),
    .complete = has_file,
    .run = run_list,
};

/* --- revoke ----------------------------------------------------------------------------------- */

static int run_revoke(const struct cli_call *call)
{
    struct keys_file file;
    if (!open_keys_file(call, &file, KEYS_OPEN_OLD))
        return EXIT_FAILURE;
    int status = save(call, &file, key_list_revoke(file.list, id_of(call)));
    keys_file_close(&file);
    return status;
}

static const struct cli_command revoke_command = {
    .name = "revoke",
    .help = "take a key out of the file",
    .about = "A service refuses it within two seconds.",
    .words = "ID",
    .specs = list_specs,
    .options_size = sizeof(struct options),
    .complete = check_id,
    .run = run_revoke,
};

/* --- rotate ----------------------------------------------------------------------------------- */

/* clang-format off */
static const struct arg_spec rotate_specs[] = {
    KEYS_FILE_ROW,
    {"overlap", ARG_DURATION_MS, AT(overlap_ms), 0, 365 * DAY_MS, .default_text = "24h", .flag_only = true,
     .help = "How long the old key is still good."},
    EXPIRES_ROW,
    {0},
};
/* clang-format on */

static enum key_change put_next(const struct cli_call *call, struct key_list *list,
                                struct key_entry *key, int64_t now_ms)
{
    const struct options *options = call->options;
    return key_list_rotate(list, id_of(call), key, now_ms + options->overlap_ms, now_ms);
}

static int run_rotate(const struct cli_call *call)
{
    struct keys_file file;
    if (!open_keys_file(call, &file, KEYS_OPEN_OLD))
        return EXIT_FAILURE;
    int status = make_and_save(call, &file, put_next);
    keys_file_close(&file);
    return status;
}

static const struct cli_command rotate_command = {
    .name = "rotate",
    .help = "make a client's next key, and print it, this once",
    .about = "Both are good for as long as --overlap says, so that the client can change over.",
    .words = "ID",
    .specs = rotate_specs,
    .options_size = sizeof(struct options),
    .complete = check_id,
    .run = run_rotate,
};

/* --- quota ------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct arg_spec quota_specs[] = {
    KEYS_FILE_ROW,
    QUOTA_ROW(NULL),
    {0},
};
/* clang-format on */

static bool complete_quota(struct cli_call *call, char *err, size_t err_size)
{
    return check_id(call, err, err_size) && read_quota(call, err, err_size);
}

static int run_quota(const struct cli_call *call)
{
    const struct options *options = call->options;
    struct keys_file file;
    if (!open_keys_file(call, &file, KEYS_OPEN_OLD))
        return EXIT_FAILURE;
    int status = save(call, &file, key_list_set_quota(file.list, id_of(call), &options->limits));
    keys_file_close(&file);
    return status;
}

static const struct cli_command quota_command = {
    .name = "quota",
    .help = "say what a client may ask at most",
    .about = "It is that of all keys of the client, and in force within two seconds.",
    .words = "ID",
    .specs = quota_specs,
    .options_size = sizeof(struct options),
    .complete = complete_quota,
    .run = run_quota,
};

static const struct cli_command *const below[] = {&add_command,    &list_command,  &revoke_command,
                                                  &rotate_command, &quota_command, NULL};

const struct cli_command command_keys = {
    .name = "keys",
    .help = "make, list, limit, revoke and replace API keys",
    .below = below,
};
