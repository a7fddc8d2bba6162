/* key_list.h -- the API keys that there are, as the file of them has them, and how it changes.
 *
 * Layer: core, pure: text in, text out, time is an argument. A list knows of each key what may be
 * known to whoever steals the file: the SHA-256 of its text and not the text.
 *
 *   stockd-keys 1
 *   <id> <name> <role> <tenant> <quota> <created, ms> <expires, ms; 0: never> <sha-256>
 *
 * The first line of a file in which a key has a certificate says `stockd-keys 2`, and each key has
 * a ninth column, the name in it (cert_name.h) or `-`.
 *
 * The quota (quota.h) has its place in each line; a limit of a name that this build does not know
 * makes it refuse the file rather than pass over it.
 *
 * Invariants: no two keys have one id. A name belongs to one client, which has one key, or two
 * while it changes from one to the other, and is of one tenant; both keys have the same quota. A
 * certificate belongs to one client.
 */
#pragma once

#include "buf.h"
#include "core/access/api_key.h"
#include "core/access/cert_name.h"
#include "core/access/quota.h"
#include "core/access/role.h"
#include "core/tenant.h"

#define KEY_HASH_BYTES     32
#define KEYS_MAX           1000
#define KEY_LIST_MAX_BYTES (KEYS_MAX * 640 + 16)

struct key_entry {
    uint64_t id;
    char name[CLIENT_MAX_BYTES + 1];
    char tenant[TENANT_MAX_BYTES + 1];
    enum role role;
    int64_t created_ms, expires_ms; /* of the wall clock; expires_ms 0: never */
    uint8_t hash[KEY_HASH_BYTES];   /* SHA-256 of the key's text */
    struct quota quota;
    char certificate[CERT_NAME_MAX_BYTES + 1]; /* who shows it needs no key; empty: none */
};

struct key_list {
    struct key_entry keys[KEYS_MAX];
    unsigned count;
};

/* What is wrong with a file. */
struct key_fault {
    unsigned line;   /* from 1; 0: with all of it */
    const char *why; /* static; to be read behind "line 7: " */
};

/* Fills the list. False, with what is wrong first; the list is then not to be used. */
bool key_list_parse(struct key_list *list, struct str text, struct key_fault *fault) MUST_CHECK;

/* Appends the text that parses to the same list. */
void key_list_write(const struct key_list *list, struct buf *out);

static inline bool key_is_over(const struct key_entry *key, int64_t now_ms)
{
    return key->expires_ms != 0 && now_ms >= key->expires_ms;
}

/* NULL: there is none of that id. */
const struct key_entry *key_list_find(const struct key_list *list, uint64_t id);

/* When the first client will be without a key, of those that have one at now_ms; 0: nobody will. */
int64_t key_list_first_end(const struct key_list *list, int64_t now_ms);

/* The first key whose quota limits what its client keeps; NULL: there is none. */
const struct key_entry *key_list_keeping(const struct key_list *list);

enum key_change {
    KEY_CHANGED,
    KEY_LIST_FULL,
    KEY_ID_TAKEN,          /* another random id will do */
    KEY_NAME_HAS,          /* add: the client has a living key already */
    KEY_UNKNOWN,           /* no such id */
    KEY_OVER,              /* rotate: it has expired */
    KEY_HAS_TWO,           /* rotate: the client has another living key already */
    KEY_CERTIFICATE_TAKEN, /* add: it is another client's */
};

/* The owner of what the key's client makes, `tenant/client`; its length without the NUL. */
size_t key_owner(const struct key_entry *key, char owner[OWNER_MAX_BYTES + 1]);

/* Adds a key of a new client. Expired ones of the same name go. */
enum key_change key_list_add(struct key_list *list, const struct key_entry *key,
                             int64_t now_ms) MUST_CHECK;

/* Gives the client of key `id` another one, `fresh`, of which id, hash and times are read; the old
 * one lives on until until_ms, or its own end. Its certificate is that of both. */
enum key_change key_list_rotate(struct key_list *list, uint64_t id, const struct key_entry *fresh,
                                int64_t until_ms, int64_t now_ms) MUST_CHECK;

/* Gives the client of key `id` another quota, whichever of its keys it is. */
enum key_change key_list_set_quota(struct key_list *list, uint64_t id,
                                   const struct quota *quota) MUST_CHECK;

enum key_change key_list_revoke(struct key_list *list, uint64_t id) MUST_CHECK;
