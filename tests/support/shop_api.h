/* shop_api.h -- a client of the test server, for tests of that server itself.
 *
 * Layer: tests. One server and one connection at a time, for the whole program: shop_start or
 * shop_start_honest, then shop_stop. Anything that fails fails the test.
 */
#pragma once

#include "support/api.h"
#include "support/shop_server.h"
#include "support/suite.h"

#define KEY(name)      "Idempotency-Key: " name "\r\n"
#define ITEM(sku)      "/v1/items/" sku
#define CONFIRM(id)    text("/v1/reservations/%s/confirm", (id))
#define RELEASE(id)    text("/v1/reservations/%s/release", (id))
#define EXTEND(id)     text("/v1/reservations/%s/extend", (id))
#define HOLD(id)       text("/v1/reservations/%s", (id))
#define RESERVATIONS   "/v1/reservations"
#define ONE_A          "{\"sku\":\"a\",\"quantity\":1}"
#define TO_B(quantity) "{\"to\":\"b\",\"quantity\":" #quantity "}"

extern struct tshop shop_under_test;
extern struct api shop_client;

void shop_start(const char *fault, int every);

/* Fixtures. */
int shop_start_honest(void **state);
int shop_stop(void **state);

/* A new item. */
void shop_put(const char *sku, int on_hand);

/* The id of a new reservation. */
const char *shop_reserve(const char *body);
