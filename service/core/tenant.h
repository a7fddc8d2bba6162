/* tenant.h -- whose things are: tenants, owners, and names within a tenant.
 *
 * Layer: core, pure. A tenant is a group of clients that share what they make and see nothing of
 * others; a service without keys has the default one alone. A client is the name of a key. An
 * owner is both as one text, `tenant/client`; absent, it is the default tenant, and nobody in
 * particular.
 *
 * What a tenant names itself - keys of operations, its own items, customers - is stored as an inner
 * name: the tenant, a mark, and the name that the client knows, the outer one. The default tenant's
 * are stored as they are, so that a store from before there were tenants is the same store.
 *
 * Invariant: a mark is no byte of a tenant, and none that an outer name of its kind can have. So no
 * inner name is that of two tenants, and no client can spell another tenant's.
 */
#pragma once

#include "arena.h"
#include "core/limits.h"

#define TENANT_DEFAULT   "default"
#define TENANT_MAX_BYTES 32
#define CLIENT_MAX_BYTES 64
#define OWNER_MAX_BYTES  (TENANT_MAX_BYTES + 1 + CLIENT_MAX_BYTES)

#define TENANT_MARK_KEY   ' '    /* keys are visible characters */
#define TENANT_MARK_ITEM  '/'    /* no character of a sku */
#define TENANT_MARK_SHARE '\xff' /* customers are UTF-8; only in the names that Redis counts by */

#define SHARE_MAX_BYTES (TENANT_MAX_BYTES + 1 + TEXT_MAX_BYTES)

/* [a-z0-9][a-z0-9_-]{0,31} */
bool tenant_valid(struct str tenant) MUST_CHECK;

/* Of a client: [A-Za-z0-9._@:-]{1,64} */
bool client_valid(struct str client) MUST_CHECK;

/* Absent is the default one, too. */
bool tenant_is_default(struct str tenant) MUST_CHECK;

/* --- owners ----------------------------------------------------------------------------------- */

/* `tenant/client`, both valid, or absent. */
bool owner_valid(struct str owner) MUST_CHECK;

/* Their parts; of an absent owner the default tenant, and an absent client. */
struct str owner_tenant(struct str owner);
struct str owner_client(struct str owner);

/* Whether they are of one tenant: what is of another does not exist for a request. */
bool owner_shares_tenant(struct str owner, struct str other) MUST_CHECK;

/* --- names ------------------------------------------------------------------------------------ */

/* The inner name, in the arena unless it is the outer one; absent stays absent. Absent although
 * `name` is not: no memory. */
struct str tenant_inner(struct arena *arena, struct str tenant, char mark,
                        struct str name) MUST_CHECK;

/* The outer name: points into the inner one. */
struct str tenant_outer(struct str inner, char mark);

/* The tenant of an inner name: the default one if it has no mark. */
struct str tenant_of(struct str inner, char mark);

/* Whether an item can be stored under it: a sku, or one of a tenant that is not the default one. */
bool item_name_valid(struct str inner) MUST_CHECK;

/* Whose a request is, and the tenant whose items its skus name: absent or the default one, those of
 * the store; and the trace that its events are to name (traceparent.h), absent: none. */
struct requester {
    struct str owner, items, trace;
};
