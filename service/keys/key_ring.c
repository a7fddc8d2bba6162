#include "keys/key_ring.h"
#include "clock.h"
#include "fail.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct ring_key {
    struct key_entry entry;   /* first: see key_ring_quota() */
    struct key_use_slot *use; /* NULL: there is none left */
    struct quota_use_slot *quota;
    bool remembered;
    char text[API_KEY_CHARS]; /* of a key that was found good */
};

struct key_ring {
    const char *path;
    struct key_use *use;
    struct quota_use *quotas;
    struct ring_key *keys; /* sorted by id */
    unsigned count;
    struct ring_key **certified; /* those that have a certificate, sorted by that */
    unsigned certified_count;
    int64_t first_end_ms;
    bool ledger;             /* what is kept is counted */
    bool keeps;              /* a quota limits it */
    struct keys_stamp stamp; /* of the file that was last looked at */
    bool current;
};

/* --- the file --------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const struct ring_key *x = a, *y = b;
    return (x->entry.id > y->entry.id) - (x->entry.id < y->entry.id);
}

/* Those of one certificate: first the one that lives longest. */
static int by_certificate(const void *a, const void *b)
{
    const struct key_entry *x = &(*(struct ring_key *const *)a)->entry;
    const struct key_entry *y = &(*(struct ring_key *const *)b)->entry;
    uint64_t x_end = (uint64_t)x->expires_ms - 1, y_end = (uint64_t)y->expires_ms - 1; /* 0: last */
    int order = strcmp(x->certificate, y->certificate);
    return order ? order : (x_end < y_end) - (x_end > y_end);
}

static unsigned sort_certified(struct ring_key *keys, unsigned count, struct ring_key **certified)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        if (keys[i].entry.certificate[0])
            certified[n++] = &keys[i];
    qsort(certified, n, sizeof(struct ring_key *), by_certificate);
    return n;
}

static void drop_keys(struct key_ring *ring)
{
    OPENSSL_cleanse(ring->keys, ring->count * sizeof(ring->keys[0]));
    free(ring->keys);
    free(ring->certified);
}

/* False: out of memory. */
static bool install_keys(struct key_ring *ring, const struct key_list *list)
{
    struct ring_key *keys = calloc(list->count + 1, sizeof(*keys));
    struct ring_key **certified = calloc(list->count + 1, sizeof(struct ring_key *));
    if (!keys || !certified) {
        free(keys);
        free(certified);
        return false;
    }
    for (unsigned i = 0; i < list->count; i++)
        keys[i] =
            (struct ring_key){.entry = list->keys[i],
                              .use = key_use_slot(ring->use, list->keys[i].id),
                              .quota = quota_use_slot(ring->quotas, str_of(list->keys[i].name))};
    qsort(keys, list->count, sizeof(*keys), by_id);
    drop_keys(ring);
    ring->keys = keys;
    ring->count = list->count;
    ring->certified = certified;
    ring->certified_count = sort_certified(keys, list->count, certified);
    ring->first_end_ms = key_list_first_end(list, clock_wall_ms());
    ring->keeps = key_list_keeping(list) != NULL;
    return true;
}

static bool load_keys(struct key_ring *ring, char why[KEYS_WHY_SIZE])
{
    struct key_list *list = malloc(sizeof(*list));
    /* Of before it is read: a change meanwhile is one that is looked at again. */
    ring->stamp = keys_file_stamp(ring->path);
    bool good = list ? keys_file_read(ring->path, list, why)
                     : fail_with(why, KEYS_WHY_SIZE, "out of memory");
    good = good && keys_can_count(list, ring->ledger, why);
    if (good && !install_keys(ring, list))
        good = fail_with(why, KEYS_WHY_SIZE, "out of memory");
    free(list);
    ring->current = good;
    return good;
}

struct key_ring *key_ring_new(const char *path, struct key_use *use, struct quota_use *quotas,
                              bool ledger, char why[KEYS_WHY_SIZE])
{
    struct key_ring *ring = calloc(1, sizeof(*ring));
    if (!ring) {
        fail_say(why, KEYS_WHY_SIZE, "out of memory");
        return NULL;
    }
    ring->path = path;
    ring->use = use;
    ring->quotas = quotas;
    ring->ledger = ledger;
    if (load_keys(ring, why))
        return ring;
    free(ring);
    return NULL;
}

void key_ring_free(struct key_ring *ring)
{
    if (!ring)
        return;
    drop_keys(ring);
    free(ring);
}

const char *key_ring_path(const struct key_ring *ring)
{
    return ring->path;
}

enum key_news key_ring_follow(struct key_ring *ring, bool always, char why[KEYS_WHY_SIZE])
{
    struct keys_stamp stamp = keys_file_stamp(ring->path);
    if (!always && memcmp(&stamp, &ring->stamp, sizeof(stamp)) == 0)
        return KEY_NEWS_NONE;
    return load_keys(ring, why) ? KEY_NEWS_TAKEN : KEY_NEWS_BROKEN;
}

bool key_ring_is_current(const struct key_ring *ring)
{
    return ring->current;
}

unsigned key_ring_count(const struct key_ring *ring)
{
    return ring->count;
}

bool key_ring_keeps(const struct key_ring *ring)
{
    return ring->keeps;
}

int64_t key_ring_first_end(const struct key_ring *ring)
{
    return ring->first_end_ms;
}

/* --- a request -------------------------------------------------------------------------------- */

bool key_hash(struct str key, uint8_t hash[KEY_HASH_BYTES])
{
    return EVP_Digest(key.p, key.n, hash, NULL, EVP_sha256(), NULL) == 1;
}

static struct ring_key *find_by_id(const struct key_ring *ring, uint64_t id)
{
    const struct ring_key wanted = {.entry = {.id = id}};
    return bsearch(&wanted, ring->keys, ring->count, sizeof(ring->keys[0]), by_id);
}

/* The key behind "Bearer"; absent: there is none. */
static struct str bearer_of(struct str authorization)
{
    const struct str scheme = STR("Bearer ");
    if (authorization.n < scheme.n || strncasecmp(authorization.p, scheme.p, scheme.n) != 0)
        return (struct str){NULL, 0};
    return str_trim((struct str){authorization.p + scheme.n, authorization.n - scheme.n});
}

/* key NULL: the id is of nobody; it takes as long as a wrong key of somebody. */
static bool is_right(struct ring_key *key, struct str text)
{
    static const uint8_t nobody[KEY_HASH_BYTES];
    uint8_t hash[KEY_HASH_BYTES];
    bool same = key_hash(text, hash) &&
                CRYPTO_memcmp(hash, key ? key->entry.hash : nobody, KEY_HASH_BYTES) == 0;
    if (!key || !same)
        return false;
    memcpy(key->text, text.p, API_KEY_CHARS);
    return key->remembered = true;
}

static bool is_remembered(const struct ring_key *key, struct str text)
{
    return key && key->remembered && CRYPTO_memcmp(key->text, text.p, API_KEY_CHARS) == 0;
}

bool key_ring_remembers(const struct key_ring *ring, struct str authorization)
{
    uint64_t id;
    struct str text = bearer_of(authorization);
    return api_key_peek(text, &id) && is_remembered(find_by_id(ring, id), text);
}

static enum key_verdict judge_time(struct ring_key *key, int64_t now_ms,
                                   const struct key_entry **caller)
{
    if (key_is_over(&key->entry, now_ms))
        return KEY_EXPIRED;
    key_use_note(key->use, now_ms);
    *caller = &key->entry;
    return KEY_GOOD;
}

enum key_verdict key_ring_judge(struct key_ring *ring, struct str authorization, int64_t now_ms,
                                const struct key_entry **caller)
{
    uint64_t id;
    if (str_absent(authorization))
        return KEY_MISSING;
    struct str text = bearer_of(authorization);
    if (!api_key_peek(text, &id))
        return KEY_MALFORMED;
    struct ring_key *key = find_by_id(ring, id);
    if (!is_remembered(key, text)) {
        if (!api_key_read(text, &id))
            return KEY_MALFORMED;
        if (!is_right(key, text))
            return KEY_WRONG;
    }
    return judge_time(key, now_ms, caller);
}

/* The first of that name; NULL: there is none. */
static struct ring_key *find_certified(const struct key_ring *ring, const char *name)
{
    unsigned from = 0, to = ring->certified_count;
    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        if (strcmp(ring->certified[middle]->entry.certificate, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    bool found =
        from < ring->certified_count && strcmp(ring->certified[from]->entry.certificate, name) == 0;
    return found ? ring->certified[from] : NULL;
}

enum key_verdict key_ring_judge_certificate(struct key_ring *ring, const char *name, int64_t now_ms,
                                            const struct key_entry **caller)
{
    struct ring_key *key = find_certified(ring, name);
    return key ? judge_time(key, now_ms, caller) : KEY_NO_CERTIFICATE;
}

struct quota_use_slot *key_ring_quota(const struct key_entry *caller)
{
    return ((const struct ring_key *)(const void *)caller)->quota;
}
