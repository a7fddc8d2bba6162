#include "http/fingerprint.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* The path that the route's pattern gives: the same for every way to percent-encode it. */
static size_t put_path(char *out, const char *pattern, struct str param)
{
    size_t n = strcspn(pattern, "{");
    memcpy(out, pattern, n);
    if (pattern[n] == '\0')
        return n;
    const char *rest = strchr(pattern, '}') + 1;
    memcpy(out + n, param.p, param.n);
    n += param.n;
    memcpy(out + n, rest, strlen(rest));
    return n + strlen(rest);
}

bool fingerprint(uint8_t out[FINGERPRINT_BYTES], struct arena *arena, const char *method,
                 enum route_id route, struct str param, const json_t *body)
{
    /* Fetched once: an implicit fetch a call costs more than the hash. */
    static EVP_MD *sha256;
    if (!sha256 && !(sha256 = EVP_MD_fetch(NULL, "SHA256", NULL)))
        return false;
    char *dumped = NULL;
    if (body && !(dumped = json_dumps(body, JSON_SORT_KEYS | JSON_COMPACT)))
        return false;
    const char *pattern = route_row(route)->pattern;
    struct str text = str_of(dumped);
    char *input =
        arena_alloc(arena, strlen(method) + strlen(pattern) + param.n + text.n + sizeof("  "));
    if (!input) {
        free(dumped);
        return false;
    }
    size_t n = strlen(method);
    memcpy(input, method, n);
    input[n++] = ' ';
    n += put_path(input + n, pattern, param);
    input[n++] = ' ';
    if (text.n > 0)
        memcpy(input + n, text.p, text.n);
    n += text.n;
    free(dumped);
    unsigned size = 0;
    bool ok = EVP_Digest(input, n, out, &size, sha256, NULL) == 1;
    assert(!ok || size == FINGERPRINT_BYTES);
    return ok;
}
