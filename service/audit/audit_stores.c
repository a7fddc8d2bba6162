/* audit_stores.c -- an audit from the addresses to the result that is kept. */
#include "audit/audit.h"
#include "fail.h"

#include <string.h>

static bool open_ledger(struct audit *audit, const char *url)
{
    audit->side = "the ledger";
    if (db_file_missing(url))
        return fail_with(audit->why, sizeof(audit->why), "there is no such file: %s", url);
    if (db_open(&audit->db, url, audit->why, sizeof(audit->why)) != DB_OK)
        return false;
    audit->why[0] = '\0';
    audit->side = NULL;
    return true;
}

static bool open_redis(struct audit *audit)
{
    const char *why;
    if (admin_connect(audit->admin, &why) == ADMIN_OK)
        return true;
    audit->side = "Redis";
    return fail_with(audit->why, sizeof(audit->why), "%s", why);
}

static const char *record_result(const struct audit *audit, enum audit_result result)
{
    const char *why;
    if (!audit->positions || strcmp(audit->positions[0].state, "missing") == 0 ||
        admin_connect(audit->admin, &why) != ADMIN_OK)
        return NULL;
    struct scan_audit kept = {.result = result,
                              .drift = audit->drift,
                              .items = audit->items,
                              .reservations = audit->reservations,
                              .at_ms = admin_now_ms(audit->admin, 0)};
    return kept.at_ms < 0 || scan_keep_audit(audit->admin, &kept) < 0 ? admin_why(audit->admin)
                                                                      : NULL;
}

enum audit_result audit_stores(struct audit *audit, const char *ledger_url, const char **unkept)
{
    *unkept = NULL;
    if (!open_ledger(audit, ledger_url) || !open_redis(audit))
        return AUDIT_UNSURE;
    if (audit_meet(audit) == AUDIT_UNSURE)
        return audit->drift > 0 ? AUDIT_DRIFT : AUDIT_UNSURE;
    if (audit->on_met)
        audit->on_met(audit->user);
    enum audit_result result = audit_run(audit);
    *unkept = record_result(audit, result);
    return result;
}
