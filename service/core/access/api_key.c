#include "core/access/api_key.h"
#include "hex.h"

#include <assert.h>

#define PREFIX         "sk_"
#define PREFIX_CHARS   3
#define SECRET_AT      (PREFIX_CHARS + API_KEY_ID_CHARS + 1)
#define CHECKED_CHARS  (SECRET_AT + 2 * API_KEY_SECRET_BYTES)
#define CHECKSUM_BYTES 4
static_assert(CHECKED_CHARS + 2 * CHECKSUM_BYTES == API_KEY_CHARS, "as api_key.h says");

/* CRC-32 of ISO-HDLC, as zlib, gzip and PNG have it. */
static void checksum(const char *text, size_t n, uint8_t out[CHECKSUM_BYTES])
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    crc = ~crc;
    for (int i = 0; i < CHECKSUM_BYTES; i++)
        out[i] = (uint8_t)(crc >> (24 - 8 * i));
}

void api_key_put_id(uint64_t id, char out[API_KEY_ID_CHARS + 1])
{
    uint8_t bytes[API_KEY_ID_BYTES];
    assert(id >> 8 * API_KEY_ID_BYTES == 0);
    for (int i = 0; i < API_KEY_ID_BYTES; i++)
        bytes[i] = (uint8_t)(id >> 8 * (API_KEY_ID_BYTES - 1 - i));
    hex_put(out, bytes, API_KEY_ID_BYTES);
    out[API_KEY_ID_CHARS] = '\0';
}

bool api_key_read_id(struct str text, uint64_t *id)
{
    uint8_t bytes[API_KEY_ID_BYTES];
    if (!hex_read(text, bytes, API_KEY_ID_BYTES))
        return false;
    *id = 0;
    for (int i = 0; i < API_KEY_ID_BYTES; i++)
        *id = *id << 8 | bytes[i];
    return true;
}

void api_key_write(uint64_t id, const uint8_t secret[API_KEY_SECRET_BYTES], char out[API_KEY_SIZE])
{
    uint8_t sum[CHECKSUM_BYTES];
    memcpy(out, PREFIX, PREFIX_CHARS);
    api_key_put_id(id, out + PREFIX_CHARS);
    out[SECRET_AT - 1] = '_';
    hex_put(out + SECRET_AT, secret, API_KEY_SECRET_BYTES);
    checksum(out, CHECKED_CHARS, sum);
    hex_put(out + CHECKED_CHARS, sum, CHECKSUM_BYTES);
    out[API_KEY_CHARS] = '\0';
}

static struct str part(struct str text, size_t at, size_t n)
{
    return (struct str){text.p + at, n};
}

bool api_key_peek(struct str text, uint64_t *id)
{
    return text.n == API_KEY_CHARS && memcmp(text.p, PREFIX, PREFIX_CHARS) == 0 &&
           text.p[SECRET_AT - 1] == '_' &&
           api_key_read_id(part(text, PREFIX_CHARS, API_KEY_ID_CHARS), id);
}

bool api_key_read(struct str text, uint64_t *id)
{
    uint8_t secret[API_KEY_SECRET_BYTES], said[CHECKSUM_BYTES], sum[CHECKSUM_BYTES];
    if (!api_key_peek(text, id))
        return false;
    bool whole =
        hex_read(part(text, SECRET_AT, 2 * API_KEY_SECRET_BYTES), secret, sizeof(secret)) &&
        hex_read(part(text, CHECKED_CHARS, 2 * CHECKSUM_BYTES), said, sizeof(said));
    explicit_bzero(secret, sizeof(secret));
    checksum(text.p, CHECKED_CHARS, sum);
    return whole && memcmp(said, sum, sizeof(sum)) == 0;
}
