/* Any body and header values. The first byte picks the route, and a tenant by its top bit; then
 * come lines of Idempotency-Key, If-Match and If-None-Match, and the rest is the body. Whatever is
 * refused renders as JSON. And jansson never takes more memory for a body than it was said to. */
#include "http/answer/render.h"
#include "http/request/json_heap.h"
#include "http/request/request.h"

#include <malloc.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena;
static struct buf text;

static void check_refusal(const struct refusal *why)
{
    struct answer answer = {0};
    buf_reset(&text);
    render_refusal(why, &answer, &text);
    json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (!json || answer.status < 400)
        abort();
    json_decref(json);
}

static void check_op(const struct op *op)
{
    if (op->line_count > LINES_MAX || op->key.n > KEY_STORED_MAX_BYTES || op->id.n == 0)
        abort();
    for (unsigned i = 0; i < op->line_count; i++)
        if (!item_name_valid(op->lines[i].sku) ||
            !str_equal(tenant_of(op->lines[i].sku, TENANT_MARK_ITEM), owner_tenant(op->owner)) ||
            op->lines[i].quantity > QUANTITY_MAX)
            abort();
    if (!str_absent(op->key) &&
        (!str_equal(tenant_of(op->key, TENANT_MARK_KEY), owner_tenant(op->owner)) ||
         !str_equal(tenant_outer(op->key, TENANT_MARK_KEY), op->id)))
        abort();
    if (op->customer.n > TEXT_MAX_BYTES || op->metadata.n > METADATA_MAX_BYTES)
        abort();
    if (!str_absent(op->metadata)) {
        json_t *json = json_loadb(op->metadata.p, op->metadata.n, 0, NULL);
        if (!json)
            abort();
        json_decref(json);
    }
}

static size_t live_bytes, peak_bytes;

static size_t bytes_of(void *p)
{
    return malloc_usable_size(p) + sizeof(size_t);
}

static void *count(size_t n)
{
    void *p = malloc((n + 8 + 15) / 16 * 16 - 8); /* as glibc gives, whoever stands in for it */
    if (!p)
        abort();
    live_bytes += bytes_of(p);
    if (live_bytes > peak_bytes)
        peak_bytes = live_bytes;
    return p;
}

static void discount(void *p)
{
    live_bytes -= p ? bytes_of(p) : 0;
    free(p);
}

static void check_heap(struct str body)
{
    size_t bound = json_heap_bound(body);
    live_bytes = peak_bytes = 0;
    json_set_alloc_funcs(count, discount);
    json_decref(json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL));
    json_set_alloc_funcs(malloc, free);
    if (peak_bytes > bound || bound > JSON_HEAP_LEAST + body.n * JSON_HEAP_WORST)
        abort();
}

static void try_batch(const struct request_head *head, char *body, size_t n)
{
    struct request_batch batch;
    struct refusal why = {0};
    struct op op;
    if (!request_batch_open(&batch, &arena, head, body, n, &why)) {
        check_refusal(&why);
        return;
    }
    for (unsigned i = 0; i < batch.count; i++) {
        if (request_batch_op(&op, &arena, &batch, i, &why))
            check_op(&op);
        else
            check_refusal(&why);
    }
    request_batch_close(&batch);
}

static struct str take_line(const uint8_t **data, size_t *size)
{
    const uint8_t *end = memchr(*data, '\n', *size);
    if (!end)
        return (struct str){NULL, 0};
    struct str line = {(const char *)*data, (size_t)(end - *data)};
    *size -= line.n + 1;
    *data = end + 1;
    return line.n > 0 ? line : (struct str){NULL, 0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *method, *target;
    } routes[] = {{"POST", "/v1/reservations"},
                  {"POST", "/v1/batch"},
                  {"PUT", "/v1/items/a"},
                  {"DELETE", "/v1/items/a"},
                  {"POST", "/v1/items/a/adjustments"},
                  {"POST", "/v1/items/a/decrements"},
                  {"POST", "/v1/reservations/r0-00000000000000000000000/confirm"},
                  {"POST", "/v1/reservations/r0-00000000000000000000000/release"},
                  {"POST", "/v1/reservations/r0-00000000000000000000000/extend"},
                  {"POST", "/v1/items/a/transfers"}};
    char room[64];
    if (size < 1)
        return 0;
    if (!text.max) {
        arena_init(&arena, 4096, 160u << 20);
        buf_init(&text, 1 << 20);
    }
    size_t i = (size_t)((data[0] & 0x7f) - '0') % (sizeof(routes) / sizeof(routes[0]));
    struct route_match match = route_find(str_of(routes[i].method), str_of(routes[i].target), room);
    struct request_head head = {.match = &match, .role = ROLE_ADMIN};
    if (data[0] & 0x80)
        head.by = (struct requester){.owner = STR("acme/shop"), .items = STR("acme")};
    data++;
    size--;
    head.key = take_line(&data, &size);
    head.if_match = take_line(&data, &size);
    head.if_none_match = take_line(&data, &size);
    char *body = malloc(size ? size : 1);
    if (!body)
        abort();
    memcpy(body, data, size);
    check_heap((struct str){body, size});
    if (match.id == ROUTE_BATCH) {
        try_batch(&head, body, size);
    } else {
        struct refusal why = {0};
        struct op op;
        if (request_op(&op, &arena, &head, body, size, &why))
            check_op(&op);
        else
            check_refusal(&why);
    }
    free(body);
    arena_reset(&arena);
    return 0;
}
