#include "core/access/key_list.h"
#include "digits.h"
#include "hex.h"

#include <assert.h>

#define HEAD          "stockd-keys 1"
#define HEAD_2        "stockd-keys 2" /* with certificates */
#define NO_CERT       "-"
#define NAME_KEYS_MAX 2

enum column {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_ROLE,
    COLUMN_TENANT,
    COLUMN_QUOTA,
    COLUMN_CREATED,
    COLUMN_EXPIRES,
    COLUMN_HASH,
    COLUMN_CERTIFICATE,
    COLUMNS
};
static_assert(COLUMNS == 9, "as key_list.h says");

/* --- reading ---------------------------------------------------------------------------------- */

/* Takes what stands before `stop` off the text. False: there is no `stop`. */
static bool take_until(struct str *text, char stop, struct str *taken)
{
    const char *at = text->n ? memchr(text->p, stop, text->n) : NULL;
    if (!at)
        return false;
    *taken = (struct str){text->p, (size_t)(at - text->p)};
    *text = (struct str){at + 1, text->n - taken->n - 1};
    return true;
}

/* One blank between two columns, none elsewhere. */
static bool split_columns(struct str line, int count, struct str columns[COLUMNS])
{
    for (int i = 0; i < count - 1; i++)
        if (!take_until(&line, ' ', &columns[i]))
            return false;
    columns[count - 1] = line;
    return true;
}

static bool read_certificate(struct str text, char out[CERT_NAME_MAX_BYTES + 1])
{
    out[0] = '\0';
    if (str_equal(text, STR(NO_CERT)))
        return true;
    if (!cert_name_valid(text))
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

static bool read_time(struct str text, int64_t *ms)
{
    *ms = text.n <= DIGITS_MAX ? digits_read(text.p, text.n, INT64_MAX) : -1;
    return *ms >= 0;
}

/* NULL: it is a key. */
static const char *read_key(struct key_entry *key, struct str line, bool with_certificates)
{
    struct str columns[COLUMNS] = {[COLUMN_CERTIFICATE] = STR(NO_CERT)};
    const char *why;
    if (!split_columns(line, with_certificates ? COLUMNS : COLUMN_CERTIFICATE, columns))
        return with_certificates ? "must have nine columns" : "must have eight columns";
    if (!api_key_read_id(columns[COLUMN_ID], &key->id))
        return "the id must be 12 digits of 0-9 a-f";
    if (!client_valid(columns[COLUMN_NAME]))
        return "the name must be 1 to 64 characters of A-Z a-z 0-9 . _ @ : -";
    memcpy(key->name, columns[COLUMN_NAME].p, columns[COLUMN_NAME].n);
    key->name[columns[COLUMN_NAME].n] = '\0';
    key->role = role_of_name(columns[COLUMN_ROLE]);
    if (key->role == ROLE_UNSET)
        return "the role must be reader, seller, stock or admin";
    if (!tenant_valid(columns[COLUMN_TENANT]))
        return "the tenant must be 1 to 32 characters of a-z 0-9 _ -, the first no _ or -";
    memcpy(key->tenant, columns[COLUMN_TENANT].p, columns[COLUMN_TENANT].n);
    key->tenant[columns[COLUMN_TENANT].n] = '\0';
    if (!quota_parse(&key->quota, columns[COLUMN_QUOTA], &why))
        return why;
    if (!read_time(columns[COLUMN_CREATED], &key->created_ms) ||
        !read_time(columns[COLUMN_EXPIRES], &key->expires_ms))
        return "a time must be milliseconds since 1970";
    if (!hex_read(columns[COLUMN_HASH], key->hash, KEY_HASH_BYTES))
        return "the hash must be 64 digits of 0-9 a-f";
    if (!read_certificate(columns[COLUMN_CERTIFICATE], key->certificate))
        return "the certificate must be " NO_CERT ", or " CERT_NAME_FORM;
    return NULL;
}

static unsigned count_named(const struct key_list *list, const char *name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < list->count; i++)
        count += strcmp(list->keys[i].name, name) == 0;
    return count;
}

/* Another client's. */
static bool is_taken(const struct key_list *list, const struct key_entry *key)
{
    for (unsigned i = 0; i < list->count && key->certificate[0]; i++)
        if (strcmp(list->keys[i].certificate, key->certificate) == 0 &&
            strcmp(list->keys[i].name, key->name) != 0)
            return true;
    return false;
}

/* NULL: the key goes with those before it. */
static const char *check_key(const struct key_list *list, const struct key_entry *key)
{
    if (key_list_find(list, key->id))
        return "the id is that of a line before";
    for (unsigned i = 0; i < list->count; i++) {
        if (strcmp(list->keys[i].name, key->name) != 0)
            continue;
        if (strcmp(list->keys[i].tenant, key->tenant) != 0)
            return "the name has a key of another tenant";
        if (memcmp(&list->keys[i].quota, &key->quota, sizeof(key->quota)) != 0)
            return "the quota is not that of the name's other key";
    }
    if (is_taken(list, key))
        return "the certificate is that of a line before, of another name";
    return count_named(list, key->name) < NAME_KEYS_MAX ? NULL : "the name has two keys already";
}

static bool report_fault(struct key_fault *fault, unsigned line, const char *why)
{
    *fault = (struct key_fault){line, why};
    return false;
}

bool key_list_parse(struct key_list *list, struct str text, struct key_fault *fault)
{
    struct str line;
    list->count = 0;
    bool headed = take_until(&text, '\n', &line);
    bool second = headed && str_equal(line, STR(HEAD_2));
    if (!headed || (!second && !str_equal(line, STR(HEAD))))
        return report_fault(fault, 1,
                            "must be \"" HEAD "\" or \"" HEAD_2
                            "\"; it is no file of keys, or of a later version");
    for (unsigned number = 2; text.n > 0; number++) {
        if (!take_until(&text, '\n', &line))
            return report_fault(fault, number, "has no end; the file was cut off");
        if (list->count == KEYS_MAX)
            return report_fault(fault, number, "is one key too many; 1000 have room");
        struct key_entry *key = &list->keys[list->count];
        const char *why = read_key(key, line, second);
        why = why ? why : check_key(list, key);
        if (why)
            return report_fault(fault, number, why);
        list->count++;
    }
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_key(const struct key_entry *key, bool with_certificates, struct buf *out)
{
    char id[API_KEY_ID_CHARS + 1], hash[2 * KEY_HASH_BYTES];
    api_key_put_id(key->id, id);
    hex_put(hash, key->hash, KEY_HASH_BYTES);
    buf_printf(out, "%s %s %s %s ", id, key->name, role_name(key->role), key->tenant);
    quota_write(&key->quota, out);
    buf_printf(out, " %lld %lld %.*s", (long long)key->created_ms, (long long)key->expires_ms,
               (int)sizeof(hash), hash);
    if (with_certificates)
        buf_printf(out, " %s", key->certificate[0] ? key->certificate : NO_CERT);
    buf_putc(out, '\n');
}

/* Without any the file is as builds that know none can read it. */
static bool has_certificates(const struct key_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->keys[i].certificate[0])
            return true;
    return false;
}

void key_list_write(const struct key_list *list, struct buf *out)
{
    bool second = has_certificates(list);
    buf_puts(out, second ? STR(HEAD_2 "\n") : STR(HEAD "\n"));
    for (unsigned i = 0; i < list->count; i++)
        write_key(&list->keys[i], second, out);
}

/* --- changing --------------------------------------------------------------------------------- */

static struct key_entry *find_key(struct key_list *list, uint64_t id)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->keys[i].id == id)
            return &list->keys[i];
    return NULL;
}

const struct key_entry *key_list_find(const struct key_list *list, uint64_t id)
{
    return find_key((struct key_list *)list, id);
}

/* INT64_MAX: never. */
static int64_t last_expiry_ms(const struct key_list *list, const char *name)
{
    int64_t end_ms = 0;
    for (unsigned i = 0; i < list->count; i++) {
        const struct key_entry *key = &list->keys[i];
        int64_t ends_ms = key->expires_ms ? key->expires_ms : INT64_MAX;
        if (ends_ms > end_ms && strcmp(key->name, name) == 0)
            end_ms = ends_ms;
    }
    return end_ms;
}

int64_t key_list_first_end(const struct key_list *list, int64_t now_ms)
{
    int64_t first_ms = INT64_MAX;
    for (unsigned i = 0; i < list->count; i++) {
        const struct key_entry *key = &list->keys[i];
        if (key->expires_ms == 0 || key->expires_ms >= first_ms || key_is_over(key, now_ms))
            continue;
        int64_t end_ms = last_expiry_ms(list, key->name);
        first_ms = end_ms < first_ms ? end_ms : first_ms;
    }
    return first_ms == INT64_MAX ? 0 : first_ms;
}

const struct key_entry *key_list_keeping(const struct key_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        if (quota_keeps(&list->keys[i].quota))
            return &list->keys[i];
    return NULL;
}

size_t key_owner(const struct key_entry *key, char owner[OWNER_MAX_BYTES + 1])
{
    char *to = stpcpy(stpcpy(stpcpy(owner, key->tenant), "/"), key->name);
    return (size_t)(to - owner);
}

static void remove_key(struct key_list *list, struct key_entry *key)
{
    unsigned at = (unsigned)(key - list->keys);
    memmove(key, key + 1, (list->count - at - 1) * sizeof(*key));
    list->count--;
}

/* Drops the name's expired keys; how many it has left. */
static unsigned drop_over(struct key_list *list, const char *name, int64_t now_ms)
{
    for (unsigned i = list->count; i-- > 0;)
        if (strcmp(list->keys[i].name, name) == 0 && key_is_over(&list->keys[i], now_ms))
            remove_key(list, &list->keys[i]);
    return count_named(list, name);
}

static enum key_change append(struct key_list *list, const struct key_entry *key)
{
    if (list->count == KEYS_MAX)
        return KEY_LIST_FULL;
    if (find_key(list, key->id))
        return KEY_ID_TAKEN;
    list->keys[list->count++] = *key;
    return KEY_CHANGED;
}

enum key_change key_list_add(struct key_list *list, const struct key_entry *key, int64_t now_ms)
{
    assert(client_valid(str_of(key->name)) && tenant_valid(str_of(key->tenant)));
    if (drop_over(list, key->name, now_ms) > 0)
        return KEY_NAME_HAS;
    if (is_taken(list, key))
        return KEY_CERTIFICATE_TAKEN;
    return append(list, key);
}

enum key_change key_list_rotate(struct key_list *list, uint64_t id, const struct key_entry *fresh,
                                int64_t until_ms, int64_t now_ms)
{
    struct key_entry *old = find_key(list, id), next = *fresh;
    if (!old)
        return KEY_UNKNOWN;
    if (key_is_over(old, now_ms))
        return KEY_OVER;
    memcpy(next.name, old->name, sizeof(next.name));
    memcpy(next.tenant, old->tenant, sizeof(next.tenant));
    memcpy(next.certificate, old->certificate, sizeof(next.certificate));
    next.role = old->role;
    next.quota = old->quota;
    if (drop_over(list, next.name, now_ms) >= NAME_KEYS_MAX)
        return KEY_HAS_TWO;
    enum key_change changed = append(list, &next);
    old = find_key(list, id); /* it may have moved */
    if (changed == KEY_CHANGED && (old->expires_ms == 0 || old->expires_ms > until_ms))
        old->expires_ms = until_ms;
    return changed;
}

enum key_change key_list_set_quota(struct key_list *list, uint64_t id, const struct quota *quota)
{
    const struct key_entry *key = find_key(list, id);
    if (!key)
        return KEY_UNKNOWN;
    for (unsigned i = 0; i < list->count; i++)
        if (strcmp(list->keys[i].name, key->name) == 0)
            list->keys[i].quota = *quota;
    return KEY_CHANGED;
}

enum key_change key_list_revoke(struct key_list *list, uint64_t id)
{
    struct key_entry *key = find_key(list, id);
    if (!key)
        return KEY_UNKNOWN;
    remove_key(list, key);
    return KEY_CHANGED;
}
