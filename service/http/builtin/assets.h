/* assets.h -- files built into the program (asset_files.S): the dashboard's, and the interface's
 * description.
 *
 * Layer: http. The dashboard's are a folder (pages/) and Chart.js (MIT), which comes from Debian's
 * libjs-chart.js and keeps its notice. Each has a tag made of its bytes, so a browser asks again
 * whether it has changed and is sent it once.
 */
#pragma once

#include "http/answer/render.h"

#include <stdint.h>

extern const char asset_openapi[], asset_openapi_end[];

#define ASSET(name)                                                                                \
    (struct str)                                                                                   \
    {                                                                                              \
        asset_##name, (size_t)(asset_##name##_end - asset_##name)                                  \
    }

struct asset {
    const char *name; /* below /ui/ */
    enum content content;
    const char *bytes, *end;
};

/* The file of that name; absent: the page at `/`. NULL: there is none. */
const struct asset *asset_find(struct str name);

/* By its place, for tests; NULL: there are no more. */
const struct asset *asset_at(unsigned i);

static inline struct str asset_text(const struct asset *asset)
{
    return (struct str){asset->bytes, (size_t)(asset->end - asset->bytes)};
}

/* Of its bytes: a number such as the versions of items, 1 to 18 digits. The same in every process
 * of the same build; reckoned when it is asked for first. */
int64_t asset_tag(const struct asset *asset);
