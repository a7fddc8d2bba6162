/* render.h -- how services are now, as JSON.
 *
 * Layer: http, pure.
 */
#pragma once

#include "buf.h"
#include "core/live.h"

/* On one line; service is the name of the one that answers. Of the items those of the tenant, by
 * their outer names: absent or the default one, those of the store. */
void live_render(const struct live_view *view, uint64_t service, struct str tenant,
                 struct buf *out);
