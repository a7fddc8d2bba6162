/* Any bytes as responses on one connection: what comes out must be the same however they are cut,
 * and lie where response.h says. Bytes that did not come yet must not be looked at. */
#include "buf.h"
#include "client/response.h"
#include "random.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

/* How the bytes come: all at once, one by one, or in pieces of random lengths. */
enum cut { CUT_NOT, CUT_BYTES, CUT_SHORT, CUT_LONG, CUTS };

static size_t piece(enum cut cut, struct rng *rng, size_t left)
{
    static const uint64_t longest[CUTS] = {0, 1, 7, 400};
    if (cut == CUT_NOT)
        return left;
    size_t n = 1 + (size_t)rng_below(rng, longest[cut]);
    return n < left ? n : left;
}

static void check_more(const struct response *r, size_t filled)
{
    must(r->consumed == 0 && str_absent(r->body) && r->at <= filled);
    must(response_wants(r, filled) >= 1 && response_wants(r, filled) + filled < (size_t)1 << 63);
}

static void check_header(const struct response *r, const char *bytes, struct str text)
{
    must(str_absent(text) ||
         (text.n > 0 && text.p >= bytes && text.p + text.n <= bytes + r->head_bytes));
}

static void check_done(const struct response *r, const char *bytes, size_t filled)
{
    must(r->status >= 200 && r->status <= 599);
    must(r->consumed <= filled && r->head_bytes <= RESPONSE_HEAD_MAX);
    must(r->body.p == bytes + r->head_bytes && r->head_bytes + r->body.n <= r->consumed);
    must(response_wants(r, filled) == 0);
    must((r->status != 204 && r->status != 304) || r->body.n == 0);
    check_header(r, bytes, r->etag);
    check_header(r, bytes, r->location);
    must(!r->until_close || (r->close && !r->chunked && !r->has_length));
}

/* Everything that the response says, in a form that can be compared. */
static void write_down(struct buf *out, enum response_state state, const struct response *r)
{
    if (state == RESPONSE_DONE)
        buf_printf(out, "%u %d %d %u %d %zu %zu %.*s %.*s:", (unsigned)r->status, r->close,
                   r->replayed, (unsigned)r->retry_after_s, (int)r->content, r->consumed, r->body.n,
                   STR_ARG(r->etag), STR_ARG(r->location));
    buf_puts(out, state == RESPONSE_DONE ? r->body : STR("garbled"));
}

/* Reads responses until the bytes, or one that is garbled, end. */
static void run(struct buf *out, char *bytes, size_t size, enum cut cut, struct rng *rng)
{
    enum response_state state = RESPONSE_MORE;
    size_t from = 0, filled = 0;
    struct response r;
    response_reset(&r);
    ASAN_POISON_MEMORY_REGION(bytes, size);
    while (filled < size) {
        size_t wanted = response_wants(&r, filled - from), n = piece(cut, rng, size - filled);
        ASAN_UNPOISON_MEMORY_REGION(bytes, filled + n);
        filled += n;
        state = response_feed(&r, bytes + from, filled - from);
        must(state != RESPONSE_DONE || n >= wanted);
        while (state == RESPONSE_DONE) {
            check_done(&r, bytes + from, filled - from);
            write_down(out, state, &r);
            from += r.consumed;
            response_reset(&r);
            state = from < filled ? response_feed(&r, bytes + from, filled - from) : RESPONSE_MORE;
        }
        if (state == RESPONSE_GARBLED)
            break;
        check_more(&r, filled - from);
    }
    ASAN_UNPOISON_MEMORY_REGION(bytes, size);
    if (from < filled) {
        state = response_end(&r, bytes + from, filled - from);
        must(state != RESPONSE_MORE);
        if (state == RESPONSE_DONE)
            check_done(&r, bytes + from, filled - from);
        write_down(out, state, &r);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf said[CUTS];
    struct rng rng;
    rng_seed(&rng, str_hash((struct str){(const char *)data, size}));
    for (int cut = 0; cut < CUTS; cut++) {
        char *bytes = malloc(size > 0 ? size : 1);
        must(bytes);
        memcpy(bytes, data, size);
        buf_init(&said[cut], 1u << 26);
        run(&said[cut], bytes, size, (enum cut)cut, &rng);
        must(!said[cut].failed && str_equal(buf_str(&said[cut]), buf_str(&said[0])));
        free(bytes);
    }
    for (int cut = 0; cut < CUTS; cut++)
        buf_free(&said[cut]);
    return 0;
}
