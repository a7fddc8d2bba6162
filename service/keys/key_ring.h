/* key_ring.h -- the API keys in force in a process, and whose a request is.
 *
 * Layer: keys. The ring is made before the first fork and each process has its own copy, which
 * follows the file: key_ring_follow(). A file that is no good changes nothing.
 *
 * A key that was found good is remembered in its text, so that its hash is reckoned once in a
 * process and not at each request. Whether it is still in the file and not over is looked at each
 * time. Nothing that takes longer or shorter depends on how near a wrong one comes, nor on whether
 * its id is known.
 *
 * Invariant: what is remembered is wiped when its ring is.
 */
#pragma once

#include "keys/key_use.h"
#include "keys/quota_use.h"

struct key_ring;

/* With the keys in the file; use and quotas: of all processes, for as long as the ring. A file with
 * a quota on what is kept is good only with a ledger, which counts that. NULL, with why to be read
 * behind the path. */
struct key_ring *key_ring_new(const char *path, struct key_use *use, struct quota_use *quotas,
                              bool ledger, char why[KEYS_WHY_SIZE]);
void key_ring_free(struct key_ring *ring); /* NULL: nothing to do */

const char *key_ring_path(const struct key_ring *ring);

enum key_news {
    KEY_NEWS_NONE,   /* the file is as it was */
    KEY_NEWS_TAKEN,  /* it has changed, and is in force */
    KEY_NEWS_BROKEN, /* it has changed, and what was in force before is still; why */
};

/* Looks at the file; always: reads it even if it has not changed. */
enum key_news key_ring_follow(struct key_ring *ring, bool always, char why[KEYS_WHY_SIZE]);

/* False while the file is not what is in force. */
bool key_ring_is_current(const struct key_ring *ring);

/* How many keys are in force. */
unsigned key_ring_count(const struct key_ring *ring);

/* Whether a quota of theirs limits what is kept. */
bool key_ring_keeps(const struct key_ring *ring);

/* key_list_first_end() of them, when they were read. */
int64_t key_ring_first_end(const struct key_ring *ring);

enum key_verdict {
    KEY_GOOD,
    KEY_MISSING,   /* no Authorization */
    KEY_MALFORMED, /* no Bearer, or what follows has not the form of a key */
    KEY_WRONG,     /* not in the file: never, or not any more */
    KEY_EXPIRED,
    KEY_NO_CERTIFICATE /* no key names the certificate */
};

/* Judges the value of Authorization; absent: there was none. KEY_GOOD: *caller is the key, good
 * until the ring follows its file, and its use is noted. */
enum key_verdict key_ring_judge(struct key_ring *ring, struct str authorization, int64_t now_ms,
                                const struct key_entry **caller) MUST_CHECK;

/* Whether such a value would be KEY_GOOD, or KEY_EXPIRED, without a hash being reckoned: this
 * process has seen its key before. */
bool key_ring_remembers(const struct key_ring *ring, struct str authorization) MUST_CHECK;

/* What is left of the quota of the client of such a caller; good for as long as the ring. */
struct quota_use_slot *key_ring_quota(const struct key_entry *caller);

/* Judges a request without Authorization whose connection began with a certificate of this name
 * (cert_name.h): as if it had brought that key of its client which lives longest. */
enum key_verdict key_ring_judge_certificate(struct key_ring *ring, const char *name, int64_t now_ms,
                                            const struct key_entry **caller) MUST_CHECK;

/* SHA-256 of a key's text. False: libcrypto has no memory. */
bool key_hash(struct str key, uint8_t hash[KEY_HASH_BYTES]) MUST_CHECK;
