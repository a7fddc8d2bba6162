#include "hooks/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define PREFIX     "whsec_"
#define HASH_BYTES 32
#define HASH_TEXT  44  /* of it in base64 */
#define HEAD_MAX   512 /* bytes of an id and a time */
#define CODED_MAX  ((SECRET_MAX_BYTES + 2) / 3 * 4)

/* --- secrets ---------------------------------------------------------------------------------- */

static bool is_base64(struct str text)
{
    size_t n = text.n;
    for (int i = 0; i < 2 && n > 0 && text.p[n - 1] == '='; i++)
        n--;
    for (size_t i = 0; i < n; i++) {
        char c = text.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && c != '+' && c != '/')
            return false;
    }
    return text.n > 0 && text.n % 4 == 0;
}

bool secret_parse(struct hook_secret *secret, struct str text, const char **why)
{
    static const char form[] = "must be whsec_ and base64 of 24 to 64 random bytes, as "
                               "`stockd hooks secret` makes it";
    uint8_t room[CODED_MAX];
    const size_t head = sizeof(PREFIX) - 1;
    *why = form;
    if (text.n <= head || memcmp(text.p, PREFIX, head) != 0)
        return false;
    struct str coded = {text.p + head, text.n - head};
    if (coded.n > CODED_MAX || !is_base64(coded))
        return false;
    int n = EVP_DecodeBlock(room, (const unsigned char *)coded.p, (int)coded.n);
    if (n < 0)
        return false;
    for (size_t i = coded.n; i > 0 && coded.p[i - 1] == '='; i--)
        n--; /* what stands for padding was counted, too */
    if (n < SECRET_MIN_BYTES || n > SECRET_MAX_BYTES)
        return false;
    memcpy(secret->bytes, room, (size_t)n);
    secret->n = (size_t)n;
    explicit_bzero(room, sizeof(room));
    return true;
}

/* --- signatures ------------------------------------------------------------------------------- */

bool signature_put(struct buf *out, const struct hook_secret *secrets, size_t count, struct str id,
                   int64_t timestamp_s, struct str body)
{
    struct buf signed_text;
    buf_init(&signed_text, HEAD_MAX + body.n);
    buf_puts(&signed_text, id);
    buf_putc(&signed_text, '.');
    buf_put_i64(&signed_text, timestamp_s);
    buf_putc(&signed_text, '.');
    buf_puts(&signed_text, body);
    bool good = !signed_text.failed;
    for (size_t i = 0; i < count && good; i++) {
        uint8_t hash[HASH_BYTES];
        unsigned char coded[HASH_TEXT + 1];
        unsigned n = 0;
        good = HMAC(EVP_sha256(), secrets[i].bytes, (int)secrets[i].n,
                    (const unsigned char *)signed_text.p, signed_text.n, hash, &n) != NULL;
        EVP_EncodeBlock(coded, hash, HASH_BYTES);
        buf_puts(out, i > 0 ? STR(" v1,") : STR("v1,"));
        buf_put(out, coded, HASH_TEXT);
    }
    buf_free(&signed_text);
    return good && !out->failed;
}
