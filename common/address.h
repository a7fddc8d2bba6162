/* address.h -- where the Redis of a store is, as its URL says:
 *
 *   redis://[user:pass@]host:port[/db], unix:/path.sock           one Redis
 *   redis+sentinel://[user:pass@]host:port,host:port/NAME[/db]    whom these Sentinels call NAME
 *   redis+cluster://[user:pass@]host:port,host:port               a cluster that these belong to
 *
 * and with rediss for redis the same over TLS. A port that is left out is 6379, of a Sentinel
 * 26379. User and password are for Redis.
 *
 * Layer: common, pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_PART      256
#define ADDRESS_SEEDS_MAX 16
#define ENDPOINT_TEXT     (ADDRESS_PART + 16)

enum address_kind { ADDRESS_ONE, ADDRESS_SENTINEL, ADDRESS_CLUSTER };

/* What can be connected to. */
struct endpoint {
    bool is_unix;
    char host[ADDRESS_PART]; /* or the socket's path */
    int port;
};

struct address {
    enum address_kind kind;
    bool tls;
    struct endpoint seeds[ADDRESS_SEEDS_MAX]; /* ADDRESS_ONE: [0] is the Redis */
    unsigned seed_count;                      /* at least 1 */
    char name[ADDRESS_PART];                  /* of the primary, to Sentinels; else empty */
    char user[ADDRESS_PART];                  /* empty: none */
    char password[ADDRESS_PART];
    int db;
};

/* Parses the URL; false with a message in err that says what would be right. */
bool address_parse(const char *url, struct address *address, char *err, size_t err_size) MUST_CHECK;

/* "host:port", "[v6]:port" or the socket's path. Returns text. */
const char *endpoint_text(const struct endpoint *at, char text[ENDPOINT_TEXT]);

bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

/* What of the address may be shown: the hosts, behind Sentinels the name too. Cut where there is no
 * room. */
void address_text(const struct address *address, char *text, size_t size);
