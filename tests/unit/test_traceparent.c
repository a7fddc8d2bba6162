/* test_traceparent.c -- which values of the header field are a trace, and what is kept of them. */
#include "core/traceparent.h"
#include "support/suite.h"

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define GOOD   "00-" TRACE "-" PARENT "-01"

TEST(a_value_is_kept_as_of_version_00_or_not_at_all)
{
    static const struct {
        const char *sent, *kept; /* NULL: nothing */
    } rows[] = {
        {GOOD, GOOD},
        {"00-" TRACE "-" PARENT "-00", "00-" TRACE "-" PARENT "-00"},
        {"00-" TRACE "-" PARENT "-ff", "00-" TRACE "-" PARENT "-ff"},
        {"01-" TRACE "-" PARENT "-01", GOOD}, /* what a later version shares with it */
        {"01-" TRACE "-" PARENT "-01-more", GOOD},
        {"cc-" TRACE "-" PARENT "-01-", GOOD},
        {"", NULL},
        {"00", NULL},
        {"ff-" TRACE "-" PARENT "-01", NULL},
        {GOOD "-more", NULL}, /* of version 00 there is no more */
        {GOOD "0", NULL},
        {"01-" TRACE "-" PARENT "-01.more", NULL},
        {"00-" TRACE "-" PARENT "-0", NULL},
        {"00-00000000000000000000000000000000-" PARENT "-01", NULL},
        {"00-" TRACE "-0000000000000000-01", NULL},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", NULL},
        {"00-" TRACE "-00F067AA0BA902B7-01", NULL},
        {"0x-" TRACE "-" PARENT "-01", NULL},
        {"00-" TRACE "-" PARENT "-0g", NULL},
        {"00_" TRACE "-" PARENT "-01", NULL},
        {"00-" TRACE "_" PARENT "-01", NULL},
        {"00-" TRACE "-" PARENT "_01", NULL},
        {"00-4bf92f3577b34da6a3ce929d0e0e473-0" PARENT "-01", NULL},
        {" " GOOD, NULL},
        {"00-\"bf92f3577b34da6a3ce929d0e0e4736-" PARENT "-01", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char kept[TRACEPARENT_BYTES];
        bool good = traceparent_read(str_of(rows[i].sent), kept);
        if (good != (rows[i].kept != NULL) ||
            (good && memcmp(kept, rows[i].kept, TRACEPARENT_BYTES) != 0))
            fail_msg("row %zu, %s: %d", i, rows[i].sent, good);
        if (good)
            assert_true(traceparent_valid((struct str){kept, TRACEPARENT_BYTES}));
    }
}

TEST(a_value_with_a_nul_is_none_and_one_that_was_not_sent_neither)
{
    char sent[] = GOOD, kept[TRACEPARENT_BYTES];
    sent[20] = '\0';
    assert_false(traceparent_read((struct str){sent, TRACEPARENT_BYTES}, kept));
    assert_false(traceparent_read((struct str){NULL, 0}, kept));
}

TEST(what_is_stored_is_one_of_version_00_or_nothing)
{
    static const struct {
        struct str text;
        bool valid;
    } rows[] = {
        {{NULL, 0}, true},
        {STR(GOOD), true},
        {STR(""), false},
        {STR(GOOD "-"), false},
        {STR("01-" TRACE "-" PARENT "-01"), false},
        {STR("00-" TRACE "-" PARENT "-0"), false},
        {STR("00-" TRACE "-" PARENT "-0G"), false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (traceparent_valid(rows[i].text) != rows[i].valid)
            fail_msg("row %zu", i);
}
