#include "core/access/key_list.h"
#include "support/suite.h"

#include <stdlib.h>

#define HEAD   "stockd-keys 1\n"
#define HASH   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SHOP   "0000000000aa shop seller default none 1000 0 " HASH "\n"
#define HEAD_2 "stockd-keys 2\n"
#define SHOP_2 "0000000000aa shop seller default none 1000 0 " HASH " dns:shop.example\n"
#define OPS_2  "0000000000bb ops admin default none 2000 9000 " HASH " -\n"
#define OPS    "0000000000bb ops admin default none 2000 9000 " HASH "\n"

static struct key_list list;
static struct buf out;

static bool parse(const char *text, struct key_fault *fault)
{
    return key_list_parse(&list, str_of(text), fault);
}

static void given(const char *text)
{
    struct key_fault fault;
    if (!parse(text, &fault))
        fail_msg("line %u: %s", fault.line, fault.why);
}

static void assert_written(const char *text)
{
    buf_free(&out);
    buf_init(&out, KEY_LIST_MAX_BYTES);
    key_list_write(&list, &out);
    buf_putc(&out, '\0');
    assert_false(out.failed);
    assert_string_equal(out.p, text);
    buf_free(&out);
}

static struct key_entry fresh(uint64_t id, const char *name)
{
    struct key_entry key = {
        .id = id, .role = ROLE_READER, .tenant = TENANT_DEFAULT, .created_ms = 5000};
    snprintf(key.name, sizeof(key.name), "%s", name);
    for (int i = 0; i < KEY_HASH_BYTES; i++)
        key.hash[i] = (uint8_t)((i % 16) * 17);
    return key;
}

/* --- ends ------------------------------------------------------------------------------------- */

TEST(the_first_end_is_that_of_a_client_s_last_key)
{
    given(HEAD SHOP OPS);
    assert_int_equal(key_list_first_end(&list, 8999), 9000);
    assert_int_equal(key_list_first_end(&list, 9000), 0);
    given(HEAD OPS "0000000000cc ops admin default none 2000 9500 " HASH "\n"
                   "0000000000dd till reader default none 2000 9700 " HASH "\n");
    assert_int_equal(key_list_first_end(&list, 8000), 9500);
    assert_int_equal(key_list_first_end(&list, 9600), 9700);
    given(HEAD OPS "0000000000cc ops admin default none 2000 0 " HASH "\n");
    assert_int_equal(key_list_first_end(&list, 8000), 0);
}

/* --- text ------------------------------------------------------------------------------------- */

TEST(each_column_is_read_and_written)
{
    given(HEAD SHOP OPS);
    assert_int_equal(list.count, 2);
    const struct key_entry *ops = key_list_find(&list, 0xbb);
    assert_non_null(ops);
    assert_string_equal(ops->name, "ops");
    assert_int_equal(ops->role, ROLE_ADMIN);
    assert_int_equal(ops->created_ms, 2000);
    assert_int_equal(ops->expires_ms, 9000);
    assert_int_equal(ops->hash[1], 0x11);
    assert_null(key_list_find(&list, 0xcc));
    assert_written(HEAD SHOP OPS);
}

TEST(certificates_are_read_and_written_and_only_they_change_the_form)
{
    given(HEAD_2 SHOP_2 OPS_2);
    assert_string_equal(key_list_find(&list, 0xaa)->certificate, "dns:shop.example");
    assert_string_equal(key_list_find(&list, 0xbb)->certificate, "");
    assert_written(HEAD_2 SHOP_2 OPS_2);
    assert_int_equal(key_list_revoke(&list, 0xaa), KEY_CHANGED);
    assert_written(HEAD OPS);
    given(HEAD_2 OPS_2);
    assert_written(HEAD OPS);
}

TEST(a_certificate_is_named_with_its_kind)
{
    static const char *const good[] = {"dns:a", "uri:spiffe://shop.example/till?7",
                                       "email:ops@shop.example", "cn:Till-7", "dns:*.example"};
    static const char *const bad[] = {"",         "dns:",   "shop",    "ip:127.0.0.1",   "DNS:a",
                                      "dns:Shop", "cn:a b", "cn:a\tb", "cn:caf\xc3\xa9", "cn:a\x7f",
                                      "uri:a\nb"};
    char longest[CERT_NAME_MAX_BYTES + 1];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(cert_name_valid(str_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(cert_name_valid(str_of(bad[i])));
    memset(longest, 'n', sizeof(longest));
    memcpy(longest, "cn:", 3);
    assert_true(cert_name_valid((struct str){longest, CERT_NAME_MAX_BYTES}));
    assert_false(cert_name_valid((struct str){longest, CERT_NAME_MAX_BYTES + 1}));
    assert_false(cert_name_valid(STR("cn:a\0b")));
}

TEST(a_file_may_be_without_keys)
{
    given(HEAD);
    assert_int_equal(list.count, 0);
    assert_written(HEAD);
}

TEST(what_is_wrong_is_told_with_its_line)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *why; /* a part of it */
    } wrong[] = {
        {"", 1, "no file of keys"},
        {"stockd-keys 1", 1, "no file of keys"},
        {"stockd-keys 3\n", 1, "later version"},
        {HEAD SHOP_2, 2, "hash"},
        {HEAD_2 SHOP, 2, "nine columns"},
        {HEAD_2 "0000000000aa shop seller default none 1000 0 " HASH " shop.example\n", 2,
         "certificate"},
        {HEAD_2 SHOP_2 "0000000000ab till seller default none 1000 0 " HASH " dns:shop.example\n",
         3, "certificate is that"},
        {"\n" HEAD, 1, "no file of keys"},
        {HEAD "\n", 2, "eight columns"},
        {HEAD SHOP "# a comment\n", 3, "eight columns"},
        {HEAD " " SHOP, 2, "id"},
        {HEAD "0000000000aa  shop seller default none 1000 0 " HASH "\n", 2, "name"},
        {HEAD "0000000000AA shop seller default none 1000 0 " HASH "\n", 2, "id"},
        {HEAD "0000000000aa sh/p seller default none 1000 0 " HASH "\n", 2, "name"},
        {HEAD "0000000000aa shop root default none 1000 0 " HASH "\n", 2, "role"},
        {HEAD "0000000000aa shop seller Acme none 1000 0 " HASH "\n", 2, "tenant"},
        {HEAD "0000000000aa shop seller default 10/s 1000 0 " HASH "\n", 2, "quota"},
        {HEAD "0000000000aa shop seller default  1000 0 " HASH "\n", 2, "quota"},
        {HEAD SHOP "0000000000ab shop seller default rps=1 1000 0 " HASH "\n", 3, "other key"},
        {HEAD "0000000000aa shop seller default none -1 0 " HASH "\n", 2, "time"},
        {HEAD "0000000000aa shop seller default none 1000 9223372036854775808 " HASH "\n", 2,
         "time"},
        {HEAD "0000000000aa shop seller default none 1000 0 " HASH " \n", 2, "hash"},
        {HEAD "0000000000aa shop seller default none 1000 0 " HASH "\r\n", 2, "hash"},
        {HEAD "0000000000aa shop seller default none 1000 0 00\n", 2, "hash"},
        {HEAD SHOP "0000000000aa other seller default none 1000 0 " HASH "\n", 3, "id is that"},
        {HEAD SHOP "0000000000ab shop seller acme none 1000 0 " HASH "\n", 3, "another tenant"},
        {HEAD SHOP "0000000000ab shop seller default none 1000 0 " HASH "\n"
                   "0000000000ac shop seller default none 1000 0 " HASH "\n",
         4, "two keys"},
        {HEAD "0000000000aa shop seller default none 1000 0 " HASH, 2, "cut off"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct key_fault fault;
        assert_false(parse(wrong[i].text, &fault));
        assert_int_equal(fault.line, wrong[i].line);
        if (!strstr(fault.why, wrong[i].why))
            fail_msg("\"%s\" has no \"%s\"", fault.why, wrong[i].why);
    }
}

TEST(names_are_what_a_log_can_show_as_it_is)
{
    char longest[CLIENT_MAX_BYTES + 2];
    memset(longest, 'n', sizeof(longest));
    assert_true(client_valid(STR("Shop-1.eu_west@acme:front")));
    assert_true(client_valid((struct str){longest, CLIENT_MAX_BYTES}));
    assert_false(client_valid((struct str){longest, CLIENT_MAX_BYTES + 1}));
    assert_false(client_valid(STR("")));
    assert_false(client_valid(STR("a b")));
    assert_false(client_valid(STR("a\0b")));
    assert_false(client_valid(STR("caf\xc3\xa9")));
}

TEST(a_full_list_fits_into_what_a_file_may_have)
{
    char name[CLIENT_MAX_BYTES + 1];
    struct key_entry more = fresh(KEYS_MAX + 1, "more");
    given(HEAD);
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        snprintf(name, sizeof(name), "%064u", i);
        struct key_entry key = fresh(i, name);
        snprintf(key.certificate, sizeof(key.certificate), "cn:%0*u", CERT_NAME_MAX_BYTES - 3, i);
        key.created_ms = key.expires_ms = INT64_MAX;
        assert_int_equal(key_list_add(&list, &key, 0), KEY_CHANGED);
    }
    assert_int_equal(key_list_add(&list, &more, 0), KEY_LIST_FULL);
    buf_init(&out, KEY_LIST_MAX_BYTES);
    key_list_write(&list, &out);
    assert_false(out.failed);
    struct key_fault fault;
    assert_true(key_list_parse(&list, buf_str(&out), &fault));
    assert_int_equal(list.count, KEYS_MAX);
    buf_put(&out, SHOP, strlen(SHOP));
    assert_false(key_list_parse(&list, buf_str(&out), &fault));
    buf_free(&out);
}

/* --- changes ---------------------------------------------------------------------------------- */

TEST(a_key_is_over_from_its_end_on)
{
    given(HEAD OPS SHOP);
    assert_false(key_is_over(key_list_find(&list, 0xbb), 8999));
    assert_true(key_is_over(key_list_find(&list, 0xbb), 9000));
    assert_false(key_is_over(key_list_find(&list, 0xaa), INT64_MAX));
}

TEST(a_client_is_added_once_and_again_when_its_keys_are_over)
{
    struct key_entry key = fresh(0xcc, "ops"), same = fresh(0xaa, "other");
    given(HEAD SHOP OPS);
    assert_int_equal(key_list_add(&list, &key, 8999), KEY_NAME_HAS);
    assert_int_equal(key_list_add(&list, &same, 8999), KEY_ID_TAKEN);
    assert_written(HEAD SHOP OPS);
    assert_int_equal(key_list_add(&list, &key, 9000), KEY_CHANGED);
    assert_written(HEAD SHOP "0000000000cc ops reader default none 5000 0 " HASH "\n");
}

TEST(a_rotation_gives_the_name_and_role_on_and_the_old_one_an_end)
{
    struct key_entry key = fresh(0xcc, "");
    given(HEAD SHOP OPS);
    assert_int_equal(key_list_rotate(&list, 0xaa, &key, 7000, 6000), KEY_CHANGED);
    assert_written(HEAD "0000000000aa shop seller default none 1000 7000 " HASH "\n" OPS
                        "0000000000cc shop seller default none 5000 0 " HASH "\n");
}

TEST(a_rotation_stays_in_the_tenant)
{
    struct key_entry key = fresh(0xcc, "");
    given(HEAD "0000000000aa shop seller acme none 1000 0 " HASH "\n");
    assert_int_equal(key_list_rotate(&list, 0xaa, &key, 7000, 6000), KEY_CHANGED);
    assert_written(HEAD "0000000000aa shop seller acme none 1000 7000 " HASH "\n"
                        "0000000000cc shop seller acme none 5000 0 " HASH "\n");
}

TEST(an_owner_is_the_tenant_and_the_name)
{
    char owner[OWNER_MAX_BYTES + 1];
    struct key_entry key = fresh(0xcc, "shop");
    assert_int_equal(key_owner(&key, owner), strlen("default/shop"));
    assert_string_equal(owner, "default/shop");
    memset(key.name, 'n', CLIENT_MAX_BYTES);
    memset(key.tenant, 't', TENANT_MAX_BYTES);
    assert_int_equal(key_owner(&key, owner), OWNER_MAX_BYTES);
}

TEST(a_certificate_is_one_client_s_and_goes_with_it)
{
    struct key_entry next = fresh(0xcc, ""), other = fresh(0xdd, "till");
    snprintf(other.certificate, sizeof(other.certificate), "dns:shop.example");
    given(HEAD_2 SHOP_2);
    assert_int_equal(key_list_rotate(&list, 0xaa, &next, 7000, 6000), KEY_CHANGED);
    assert_string_equal(key_list_find(&list, 0xcc)->certificate, "dns:shop.example");
    assert_int_equal(key_list_add(&list, &other, 8000), KEY_CERTIFICATE_TAKEN);
    assert_int_equal(key_list_revoke(&list, 0xaa), KEY_CHANGED);
    assert_int_equal(key_list_revoke(&list, 0xcc), KEY_CHANGED);
    assert_int_equal(key_list_add(&list, &other, 8000), KEY_CHANGED);
}

TEST(a_rotation_never_lengthens_the_old_one)
{
    struct key_entry key = fresh(0xcc, "");
    given(HEAD OPS);
    assert_int_equal(key_list_rotate(&list, 0xbb, &key, 9999, 6000), KEY_CHANGED);
    assert_int_equal(key_list_find(&list, 0xbb)->expires_ms, 9000);
}

TEST(no_client_has_a_third_key_that_is_good)
{
    struct key_entry second = fresh(0xcc, ""), third = fresh(0xdd, "");
    given(HEAD SHOP);
    assert_int_equal(key_list_rotate(&list, 0xaa, &second, 7000, 6000), KEY_CHANGED);
    assert_int_equal(key_list_rotate(&list, 0xaa, &third, 7000, 6999), KEY_HAS_TWO);
    assert_int_equal(key_list_rotate(&list, 0xcc, &third, 7000, 6999), KEY_HAS_TWO);
    assert_int_equal(key_list_rotate(&list, 0xaa, &third, 8000, 7000), KEY_OVER);
    assert_int_equal(key_list_rotate(&list, 0xcc, &third, 8000, 7000), KEY_CHANGED);
    assert_null(key_list_find(&list, 0xaa));
    assert_int_equal(list.count, 2);
}

TEST(a_quota_is_that_of_both_keys_of_a_client)
{
    const struct quota quota = {.limits = {[QUOTA_RPS] = 50, [QUOTA_BURST] = 100}};
    struct key_entry key = fresh(0xcc, "");
    given(HEAD SHOP OPS);
    assert_int_equal(key_list_set_quota(&list, 0xdd, &quota), KEY_UNKNOWN);
    assert_int_equal(key_list_set_quota(&list, 0xaa, &quota), KEY_CHANGED);
    assert_int_equal(key_list_rotate(&list, 0xaa, &key, 7000, 6000), KEY_CHANGED);
    assert_written(HEAD "0000000000aa shop seller default rps=50,burst=100 1000 7000 " HASH "\n" OPS
                        "0000000000cc shop seller default rps=50,burst=100 5000 0 " HASH "\n");
    given(HEAD "0000000000aa shop seller default rps=50,burst=100 1000 7000 " HASH "\n"
               "0000000000cc shop seller default rps=50,burst=100 5000 0 " HASH "\n");
    assert_int_equal(key_list_set_quota(&list, 0xcc, &(struct quota){0}), KEY_CHANGED);
    assert_int_equal(key_list_find(&list, 0xaa)->quota.limits[QUOTA_RPS], 0);
}

TEST(what_is_revoked_is_gone)
{
    given(HEAD SHOP OPS);
    assert_int_equal(key_list_revoke(&list, 0xaa), KEY_CHANGED);
    assert_written(HEAD OPS);
    assert_int_equal(key_list_revoke(&list, 0xaa), KEY_UNKNOWN);
    struct key_entry key = fresh(0xcc, "");
    assert_int_equal(key_list_rotate(&list, 0xaa, &key, 7000, 6000), KEY_UNKNOWN);
    assert_written(HEAD OPS);
}

/* --- roles ------------------------------------------------------------------------------------ */

TEST(each_role_may_what_those_before_it_may)
{
    for (int role = ROLE_READER; role < ROLES; role++) {
        assert_int_equal(role_of_name(str_of(role_name((enum role)role))), role);
        for (int least = ROLE_ANYBODY; least < ROLES; least++)
            assert_int_equal(role_may((enum role)role, (enum role)least), least <= role);
        assert_false(role_may((enum role)role, ROLE_UNSET));
    }
    assert_false(role_may(ROLE_ANYBODY, ROLE_READER));
    assert_int_equal(role_of_name(STR("root")), ROLE_UNSET);
    assert_int_equal(role_of_name((struct str){NULL, 0}), ROLE_UNSET);
}
