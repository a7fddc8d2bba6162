#include "ledger/owner.h"

#include <string.h>

struct str owner_tenant_column(struct str tenant)
{
    return tenant_is_default(tenant) ? STR("") : tenant;
}

struct db_value owner_tenant_value(struct str owner)
{
    return db_text(owner_tenant_column(owner_tenant(owner)));
}

struct db_value owner_client_value(struct str owner)
{
    struct str client = owner_client(owner);
    return db_text(str_absent(client) ? STR("") : client);
}

struct str owner_tenant_name(struct str column)
{
    return column.n > 0 ? column : STR(TENANT_DEFAULT);
}

bool owner_of_values(struct arena *arena, const struct db_value *tenant,
                     const struct db_value *client, struct str *owner)
{
    struct str name = owner_tenant_name(tenant->as.text), of = client->as.text;
    *owner = (struct str){NULL, 0};
    if (tenant->as.text.n + of.n == 0)
        return true;
    char *text = arena_alloc(arena, name.n + 1 + of.n);
    if (!text)
        return false;
    char *to = mempcpy(text, name.p, name.n);
    *to++ = '/';
    memcpy(to, of.p, of.n);
    *owner = (struct str){text, name.n + 1 + of.n};
    return true;
}

bool owner_share(struct arena *arena, const struct db_value *tenant,
                 const struct db_value *customer, struct str *share)
{
    *share = (struct str){NULL, 0};
    if (customer->type != DB_TEXT)
        return true;
    *share = tenant->as.text.n > 0
                 ? tenant_inner(arena, tenant->as.text, TENANT_MARK_SHARE, customer->as.text)
                 : arena_str(arena, customer->as.text);
    return !str_absent(*share);
}
