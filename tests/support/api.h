/* api.h -- the contract in the words of a test: calls that say which answer they must get, and
 * checks of what is in it.
 *
 * Layer: tests. Everything here may fail the running cmocka test, and prints the last request and
 * answer when it does, so it is for the main thread. Threads use http.h and record what they see.
 */
#pragma once

#include "support/http.h"
#include "support/redis_server.h"
#include "support/service.h"

#include <jansson.h>

/* A client with its last exchange. */
struct api {
    struct http_conn conn;
    struct http_resp resp;
    char *request; /* for messages */
};

void api_open(struct api *a, int port);
void api_close(struct api *a);

/* A Redis, a service on it, and a client of that: what most test groups need. */
struct stack {
    struct tredis redis;
    struct tservice service;
    struct api api;
};

/* redis NULL: no AOF. extra: more arguments for the service, or NULL. 0, or -1 with a message. */
int stack_start(struct stack *s, const struct tredis_opts *redis, int workers,
                const char *const *extra);

/* Stops all; -1 if the service did not exit 0 or left a crash in its log. */
int stack_stop(struct stack *s);

/* One command, formatted as redisCommand does, on a connection of its own. Fails the test if the
 * answer is an error; the caller frees it. redis_do: the answer does not matter. */
redisReply *redis_ask(const struct tredis *redis, const char *format, ...);
#define redis_do(...) freeReplyObject(redis_ask(__VA_ARGS__))

/* Formats into one of 128 buffers of 8 KiB that are used in turn: for the arguments of a call, not
 * to be kept. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes the call and fails the test if the answer has another status. The body as JSON, good until
 * the next call; NULL if it is none. */
#define api_call(a, status, method, path, headers, body)                                           \
    api_call_at((a), (status), (method), (path), (headers), (body), __FILE__, __LINE__)
json_t *api_call_at(struct api *a, int status, const char *method, const char *path,
                    const char *headers, const char *body, const char *file, int line);

/* Makes a call that must be refused with problem+json of this name and status, and of this field
 * if field is not NULL. */
#define api_problem(a, status, name, field, method, path, headers, body)                           \
    api_problem_at((a), (status), (name), (field), (method), (path), (headers), (body), __FILE__,  \
                   __LINE__)
json_t *api_problem_at(struct api *a, int status, const char *name, const char *field,
                       const char *method, const char *path, const char *headers, const char *body,
                       const char *file, int line);

/* Checks that the last answer is such a problem. */
#define check_problem(a, status, name, field)                                                      \
    check_problem_at((a), (status), (name), (field), __FILE__, __LINE__)
void check_problem_at(struct api *a, int status, const char *name, const char *field,
                      const char *file, int line);

/* The value at a path as "lines[2].sku" or "[0].status"; "" is the root. NULL if there is none. */
json_t *json_at(json_t *root, const char *path);

/* A value has what is in the pattern, JSON with ' for ": of an object the members that it names, of
 * an array all elements, or those before '...'. */
bool json_is_like(json_t *value, const char *pattern);

/* Checks that of the last answer. */
#define check_like(a, ...) check_like_at((a), text(__VA_ARGS__), __FILE__, __LINE__)
void check_like_at(struct api *a, const char *pattern, const char *file, int line);

/* Checks of one value in the last answer. */
#define check_int(a, path, value) check_int_at((a), (path), (value), __FILE__, __LINE__)
#define check_str(a, path, value) check_str_at((a), (path), (value), __FILE__, __LINE__)
#define check_null(a, path)       check_type_at((a), (path), JSON_NULL, __FILE__, __LINE__)
#define check_absent(a, path)     check_type_at((a), (path), -1, __FILE__, __LINE__)
#define check_size(a, path, size) check_size_at((a), (path), (size), __FILE__, __LINE__)
#define check_json(a, path, json) check_json_at((a), (path), (json), __FILE__, __LINE__)
#define check_header(a, name, value)                                                               \
    check_header_at((a), (name), (value), __FILE__, __LINE__) /* value NULL: absent */
/* Values of the last answer. A string is a copy, good for some 200 calls. */
#define api_int(a, path)  api_int_at((a), (path), __FILE__, __LINE__)
#define api_str(a, path)  api_str_at((a), (path), __FILE__, __LINE__)
#define api_time(a, path) api_time_at((a), (path), __FILE__, __LINE__)
void check_int_at(struct api *a, const char *path, int64_t value, const char *file, int line);
void check_str_at(struct api *a, const char *path, const char *value, const char *file, int line);
void check_type_at(struct api *a, const char *path, int type, const char *file, int line);
void check_size_at(struct api *a, const char *path, size_t size, const char *file, int line);
void check_json_at(struct api *a, const char *path, const char *json, const char *file, int line);
void check_header_at(struct api *a, const char *name, const char *value, const char *file,
                     int line);
int64_t api_int_at(struct api *a, const char *path, const char *file, int line);
const char *api_str_at(struct api *a, const char *path, const char *file, int line);

/* A time as "2025-01-31T23:59:59.123Z", in ms since the epoch. */
int64_t api_time_at(struct api *a, const char *path, const char *file, int line);
int64_t time_parse_ms(const char *rfc3339); /* -1: not of that form */

/* A number of /metrics; NAN if it is not there. */
double api_metric(struct api *a, const char *name);

/* A name that no item has yet; good for some 64 calls. */
const char *new_sku(void);

/* Creates an item of a new name with a stock, and with a limit if max is not 0; its name. */
#define api_item(a, on_hand, max) api_item_at((a), (on_hand), (max), __FILE__, __LINE__)
const char *api_item_at(struct api *a, int64_t on_hand, int64_t max, const char *file, int line);

/* The names that Redis and SQL have an item under, and the counter of a customer: those of the
 * tenant that a suite runs as (api_keys.h). */
const char *stored_item(const char *sku);
const char *stored_customer(const char *customer);

/* The partition that Redis has the item in, of so many; -1: in none. */
int stack_partition_of(const struct stack *s, int partitions, const char *sku);

/* Creates items until there is one in the partition; its name, which stays. */
const char *stack_item_in(struct stack *s, int partitions, int partition, int64_t on_hand);

/* Holds units of one item; the reservation's id. ttl 0: not said. */
#define api_reserve(a, sku, quantity, ttl)                                                         \
    api_reserve_at((a), (sku), (quantity), (ttl), __FILE__, __LINE__)
const char *api_reserve_at(struct api *a, const char *sku, int64_t quantity, int64_t ttl,
                           const char *file, int line);

/* Reads the item and compares all its counters. */
#define check_item(a, sku, on_hand, available, held, sold, version)                                \
    check_item_at((a), (sku), (on_hand), (available), (held), (sold), (version), __FILE__, __LINE__)
void check_item_at(struct api *a, const char *sku, int64_t on_hand, int64_t available, int64_t held,
                   int64_t sold, int64_t version, const char *file, int line);

/* True if the reservation is in that state now. */
bool api_state_is(struct api *a, const char *id, const char *state);

/* True if the service says on /readyz that it is ready. */
bool api_ready(struct api *a);

/* How long an expiry may take to be written, after the deadline; on a loaded machine. */
#define EXPIRY_TIMEOUT_MS 120000
