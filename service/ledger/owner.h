/* owner.h -- whose things are (core/tenant.h), as the columns tenant and client.
 *
 * Layer: ledger, pure. No column is NULL: '' is the default tenant, and nobody in particular.
 */
#pragma once

#include "core/tenant.h"
#include "ledger/db.h"

/* A tenant's name as a column has it; absent or TENANT_DEFAULT: the default one. */
struct str owner_tenant_column(struct str tenant);

/* The two columns of an owner. */
struct db_value owner_tenant_value(struct str owner);
struct db_value owner_client_value(struct str owner);

/* A tenant's name as it is said, of what a column has. */
struct str owner_tenant_name(struct str column);

/* The other way: the owner in the arena, absent if the columns say nothing. False: no memory. */
bool owner_of_values(struct arena *arena, const struct db_value *tenant,
                     const struct db_value *client, struct str *owner) MUST_CHECK;

/* The inner name (core/tenant.h) that the units of a customer are counted by, in the arena; absent
 * if there is none. False: no memory. */
bool owner_share(struct arena *arena, const struct db_value *tenant,
                 const struct db_value *customer, struct str *share) MUST_CHECK;
