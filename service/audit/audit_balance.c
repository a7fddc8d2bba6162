/* audit_balance.c -- sums within SQL. */
#include "audit/audit_walk.h"
#include "ledger/balance.h"

static void on_found(void *user, struct str name, const char *text)
{
    walk_drift(user, AUDIT_LEDGER, 0, name, text);
}

bool walk_balance(struct audit *audit)
{
    struct balance_walk lines = {.done = false};
    if (!walk_sql(audit, balance_items(audit->db, AUDIT_DRIFT_NAMED_IN_SQL, on_found, audit)))
        return false;
    while (!lines.done) {
        if (!walk_sql(audit, balance_lines(audit->db, &lines, on_found, audit)))
            return false;
        walk_progress(audit);
    }
    return true;
}
