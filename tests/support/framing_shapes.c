#include "support/framing_shapes.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define POST      "POST @/decrements HTTP/1.1\r\n"
#define HOST      "Host: localhost\r\n"
#define JSON      "Content-Type: application/json\r\n"
#define SALE      "{\"quantity\":1}"
#define LENGTH    "Content-Length: 14\r\n"
#define CHUNKED   "Transfer-Encoding: chunked\r\n"
#define CHUNK     "e\r\n" SALE "\r\n0\r\n\r\n"
#define START     POST HOST JSON
#define INNER     POST HOST JSON LENGTH "\r\n" SALE /* a request that hides in a body or behind one */
#define CHUNKS(x) START CHUNKED "\r\n" x

#define SHAPE(name, bytes)                                                                         \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1                                                             \
    }

/* clang-format off */
const struct framing_shape shapes_refused[] = {
    /* The request line. */
    SHAPE("an empty line first", "\r\n" START LENGTH "\r\n" SALE),
    SHAPE("a blank first", " " START LENGTH "\r\n" SALE),
    SHAPE("a NUL first", "\0" START LENGTH "\r\n" SALE),
    SHAPE("a method with a NUL", "POST\0X @/decrements HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a method that is no token", "PO(ST @/decrements HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("two blanks behind the method", "POST  @/decrements HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a tab behind the method", "POST\t@/decrements HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a NUL in the target", "DELETE @\0/movements HTTP/1.1\r\n" HOST "\r\n"),
    SHAPE("a blank in the target", "POST @/decrements x HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a byte above ASCII in the target", "POST @/decrements?\xc3\xa4 HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a CR in the target", "POST @/decrements\r HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a fragment in the target", "POST @/decrements#x HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a fragment behind a query", "POST @/decrements?a#x HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("no version", "POST @/decrements\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("two blanks before the version", "POST @/decrements  HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("HTTP/1.2", "POST @/decrements HTTP/1.2\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("HTTP/2.0", "POST @/decrements HTTP/2.0\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("HTTP/1.10", "POST @/decrements HTTP/1.10\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("HTTP/01.1", "POST @/decrements HTTP/01.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("http/1.1", "POST @/decrements http/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("HTTP/1.1 and a blank", "POST @/decrements HTTP/1.1 \r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("LF behind the request line", "POST @/decrements HTTP/1.1\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("CR CR LF behind the request line", "POST @/decrements HTTP/1.1\r\r\n" HOST JSON LENGTH "\r\n" SALE),
    /* Lines and names. */
    SHAPE("a fold", START "X: 1\r\n 2\r\n" LENGTH "\r\n" SALE),
    SHAPE("a fold of tabs", START "X: 1\r\n\t2\r\n" LENGTH "\r\n" SALE),
    SHAPE("a folded Content-Length", START "Content-Length:\r\n 68\r\n\r\n" INNER),
    SHAPE("a Content-Length whose name is folded", START "Content-Leng: 68\r\n th\r\n\r\n" INNER),
    SHAPE("a folded Idempotency-Key", START "Idempotency-Key:\r\n k\r\n" LENGTH "\r\n" SALE),
    SHAPE("a fold as the first field", POST " X: 1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("LF behind a field", START "X: 1\n" LENGTH "\r\n" SALE),
    SHAPE("LF for the empty line", START LENGTH "\n" SALE),
    SHAPE("a CR before a name", START "\rX: 1\r\n" LENGTH "\r\n" SALE),
    SHAPE("a CR in a name", START "X\rY: 1\r\n" LENGTH "\r\n" SALE),
    SHAPE("a CR in a value", START "X: 1\r2\r\n" LENGTH "\r\n" SALE),
    SHAPE("a CR at the end of a value", START "X: 1\r\r\n" LENGTH "\r\n" SALE),
    SHAPE("a line without a colon", START "X\r\n" LENGTH "\r\n" SALE),
    SHAPE("a field without a name", START ": 5\r\n" LENGTH "\r\n" SALE),
    SHAPE("a blank before a colon", START "X : 1\r\n" LENGTH "\r\n" SALE),
    SHAPE("a tab before a colon", START "X\t: 1\r\n" LENGTH "\r\n" SALE),
    SHAPE("a name with a NUL", START "X\0Y: 1\r\n" LENGTH "\r\n" SALE),
    SHAPE("a name with parentheses", START "X(Y): 1\r\n" LENGTH "\r\n" SALE),
    SHAPE("a name above ASCII", START "X\xc3\xa4: 1\r\n" LENGTH "\r\n" SALE),
    SHAPE("a value with a NUL", START "X: 1\0002\r\n" LENGTH "\r\n" SALE),
    SHAPE("an Idempotency-Key with a NUL", START "Idempotency-Key: a\0b\r\n" LENGTH "\r\n" SALE),
    /* Host. */
    SHAPE("no Host", POST JSON LENGTH "\r\n" SALE),
    SHAPE("an empty Host", POST "Host:\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("two Hosts", START "host: localhost\r\n" LENGTH "\r\n" SALE),
    SHAPE("two Hosts on 1.0", "POST @/decrements HTTP/1.0\r\n" HOST HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a Host with a path", POST "Host: localhost/x\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host with a user", POST "Host: a@localhost\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host that is a list", POST "Host: localhost, b\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host with a blank", POST "Host: local host\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host with a NUL", POST "Host: localhost\0.evil\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host with a bad port", POST "Host: localhost:8o\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host with a port too high", POST "Host: localhost:65536\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host with a broken address", POST "Host: [::1\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host with text in brackets", POST "Host: [localhost]\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a target that names another port", "POST http://localhost:1@/decrements HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("a target that names another host", "POST http://other@/decrements HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    /* Content-Length. */
    SHAPE("two Content-Lengths", START LENGTH LENGTH "\r\n" SALE),
    SHAPE("two different Content-Lengths", START LENGTH "Content-Length: 3\r\n\r\n" SALE),
    SHAPE("a list of Content-Lengths", START "Content-Length: 14, 14\r\n\r\n" SALE),
    SHAPE("a Content-Length with a blank inside", START "Content-Length: 14 0\r\n\r\n" SALE),
    SHAPE("an empty Content-Length", START "Content-Length:\r\n\r\n" SALE),
    SHAPE("a Content-Length with a sign", START "Content-Length: +14\r\n\r\n" SALE),
    SHAPE("a negative Content-Length", START "Content-Length: -14\r\n\r\n" SALE),
    SHAPE("a hexadecimal Content-Length", START "Content-Length: 0xe\r\n\r\n" SALE),
    SHAPE("a Content-Length with a fraction", START "Content-Length: 14.0\r\n\r\n" SALE),
    SHAPE("a Content-Length with a blank behind", START "Content-Length: 14 \r\n\r\n" SALE),
    SHAPE("a Content-Length with a NUL", START "Content-Length: 0\0 68\r\n\r\n" INNER),
    SHAPE("a Content-Length that overflows", START "Content-Length: 18446744073709551630\r\n\r\n" SALE),
    SHAPE("a blank in Content-Length's name", START "Content-Length : 14\r\n\r\n" SALE),
    /* Transfer-Encoding. */
    SHAPE("Content-Length and chunked", START LENGTH CHUNKED "\r\n" CHUNK),
    SHAPE("chunked and Content-Length", START CHUNKED LENGTH "\r\n" CHUNK),
    SHAPE("chunked on 1.0", "POST @/decrements HTTP/1.0\r\n" HOST JSON CHUNKED "\r\n" CHUNK),
    SHAPE("chunked twice", START CHUNKED CHUNKED "\r\n" CHUNK),
    SHAPE("chunked, chunked", START "Transfer-Encoding: chunked, chunked\r\n\r\n" CHUNK),
    SHAPE("gzip, chunked", START "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNK),
    SHAPE("chunked, identity", START "Transfer-Encoding: chunked, identity\r\n\r\n" CHUNK),
    SHAPE("identity", START "Transfer-Encoding: identity\r\n" LENGTH "\r\n" SALE),
    SHAPE("an empty Transfer-Encoding", START "Transfer-Encoding:\r\n" LENGTH "\r\n" SALE),
    SHAPE("chunked in quotes", START "Transfer-Encoding: \"chunked\"\r\n\r\n" CHUNK),
    SHAPE("xchunked", START "Transfer-Encoding: xchunked\r\n\r\n" CHUNK),
    SHAPE("chunked with a blank behind", START "Transfer-Encoding: chunked \r\n\r\n" CHUNK),
    SHAPE("chunked with a vertical tab before", START "Transfer-Encoding: \vchunked\r\n\r\n" CHUNK),
    SHAPE("chunked with a NUL", START "Transfer-Encoding: chunked\0, identity\r\n\r\n" CHUNK),
    SHAPE("a blank in Transfer-Encoding's name", START "Transfer-Encoding : chunked\r\n" LENGTH "\r\n" SALE),
    /* Chunks. */
    SHAPE("an empty chunk size", CHUNKS("\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk size with a sign", CHUNKS("+e\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk size with 0x", CHUNKS("0xe\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk size with a blank before", CHUNKS(" e\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk size with a blank behind", CHUNKS("e \r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk size with a NUL", CHUNKS("e\0\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk size of nine digits", CHUNKS("00000000e\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk size that overflows", CHUNKS("1000000000000000e\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("LF behind a chunk size", CHUNKS("e\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("LF behind a chunk", CHUNKS("e\r\n" SALE "\n0\r\n\r\n")),
    SHAPE("LF behind the last chunk", CHUNKS("e\r\n" SALE "\r\n0\n\r\n")),
    SHAPE("LF for the end", CHUNKS("e\r\n" SALE "\r\n0\r\n\n")),
    SHAPE("CR X behind a chunk size", CHUNKS("e\rX" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk that is longer than its size", CHUNKS("d\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a chunk that is shorter than its size", CHUNKS("f\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("an extension without a name", CHUNKS("e;\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("an extension with a blank", CHUNKS("e; a=b\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("an extension without a value", CHUNKS("e;a=\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("an extension with a CR", CHUNKS("e;a\rb\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("an extension with an LF", CHUNKS("e;a\nb\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("an extension with a NUL", CHUNKS("e;a\0\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("an extension of no token", CHUNKS("e;(a)\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("text behind a quoted extension", CHUNKS("e;a=\"b\"c\r\n" SALE "\r\n0\r\n\r\n")),
    SHAPE("a CR in a quoted extension", CHUNKS("e;a=\"\r\n\"\r\n" SALE "\r\n0\r\n\r\n")),
    /* Trailers. */
    SHAPE("LF behind a trailer", CHUNKS("e\r\n" SALE "\r\n0\r\nX: 1\n\r\n")),
    SHAPE("a folded trailer", CHUNKS("e\r\n" SALE "\r\n0\r\nX: 1\r\n 2\r\n\r\n")),
    SHAPE("a trailer without a colon", CHUNKS("e\r\n" SALE "\r\n0\r\nX\r\n\r\n")),
    SHAPE("a trailer with a NUL", CHUNKS("e\r\n" SALE "\r\n0\r\nX: \0\r\n\r\n")),
    SHAPE("Content-Length as a trailer", CHUNKS("e\r\n" SALE "\r\n0\r\n" LENGTH "\r\n")),
    SHAPE("Transfer-Encoding as a trailer", CHUNKS("e\r\n" SALE "\r\n0\r\n" CHUNKED "\r\n")),
    SHAPE("Host as a trailer", CHUNKS("e\r\n" SALE "\r\n0\r\n" HOST "\r\n")),
};
const size_t shapes_refused_count = sizeof(shapes_refused) / sizeof(shapes_refused[0]);

const struct framing_shape shapes_taken[] = {
    SHAPE("plain", START LENGTH "\r\n" SALE),
    SHAPE("a Content-Length with zeros", START "Content-Length: 00014\r\n\r\n" SALE),
    SHAPE("blanks before a value", START "Content-Length: \t 14\r\n\r\n" SALE),
    SHAPE("no blank before a value", START "Content-Length:14\r\n\r\n" SALE),
    SHAPE("names in any case", "POST @/decrements HTTP/1.1\r\nhOST:localhost\r\nCONTENT-type:APPLICATION/json\r\ncontent-LENGTH:14\r\n\r\n" SALE),
    SHAPE("an empty value", START "X:\r\n" LENGTH "\r\n" SALE),
    SHAPE("blanks behind a value", START "X: 1 \t\r\n" LENGTH "\r\n" SALE),
    SHAPE("a value above ASCII", START "X: \xc3\xa4\r\n" LENGTH "\r\n" SALE),
    SHAPE("a value with a bell", START "X: 1\0072\r\n" LENGTH "\r\n" SALE),
    SHAPE("a Host with a port", POST "Host: localhost:8080\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a Host that is an IPv6 address", POST "Host: [::1]:8080\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("a whole address", "POST HTTP://LOCALHOST@/decrements HTTP/1.1\r\n" HOST JSON LENGTH "\r\n" SALE),
    SHAPE("HTTP/1.0 without a Host", "POST @/decrements HTTP/1.0\r\n" JSON LENGTH "\r\n" SALE),
    SHAPE("chunked", CHUNKS(CHUNK)),
    SHAPE("Chunked", START "Transfer-Encoding: Chunked\r\n\r\n" CHUNK),
    SHAPE("two chunks", CHUNKS("1\r\n{\r\n0d\r\n\"quantity\":1}\r\n000\r\n\r\n")),
    SHAPE("extensions", CHUNKS("e;a;b=c;d=\"e f\\\"g\"\r\n" SALE "\r\n0;z\r\n\r\n")),
    SHAPE("a trailer", CHUNKS("e\r\n" SALE "\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n")),
};
const size_t shapes_taken_count = sizeof(shapes_taken) / sizeof(shapes_taken[0]);
/* clang-format on */

char *shape_bytes(const struct framing_shape *shape, const char *path, size_t *n)
{
    size_t path_n = strlen(path);
    char *bytes = malloc(shape->n * path_n + 1);
    assert(bytes);
    *n = 0;
    for (size_t i = 0; i < shape->n; i++) {
        /* Not that of a host with a user. */
        bool is_path = shape->bytes[i] == '@' && i > 0 && shape->bytes[i - 1] != 'a';
        memcpy(bytes + *n, is_path ? path : shape->bytes + i, is_path ? path_n : 1);
        *n += is_path ? path_n : 1;
    }
    return bytes;
}
