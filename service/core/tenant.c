#include "core/tenant.h"

#include "core/item.h"

#include <assert.h>

static_assert(SKU_STORED_MAX_BYTES == TENANT_MAX_BYTES + 1 + SKU_MAX_BYTES, "an inner name");
static_assert(KEY_STORED_MAX_BYTES >= TENANT_MAX_BYTES + 1 + KEY_MAX_BYTES + sizeof("/999"),
              "of a batch's operation, too");

static const char *mark_in(struct str text, char mark)
{
    return text.n > 0 ? memchr(text.p, mark, text.n) : NULL;
}

bool tenant_valid(struct str tenant)
{
    for (size_t i = 0; i < tenant.n; i++) {
        char c = tenant.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || (c != '_' && c != '-')))
            return false;
    }
    return tenant.n >= 1 && tenant.n <= TENANT_MAX_BYTES;
}

bool client_valid(struct str client)
{
    for (size_t i = 0; i < client.n; i++) {
        char c = client.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || !strchr("._@:-", c)))
            return false;
    }
    return client.n >= 1 && client.n <= CLIENT_MAX_BYTES;
}

bool tenant_is_default(struct str tenant)
{
    return str_absent(tenant) || str_equal(tenant, STR(TENANT_DEFAULT));
}

/* --- owners ----------------------------------------------------------------------------------- */

bool owner_valid(struct str owner)
{
    return str_absent(owner) || (mark_in(owner, '/') && tenant_valid(owner_tenant(owner)) &&
                                 client_valid(owner_client(owner)));
}

struct str owner_tenant(struct str owner)
{
    return tenant_of(owner, '/');
}

struct str owner_client(struct str owner)
{
    return str_absent(owner) ? owner : tenant_outer(owner, '/');
}

bool owner_shares_tenant(struct str owner, struct str other)
{
    return str_equal(owner_tenant(owner), owner_tenant(other));
}

/* --- names ------------------------------------------------------------------------------------ */

struct str tenant_inner(struct arena *arena, struct str tenant, char mark, struct str name)
{
    if (str_absent(name) || tenant_is_default(tenant))
        return name;
    char *inner = arena_alloc(arena, tenant.n + 1 + name.n + 1);
    if (!inner)
        return (struct str){NULL, 0};
    char *to = mempcpy(inner, tenant.p, tenant.n);
    *to++ = mark;
    to = mempcpy(to, name.p, name.n);
    *to = '\0';
    return (struct str){inner, (size_t)(to - inner)};
}

struct str tenant_outer(struct str inner, char mark)
{
    const char *at = mark_in(inner, mark);
    return at ? (struct str){at + 1, inner.n - (size_t)(at + 1 - inner.p)} : inner;
}

struct str tenant_of(struct str inner, char mark)
{
    const char *at = mark_in(inner, mark);
    return at ? (struct str){inner.p, (size_t)(at - inner.p)} : STR(TENANT_DEFAULT);
}

bool item_name_valid(struct str inner)
{
    struct str tenant = tenant_of(inner, TENANT_MARK_ITEM);
    bool whose = mark_in(inner, TENANT_MARK_ITEM)
                     ? tenant_valid(tenant) && !tenant_is_default(tenant)
                     : true;
    return whose && sku_valid(tenant_outer(inner, TENANT_MARK_ITEM));
}
