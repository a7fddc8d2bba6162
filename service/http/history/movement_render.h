/* movement_render.h -- one change of an item as members of a JSON object.
 *
 * Layer: http, pure. See components/schemas/Movement in openapi.yaml.
 */
#ifndef HTTP_HISTORY_MOVEMENT_RENDER_H
#define HTTP_HISTORY_MOVEMENT_RENDER_H

#include "buf.h"
#include "ledger/query/movement.h"

/* Without the braces: others may stand beside them. */
void movement_put(struct buf *b, const struct movement *movement);

#endif
