#include "support/api_keys.h"
#include "keys/key_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The id says whose it is. */
void api_key_of(int whose, char text[API_KEY_SIZE])
{
    uint8_t secret[API_KEY_SECRET_BYTES];
    memset(secret, whose, sizeof(secret));
    api_key_write((uint64_t)whose, secret, text);
}

const char *api_keys_tenant(void)
{
    return api_keys_are_on() ? getenv("TEST_TENANT") : NULL;
}

static const char *tenant(void)
{
    const char *name = api_keys_tenant();
    return name ? name : TENANT_DEFAULT;
}

static bool add(struct key_list *list, const struct api_key_spec *spec, int64_t expires_ms)
{
    char text[API_KEY_SIZE];
    struct key_entry key = {
        .id = (uint64_t)spec->whose, .role = spec->role, .created_ms = 1, .expires_ms = expires_ms};
    snprintf(key.name, sizeof(key.name), "test-%d", spec->whose);
    snprintf(key.tenant, sizeof(key.tenant), "%s", spec->tenant);
    api_key_of(spec->whose, text);
    return key_hash(str_of(text), key.hash) && key_list_add(list, &key, 0) == KEY_CHANGED;
}

static bool write_list(const char *path, const struct key_list *list)
{
    char why[KEYS_WHY_SIZE];
    struct stat like = {.st_mode = 0600, .st_uid = geteuid()};
    struct buf text;
    buf_init(&text, KEY_LIST_MAX_BYTES);
    key_list_write(list, &text);
    bool good = !text.failed && keys_file_replace(path, buf_str(&text), &like, why);
    buf_free(&text);
    return good;
}

int api_keys_write(const char *path)
{
    static struct key_list list;
    list.count = 0;
    bool good = add(&list, &(struct api_key_spec){API_KEY_EXPIRED, ROLE_ADMIN, tenant()}, 2);
    for (int role = ROLE_READER; role < ROLES; role++)
        good = good && add(&list, &(struct api_key_spec){role, (enum role)role, tenant()}, 0);
    return good && write_list(path, &list) ? 0 : -EIO;
}

int api_keys_write_specs(const char *path, const struct api_key_spec *specs, unsigned count)
{
    static struct key_list list;
    bool good = true;
    list.count = 0;
    for (unsigned i = 0; i < count; i++)
        good = good && add(&list, &specs[i], 0);
    return good && write_list(path, &list) ? 0 : -EIO;
}

bool api_keys_are_on(void)
{
    return getenv("TEST_KEYS") != NULL;
}

const char *api_keys_line(void)
{
    static _Thread_local char line[API_KEY_SIZE + 32];
    char key[API_KEY_SIZE];
    api_key_of(ROLE_ADMIN, key);
    snprintf(line, sizeof(line), "Authorization: Bearer %s\r\n", key);
    return api_keys_are_on() ? line : "";
}
