#include "core/event.h"
#include "core/limits.h"
#include "core/pack.h"

#include <assert.h>

enum {
    HAS_RID = 1 << 0,
    HAS_EXPIRES = 1 << 1,
    HAS_CUSTOMER = 1 << 2,
    HAS_REFERENCE = 1 << 3,
    HAS_REASON = 1 << 4,
    HAS_METADATA = 1 << 5,
    HAS_OPERATION = 1 << 6,
    IS_NEGATIVE = 1 << 7,
};

/* A confirm may have lost its items: rereserved, to sell none of those deleted since. */
/* clang-format off */
#define EVENT_TABLE(ROW)                                                                           \
    /*  TYPE       name         of_reservation  sets_deadline  lines */                            \
    ROW(CREATE,    "create",    false,          false,         1, LINES_MAX)                       \
    ROW(SET,       "set",       false,          false,         1, LINES_MAX)                       \
    ROW(ADJUST,    "adjust",    false,          false,         1, LINES_MAX)                       \
    ROW(DELETE,    "delete",    false,          false,         1, LINES_MAX)                       \
    ROW(DECREMENT, "decrement", false,          false,         1, LINES_MAX)                       \
    ROW(RESERVE,   "reserve",   true,           true,          1, LINES_MAX)                       \
    ROW(CONFIRM,   "confirm",   true,           false,         0, LINES_MAX)                       \
    ROW(RELEASE,   "release",   true,           false,         0, LINES_MAX)                       \
    ROW(EXTEND,    "extend",    true,           true,          0, LINES_MAX)                       \
    ROW(EXPIRE,    "expire",    true,           false,         0, LINES_MAX)                       \
    ROW(EPOCH,     "epoch",     false,          false,         0, 0)                               \
    ROW(TRANSFER,  "transfer",  false,          false,         2, 2)
/* clang-format on */
#define TRAIT(TYPE, label, ...) [EVENT_##TYPE] = {label, __VA_ARGS__},
static const struct event_trait traits[] = {EVENT_TABLE(TRAIT)};

#define ROW_OF(TYPE, ...) ROW_OF_##TYPE,
enum { EVENT_TABLE(ROW_OF) ROWS };
static_assert(EVENT_CREATE + ROWS == EVENT_TYPES, "each type of event has its row");

const struct event_trait *event_trait(enum event_type type)
{
    assert(type > EVENT_NONE && type < EVENT_TYPES);
    return &traits[type];
}

/* The optional texts, in the order of the format. */
static const struct {
    int flag;
    size_t offset, most;
} texts[] = {
    {HAS_CUSTOMER, offsetof(struct event, customer), TEXT_MAX_BYTES},
    {HAS_REFERENCE, offsetof(struct event, reference), TEXT_MAX_BYTES},
    {HAS_REASON, offsetof(struct event, reason), TEXT_MAX_BYTES},
    {HAS_METADATA, offsetof(struct event, metadata), METADATA_MAX_BYTES},
    {HAS_OPERATION, offsetof(struct event, key), KEY_STORED_MAX_BYTES},
    {HAS_OPERATION, offsetof(struct event, result), SIZE_MAX / 4},
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static struct str *text_at(const struct event *event, size_t i)
{
    return (struct str *)((char *)(uintptr_t)event + texts[i].offset);
}

static int flags_of(const struct event *event)
{
    int flags = (event->has_rid ? HAS_RID : 0) | (event->expires_ms > 0 ? HAS_EXPIRES : 0) |
                (event->negative ? IS_NEGATIVE : 0);
    for (size_t i = 0; i < TEXTS; i++)
        if (!str_absent(*text_at(event, i)))
            flags |= texts[i].flag;
    return flags;
}

void event_begin(struct buf *out, int64_t now_ms)
{
    pack_number(out, EVENT_FORMAT);
    pack_number(out, now_ms);
}

void event_put(struct buf *out, const struct event *event, int64_t now_ms)
{
    int flags = flags_of(event);
    assert(event->type > EVENT_NONE && event->type < EVENT_TYPES);
    assert(str_absent(event->key) == str_absent(event->result));
    pack_number(out, event->type);
    pack_number(out, flags);
    pack_number(out, event->line_count);
    for (unsigned i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        pack_text(out, line->sku);
        pack_number(out, line->quantity);
        pack_number(out, line->available);
        pack_number(out, line->held);
        pack_number(out, line->sold);
        pack_number(out, line->version);
        pack_number(out, line->max_per_customer);
    }
    if (flags & HAS_RID)
        pack_bytes(out, event->rid.b, RID_BYTES);
    if (flags & HAS_EXPIRES)
        pack_number(out, event->expires_ms - now_ms);
    for (size_t i = 0; i < TEXTS; i++)
        if (flags & texts[i].flag)
            pack_text(out, *text_at(event, i));
}

void event_put_epoch(struct buf *out)
{
    event_begin(out, 0);
    event_put(out, &(struct event){.type = EVENT_EPOCH}, 0);
}

int event_read(struct unpack *in, struct str bytes, int64_t *now_ms)
{
    *in = unpack_begin(bytes);
    if (unpack_number(in) != EVENT_FORMAT)
        return -1;
    *now_ms = unpack_number(in);
    return in->bad ? -1 : 0;
}

int event_next(struct unpack *in, struct arena *arena, int64_t now_ms, struct event *event)
{
    if (in->p == in->end && !in->bad)
        return 0;
    *event = (struct event){.type = (enum event_type)unpack_bounded(in, EVENT_TYPES - 1)};
    int flags = (int)unpack_bounded(in, 255);
    event->negative = flags & IS_NEGATIVE;
    event->line_count = (unsigned)unpack_bounded(in, LINES_MAX);
    if (in->bad || event->type == EVENT_NONE)
        return -1;
    event->lines = arena_alloc(arena, event->line_count * sizeof(*event->lines));
    if (!event->lines)
        return -1;
    for (unsigned i = 0; i < event->line_count; i++) {
        struct event_line *line = &event->lines[i];
        line->sku = unpack_text(in, SKU_MAX_BYTES);
        line->quantity = unpack_number(in);
        line->available = unpack_number(in);
        line->held = unpack_number(in);
        line->sold = unpack_number(in);
        line->version = unpack_number(in);
        line->max_per_customer = unpack_number(in);
    }
    event->has_rid = flags & HAS_RID;
    if (event->has_rid)
        unpack_bytes(in, event->rid.b, RID_BYTES);
    if (flags & HAS_EXPIRES)
        event->expires_ms = now_ms + unpack_bounded(in, UNITS_MAX);
    for (size_t i = 0; i < TEXTS; i++)
        if (flags & texts[i].flag)
            *text_at(event, i) = unpack_text(in, texts[i].most);
    return in->bad ? -1 : 1;
}
