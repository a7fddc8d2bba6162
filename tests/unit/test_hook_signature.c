/* test_hook_signature.c -- secrets of hooks as text, and what is signed with them. */
#include "hooks/signature.h"
#include "support/suite.h"

/* The example of the libraries of Standard Webhooks. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SIGNED "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define OTHER  "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static struct hook_secret secret_of(const char *text)
{
    struct hook_secret secret;
    const char *why;
    if (!secret_parse(&secret, str_of(text), &why))
        fail_msg("%s %s", text, why);
    return secret;
}

TEST(a_secret_is_read_with_and_without_padding)
{
    assert_int_equal(secret_of(SECRET).n, 24);
    assert_int_equal(secret_of(OTHER).n, 32);
    const struct hook_secret secret = secret_of(OTHER);
    for (size_t i = 0; i < secret.n; i++)
        assert_int_equal(secret.bytes[i], i);
}

TEST(what_is_no_secret_is_none)
{
    static const char *const wrong[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa=w",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa w",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=", /* 23 bytes */
        "whsec_====",
        "whsec_"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAA", /* 66 */
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct hook_secret secret;
        const char *why = NULL;
        if (secret_parse(&secret, str_of(wrong[i]), &why))
            fail_msg("%s is taken", wrong[i]);
        assert_non_null(why);
    }
}

TEST(the_signature_is_that_of_the_standard)
{
    const struct hook_secret secrets[] = {secret_of(SECRET), secret_of(OTHER)};
    struct buf out;
    buf_init(&out, 512);
    assert_true(signature_put(&out, secrets, 1, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                              STR("{\"test\": 2432232314}")));
    assert_true(str_equal(buf_str(&out), STR(SIGNED)));
    buf_free(&out);
}

TEST(while_a_secret_is_changed_both_sign)
{
    const struct hook_secret secrets[] = {secret_of(OTHER), secret_of(SECRET)};
    struct buf out;
    buf_init(&out, 512);
    assert_true(signature_put(&out, secrets, 2, STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                              STR("{\"test\": 2432232314}")));
    const size_t n = sizeof(SIGNED) - 1;
    assert_int_equal(out.n, 2 * n + 1);
    assert_memory_equal(out.p + n, " " SIGNED, n + 1);
    assert_memory_not_equal(out.p, SIGNED, n);
    buf_free(&out);
}
