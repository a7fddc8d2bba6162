#include "process/ledger/ledger_restore.h"
#include "audit/audit.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>

#define CANNOT_COMPARE "what was built could not be compared with SQL: "

struct verification {
    struct restore *restore;
    char first[256]; /* the first drift that was found */
};

static void on_drift(void *user, const struct audit_drift *drift)
{
    struct verification *v = user;
    if (!v->first[0])
        snprintf(v->first, sizeof(v->first), "%s %s of partition %u: %s",
                 audit_kind_name(drift->kind), drift->name, drift->partition, drift->text);
    log_event(LOG_ERROR, "drift after a restore", LOG_STR("kind", audit_kind_name(drift->kind)),
              LOG_INT("partition", drift->partition), LOG_STR("name", drift->name),
              LOG_STR("detail", drift->text));
}

static void on_page(void *user)
{
    struct verification *v = user;
    restore_touch(v->restore);
}

static enum restore_result verify_restored(struct restore *restore, struct db *db)
{
    struct audit audit;
    struct verification v = {.restore = restore};
    audit_init(&audit, restore->admin, db);
    audit.partitions = restore->scene.partitions;
    audit.reservation_retention_ms = restore->options->reservation_retention_ms;
    audit.on_drift = on_drift;
    audit.on_progress = on_page;
    audit.user = &v;
    enum audit_result result = audit_run(&audit);
    if (result == AUDIT_DRIFT)
        snprintf(restore->why, sizeof(restore->why),
                 "what was built is not what SQL says: %lld differences; %s",
                 (long long)audit.drift, v.first);
    else if (result == AUDIT_UNSURE)
        snprintf(restore->why, sizeof(restore->why), CANNOT_COMPARE "%s", audit.why);
    audit_free(&audit);
    return result == AUDIT_EQUAL   ? RESTORE_DONE
           : result == AUDIT_DRIFT ? RESTORE_FAILED
                                   : RESTORE_UNSURE;
}

/* The restore's own connection holds the lock; the audit begins transactions as it likes. */
static enum restore_result verify(void *user, struct restore *restore)
{
    struct db *db;
    char why[DB_WHY_SIZE];
    db_shrink(restore->db); /* both would keep a cache of the same pages */
    if (db_open(&db, restore->options->ledger_url, why, sizeof(why)) != DB_OK) {
        snprintf(restore->why, sizeof(restore->why), CANNOT_COMPARE "%s", why);
        return RESTORE_UNSURE;
    }
    enum restore_result result = verify_restored(restore, db);
    db_close(db);
    return result;
}

enum restore_result ledger_restore_run(struct restore *restore, struct restore_options *options)
{
    options->verify = verify;
    return restore_run(restore, options);
}

/* --- without being asked ---------------------------------------------------------------------- */

struct asker {
    bool (*go_on)(void *user);
    void *user;
};

static bool ask_on(void *user, const struct restore *restore)
{
    const struct asker *asker = user;
    return asker->go_on(asker->user);
}

static void log_lost(const struct restore *restore)
{
    const struct scene *scene = &restore->scene;
    for (unsigned p = 0; p < scene->partitions; p++)
        log_event(LOG_WARN, "restored a partition", LOG_INT("partition", p),
                  LOG_INT("epoch", restore->epoch),
                  LOG_INT("sql_epoch", scene->parts[p].sql.id.epoch),
                  LOG_INT("sql_seq", scene->parts[p].sql.id.seq),
                  LOG_INT("redis_epoch", scene->parts[p].tail.epoch),
                  LOG_INT("redis_seq", scene->parts[p].tail.seq));
}

static void log_result(const struct restore *restore, enum restore_result result)
{
    const struct restore_counts *counts = &restore->counts;
    if (result == RESTORE_DONE) {
        log_lost(restore);
        log_event(LOG_WARN, "the store was restored from the ledger",
                  LOG_INT("items", counts->items), LOG_INT("held", counts->held),
                  LOG_INT("finished", counts->ended), LOG_INT("operations", counts->operations),
                  LOG_INT("known_up_to_ms", restore_known_ms(restore)));
    } else if (result == RESTORE_SOUND) {
        log_event(LOG_INFO, "no restore: the store is open");
    } else {
        log_event(LOG_ERROR, "the store could not be restored", LOG_STR("why", restore->why));
    }
}

enum restore_result ledger_restore_auto(const struct config *config, const char *redis_url,
                                        bool (*go_on)(void *user), void *user)
{
    struct asker asker = {.go_on = go_on, .user = user};
    struct restore_options options = {.redis_url = redis_url,
                                      .ledger_url = config->ledger,
                                      .partitions = (unsigned)config->partitions,
                                      .operation_retention_ms = config->operation_retention_ms,
                                      .reservation_retention_ms = config->reservation_retention_ms,
                                      .only_lost = true,
                                      .on_progress = ask_on,
                                      .user = &asker};
    struct restore *restore = calloc(1, sizeof(*restore));
    if (!restore) {
        log_event(LOG_ERROR, "the store could not be restored", LOG_STR("why", "out of memory"));
        return RESTORE_FAILED;
    }
    log_event(LOG_WARN, "the state is lost: restoring it from the ledger");
    enum restore_result result = ledger_restore_run(restore, &options);
    log_result(restore, result);
    restore_free(restore);
    free(restore);
    return result;
}
