#include "client/response.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

#define OK "HTTP/1.1 200 OK\r\n"

/* A connection's buffer: always just as large as what came, so that a read beyond it is seen. */
struct inbox {
    struct response r;
    enum response_state state;
    char *bytes;
    size_t filled;
};

static void open_inbox(struct inbox *in)
{
    *in = (struct inbox){.state = RESPONSE_MORE, .bytes = malloc(1)};
    assert_non_null(in->bytes);
    response_reset(&in->r);
}

static void receive(struct inbox *in, const char *bytes, size_t n)
{
    size_t wanted = response_wants(&in->r, in->filled);
    char *grown = malloc(in->filled + n > 0 ? in->filled + n : 1);
    assert_non_null(grown);
    memcpy(grown, in->bytes, in->filled);
    memcpy(grown + in->filled, bytes, n);
    free(in->bytes);
    in->bytes = grown;
    in->filled += n;
    in->state = response_feed(&in->r, in->bytes, in->filled);
    assert_true(in->state != RESPONSE_DONE || n >= wanted);
    assert_true((in->state == RESPONSE_MORE) == (response_wants(&in->r, in->filled) > 0));
}

static void close_inbox(struct inbox *in)
{
    free(in->bytes);
}

/* An answer, and what it says. */
struct sample {
    const char *bytes;
    unsigned status;
    const char *body;
    bool close, replayed;
    unsigned retry_after_s;
    const char *rest; /* what comes behind it */
};

static const struct sample samples[] = {
    {OK "Content-Length: 2\r\n\r\n{}", 200, "{}", false, false, 0, ""},
    {"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nETag: \"1\"\r\n"
     "Content-Length: 16\r\n\r\n{\"sku\":\"apple\"}\n",
     201, "{\"sku\":\"apple\"}\n", false, false, 0, ""},
    {OK "Idempotent-Replayed: true\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false, true, 0, ""},
    {OK "IDEMPOTENT-REPLAYED:TRUE\r\ncontent-LENGTH:\t 2 \t\r\n\r\n{}", 200, "{}", false, true, 0,
     ""},
    {OK "Idempotent-Replayed: false\r\nContent-Length: 0\r\n\r\n", 200, "", false, false, 0, ""},
    {"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nConnection: Close\r\n"
     "Content-Length: 4\r\n\r\nbusy",
     503, "busy", true, false, 7, ""},
    {OK "Retry-After: Fri, 21 Nov 2026 03:21:32 GMT\r\nContent-Length: 0\r\n\r\n", 200, "", false,
     false, 0, ""},
    {OK "Retry-After: 99999999999\r\nContent-Length: 0\r\n\r\n", 200, "", false, false, UINT32_MAX,
     ""},
    {OK "Connection: x, close ,y\r\nContent-Length: 0\r\n\r\n", 200, "", true, false, 0, ""},
    {OK "Connection: closed\r\nContent-Length: 0\r\n\r\n", 200, "", false, false, 0, ""},
    {OK "Connection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 200, "", true,
     false, 0, ""},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", true, false, 0, ""},
    {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false,
     false, 0, ""},
    {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 200, "x", false, false, 0, ""},
    {"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx", 200, "x", false, false, 0, ""},
    {OK "Content-Length: 3\r\nContent-Length: 003\r\n\r\nabc", 200, "abc", false, false, 0, ""},
    {"HTTP/1.1 204 No Content\r\n\r\nHTTP/", 204, "", false, false, 0, "HTTP/"},
    {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0", 204, "", false, false, 0,
     "0"},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", 304, "", false, false, 0, ""},
    {"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\n{}", 200, "{}", false, false, 0,
     ""},
    {"HTTP/1.1 103 Early\r\nConnection: close\r\nIdempotent-Replayed: true\r\nRetry-After: 3\r\n"
     "Content-Length: 9\r\n\r\n" OK "Content-Length: 2\r\n\r\n{}",
     200, "{}", false, false, 0, ""},
    {OK
     "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n \r\n00A\r\n0123456789\r\n0\r\n\r\nHT",
     200, "hello 0123456789", false, false, 0, "HT"},
    {OK "transfer-encoding:Chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n2 ; x\r\nde\r\n000;last\r\n"
        "Content-Length: 5\r\nanything\r\n\r\n",
     200, "abcde", false, false, 0, ""},
    {OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "", false, false, 0, ""},
    {OK "Transfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n", 200, "\r\n\r\n", false,
     false, 0, ""},
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void assert_says(const struct inbox *in, const struct sample *sample)
{
    const struct response *r = &in->r;
    assert_int_equal(in->state, RESPONSE_DONE);
    assert_int_equal(r->status, sample->status);
    assert_true(str_equal(r->body, str_of(sample->body)));
    assert_ptr_equal(r->body.p, in->bytes + r->head_bytes);
    assert_int_equal(r->close, sample->close);
    assert_int_equal(r->replayed, sample->replayed);
    assert_int_equal(r->retry_after_s, sample->retry_after_s);
    assert_int_equal(r->consumed, strlen(sample->bytes) - strlen(sample->rest));
}

TEST(reads_an_answer_that_comes_at_once)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct inbox in;
        open_inbox(&in);
        receive(&in, samples[i].bytes, strlen(samples[i].bytes));
        assert_says(&in, &samples[i]);
        close_inbox(&in);
    }
}

TEST(reads_the_same_from_two_pieces_cut_anywhere)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t n = strlen(samples[i].bytes), needed = n - strlen(samples[i].rest);
        for (size_t cut = 0; cut <= n; cut++) {
            struct inbox in;
            open_inbox(&in);
            receive(&in, samples[i].bytes, cut);
            assert_int_equal(in.state, cut < needed ? RESPONSE_MORE : RESPONSE_DONE);
            receive(&in, samples[i].bytes + cut, n - cut);
            assert_says(&in, &samples[i]);
            close_inbox(&in);
        }
    }
}

TEST(reads_the_same_from_single_bytes)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct inbox in;
        open_inbox(&in);
        for (size_t n = 0; n < strlen(samples[i].bytes); n++)
            receive(&in, samples[i].bytes + n, 1);
        assert_says(&in, &samples[i]);
        close_inbox(&in);
    }
}

TEST(leaves_the_next_answer_alone)
{
    char bytes[] = OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
                      "HTTP/1.1 409 Conflict\r\nContent-Length: 3\r\n\r\nnoo";
    size_t n = strlen(bytes);
    struct response r;
    response_reset(&r);
    assert_int_equal(response_feed(&r, bytes, n), RESPONSE_DONE);
    assert_int_equal(r.status, 200);
    assert_true(str_equal(r.body, STR("ab")));
    size_t first = r.consumed;
    response_reset(&r);
    assert_int_equal(response_feed(&r, bytes + first, n - first), RESPONSE_DONE);
    assert_int_equal(r.status, 409);
    assert_true(str_equal(r.body, STR("noo")));
    assert_int_equal(first + r.consumed, n);
}

TEST(takes_a_body_without_a_length_until_the_end)
{
    static const char *const heads[] = {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
                                        OK "\r\n"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct inbox in;
        open_inbox(&in);
        receive(&in, heads[i], strlen(heads[i]));
        assert_int_equal(in.state, RESPONSE_MORE);
        receive(&in, "some ", 5);
        receive(&in, "text", 4);
        assert_int_equal(in.state, RESPONSE_MORE);
        in.state = response_end(&in.r, in.bytes, in.filled);
        assert_int_equal(in.state, RESPONSE_DONE);
        assert_true(in.r.close && in.r.until_close);
        assert_true(str_equal(in.r.body, STR("some text")));
        assert_int_equal(in.r.consumed, in.filled);
        assert_int_equal(response_wants(&in.r, in.filled), 0);
        close_inbox(&in);
    }
}

TEST(is_garbled_when_the_connection_ends_early)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t needed = strlen(samples[i].bytes) - strlen(samples[i].rest);
        for (size_t cut = 0; cut <= needed; cut++) {
            struct inbox in;
            open_inbox(&in);
            receive(&in, samples[i].bytes, cut);
            assert_int_equal(response_end(&in.r, in.bytes, in.filled),
                             cut < needed ? RESPONSE_GARBLED : RESPONSE_DONE);
            close_inbox(&in);
        }
    }
}

TEST(refuses_what_is_not_http_or_has_two_ends)
{
    static const char *const broken[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\r\n" OK,
        "\n",
        "HTTP/2 200 OK\r\n",
        "HTTP/2.0 200 OK\r\n",
        "HTTP/1.1  200 OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 20 OK\r\n",
        "HTTP/1.1 20x OK\r\n",
        "HTTP/1.1 099 Low\r\n",
        "HTTP/1.1 600 High\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n",
        "http/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\n",
        "HTTP/1.1 200 O\rK\r\n",
        OK "Content-Length: 2\n",
        OK "X: a\rContent-Length: 2\r\n",
        OK "X: a\r\r\n",
        OK "no colon\r\n",
        OK ": no name\r\n",
        OK "Content-Length : 2\r\n",
        OK "X: a\r\n folded: on\r\n",
        OK "Na\x80me: a\r\n",
        OK "Content-Length: \r\n",
        OK "Content-Length: +2\r\n",
        OK "Content-Length: -2\r\n",
        OK "Content-Length: 2, 2\r\n",
        OK "Content-Length: 0x2\r\n",
        OK "Content-Length: 2 2\r\n",
        OK "Content-Length: 18446744073709551618\r\n",
        OK "Content-Length: 9223372036854775807\r\n",
        OK "Content-Length: 2\r\nContent-Length: 3\r\n",
        OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK "Transfer-Encoding: gzip, chunked\r\n",
        OK "Transfer-Encoding: identity\r\n",
        OK "Transfer-Encoding:\r\n",
        OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
        CHUNKED "\r\n",
        CHUNKED "x\r\n",
        CHUNKED "-1\r\n",
        CHUNKED "0x1\r\n",
        CHUNKED " 1\r\n",
        CHUNKED "1 1\r\n",
        CHUNKED "1;a\n",
        CHUNKED "1;a\rb\r\n",
        CHUNKED "1\nx",
        CHUNKED "1\r\nxy\r\n",
        CHUNKED "1\r\nx\n0",
        CHUNKED "1\r\nx\r0",
        CHUNKED "10000000000000000\r\n",
        CHUNKED "7fffffffffffffff\r\n",
        CHUNKED "0\r\nx\n",
        CHUNKED "0\r\n\n",
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct inbox whole, pieces;
        open_inbox(&whole);
        open_inbox(&pieces);
        receive(&whole, broken[i], strlen(broken[i]));
        for (size_t n = 0; n < strlen(broken[i]); n++)
            receive(&pieces, broken[i] + n, 1);
        if (whole.state != RESPONSE_GARBLED || pieces.state != RESPONSE_GARBLED)
            fail_msg("taken: %s", broken[i]);
        receive(&whole, OK "Content-Length: 0\r\n\r\n", 38);
        assert_int_equal(whole.state, RESPONSE_GARBLED);
        assert_int_equal(response_end(&whole.r, whole.bytes, whole.filled), RESPONSE_GARBLED);
        assert_true(str_absent(whole.r.body));
        close_inbox(&whole);
        close_inbox(&pieces);
    }
}

/* A text of `before`, then as many of `filler` as fit into the bytes, then `after`. */
static char *padded(const char *before, char filler, const char *after, size_t bytes)
{
    char *text = malloc(bytes + 1);
    assert_non_null(text);
    assert_true(strlen(before) + strlen(after) <= bytes);
    memset(text, filler, bytes);
    memcpy(text, before, strlen(before));
    memcpy(text + bytes - strlen(after), after, strlen(after) + 1);
    return text;
}

static enum response_state state_of(const char *bytes, size_t piece)
{
    struct inbox in;
    size_t n = strlen(bytes);
    open_inbox(&in);
    for (size_t at = 0; at < n && in.state == RESPONSE_MORE; at += piece)
        receive(&in, bytes + at, n - at < piece ? n - at : piece);
    close_inbox(&in);
    return in.state;
}

TEST(bounds_heads_chunk_lines_and_trailers)
{
    static const struct {
        const char *before, *after;
        size_t fixed_bytes; /* of it that do not count */
    } cases[] = {
        {OK "Content-Length: 0\r\nX: ", "\r\n\r\n", 0},
        {"HTTP/1.1 200 ", "\r\nContent-Length: 0\r\n\r\n", 0},
        {"HTTP/1.1 100 ", "\r\n\r\nHTTP/1.1 204 \r\n\r\n", 0},
        {CHUNKED "0;", "\r\n", strlen(CHUNKED)},
        {CHUNKED "0\r\nX: ", "\r\n\r\n", strlen(CHUNKED "0\r\n")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t most = RESPONSE_HEAD_MAX + cases[i].fixed_bytes;
        char *fits = padded(cases[i].before, 'y', cases[i].after, most);
        char *too_long = padded(cases[i].before, 'y', cases[i].after, most + 1);
        char *endless = padded(cases[i].before, 'y', "", most + 5000);
        static const size_t pieces[] = {1000, 16384, 100000};
        for (size_t p = 0; p < 3; p++) {
            assert_int_not_equal(state_of(fits, pieces[p]), RESPONSE_GARBLED);
            assert_int_equal(state_of(too_long, pieces[p]), RESPONSE_GARBLED);
            assert_int_equal(state_of(endless, pieces[p]), RESPONSE_GARBLED);
        }
        free(fits);
        free(too_long);
        free(endless);
    }
}

TEST(says_what_it_wants)
{
    struct inbox in;
    open_inbox(&in);
    assert_int_equal(response_wants(&in.r, 0), 1);
    receive(&in, OK "Content-Length: 1000\r\n\r\nabc", strlen(OK) + 27);
    assert_int_equal(response_wants(&in.r, in.filled), 997);
    close_inbox(&in);

    open_inbox(&in);
    receive(&in, CHUNKED "100\r\nabc", strlen(CHUNKED) + 8);
    assert_int_equal(response_wants(&in.r, in.filled), 256 - 3 + 2 + 5);
    close_inbox(&in);

    open_inbox(&in);
    receive(&in, CHUNKED "1\r\na\r", strlen(CHUNKED) + 5);
    assert_int_equal(response_wants(&in.r, in.filled), 1 + 5);
    close_inbox(&in);

    /* The longest body that is taken at all: no sum with it overflows. */
    open_inbox(&in);
    receive(&in, OK "Content-Length: 4611686018427387890\r\n\r\n", strlen(OK) + 39);
    assert_int_equal(in.state, RESPONSE_MORE);
    assert_true(response_wants(&in.r, in.filled) == 4611686018427387890u);
    close_inbox(&in);
}
