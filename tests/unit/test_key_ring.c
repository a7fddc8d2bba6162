/* test_key_ring.c -- whose a request is, and what becomes of the ring when its file changes. */
#include "hex.h"
#include "keys/key_ring.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW 5000

static char folder[64], path[96];
static struct key_use *use;
static struct quota_use *quotas;
static struct key_ring *ring;
static char why[KEYS_WHY_SIZE];

/* --- what a file says ------------------------------------------------------------------------- */

/* The same key for an id and a seed. */
static const char *key_text(uint64_t id, uint8_t seed)
{
    static char texts[4][API_KEY_SIZE];
    static unsigned next;
    char *text = texts[next++ % 4];
    uint8_t secret[API_KEY_SECRET_BYTES];
    memset(secret, seed, sizeof(secret));
    api_key_write(id, secret, text);
    return text;
}

static const char *line_of(uint64_t id, const char *name, const char *role, int64_t expires_ms)
{
    static char line[256];
    uint8_t hash[KEY_HASH_BYTES];
    char digits[2 * KEY_HASH_BYTES];
    assert_true(key_hash(str_of(key_text(id, 7)), hash));
    hex_put(digits, hash, sizeof(hash));
    snprintf(line, sizeof(line), "%012llx %s %s default none 1 %lld %.*s\n", (unsigned long long)id,
             name, role, (long long)expires_ms, (int)sizeof(digits), digits);
    return line;
}

/* In its place, as `stockd keys` does it. */
static void put_file(const char *lines)
{
    char beside[112];
    snprintf(beside, sizeof(beside), "%s.tmp", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "%s", lines) >= 0);
    close(fd);
    assert_int_equal(rename(beside, path), 0);
}

static void put_lines(const char *first, const char *second)
{
    char text[1024] = "stockd-keys 1\n";
    strcat(text, first);
    strcat(text, second);
    put_file(text);
}

static int begin(void **state)
{
    snprintf(folder, sizeof(folder), "%s/ring.XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/keys", folder);
    char first[256];
    snprintf(first, sizeof(first), "%s", line_of(0xaa, "shop", "seller", 0));
    put_lines(first, line_of(0xbb, "ops", "admin", NOW + 1));
    use = key_use_new();
    quotas = quota_use_new();
    ring = key_ring_new(path, use, quotas, true, why);
    return ring ? 0 : -1;
}

static int end(void **state)
{
    char used[112];
    snprintf(used, sizeof(used), "%s.used", path);
    key_ring_free(ring);
    key_use_free(use);
    quota_use_free(quotas);
    unlink(used);
    unlink(path);
    return rmdir(folder);
}

EACH_BETWEEN(begin, end)

static enum key_verdict judge(const char *authorization, int64_t now_ms, enum role *role)
{
    const struct key_entry *key = NULL;
    enum key_verdict verdict = key_ring_judge(ring, str_of(authorization), now_ms, &key);
    *role = key ? key->role : ROLE_UNSET;
    return verdict;
}

static const char *bearer(const char *key)
{
    static char header[256];
    snprintf(header, sizeof(header), "Bearer %s", key);
    return header;
}

static enum key_verdict judge_key(const char *key)
{
    enum role role;
    return judge(bearer(key), NOW, &role);
}

/* --- verdicts --------------------------------------------------------------------------------- */

TEST(a_good_key_says_its_role_each_time)
{
    enum role role;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(judge(bearer(key_text(0xaa, 7)), NOW, &role), KEY_GOOD);
        assert_int_equal(role, ROLE_SELLER);
        assert_int_equal(judge(bearer(key_text(0xbb, 7)), NOW, &role), KEY_GOOD);
        assert_int_equal(role, ROLE_ADMIN);
    }
}

TEST(a_key_that_is_remembered_ends_in_time_all_the_same)
{
    enum role role;
    assert_int_equal(judge(bearer(key_text(0xbb, 7)), NOW, &role), KEY_GOOD);
    assert_int_equal(judge(bearer(key_text(0xbb, 7)), NOW + 1, &role), KEY_EXPIRED);
    assert_int_equal(role, ROLE_UNSET);
}

TEST(a_wrong_key_is_wrong_before_and_after_the_right_one)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(judge_key(key_text(0xaa, 8)), KEY_WRONG);
        assert_int_equal(judge_key(key_text(0xcc, 7)), KEY_WRONG);
        assert_int_equal(judge_key(key_text(0xaa, 7)), KEY_GOOD);
    }
}

TEST(what_has_not_the_form_is_malformed)
{
    static const char *const headers[] = {
        "", "Bearer", "Bearer ", "Basic c2s6eA==", "Bearer x", "Bearer sk_0000000000aa_"};
    char damaged[API_KEY_SIZE], bare[API_KEY_SIZE], twice[256];
    const struct key_entry *key;
    enum role role;
    assert_int_equal(key_ring_judge(ring, (struct str){NULL, 0}, NOW, &key), KEY_MISSING);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_int_equal(judge(headers[i], NOW, &role), KEY_MALFORMED);
    memcpy(bare, key_text(0xaa, 7), sizeof(bare));
    memcpy(damaged, bare, sizeof(damaged));
    damaged[API_KEY_CHARS - 1] ^= 1;
    snprintf(twice, sizeof(twice), "%s, Bearer %s", bare, bare);
    assert_int_equal(judge_key(damaged), KEY_MALFORMED);
    assert_int_equal(judge_key(twice), KEY_MALFORMED);
    assert_int_equal(judge(bare, NOW, &role), KEY_MALFORMED);
}

TEST(the_scheme_is_written_in_any_case)
{
    char header[256];
    enum role role;
    snprintf(header, sizeof(header), "bEARER   %s", key_text(0xaa, 7));
    assert_int_equal(judge(header, NOW, &role), KEY_GOOD);
}

/* --- certificates ----------------------------------------------------------------------------- */

/* A line with its certificate; good until it was asked for the next but one. */
static const char *certified(uint64_t id, const char *name, int64_t expires_ms, const char *cert)
{
    static char lines[2][512];
    static unsigned at;
    char *line = lines[at++ % 2];
    const char *plain = line_of(id, name, "seller", expires_ms);
    snprintf(line, sizeof(lines[0]), "%.*s %s\n", (int)strcspn(plain, "\n"), plain, cert);
    return line;
}

static void put_certified(const char *first, const char *second)
{
    char lines[1024];
    snprintf(lines, sizeof(lines), "stockd-keys 2\n%s%s", first, second);
    put_file(lines);
    assert_int_equal(key_ring_follow(ring, true, why), KEY_NEWS_TAKEN);
}

static enum key_verdict judge_certificate(const char *name, int64_t now_ms, uint64_t *id)
{
    const struct key_entry *key = NULL;
    enum key_verdict verdict = key_ring_judge_certificate(ring, name, now_ms, &key);
    *id = key ? key->id : 0;
    return verdict;
}

TEST(a_certificate_stands_for_the_client_that_has_it)
{
    uint64_t id;
    put_certified(certified(0xaa, "shop", 0, "dns:shop.example"),
                  certified(0xbb, "ops", NOW + 1, "cn:ops"));
    assert_int_equal(judge_certificate("dns:shop.example", NOW, &id), KEY_GOOD);
    assert_int_equal(id, 0xaa);
    assert_int_equal(judge_certificate("cn:ops", NOW, &id), KEY_GOOD);
    assert_int_equal(id, 0xbb);
    assert_int_equal(judge_certificate("cn:ops", NOW + 1, &id), KEY_EXPIRED);
    assert_int_equal(judge_certificate("cn:shop.example", NOW, &id), KEY_NO_CERTIFICATE);
    assert_int_equal(judge_certificate("dns:shop.example.evil", NOW, &id), KEY_NO_CERTIFICATE);
    assert_int_equal(judge_certificate("", NOW, &id), KEY_NO_CERTIFICATE);
    put_certified(certified(0xbb, "ops", 0, "cn:ops"), "");
    assert_int_equal(judge_certificate("dns:shop.example", NOW, &id), KEY_NO_CERTIFICATE);
}

TEST(of_two_keys_of_a_client_that_which_lives_longest_is_meant)
{
    static const int64_t ends[][2] = {{NOW + 1, 0}, {0, NOW + 1}, {NOW + 2, NOW + 1}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        uint64_t id;
        put_certified(certified(0xaa, "shop", ends[i][0], "dns:shop.example"),
                      certified(0xbb, "shop", ends[i][1], "dns:shop.example"));
        assert_int_equal(judge_certificate("dns:shop.example", NOW + 1, &id), KEY_GOOD);
        assert_int_equal(id, i == 0 ? 0xbb : 0xaa);
    }
}

/* --- the file changes ------------------------------------------------------------------------- */

TEST(a_file_that_has_changed_is_in_force)
{
    assert_int_equal(judge_key(key_text(0xaa, 7)), KEY_GOOD);
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_NONE);
    put_lines(line_of(0xcc, "new", "reader", 0), "");
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_TAKEN);
    assert_int_equal(judge_key(key_text(0xaa, 7)), KEY_WRONG);
    assert_int_equal(judge_key(key_text(0xcc, 7)), KEY_GOOD);
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_NONE);
    assert_int_equal(key_ring_follow(ring, true, why), KEY_NEWS_TAKEN);
}

TEST(a_file_that_is_no_good_changes_nothing_and_is_told_once)
{
    put_file("stockd-keys 1\nrubbish\n");
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_BROKEN);
    assert_non_null(strstr(why, "line 2"));
    assert_false(key_ring_is_current(ring));
    assert_int_equal(judge_key(key_text(0xaa, 7)), KEY_GOOD);
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_NONE);
    put_lines(line_of(0xcc, "new", "reader", 0), "");
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_TAKEN);
    assert_true(key_ring_is_current(ring));
}

TEST(a_file_that_is_gone_or_open_to_others_changes_nothing)
{
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_BROKEN);
    assert_non_null(strstr(why, "0640"));
    unlink(path);
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_BROKEN);
    assert_int_equal(judge_key(key_text(0xaa, 7)), KEY_GOOD);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_BROKEN);
    rmdir(path);
    put_lines("", "");
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_TAKEN);
    assert_int_equal(key_ring_count(ring), 0);
}

TEST(there_is_no_ring_without_a_good_file)
{
    put_file("stockd-keys 3\n");
    assert_null(key_ring_new(path, use, quotas, true, why));
    assert_non_null(strstr(why, "line 1"));
}

/* --- quotas ----------------------------------------------------------------------------------- */

static struct quota_use_slot *quota_of(const char *authorization)
{
    const struct key_entry *key;
    assert_int_equal(key_ring_judge(ring, str_of(authorization), NOW, &key), KEY_GOOD);
    return key_ring_quota(key);
}

TEST(a_quota_is_that_of_the_name_and_outlives_a_reload)
{
    char first[256];
    struct quota_use_slot *before = quota_of(bearer(key_text(0xaa, 7)));
    assert_ptr_not_equal(quota_of(bearer(key_text(0xbb, 7))), before);
    snprintf(first, sizeof(first), "%s", line_of(0xaa, "shop", "seller", 0));
    put_lines(first, line_of(0xcc, "shop", "seller", 0));
    assert_int_equal(key_ring_follow(ring, false, why), KEY_NEWS_TAKEN);
    assert_ptr_equal(quota_of(bearer(key_text(0xaa, 7))), before);
    assert_ptr_equal(quota_of(bearer(key_text(0xcc, 7))), before);
}

/* --- use -------------------------------------------------------------------------------------- */

static int64_t used_ms_of(uint64_t id)
{
    static struct key_list list;
    int64_t used_ms[KEYS_MAX];
    assert_true(keys_file_read(path, &list, why));
    assert_true(key_use_read(path, &list, used_ms, why));
    const struct key_entry *key = key_list_find(&list, id);
    assert_non_null(key);
    return used_ms[key - list.keys];
}

TEST(the_use_of_a_good_key_is_kept_and_of_no_other)
{
    enum role role;
    assert_int_equal(judge(bearer(key_text(0xaa, 7)), NOW, &role), KEY_GOOD);
    assert_int_equal(judge(bearer(key_text(0xbb, 8)), NOW, &role), KEY_WRONG);
    assert_true(key_use_save(use, path, why));
    assert_int_equal(used_ms_of(0xaa), NOW);
    assert_int_equal(used_ms_of(0xbb), 0);
}

TEST(the_later_use_stays_whoever_saw_it)
{
    enum role role;
    struct key_use *elsewhere = key_use_new();
    key_use_note(key_use_slot(elsewhere, 0xaa), NOW + 7000);
    key_use_note(key_use_slot(elsewhere, 0xbb), NOW - 1000);
    assert_int_equal(judge(bearer(key_text(0xaa, 7)), NOW, &role), KEY_GOOD);
    assert_int_equal(judge(bearer(key_text(0xbb, 7)), NOW, &role), KEY_GOOD);
    assert_true(key_use_save(elsewhere, path, why));
    assert_true(key_use_save(use, path, why));
    assert_int_equal(used_ms_of(0xaa), NOW + 7000);
    assert_int_equal(used_ms_of(0xbb), NOW);
    key_use_free(elsewhere);
}

TEST(more_keys_than_slots_do_no_harm)
{
    for (uint64_t id = 0; id < KEY_USE_SLOTS; id++)
        (void)key_use_slot(use, id * 1000);
    struct key_use_slot *none = key_use_slot(use, 77);
    assert_null(none);
    key_use_note(none, NOW);
}
