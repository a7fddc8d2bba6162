#include "keys/key_use.h"
#include "digits.h"
#include "fail.h"
#include "shared.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define BESIDE        ".used"
#define LINE_MAX_SIZE 64

/* --- in memory -------------------------------------------------------------------------------- */

struct key_use *key_use_new(void)
{
    return shared_alloc(sizeof(struct key_use));
}

void key_use_free(struct key_use *use)
{
    shared_free(use, sizeof(*use));
}

/* Several processes may look for the same one at once; all get the one that came first. */
struct key_use_slot *key_use_slot(struct key_use *use, uint64_t id)
{
    for (size_t i = 0; i < KEY_USE_SLOTS; i++) {
        struct key_use_slot *slot = &use->slots[(id + i) % KEY_USE_SLOTS];
        uint64_t owner = 0;
        if (atomic_compare_exchange_strong(&slot->id, &owner, id + 1) || owner == id + 1)
            return slot;
    }
    return NULL;
}

static int64_t noted(const struct key_use *use, uint64_t id)
{
    for (size_t i = 0; i < KEY_USE_SLOTS; i++) {
        const struct key_use_slot *slot = &use->slots[(id + i) % KEY_USE_SLOTS];
        uint64_t owner = atomic_load(&slot->id);
        if (owner == id + 1)
            return atomic_load(&slot->used_ms);
        if (owner == 0)
            break;
    }
    return 0;
}

/* --- in the file ------------------------------------------------------------------------------ */

static bool path_of(const char *path, char beside[PATH_MAX], char why[KEYS_WHY_SIZE])
{
    return (size_t)snprintf(beside, PATH_MAX, "%s" BESIDE, path) < PATH_MAX ||
           fail_with(why, KEYS_WHY_SIZE, "%s", strerror(ENAMETOOLONG));
}

/* A line that is none of ours is passed over: nothing hangs on it. */
static void read_line(const struct key_list *list, struct str line, int64_t used_ms[KEYS_MAX])
{
    uint64_t id;
    if (line.n <= API_KEY_ID_CHARS + 1 ||
        !api_key_read_id((struct str){line.p, API_KEY_ID_CHARS}, &id))
        return;
    const struct key_entry *key = key_list_find(list, id);
    struct str time = {line.p + API_KEY_ID_CHARS + 1, line.n - API_KEY_ID_CHARS - 1};
    int64_t ms = digits_read(time.p, time.n, INT64_MAX);
    if (key && ms > used_ms[key - list->keys])
        used_ms[key - list->keys] = ms;
}

bool key_use_read(const char *path, const struct key_list *list, int64_t used_ms[KEYS_MAX],
                  char why[KEYS_WHY_SIZE])
{
    char beside[PATH_MAX], line[LINE_MAX_SIZE];
    memset(used_ms, 0, list->count * sizeof(used_ms[0]));
    if (!path_of(path, beside, why))
        return false;
    FILE *file = fopen(beside, "re");
    if (!file)
        return errno == ENOENT || fail_with(why, KEYS_WHY_SIZE, "%s", strerror(errno));
    while (fgets(line, sizeof(line), file))
        read_line(list, (struct str){line, strcspn(line, "\n")}, used_ms);
    fclose(file);
    return true;
}

static bool write_file(const struct keys_file *keys, const int64_t used_ms[KEYS_MAX],
                       char why[KEYS_WHY_SIZE])
{
    char beside[PATH_MAX], id[API_KEY_ID_CHARS + 1];
    struct buf text;
    if (!path_of(keys->path, beside, why))
        return false;
    buf_init(&text, (size_t)KEYS_MAX * LINE_MAX_SIZE);
    for (unsigned i = 0; i < keys->list->count; i++) {
        api_key_put_id(keys->list->keys[i].id, id);
        if (used_ms[i] > 0)
            buf_printf(&text, "%s %lld\n", id, (long long)used_ms[i]);
    }
    bool good = text.failed ? fail_with(why, KEYS_WHY_SIZE, "out of memory")
                            : keys_file_replace(beside, buf_str(&text), &keys->found, why);
    buf_free(&text);
    return good;
}

/* Under the lock of the keys, so that two hosts do not write at once. */
static bool save_locked(const struct key_use *use, const struct keys_file *keys,
                        char why[KEYS_WHY_SIZE])
{
    static int64_t used_ms[KEYS_MAX];
    bool news = false;
    if (!key_use_read(keys->path, keys->list, used_ms, why))
        return false;
    for (unsigned i = 0; i < keys->list->count; i++) {
        int64_t ms = noted(use, keys->list->keys[i].id);
        news = news || ms > used_ms[i];
        used_ms[i] = ms > used_ms[i] ? ms : used_ms[i];
    }
    return !news || write_file(keys, used_ms, why);
}

bool key_use_save(const struct key_use *use, const char *path, char why[KEYS_WHY_SIZE])
{
    struct keys_file keys;
    if (!keys_file_open(&keys, path, KEYS_OPEN_OLD_NOW, why))
        return false;
    bool saved = save_locked(use, &keys, why);
    keys_file_close(&keys);
    return saved;
}
