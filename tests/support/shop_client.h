/* shop_client.h -- a test's client of the test server of tests/shop.
 *
 * Layer: tests, for suites with a fixture, whose client `a` then talks to the shop. Everything here
 * may fail the running test.
 */
#ifndef TESTS_SUPPORT_SHOP_CLIENT_H
#define TESTS_SUPPORT_SHOP_CLIENT_H

#include "support/shop_server.h"

#define KEY(name)      "Idempotency-Key: " name "\r\n"
#define ONE_A          "{\"sku\":\"a\",\"quantity\":1}"
#define TO_B(quantity) "{\"to\":\"b\",\"quantity\":" #quantity "}"

extern struct tshop shop;

/* With this fault, every so many times. */
void shop_start(const char *fault, int every);

/* A test's setup and teardown: a shop without a fault, and its end. */
int shop_start_honest(void **state);
int shop_end(void **state);

/* Creates an item. */
void shop_put(const char *sku, int on_hand);

/* The id of a new reservation. */
const char *shop_reserve(const char *body);

#endif
