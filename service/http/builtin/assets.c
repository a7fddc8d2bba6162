/* assets.c -- the table of assets.h. */
#include "http/builtin/assets.h"
#include "http/builtin/asset_list.h"

#include <assert.h>

#define TAGS 1000000000000000000u /* as many as If-None-Match is read for: headers.h */

#define PAGE_BYTES(id, ...) extern const char asset_##id[], asset_##id##_end[];
ASSET_PAGES(PAGE_BYTES)
PAGE_BYTES(chart)

#define PAGE_ROW(id, name, content) {name, content, asset_##id, asset_##id##_end},
static const struct asset assets[] = {ASSET_PAGES(PAGE_ROW)
                                          PAGE_ROW(chart, "chart.js", CONTENT_SCRIPT)};
#define ASSETS (sizeof(assets) / sizeof(assets[0]))

const struct asset *asset_find(struct str name)
{
    if (str_absent(name))
        return &assets[0];
    for (unsigned i = 0; i < ASSETS; i++)
        if (str_equal(name, str_of(assets[i].name)))
            return &assets[i];
    return NULL;
}

const struct asset *asset_at(unsigned i)
{
    return i < ASSETS ? &assets[i] : NULL;
}

int64_t asset_tag(const struct asset *asset)
{
    static int64_t known[ASSETS]; /* 0: not yet */
    size_t i = (size_t)(asset - assets);
    assert(i < ASSETS);
    if (known[i] == 0)
        known[i] = (int64_t)(str_hash(asset_text(asset)) % (TAGS - 1)) + 1;
    return known[i];
}
