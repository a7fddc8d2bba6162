/* test_assets.c -- the dashboard's files: those of the folder are those that are served, and none
 * of them asks for what its Content-Security-Policy forbids, or is not there. */
#include "http/builtin/assets.h"
#include "support/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGES "service/http/pages"

TEST(the_page_at_the_root_is_the_index)
{
    assert_string_equal(asset_find((struct str){NULL, 0})->name, "index.html");
    assert_null(asset_find(STR("")));
    assert_null(asset_find(STR("openapi.json")));
    assert_null(asset_find(STR("../main.c")));
}

TEST(every_file_of_the_folder_is_served_as_it_is)
{
    DIR *dir = opendir(PAGES);
    if (!dir)
        fail_msg("no " PAGES ": this runs in the root of the repository");
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char path[sizeof(PAGES) + sizeof(entry->d_name) + 1], *text = NULL;
        size_t size = 0;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), PAGES "/%s", entry->d_name);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        ssize_t n = getdelim(&text, &size, '\0', file);
        fclose(file);
        const struct asset *asset = asset_find(str_of(entry->d_name));
        if (!asset)
            fail_msg("%s has no row in http/builtin/asset_list.h", path);
        if (!str_equal(asset_text(asset), (struct str){text, (size_t)n}))
            fail_msg("%s was changed after it was built in", path);
        free(text);
    }
    closedir(dir);
}

TEST(each_has_a_tag_that_is_its_own_and_can_be_asked_for)
{
    const struct asset *asset, *other;
    for (unsigned i = 0; (asset = asset_at(i)); i++) {
        assert_in_range(asset_tag(asset), 1, 999999999999999999);
        assert_int_equal(asset_tag(asset), asset_tag(asset));
        for (unsigned j = 0; j < i && (other = asset_at(j)); j++)
            assert_true(asset_tag(asset) != asset_tag(other));
    }
    assert_string_equal(asset_find(STR("chart.js"))->name, "chart.js");
}

/* Each text behind `mark` up to a quote; it must be a name below `before`, of a file that is there.
 */
static unsigned each_is_there(const struct asset *asset, const char *mark, const char *before)
{
    unsigned count = 0;
    for (const char *at = asset->bytes; (at = strstr(at, mark)); count++) {
        at += strlen(mark);
        struct str name = {at, strcspn(at, "\"'")};
        size_t n = strlen(before);
        if (name.n <= n || memcmp(name.p, before, n) != 0 ||
            !asset_find((struct str){name.p + n, name.n - n}))
            fail_msg("%s asks for %.*s, which is not %s and a file that is there", asset->name,
                     STR_ARG(name), before);
    }
    return count;
}

TEST(what_a_file_loads_is_there)
{
    const struct asset *asset;
    unsigned count = 0;
    for (unsigned i = 0; (asset = asset_at(i)); i++) {
        if (asset->content == CONTENT_HTML) {
            count += each_is_there(asset, " src=\"", "ui/");
            count += each_is_there(asset, "<link rel=\"stylesheet\" href=\"", "ui/");
        } else if (asset->content == CONTENT_SCRIPT && strcmp(asset->name, "chart.js") != 0) {
            count += each_is_there(asset, " from '", "./");
            count += each_is_there(asset, "import '", "./");
            count += each_is_there(asset, "import('", "./");
        }
    }
    assert_in_range(count, 50, 1000);
}

/* Attributes that a browser would not heed: ` style="`, ` onclick="`. */
static bool has_inline_code(const char *html)
{
    for (const char *at = html; (at = strstr(at, " on"));) {
        at += 3;
        size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz");
        if (n > 0 && at[n] == '=')
            return true;
    }
    return strcasestr(html, " style=") || strcasestr(html, "<style") ||
           strcasestr(html, "javascript:") || strcasestr(html, "<script>");
}

TEST(nothing_stands_in_a_page_that_it_may_not_run)
{
    const struct asset *asset;
    assert_true(has_inline_code("<p onclick=\"x()\">"));
    assert_true(has_inline_code("<p style=\"x\">"));
    assert_false(has_inline_code("<p>one = only</p>"));
    for (unsigned i = 0; (asset = asset_at(i)); i++) {
        assert_null(memchr(asset->bytes, '\0', asset_text(asset).n));
        if (asset->content == CONTENT_HTML && has_inline_code(asset->bytes))
            fail_msg("%s has a script or a style in it", asset->name);
    }
}
