#include "ui/frame.h"

#include <assert.h>
#include <stdlib.h>

/* Writes a part and returns what is behind it. */
static char *append_part(char *to, struct str part)
{
    memcpy(to, part.p, part.n);
    return to + part.n;
}

struct frame *frame_new(struct str type, struct str document)
{
    const struct str event = STR("event: "), data = STR("\ndata: "), end = STR("\n\n");
    assert(!memchr(document.p, '\n', document.n));
    size_t at = event.n + type.n + data.n;
    size_t n = at + document.n + end.n;
    struct frame *frame = malloc(sizeof(*frame) + n);
    if (!frame)
        return NULL;
    *frame = (struct frame){.users = 1, .n = n, .document_at = at, .document_size = document.n};
    char *to = append_part(append_part(append_part(frame->bytes, event), type), data);
    to = append_part(append_part(to, document), end);
    assert(to == frame->bytes + n);
    return frame;
}

struct frame *frame_keep(struct frame *frame)
{
    assert(frame->users > 0);
    frame->users++;
    return frame;
}

void frame_drop(struct frame *frame)
{
    if (!frame)
        return;
    assert(frame->users > 0);
    if (--frame->users == 0)
        free(frame);
}

struct str frame_document(const struct frame *frame)
{
    return (struct str){frame->bytes + frame->document_at, frame->document_size};
}
