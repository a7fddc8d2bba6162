#include "http/conn/framing.h"
#include "http/server_limits.h"

#include "support/framing_shapes.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

/* The bytes in pieces of at most `piece`; how many were read. *whole: of those kept, where the last
 * request that is whole ends. */
static size_t take(struct framing *f, const char *bytes, size_t n, size_t piece, size_t *whole)
{
    char copy[8192];
    size_t i = 0, kept = 0;
    *whole = 0;
    framing_init(f);
    while (i < n) {
        struct framing_taken taken;
        size_t now = n - i < piece ? n - i : piece;
        now = now < sizeof(copy) ? now : sizeof(copy);
        memcpy(copy, bytes + i, now);
        framing_take(f, copy, now, &taken);
        assert_true(taken.read <= now && taken.kept <= taken.read && taken.whole <= taken.kept);
        if (taken.whole > 0)
            *whole = kept + taken.whole;
        kept += taken.kept;
        i += taken.read;
        if (taken.read < now)
            break;
    }
    return i;
}

#define CUT_BYTES (strlen(";a;b=c;d=\"e f\\\"g\"") + strlen(";z"))

TEST(takes_requests_that_have_one_reading)
{
    for (size_t i = 0; i < shapes_taken_count; i++) {
        size_t n, whole;
        char *bytes = shape_bytes(&shapes_taken[i], "/v1/items/a", &n);
        for (size_t piece = n; piece > 0; piece = piece > 64 ? piece / 2 : piece - 1) {
            struct framing f;
            size_t good = take(&f, bytes, n, piece, &whole);
            size_t cut = strncmp(shapes_taken[i].name, "extensions", 10) == 0 ? CUT_BYTES : 0;
            if (good != n || whole != n - cut || f.fault)
                print_error("%s in pieces of %zu: %zu of %zu, %s\n", shapes_taken[i].name, piece,
                            good, n, f.fault ? f.fault : "");
            assert_int_equal(good, n);
            assert_int_equal(whole, n - cut);
            assert_int_equal(f.heads, 1);
            assert_int_equal(f.whole, 1);
            assert_int_equal(f.index, 0); /* of a next one nothing was seen */
        }
        free(bytes);
    }
}

TEST(refuses_requests_that_have_two_readings)
{
    for (size_t i = 0; i < shapes_refused_count; i++) {
        size_t n, whole, first = 0;
        char *bytes = shape_bytes(&shapes_refused[i], "/v1/items/a", &n);
        for (size_t piece = n; piece > 0; piece = piece > 64 ? piece / 2 : piece - 1) {
            struct framing f;
            size_t good = take(&f, bytes, n, piece, &whole);
            if (!f.fault || whole > 0 || (piece < n && good != first))
                print_error("%s in pieces of %zu: %zu of %zu\n", shapes_refused[i].name, piece,
                            good, n);
            assert_non_null(f.fault);
            assert_int_equal(f.problem, PROBLEM_MALFORMED_REQUEST);
            assert_int_equal(whole, 0);
            assert_true(piece == n || good == first);
            first = good;
        }
        free(bytes);
    }
}

TEST(knows_where_each_of_many_requests_ends)
{
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char post[] = "POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Length: 5\r\n\r\n12345";
    static const char chunks[] = "POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n";
    char bytes[1024];
    struct framing f;
    size_t whole;
    int n = snprintf(bytes, sizeof(bytes), "%s%s%s%s%s\rbad", get, post, get, chunks, post);
    size_t good = (size_t)n - 4;
    for (size_t piece = 1; piece <= (size_t)n; piece++) {
        size_t taken = take(&f, bytes, (size_t)n, piece, &whole);
        assert_int_equal(taken, good);
        assert_int_equal(whole, good);
        assert_int_equal(f.heads, 5);
        assert_int_equal(f.whole, 5);
        assert_non_null(f.fault);
    }
}

/* Behind the last request of a connection nothing counts, not even what is broken. */
TEST(stops_behind_the_last_request)
{
    static const struct {
        const char *version, *field;
        bool last;
    } rows[] = {
        {"1.1", "", false},
        {"1.1", "Connection: close\r\n", true},
        {"1.1", "Connection: x, CLOSE\r\n", true},
        {"1.1", "Connection: closed\r\n", false},
        {"1.1", "Connection: keep-alive\r\n", false},
        {"1.0", "", true},
        {"1.0", "Connection: keep-alive\r\n", false},
        {"1.0", "Connection: keep-alive, close\r\n", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char bytes[256];
        struct framing f;
        size_t whole;
        int n = snprintf(bytes, sizeof(bytes), "GET / HTTP/%s\r\nHost: a\r\n%s\r\n(",
                         rows[i].version, rows[i].field);
        size_t good = take(&f, bytes, (size_t)n, (size_t)n, &whole);
        assert_int_equal(good, n - 1);
        assert_int_equal(whole, n - 1);
        assert_int_equal(framing_is_over(&f), rows[i].last);
        assert_int_equal(f.fault == NULL, rows[i].last);
    }
}

/* A head of `fields` header fields of `size` bytes each. */
static enum problem_id judge_head(unsigned fields, size_t size, const char *query,
                                  const char *cookie)
{
    char *bytes = malloc(200000);
    struct framing f;
    size_t whole;
    assert_non_null(bytes);
    int n = sprintf(bytes, "GET /%s HTTP/1.1\r\nHost: a\r\n", query);
    for (unsigned i = 0; i < fields; i++)
        n += sprintf(bytes + n, "X: %0*d\r\n", (int)size, 1);
    n += sprintf(bytes + n, "%s\r\n", cookie);
    size_t good = take(&f, bytes, (size_t)n, (size_t)n, &whole);
    assert_int_equal(good == (size_t)n, f.fault == NULL);
    free(bytes);
    return f.fault ? f.problem : PROBLEMS;
}

TEST(refuses_heads_that_the_library_has_no_room_for)
{
    char query[1000] = "?a", cookie[1200] = "Cookie: a";
    size_t room = SERVER_POOL_BYTES - SERVER_ANSWER_BYTES;
    assert_int_equal(judge_head(1, room / 2, "", ""), PROBLEMS);
    assert_int_equal(judge_head(1, room, "", ""), PROBLEM_HEADERS_TOO_LARGE);
    assert_int_equal(judge_head(30, 1, "", ""), PROBLEMS);
    assert_int_equal(judge_head(90, 1, "", ""), PROBLEM_HEADERS_TOO_LARGE);
    for (int i = 0; i < 150; i++)
        strcat(query, "&a");
    assert_int_equal(judge_head(1, 1, query, ""), PROBLEM_HEADERS_TOO_LARGE);
    query[40] = '\0';
    assert_int_equal(judge_head(1, 1, query, ""), PROBLEMS);
    for (int i = 0; i < 150; i++)
        strcat(cookie, ";a=b");
    strcat(cookie, "\r\n");
    assert_int_equal(judge_head(1, 1, "", cookie), PROBLEM_HEADERS_TOO_LARGE);
}

TEST(bounds_what_is_wrapped_around_chunks)
{
    char bytes[4096];
    struct framing f;
    size_t whole;
    int n = sprintf(bytes, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;");
    memset(bytes + n, 'x', 2000);
    (void)take(&f, bytes, (size_t)n + 2000, 100, &whole);
    assert_non_null(f.fault);
    int m = n - 2;
    for (int i = 0; i < 200; i++) /* short ones, but many */
        m += sprintf(bytes + m, "1;a=b\r\nx\r\n");
    (void)take(&f, bytes, (size_t)m, 100, &whole);
    assert_non_null(f.fault);
}

/* What the parser behind sees. */
TEST(cuts_extensions_out)
{
    char bytes[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "2;a;b=\"\\\";\"\r\n;;\r\n3;c\r\n\r\n;\r\n0;d=e\r\nX: ;a\r\n\r\n";
    static const char want[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "2\r\n;;\r\n3\r\n\r\n;\r\n0\r\nX: ;a\r\n\r\n";
    struct framing f;
    struct framing_taken taken;
    framing_init(&f);
    framing_take(&f, bytes, strlen(bytes), &taken);
    assert_null(f.fault);
    assert_int_equal(taken.kept, strlen(want));
    assert_int_equal(taken.whole, strlen(want));
    assert_memory_equal(bytes, want, taken.kept);
}

/* Whatever comes, in whatever pieces: the same verdict at the same byte. */
TEST(judges_random_bytes_alike_in_any_pieces)
{
    static const char alphabet[] = "GETPOS /:abcontent-lgh1.0\r\n\r\n\r\n \t;=\"HT,hunked\0\x80";
    unsigned seed = 9;
    for (int round = 0; round < 20000; round++) {
        char bytes[400];
        struct framing one, other;
        size_t ends, others;
        const struct framing_shape *base =
            &shapes_taken[(size_t)rand_r(&seed) % shapes_taken_count];
        size_t n = base->n < sizeof(bytes) ? base->n : sizeof(bytes);
        memcpy(bytes, base->bytes, n);
        for (int changes = rand_r(&seed) % 4; changes > 0; changes--)
            bytes[(size_t)rand_r(&seed) % n] =
                alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
        size_t a = take(&one, bytes, n, n, &ends);
        size_t b = take(&other, bytes, n, 1 + (size_t)rand_r(&seed) % 40, &others);
        assert_int_equal(a, b);
        assert_int_equal(ends, others);
        assert_ptr_equal(one.fault, other.fault);
    }
}
