/* tally.h -- what becomes of operations, counted: for metrics, and for who watches live.
 *
 * Layer: http, private to the server. Of what clients ask for, once it is decided, be it by the
 * store or before; what could not be read as an operation is none.
 */
#pragma once

#include "core/op.h"

struct http_server;

void tally_decided(struct http_server *server, const struct op *op);
