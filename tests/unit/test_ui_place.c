/* test_ui_place.c -- where the live page may be served, and under which names it may be asked for.
 */
#include "support/suite.h"
#include "ui/place.h"

#include <string.h>
#include <unistd.h>

TEST(only_loopback_addresses_are_taken)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"127.0.0.1:0", "127.0.0.1:0"},
        {"127.8.9.10:65535", "127.8.9.10:65535"},
        {"localhost:80", "127.0.0.1:80"},
        {"[::1]:9000", "[::1]:9000"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ui_place at;
        char err[UI_PLACE_ERR_SIZE] = "", text[UI_PLACE_TEXT_SIZE];
        assert_true(ui_place_parse(&at, rows[i].text, err, sizeof(err)));
        ui_place_format(&at, text);
        assert_string_equal(text, rows[i].shown);
    }
}

TEST(what_is_none_is_refused_with_what_would_be_right)
{
    static const char *const rows[] = {
        "",          "0.0.0.0:80", "10.0.0.1:80",      "[::]:80",       "example.com:80",
        "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",  "127.0.0.1:-1",  "127.0.0.1:8x",
        "[::1]",     "[::1",       "[::1]x:80",        "::1:80",        ":80",
        "127.1:80",  "localhost",  "127.0.0.1:123456", "localhost.:80",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ui_place at;
        char err[UI_PLACE_ERR_SIZE] = "";
        if (ui_place_parse(&at, rows[i], err, sizeof(err)))
            fail_msg("taken: %s", rows[i]);
        assert_non_null(strstr(err, "give ADDR:PORT of this machine"));
    }
}

TEST(a_host_is_ours_if_it_names_this_machine)
{
    static const struct {
        struct str host;
        bool ours;
    } rows[] = {
        {{"localhost", 9}, true},
        {{"LocalHost:8080", 14}, true},
        {{"127.0.0.1", 9}, true},
        {{"127.0.0.1:1", 11}, true},
        {{"[::1]:1", 7}, true},
        {{"[::1]", 5}, true},
        {{"", 0}, false},
        {{":80", 3}, false},
        {{"evil.com", 8}, false},
        {{"127.0.0.1.evil.com", 18}, false},
        {{"localhost.evil.com:80", 21}, false},
        {{"evil.com:localhost", 18}, false},
        {{"localhost:", 10}, false},
        {{"localhost:80x", 13}, false},
        {{"localhost\0.evil.com", 19}, false},
        {{"localhost:8\0", 12}, false},
        {{"192.168.0.1", 11}, false},
        {{"[::1]evil.com", 13}, false},
        {{"[::1", 4}, false},
        {{"[]", 2}, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (ui_host_is_ours(rows[i].host) != rows[i].ours)
            fail_msg("%s", rows[i].host.p);
}

TEST(a_free_port_is_found_and_told)
{
    struct ui_place at, again;
    char err[UI_PLACE_ERR_SIZE];
    assert_true(ui_place_parse(&at, "127.0.0.1:0", err, sizeof(err)));
    int fd = ui_place_open(&at);
    assert_true(fd >= 0);
    assert_int_not_equal(at.port, 0);
    again = at;
    assert_true(ui_place_open(&again) < 0); /* somebody has it */
    close(fd);
}
