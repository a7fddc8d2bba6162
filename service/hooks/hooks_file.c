#include "hooks/hooks_file.h"
#include "core/event.h"
#include "core/tenant.h"
#include "fail.h"
#include "nearest.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define MEMBER_WHY_SIZE 256

/* What a member's reader says of it: where false, why is to be read behind its name. */
typedef bool member_fn(struct hook_spec *spec, const json_t *value, char *why, size_t size);

/* --- members ---------------------------------------------------------------------------------- */

static char *copy_of(const json_t *value)
{
    return strndup(json_string_value(value), json_string_length(value));
}

/* Without a NUL, and not longer than that. */
static bool is_text(const json_t *value, size_t max, char *why, size_t size)
{
    if (!json_is_string(value))
        return fail_with(why, size, "must be a string");
    size_t n = json_string_length(value);
    return (n > 0 && n <= max && strlen(json_string_value(value)) == n) ||
           fail_with(why, size, "must have 1 to %zu bytes", max);
}

static bool keep(char **to, const json_t *value, char *why, size_t size)
{
    *to = copy_of(value);
    return *to || fail_with(why, size, "out of memory");
}

static bool take_name(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    static const char right[] = "must be 1 to 64 characters of A-Z a-z 0-9 . _ -";
    if (!json_is_string(value))
        return fail_with(why, size, "%s", right);
    const char *text = json_string_value(value);
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    if (n == 0 || n > HOOK_NAME_MAX || n != json_string_length(value))
        return fail_with(why, size, "%s", right);
    return keep(&spec->name, value, why, size);
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static bool take_url(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    if (!is_text(value, HOOK_URL_MAX, why, size))
        return false;
    const char *text = json_string_value(value);
    if (strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0)
        return fail_with(why, size, "must begin with https:// or http://");
    CURLU *url = curl_url();
    CURLUcode rc = url ? curl_url_set(url, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;
    bool good = rc == CURLUE_OK || fail_with(why, size, "is no URL: %s", curl_url_strerror(rc));
    if (good && (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)))
        good = fail_with(why, size, "must hold no user and no password: what is sent is signed");
    if (good && strchr(text, '#')) /* the library does not tell one that is empty */
        good = fail_with(why, size, "must end before a fragment, which is not sent");
    curl_url_cleanup(url);
    return good && keep(&spec->url, value, why, size);
}

static bool add_secret(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    const char *wrong = "must be a string";
    if (spec->secret_count == SECRETS_MAX)
        return fail_with(why, size, "%d secrets are all that a hook has: the new one and the old",
                         SECRETS_MAX);
    struct str text = {json_string_value(value), json_string_length(value)};
    if (!text.p || !secret_parse(&spec->secrets[spec->secret_count], text, &wrong))
        return fail_with(why, size, "%s", wrong);
    spec->secret_count++;
    return true;
}

static bool take_secrets(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    size_t i;
    const json_t *one;
    if (!json_is_array(value))
        return fail_with(why, size, "must be an array of one or two secrets");
    json_array_foreach(value, i, one) if (!add_secret(spec, one, why, size)) return false;
    return true;
}

static bool take_tenant(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    if (!text.p || !tenant_valid(text))
        return fail_with(why, size, "must be a tenant's name, as `stockd keys list` shows them");
    return keep(&spec->tenant, value, why, size);
}

static bool take_texts(struct hook_texts *texts, const json_t *value, char *why, size_t size)
{
    size_t i;
    const json_t *one;
    if (!json_is_array(value) || json_array_size(value) == 0 ||
        json_array_size(value) > HOOK_FILTERS_MAX)
        return fail_with(why, size, "must be an array of 1 to %d strings", HOOK_FILTERS_MAX);
    json_array_foreach(value, i, one)
    {
        if (!is_text(one, SKU_MAX_BYTES, why, size) ||
            !keep(&texts->text[texts->n], one, why, size))
            return false;
        texts->n++;
    }
    return true;
}

static bool is_type(const char *name, char *why, size_t size)
{
    struct nearest near = nearest_to(str_of(name));
    for (int type = EVENT_NONE + 1; type < EVENT_TYPES; type++) {
        const char *known = event_trait((enum event_type)type)->name;
        if (type == EVENT_EPOCH)
            continue; /* of no item, and in no feed */
        if (strcmp(name, known) == 0)
            return true;
        nearest_offer(&near, known);
    }
    return fail_with(why, size, "has \"%.40s\", which is no type of event%s%s%s", name,
                     near.name ? "; \"" : "", near.name ? near.name : "", near.name ? "\" is" : "");
}

static bool take_types(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    bool good = take_texts(&spec->types, value, why, size);
    for (size_t i = 0; good && i < spec->types.n; i++)
        good = is_type(spec->types.text[i], why, size);
    return good;
}

static bool take_skus(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    return take_texts(&spec->skus, value, why, size);
}

static bool take_from(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    const char *text = json_string_value(value);
    spec->from_beginning = text && strcmp(text, "beginning") == 0;
    return spec->from_beginning || (text && strcmp(text, "now") == 0) ||
           fail_with(why, size, "must be \"now\" or \"beginning\"");
}

static bool take_number(int64_t *to, const json_t *value, int64_t min, int64_t max, char *why,
                        size_t size)
{
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return fail_with(why, size, "must be a whole number from %lld to %lld", (long long)min,
                         (long long)max);
    *to = json_integer_value(value);
    return true;
}

static bool take_in_flight(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    return take_number(&spec->in_flight, value, 1, HOOK_IN_FLIGHT_MAX, why, size);
}

static bool take_attempts(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    return take_number(&spec->attempts, value, 1, 100, why, size);
}

static bool take_retry(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    return take_number(&spec->retry_first_ms, value, 10, 600000, why, size);
}

static bool take_timeout(struct hook_spec *spec, const json_t *value, char *why, size_t size)
{
    return take_number(&spec->timeout_ms, value, 100, 60000, why, size);
}

static const struct {
    const char *name;
    member_fn *take;
} members[] = {
    {"name", take_name},
    {"url", take_url},
    {"secret", add_secret},
    {"secrets", take_secrets},
    {"tenant", take_tenant},
    {"types", take_types},
    {"skus", take_skus},
    {"from", take_from},
    {"in_flight", take_in_flight},
    {"attempts", take_attempts},
    {"retry_first_ms", take_retry},
    {"timeout_ms", take_timeout},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

/* --- hooks ------------------------------------------------------------------------------------ */

static member_fn *find_member(const char *name, const char **near_name)
{
    struct nearest near = nearest_to(str_of(name));
    for (size_t i = 0; i < MEMBERS; i++) {
        if (strcmp(members[i].name, name) == 0)
            return members[i].take;
        nearest_offer(&near, members[i].name);
    }
    *near_name = near.name;
    return NULL;
}

static bool take_members(struct hook_spec *spec, const json_t *hook, char *why, size_t size)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)hook, name, value)
    {
        char wrong[MEMBER_WHY_SIZE];
        const char *near = NULL;
        member_fn *take = find_member(name, &near);
        if (!take)
            return fail_with(why, size, "has a member \"%.40s\", which is none of a hook%s%s%s",
                             name, near ? "; \"" : "", near ? near : "", near ? "\" is" : "");
        if (!take(spec, value, wrong, sizeof(wrong)))
            return fail_with(why, size, "\"%s\" %s", name, wrong);
    }
    if (!spec->name || !spec->url || spec->secret_count == 0)
        return fail_with(why, size, "lacks \"%s\"",
                         !spec->name  ? "name"
                         : !spec->url ? "url"
                                      : "secret");
    return true;
}

static bool take_hook(struct hook_list *list, const json_t *hook, char why[HOOKS_WHY_SIZE])
{
    char wrong[MEMBER_WHY_SIZE + 64];
    struct hook_spec *spec = &list->hooks[list->count++];
    *spec = (struct hook_spec){
        .in_flight = 8, .attempts = 12, .retry_first_ms = 5000, .timeout_ms = 15000};
    if (!json_is_object(hook))
        return fail_with(why, HOOKS_WHY_SIZE, "hook %zu must be an object", list->count);
    if (!take_members(spec, hook, wrong, sizeof(wrong)))
        return fail_with(why, HOOKS_WHY_SIZE, "hook %zu (%s): %s", list->count,
                         spec->name ? spec->name : "without a name yet", wrong);
    for (size_t i = 0; i + 1 < list->count; i++)
        if (strcmp(list->hooks[i].name, spec->name) == 0)
            return fail_with(why, HOOKS_WHY_SIZE, "hooks %zu and %zu are both named %s", i + 1,
                             list->count, spec->name);
    return true;
}

static bool take_document(struct hook_list *list, const json_t *document, char why[HOOKS_WHY_SIZE])
{
    const json_t *hooks = json_object_get(document, "hooks"), *hook;
    size_t i;
    if (!json_is_array(hooks) || json_object_size(document) != 1)
        return fail_with(why, HOOKS_WHY_SIZE,
                         "must be an object with one member \"hooks\", which is an array");
    if (json_array_size(hooks) > HOOKS_MAX)
        return fail_with(why, HOOKS_WHY_SIZE, "has %zu hooks; %d are all that there may be",
                         json_array_size(hooks), HOOKS_MAX);
    json_array_foreach(hooks, i, hook) if (!take_hook(list, hook, why)) return false;
    return true;
}

/* How much of what the parser says is no text of the file, which may be a secret. */
static int told(const char *text)
{
    const char *near = strstr(text, " near ");
    return near ? (int)(near - text) : (int)strlen(text);
}

bool hooks_file_parse(struct hook_list *list, struct str text, char why[HOOKS_WHY_SIZE])
{
    json_error_t error;
    *list = (struct hook_list){.count = 0};
    json_t *document = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        return fail_with(why, HOOKS_WHY_SIZE, "line %d, column %d: %.*s", error.line, error.column,
                         told(error.text), error.text);
    bool good = take_document(list, document, why);
    json_decref(document);
    if (!good)
        hooks_file_free(list);
    return good;
}

bool hooks_file_read(struct hook_list *list, const char *path, char why[HOOKS_WHY_SIZE])
{
    struct stat found;
    struct buf text;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would have it wait */
    *list = (struct hook_list){.count = 0};
    if (fd < 0)
        return fail_with(why, HOOKS_WHY_SIZE, "%s", strerror(errno));
    buf_init(&text, HOOKS_FILE_MAX_BYTES);
    bool good =
        private_file_read(fd, &found, &text, why) && hooks_file_parse(list, buf_str(&text), why);
    close(fd);
    if (text.p)
        explicit_bzero(text.p, text.n);
    buf_free(&text);
    return good;
}

static void free_texts(struct hook_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free(texts->text[i]);
}

void hooks_file_free(struct hook_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct hook_spec *spec = &list->hooks[i];
        free(spec->name);
        free(spec->url);
        free(spec->tenant);
        free_texts(&spec->types);
        free_texts(&spec->skus);
        explicit_bzero(spec->secrets, sizeof(spec->secrets));
    }
    *list = (struct hook_list){.count = 0};
}

const struct hook_spec *hooks_file_find(const struct hook_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->hooks[i].name, name) == 0)
            return &list->hooks[i];
    return NULL;
}

/* --- what is for whom ------------------------------------------------------------------------- */

static bool begins(struct str text, const char *beginning)
{
    size_t n = strlen(beginning);
    return text.n >= n && memcmp(text.p, beginning, n) == 0;
}

bool hook_wants(const struct hook_spec *spec, struct str type, struct str sku)
{
    bool type_fits = spec->types.n == 0, sku_fits = spec->skus.n == 0;
    for (size_t i = 0; i < spec->types.n; i++)
        type_fits = type_fits || str_equal(type, str_of(spec->types.text[i]));
    for (size_t i = 0; i < spec->skus.n; i++)
        sku_fits = sku_fits || begins(sku, spec->skus.text[i]);
    return type_fits && sku_fits;
}
