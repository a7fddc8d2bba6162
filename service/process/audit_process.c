/* audit_process.c -- the process that audits a store while it is served: see audit_desk.h. */
#include "audit/audit.h"
#include "clock.h"
#include "process/audit_desk.h"
#include "process/process.h"

#include <stdlib.h>

#define NAMED_MAX 20 /* drifts in the log; `stockd audit` names more of them */

struct auditor {
    struct audit_desk *desk;
    struct audit audit;
    unsigned named;
};

static void on_progress(void *user)
{
    struct auditor *a = user;
    a->desk->items = a->audit.items;
    a->desk->reservations = a->audit.reservations;
    a->desk->shares = a->audit.shares;
}

static void on_drift(void *user, const struct audit_drift *drift)
{
    struct auditor *a = user;
    if (a->named == NAMED_MAX)
        return;
    a->named++;
    log_event(LOG_ERROR, "drift", LOG_STR("kind", audit_kind_name(drift->kind)),
              LOG_STR("name", drift->name), LOG_STR("text", drift->text));
}

static void keep(struct auditor *a, enum audit_result result)
{
    unsigned next = 1 - a->desk->newest;
    int64_t at_ms = admin_now_ms(a->audit.admin, 0);
    a->desk->last[next] = (struct audit_last){
        .result = (int)result,
        .drift = a->audit.drift,
        .at_ms = at_ms > 0 ? at_ms : clock_wall_ms(),
    };
    a->desk->newest = next;
}

static void audit_once(struct auditor *a, const struct config *config)
{
    const char *unkept;
    const int64_t began_ms = clock_mono_ms();
    enum audit_result result = audit_stores(&a->audit, config->ledger, &unkept);
    on_progress(a);
    if (unkept)
        log_event(LOG_WARN, "the result of the audit is not kept for the metrics",
                  LOG_STR("why", unkept));
    log_event(result == AUDIT_EQUAL ? LOG_INFO : LOG_WARN, "audit ended",
              LOG_STR("result", audit_result_name(result)), LOG_INT("drift", a->audit.drift),
              LOG_INT("items", a->audit.items), LOG_INT("reservations", a->audit.reservations),
              LOG_STR("why", a->audit.why), LOG_INT("took_ms", clock_mono_ms() - began_ms));
    keep(a, result);
}

int audit_process_run(struct pool_child *child, void *arg)
{
    const struct process_args *args = arg;
    const struct shared_state *shared = args->shared;
    struct store_config config = {.redis_url = shared->store_config.redis_url,
                                  .ledger = true,
                                  .partitions = 1}; /* it finds out how many there are */
    struct store_shared apart = {.store_id = 0};
    struct auditor a = {.desk = shared->audit_desk};
    char err[256] = "";
    signal(SIGHUP, SIG_IGN); /* it began with what was read last, and ends soon */
    process_begin(args, CONFINE_LEDGER, "audit", -1);
    struct admin *admin = admin_new(&config, &apart, err, sizeof(err));
    if (!admin) {
        log_event(LOG_ERROR, "cannot audit", LOG_STR("why", err));
        return EXIT_FAILURE;
    }
    admin_have_patience(admin);
    audit_init(&a.audit, admin, NULL);
    a.audit.reservation_retention_ms = shared->config->reservation_retention_ms;
    a.audit.on_drift = on_drift;
    a.audit.on_progress = on_progress;
    a.audit.user = &a;
    log_event(LOG_INFO, "audit begun");
    audit_once(&a, shared->config);
    db_close(a.audit.db);
    audit_free(&a.audit);
    admin_free(admin);
    return EXIT_SUCCESS;
}
