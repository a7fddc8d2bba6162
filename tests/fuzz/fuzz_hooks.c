/* fuzz_hooks.c -- any file of hooks: what is taken can be sent, and what is not is said to be
 * wrong and leaves nothing. */
#include "hooks/hooks_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_within(int64_t value, int64_t min, int64_t max)
{
    return min <= value && value <= max;
}

static void check_texts(const struct hook_texts *texts)
{
    must(texts->n <= HOOK_FILTERS_MAX);
    for (size_t i = 0; i < texts->n; i++)
        must(*texts->text[i] != '\0');
}

static void check_secrets(const struct hook_spec *spec)
{
    struct buf signatures;
    must(spec->secret_count >= 1 && spec->secret_count <= SECRETS_MAX);
    for (size_t i = 0; i < spec->secret_count; i++)
        must(is_within((int64_t)spec->secrets[i].n, SECRET_MIN_BYTES, SECRET_MAX_BYTES));
    buf_init(&signatures, 512);
    must(signature_put(&signatures, spec->secrets, spec->secret_count, STR("evt"), 1, STR("{}")));
    buf_free(&signatures);
}

/* What it asks for by name it wants. */
static void check_wants(const struct hook_spec *spec)
{
    struct str type = str_of(spec->types.n ? spec->types.text[spec->types.n - 1] : "reserve");
    struct str sku = str_of(spec->skus.n ? spec->skus.text[spec->skus.n - 1] : "apple");
    must(hook_wants(spec, type, sku));
    must(spec->types.n == 0 || !hook_wants(spec, STR("no such type"), sku));
    must(spec->skus.n == 0 || !hook_wants(spec, type, STR("")));
}

static void check_hook(const struct hook_list *list, const struct hook_spec *spec)
{
    must(hooks_file_find(list, spec->name) == spec); /* no two of one name */
    must(is_within((int64_t)strlen(spec->name), 1, HOOK_NAME_MAX));
    must(is_within((int64_t)strlen(spec->url), 1, HOOK_URL_MAX));
    must(strncasecmp(spec->url, "http", 4) == 0 && !strchr(spec->url, '#'));
    must(is_within(spec->in_flight, 1, HOOK_IN_FLIGHT_MAX));
    must(is_within(spec->attempts, 1, 100));
    must(is_within(spec->retry_first_ms, 10, 600000));
    must(is_within(spec->timeout_ms, 100, 60000));
    check_secrets(spec);
    check_texts(&spec->types);
    check_texts(&spec->skus);
    check_wants(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hook_list list;
    struct hook_secret secret;
    const char *wrong = NULL;
    char why[HOOKS_WHY_SIZE] = "";
    struct str input = {(const char *)data, size};
    must(secret_parse(&secret, input, &wrong) || wrong);
    if (!hooks_file_parse(&list, input, why)) {
        must(*why != '\0' && strnlen(why, sizeof(why)) < sizeof(why) && list.count == 0);
        return 0;
    }
    must(list.count <= HOOKS_MAX);
    for (size_t i = 0; i < list.count; i++)
        check_hook(&list, &list.hooks[i]);
    hooks_file_free(&list);
    return 0;
}
