#include "core/access/api_key.h"
#include "support/suite.h"

#define ID     UINT64_C(0x3f9c1a2b7d04)
#define SECRET "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY    "sk_3f9c1a2b7d04_" SECRET "1bdaf1d9"

static const char *made(void)
{
    static char text[API_KEY_SIZE];
    uint8_t secret[API_KEY_SECRET_BYTES];
    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)i;
    api_key_write(ID, secret, text);
    return text;
}

/* The checksum is zlib's: python3 -c 'import zlib; print("%08x" % zlib.crc32(b"sk_..."))' */
TEST(is_written_with_its_id_and_the_checksum_that_others_reckon)
{
    assert_string_equal(made(), KEY);
    assert_int_equal(strlen(made()), API_KEY_CHARS);
}

TEST(what_was_written_is_read)
{
    uint64_t id = 0;
    assert_true(api_key_read(str_of(made()), &id));
    assert_true(id == ID);
}

TEST(every_character_counts)
{
    char text[API_KEY_SIZE];
    uint64_t id;
    for (size_t i = 0; i < API_KEY_CHARS; i++)
        for (int c = 0; c < 256; c++) {
            memcpy(text, KEY, sizeof(text));
            text[i] = (char)c;
            assert_int_equal(api_key_read((struct str){text, API_KEY_CHARS}, &id),
                             text[i] == KEY[i]);
        }
}

TEST(nothing_else_is_a_key)
{
    static const char *const others[] = {
        "",
        "sk_",
        "sk_3f9c1a2b7d04",
        "sk_3f9c1a2b7d04_" SECRET,
        KEY "0",
        " " KEY,
        "SK_3f9c1a2b7d04_" SECRET "1bdaf1d9",
        "sk_3F9C1A2B7D04_" SECRET "1bdaf1d9",
    };
    uint64_t id;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(api_key_read(str_of(others[i]), &id));
    assert_false(api_key_read((struct str){NULL, 0}, &id));
}

TEST(a_look_at_the_id_does_not_ask_for_the_rest)
{
    char text[API_KEY_SIZE] = KEY;
    uint64_t id = 0;
    text[API_KEY_CHARS - 1] = 'x';
    assert_true(api_key_peek(str_of(text), &id));
    assert_true(id == ID);
    assert_false(api_key_read(str_of(text), &id));
}

TEST(ids_are_twelve_small_digits)
{
    char text[API_KEY_ID_CHARS + 1];
    uint64_t id;
    static const uint64_t ids[] = {0, 1, ID, (UINT64_C(1) << 48) - 1};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        api_key_put_id(ids[i], text);
        assert_true(api_key_read_id(str_of(text), &id));
        assert_true(id == ids[i]);
    }
    assert_string_equal(text, "ffffffffffff");
    assert_false(api_key_read_id(STR("FFFFFFFFFFFF"), &id));
    assert_false(api_key_read_id(STR("ffffffffffff0"), &id));
    assert_false(api_key_read_id(STR("fffffffffff"), &id));
}
