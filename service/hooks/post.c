#include "hooks/post.h"
#include "http/answer/json_write.h"
#include "http/history/render.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBERS 4

void post_id(unsigned partition, const struct tail_position *at, char out[POST_ID_SIZE])
{
    snprintf(out, POST_ID_SIZE, "evt_%u_%" PRId64 "_%" PRId64 "_%" PRId64, partition, at->id.epoch,
             at->id.seq, at->n);
}

bool post_read_id(struct str text, unsigned *partition, struct tail_position *at)
{
    char copy[POST_ID_SIZE], again[POST_ID_SIZE];
    if (text.n >= sizeof(copy) || memchr(text.p, '\0', text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (sscanf(copy, "evt_%u_%" SCNd64 "_%" SCNd64 "_%" SCNd64, partition, &at->id.epoch,
               &at->id.seq, &at->n) != NUMBERS)
        return false;
    post_id(*partition, at, again);
    return strcmp(copy, again) == 0; /* so no other text is read */
}

void post_body(struct buf *out, const struct movement *movement)
{
    JSON_TEXT(out, "{\"type\":", movement->type);
    JSON_TIME(out, ",\"timestamp\":", movement->at_ms);
    JSON_LIT(out, ",\"data\":{");
    movement_put(out, movement);
    JSON_LIT(out, "}}");
}

void post_test_body(struct buf *out, struct str hook, int64_t now_ms)
{
    JSON_TIME(out, "{\"type\":\"test\",\"timestamp\":", now_ms);
    JSON_STRING(out, ",\"data\":{\"hook\":", hook);
    JSON_LIT(out, "}}");
}
