/* frame.h -- a document on its way to those who watch: one copy for all of them.
 *
 * Layer: loadgen/ui. Counted: frame_new is the first user, each frame_keep another, and the last
 * frame_drop frees it. For one process with one thread.
 */
#pragma once

#include "str.h"

struct frame {
    unsigned users;
    size_t n;             /* of all bytes: the event as it goes over a stream */
    size_t document_at;   /* where the document begins in them */
    size_t document_size; /* bytes */
    char bytes[];
};

/* An event of that type; the document is one line. NULL: no memory. */
struct frame *frame_new(struct str type, struct str document);

struct frame *frame_keep(struct frame *frame);
void frame_drop(struct frame *frame); /* NULL is fine */

struct str frame_document(const struct frame *frame);
