#include "url_password.h"
#include "buf.h"
#include "fail.h"

#include <ctype.h>
#include <stdlib.h>

#define WHY_SIZE      128
#define URL_MAX_BYTES (256 * 1024) /* an address, and three bytes for each of a password */

static void put_escaped(struct buf *out, const char *text)
{
    static const char unreserved[] = "-._~";
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (isalnum(*c) || strchr(unreserved, *c))
            buf_putc(out, (char)*c);
        else
            buf_printf(out, "%%%02X", *c);
    }
}

/* Where "user[:password]@host:port" begins; NULL: it has no such part. */
static const char *authority_of(const char *url)
{
    const char *colon = strstr(url, "://");
    return colon ? colon + 3 : NULL;
}

bool url_add_password(char **url, const char *password, char *err, size_t err_size)
{
    const char *authority = *url ? authority_of(*url) : NULL;
    if (!authority)
        return fail_with(err, err_size,
                         "there is no address with a host that it belongs to; give user@host");
    size_t n = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', n);
    if (at && memchr(authority, ':', (size_t)(at - authority)))
        return fail_with(err, err_size, "the address has a password already; keep one");
    const char *user_end = at ? at : authority;
    struct buf out;
    buf_init(&out, URL_MAX_BYTES);
    buf_put(&out, *url, (size_t)(user_end - *url));
    buf_putc(&out, ':');
    put_escaped(&out, password);
    if (!at)
        buf_putc(&out, '@');
    buf_put(&out, user_end, strlen(user_end) + 1);
    if (out.failed) {
        buf_free(&out);
        return fail_with(err, err_size, "the password is too long");
    }
    free(*url);
    *url = (char *)out.p;
    return true;
}

bool url_take_password(char **url, const char *password, const char *of, char *err, size_t err_size)
{
    char why[WHY_SIZE];
    return !password || url_add_password(url, password, why, sizeof(why)) ||
           fail_with(err, err_size, "--%s-password: %s", of, why);
}

/* Where the parameters begin, "?name=", or the end: an @ behind that belongs to no user. */
static const char *parameters_of(const char *authority)
{
    const char *query = strchr(authority, '?');
    size_t name = query ? strspn(query + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
    return name > 0 && query[1 + name] == '=' ? query : authority + strlen(authority);
}

bool url_password_is_ambiguous(const char *url)
{
    const char *authority = authority_of(url);
    const char *end = authority ? parameters_of(authority) : NULL;
    const char *at = end ? memrchr(authority, '@', (size_t)(end - authority)) : NULL;
    const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    return colon && strcspn(colon, "@/?#") < (size_t)(at - colon);
}
