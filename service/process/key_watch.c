#include "process/key_watch.h"
#include "clock.h"
#include "fail.h"
#include "keys/failed_logins.h"

#include <stdlib.h>

#define SAY_AGAIN_MS 60000
#define SAVE_TRIES   3 /* before it is said that it fails */

bool key_watch_check(const struct config *config, char *err, size_t err_size)
{
    const char *path = config->keys_file;
    char why[KEYS_WHY_SIZE] = "out of memory";
    struct key_list *list = path ? malloc(sizeof(*list)) : NULL;
    bool good = !path || (list && keys_file_read(path, list, why) &&
                          keys_can_count(list, config_has_ledger(config), why));
    free(list);
    return good || fail_with(err, err_size, "--keys-file %s: %s", path, why);
}

/* False: out of memory. */
static bool make_key_tables(struct shared_state *shared)
{
    int64_t most = shared->config->failed_logins;
    shared->key_use = key_use_new();
    shared->quota_use = quota_use_new();
    shared->failed_logins = most > 0 ? failed_logins_new(most) : NULL;
    return shared->key_use && shared->quota_use && (shared->failed_logins || most == 0);
}

bool key_watch_begin(struct shared_state *shared, char *err, size_t err_size)
{
    const char *path = shared->config->keys_file;
    char why[KEYS_WHY_SIZE] = "out of memory";
    if (!path)
        return true;
    if (make_key_tables(shared))
        shared->keys = key_ring_new(path, shared->key_use, shared->quota_use,
                                    config_has_ledger(shared->config), why);
    return shared->keys || fail_with(err, err_size, "--keys-file %s: %s", path, why);
}

/* As long as it stays so, and not once only: who revokes a key must not miss that it is still good.
 */
static void say_broken(const struct key_ring *keys, const char *why)
{
    log_event(LOG_ERROR, "the API keys of before stay in force: the file of them is not good",
              LOG_STR("file", key_ring_path(keys)), LOG_STR("why", why));
}

static void follow(struct key_ring *keys, bool always)
{
    static int64_t say_ms;
    char why[KEYS_WHY_SIZE];
    bool again = !key_ring_is_current(keys) && clock_mono_ms() >= say_ms;
    switch (key_ring_follow(keys, always || again, why)) {
    case KEY_NEWS_NONE: break;
    case KEY_NEWS_TAKEN:
        log_event(LOG_INFO, "API keys read", LOG_INT("keys", key_ring_count(keys)));
        break;
    case KEY_NEWS_BROKEN:
        say_broken(keys, why);
        say_ms = clock_mono_ms() + SAY_AGAIN_MS;
        break;
    }
}

void key_watch_look(struct key_ring *keys, bool always)
{
    if (!keys)
        return;
    follow(keys, always);
    stats_set(STATS_KEYS_STALE, !key_ring_is_current(keys));
    stats_set(STATS_KEY_EXPIRES_MS, key_ring_first_end(keys));
}

/* Somebody who changes the keys just now holds the lock, and is soon done. */
void key_watch_save(const struct shared_state *shared)
{
    static unsigned failures;
    char why[KEYS_WHY_SIZE];
    if (!shared->keys)
        return;
    if (key_use_save(shared->key_use, key_ring_path(shared->keys), why))
        failures = 0;
    else if (++failures == SAVE_TRIES)
        log_event(LOG_WARN, "when API keys were used is not written down",
                  LOG_STR("file", key_ring_path(shared->keys)), LOG_STR("why", why));
}
