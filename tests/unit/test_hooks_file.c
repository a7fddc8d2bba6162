/* test_hooks_file.c -- the file of hooks: what it may say, and what it is told of what it may not.
 */
#include "hooks/hooks_file.h"
#include "support/suite.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define HOOK   "'name':'a','url':'https://shop.example/x','secret':'" SECRET "'"

/* Single quotes stand for double ones. */
static bool parses(struct hook_list *list, const char *text, char why[HOOKS_WHY_SIZE])
{
    char json[4096];
    snprintf(json, sizeof(json), "%s", text);
    for (char *at = json; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    return hooks_file_parse(list, str_of(json), why);
}

static void read_list(struct hook_list *list, const char *text)
{
    char why[HOOKS_WHY_SIZE];
    if (!parses(list, text, why))
        fail_msg("%s: %s", text, why);
}

TEST(a_hook_has_what_it_says_and_defaults)
{
    struct hook_list list;
    read_list(&list,
              "{'hooks':[{" HOOK "},{'name':'b.2','url':'http://[::1]:81/?q=1','secrets':['" SECRET
              "','" SECRET "'],'tenant':'acme','types':['confirm','release'],'skus':['shoe-'],"
              "'from':'beginning','in_flight':1,'attempts':3,'retry_first_ms':10,"
              "'timeout_ms':100}]}");
    assert_int_equal(list.count, 2);
    const struct hook_spec *a = hooks_file_find(&list, "a"), *b = hooks_file_find(&list, "b.2");
    assert_string_equal(a->url, "https://shop.example/x");
    assert_null(a->tenant);
    assert_int_equal(a->secret_count, 1);
    assert_false(a->from_beginning);
    assert_int_equal(a->in_flight, 8);
    assert_int_equal(a->attempts, 12);
    assert_int_equal(a->retry_first_ms, 5000);
    assert_int_equal(a->timeout_ms, 15000);
    assert_string_equal(b->tenant, "acme");
    assert_int_equal(b->secret_count, 2);
    assert_true(b->from_beginning);
    assert_int_equal(b->timeout_ms, 100);
    assert_null(hooks_file_find(&list, "c"));
    hooks_file_free(&list);
}

TEST(a_hook_wants_its_types_and_items)
{
    struct hook_list list;
    read_list(&list, "{'hooks':[{" HOOK "},{'name':'b','url':'http://x/','secret':'" SECRET
                     "','types':['confirm'],'skus':['shoe-','hat']}]}");
    const struct hook_spec *all = &list.hooks[0], *some = &list.hooks[1];
    assert_true(hook_wants(all, STR("create"), STR("x")));
    assert_true(hook_wants(some, STR("confirm"), STR("shoe-1")));
    assert_true(hook_wants(some, STR("confirm"), STR("hat")));
    assert_false(hook_wants(some, STR("confirm"), STR("shoe")));
    assert_false(hook_wants(some, STR("confirms"), STR("hat")));
    assert_false(hook_wants(some, STR("reserve"), STR("hat")));
    hooks_file_free(&list);
}

TEST(no_hooks_are_a_list_too)
{
    struct hook_list list;
    read_list(&list, "{'hooks':[]}");
    assert_int_equal(list.count, 0);
}

TEST(what_is_wrong_is_told_and_what_would_be_right)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "line 1"},
        {"{'hooks':[", "line 1"},
        {"[]", "must be an object with one member"},
        {"{'hooks':[],'x':1}", "must be an object with one member"},
        {"{'hooks':[1]}", "hook 1 must be an object"},
        {"{'hooks':[{'name':'a'}]}", "hook 1 (a): lacks \"url\""},
        {"{'hooks':[{'name':'a','url':'http://x'}]}", "lacks \"secret\""},
        {"{'hooks':[{" HOOK "},{" HOOK "}]}", "hooks 1 and 2 are both named a"},
        {"{'hooks':[{'name':'a b'}]}", "\"name\" must be 1 to 64 characters"},
        {"{'hooks':[{'name':'a','uri':'x'}]}", "\"uri\", which is none of a hook; \"url\" is"},
        {"{'hooks':[{'name':'a','name':'b'}]}", "duplicate"},
        {"{'hooks':[{'name':'a','url':'ftp://x/'}]}", "must begin with https://"},
        {"{'hooks':[{'name':'a','url':'file:///etc/passwd'}]}", "must begin with https://"},
        {"{'hooks':[{'name':'a','url':'http://u:p@x/'}]}", "no user and no password"},
        {"{'hooks':[{'name':'a','url':'http://x/#y'}]}", "fragment"},
        {"{'hooks':[{'name':'a','url':'http://x/#'}]}", "fragment"},
        {"{'hooks':[{'name':'a','url':'http://'}]}", "is no URL"},
        {"{'hooks':[{'name':'a','url':'http://x/ y'}]}", "is no URL"},
        {"{'hooks':[{" HOOK ",'secrets':['" SECRET "','" SECRET "']}]}", "2 secrets are all"},
        {"{'hooks':[{'name':'a','secret':'hunter2'}]}", "must be whsec_"},
        {"{'hooks':[{'name':'a','secret':7}]}", "must be a string"},
        {"{'hooks':[{" HOOK ",'types':['confirmed']}]}", "; \"confirm\" is"},
        {"{'hooks':[{" HOOK ",'types':[]}]}", "must be an array of 1 to 64"},
        {"{'hooks':[{" HOOK ",'types':['epoch']}]}", "no type of event"},
        {"{'hooks':[{" HOOK ",'skus':'a'}]}", "must be an array"},
        {"{'hooks':[{" HOOK ",'skus':['']}]}", "must have 1 to 64 bytes"},
        {"{'hooks':[{" HOOK ",'tenant':'A/b'}]}", "a tenant's name"},
        {"{'hooks':[{" HOOK ",'from':'then'}]}", "\"now\" or \"beginning\""},
        {"{'hooks':[{" HOOK ",'attempts':0}]}", "from 1 to 100"},
        {"{'hooks':[{" HOOK ",'attempts':1.5}]}", "a whole number"},
        {"{'hooks':[{" HOOK ",'timeout_ms':99}]}", "from 100 to 60000"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hook_list list;
        char why[HOOKS_WHY_SIZE] = "";
        if (parses(&list, rows[i].text, why))
            fail_msg("%s is taken", rows[i].text);
        if (!strstr(why, rows[i].why))
            fail_msg("%s: %s", rows[i].text, why);
        assert_int_equal(list.count, 0);
    }
}

TEST(a_secret_is_never_repeated)
{
    static const char *const rows[] = {
        "{'hooks':[{'name':'a','secret':'whsec_hunter2'}]}",
        "{'hooks':[{'secret':'whsec_hunter2' 'x'}]}",
        "{'hooks':[{'secret':whsec_hunter2}]}",
        "{'hooks':[{'secret':'whsec_hunter2",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hook_list list;
        char why[HOOKS_WHY_SIZE] = "";
        assert_false(parses(&list, rows[i], why));
        assert_null(strstr(why, "hunter2"));
    }
}
