/* address.h -- where a Redis is: redis://[user:pass@]host:port[/db] or unix:/path.sock.
 *
 * Layer: common, pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_PART 256

/* Where to connect to. */
struct endpoint {
    bool is_unix;
    char host[ADDRESS_PART]; /* or the socket's path */
    int port;
};

struct address {
    bool is_unix;
    char host[ADDRESS_PART]; /* or the socket's path */
    char user[ADDRESS_PART]; /* empty: none */
    char password[ADDRESS_PART];
    int port;
    int db;
};

/* Parses the URL; false with a message in err that says what would be right. */
bool address_parse(const char *url, struct address *address, char *err, size_t err_size) MUST_CHECK;
