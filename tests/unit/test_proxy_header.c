/* test_proxy_header.c -- headers of the PROXY protocol, whole, in pieces, and wrong. */
#include "http/conn/proxy_header.h"
#include "support/suite.h"

#include <stdio.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x1f\x90" /* 192.0.2.7:4711 to 10.0.0.1 */
#define V6                                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"         \
    "\x12\x67\x1f\x90"

static struct proxy_header header;

/* Takes the bytes in pieces of at most so many; false: refused. What is left is not taken. */
static bool feed(struct str bytes, size_t piece, size_t *left)
{
    size_t at = 0, wants;
    proxy_header_init(&header);
    while ((wants = proxy_header_wants(&header)) > 0 && at < bytes.n) {
        size_t n = wants < piece ? wants : piece;
        n = n < bytes.n - at ? n : bytes.n - at;
        if (!proxy_header_take(&header, (const uint8_t *)bytes.p + at, n))
            return false;
        at += n;
    }
    *left = bytes.n - at;
    return true;
}

static const struct {
    struct str bytes;
    const char *source; /* NULL: it says none */
} good[] = {
    {STR(SIGNATURE "\x21\x11\x00\x0c" V4), "192.0.2.7"},
    {STR(SIGNATURE "\x21\x21\x00\x24" V6), "2001:db8::7"},
    {STR(SIGNATURE "\x21\x11\x00\x10" V4 "\x03\x00\x01x"), "192.0.2.7"},
    {STR(SIGNATURE "\x20\x00\x00\x00"), NULL},    /* LOCAL */
    {STR(SIGNATURE "\x20\x11\x00\x0c" V4), NULL}, /* whatever else it says */
    {STR(SIGNATURE "\x20\xff\x00\x03xyz"), NULL}, /* also nonsense */
    {STR(SIGNATURE "\x21\x00\x00\x00"), NULL},    /* unspecified */
    {STR(SIGNATURE "\x21\x31\x00\x02xy"), NULL},  /* a unix socket */
};

TEST(a_header_is_read_in_pieces_of_any_size_and_no_byte_more)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        for (size_t piece = 1; piece < 64; piece++) {
            char bytes[128], text[IP_TEXT_SIZE];
            size_t left;
            memcpy(bytes, good[i].bytes.p, good[i].bytes.n);
            memcpy(bytes + good[i].bytes.n, "GET /", 5);
            assert_true(feed((struct str){bytes, good[i].bytes.n + 5}, piece, &left));
            assert_int_equal(left, 5);
            assert_int_equal(header.has_source, good[i].source != NULL);
            if (!good[i].source)
                continue;
            ip_format(&header.source, text);
            assert_string_equal(text, good[i].source);
            assert_int_equal(header.port, 4711);
        }
}

TEST(a_header_that_ends_early_wants_more)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        for (size_t n = 0; n < good[i].bytes.n; n++) {
            size_t left;
            assert_true(feed((struct str){good[i].bytes.p, n}, 64, &left));
            assert_true(proxy_header_wants(&header) > 0);
        }
}

TEST(what_is_passed_over_may_be_as_long_as_it_says)
{
    static uint8_t bytes[16 + 65535] = SIGNATURE "\x21\x11\xff\xff" V4;
    size_t left;
    assert_true(feed((struct str){(const char *)bytes, sizeof(bytes)}, 4096, &left));
    assert_int_equal(left, 0);
    assert_int_equal(proxy_header_wants(&header), 0);
    assert_true(header.has_source);
}

TEST(what_is_none_is_refused_at_its_first_wrong_byte)
{
    static const struct {
        struct str bytes;
        const char *why; /* a part of it */
    } wrong[] = {
        {STR("GET / HTTP/1.1\r\n"), "begin"},
        {STR("G"), "begin"},
        {STR("PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n"), "begin"}, /* version 1 */
        {STR("\r\nGET"), "begin"},
        {STR("\x16\x03\x01"), "begin"}, /* TLS */
        {STR("\r\n\r\n\0\r\nQUIT\r"), "begin"},
        {STR(SIGNATURE "\x11\x11\x00\x0c"), "version"},
        {STR(SIGNATURE "\x31\x11\x00\x0c"), "version"},
        {STR(SIGNATURE "\x22\x11\x00\x0c"), "command"},
        {STR(SIGNATURE "\x2f\x11\x00\x0c"), "command"},
        {STR(SIGNATURE "\x21\x12\x00\x0c"), "family"}, /* of datagrams */
        {STR(SIGNATURE "\x21\x41\x00\x0c"), "family"},
        {STR(SIGNATURE "\x21\x11\x00\x0b"), "short"},
        {STR(SIGNATURE "\x21\x21\x00\x23"), "short"},
        {STR(SIGNATURE "\x21\x21\x00\x00"), "short"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        for (size_t piece = 1; piece < 64; piece += 15) {
            size_t left;
            if (feed(wrong[i].bytes, piece, &left))
                fail_msg("row %zu was taken", i);
            assert_non_null(strstr(header.fault, wrong[i].why));
        }
}
