#include "core/access/cert_name.h"

static bool has_prefix(struct str text, struct str with)
{
    return text.n > with.n && memcmp(text.p, with.p, with.n) == 0;
}

bool cert_name_valid(struct str name)
{
    static const char *const kinds[] = {"uri:", "dns:", "email:", "cn:"};
    bool known = false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        known = known || has_prefix(name, str_of(kinds[i]));
    if (!known || name.n > CERT_NAME_MAX_BYTES)
        return false;
    bool small = has_prefix(name, STR("dns:"));
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || (small && name.p[i] >= 'A' && name.p[i] <= 'Z'))
            return false;
    return true;
}
