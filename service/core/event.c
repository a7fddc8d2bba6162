#include "core/event.h"
#include "core/limits.h"
#include "core/tenant.h"
#include "core/traceparent.h"

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
    HAS_OWNER = 1 << 8, /* not of the default tenant: one byte more of flags is theirs alone */
    HAS_TRACE = 1 << 9,
    FLAGS_MAX = (1 << 10) - 1,
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
    {HAS_OWNER, offsetof(struct event, owner), OWNER_MAX_BYTES},
    {HAS_TRACE, offsetof(struct event, trace), TRACEPARENT_BYTES},
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

/* --- written ---------------------------------------------------------------------------------- */

/* In a brief entry the first number of an event is its type and these. */
enum {
    SAME_ITEM = 1 << 4,      /* one line, of the item of the line before, and told as differences */
    SAME_BUCKET = 1 << 5,    /* the id begins like the one before */
    RESULT_FOLLOWS = 1 << 6, /* a fingerprint is in the place of the result */
    HEAD_MAX = (1 << 7) - 1,
};
static_assert(EVENT_TYPES <= (int)SAME_ITEM, "a type leaves room for the flags behind it");

#define SHARED_ID_BYTES (RID_BUCKET_BYTES + RID_SERIAL_BYTES)

static void pack_event_line(struct buf *out, const struct event_line *line)
{
    pack_text(out, line->sku);
    pack_number(out, line->quantity);
    pack_number(out, line->available);
    pack_number(out, line->held);
    pack_number(out, line->sold);
    pack_number(out, line->version);
    pack_number(out, line->max_per_customer);
}

/* Small differences of either sign as small numbers: 0, -1, 1, -2 are 0, 1, 2, 3. */
static void put_difference(struct buf *out, int64_t now, int64_t before)
{
    int64_t difference = now - before;
    pack_number(out, difference < 0 ? -2 * difference - 1 : 2 * difference);
}

static void put_differences(struct buf *out, const struct event_line *line,
                            const struct event_line *before)
{
    pack_number(out, line->quantity);
    put_difference(out, line->available, before->available);
    put_difference(out, line->held, before->held);
    put_difference(out, line->sold, before->sold);
    put_difference(out, line->version, before->version);
    put_difference(out, line->max_per_customer, before->max_per_customer);
}

/* What comes behind the lines in either format; id: the bytes of it that are to be said. */
static void put_rest(struct buf *out, const struct event *event, int flags, int64_t now_ms,
                     size_t id_from)
{
    if (flags & HAS_RID)
        pack_bytes(out, event->rid.b + id_from, RID_BYTES - id_from);
    if (flags & HAS_EXPIRES)
        pack_number(out, event->expires_ms - now_ms);
    for (size_t i = 0; i < TEXTS; i++)
        if (flags & texts[i].flag && !str_absent(*text_at(event, i)))
            pack_text(out, *text_at(event, i));
    if (event->result_follows)
        pack_bytes(out, event->fingerprint, EVENT_FINGERPRINT_BYTES);
}

void event_begin(struct buf *out, int64_t now_ms)
{
    pack_number(out, EVENT_FULL);
    pack_number(out, now_ms);
}

void event_put(struct buf *out, const struct event *event, int64_t now_ms)
{
    int flags = flags_of(event);
    assert(event->type > EVENT_NONE && event->type < EVENT_TYPES);
    assert(str_absent(event->key) == str_absent(event->result) && !event->result_follows);
    pack_number(out, event->type);
    pack_number(out, flags);
    pack_number(out, event->line_count);
    for (unsigned i = 0; i < event->line_count; i++)
        pack_event_line(out, &event->lines[i]);
    put_rest(out, event, flags, now_ms, 0);
}

void event_begin_brief(struct buf *out, int64_t now_ms)
{
    pack_number(out, EVENT_BRIEF);
    pack_number(out, now_ms);
}

/* For the next event of the entry. */
static void remember(struct event_before *before, const struct event *event)
{
    if (event->line_count > 0)
        before->line = event->lines[event->line_count - 1];
    if (event->has_rid)
        before->rid = event->rid;
}

void event_put_brief(struct buf *out, const struct event *event, int64_t now_ms,
                     struct event_before *before)
{
    int flags = flags_of(event);
    assert(event->type > EVENT_NONE && event->type < EVENT_TYPES);
    assert(str_absent(event->key) == (str_absent(event->result) && !event->result_follows));
    bool same_item = event->line_count == 1 && before->line.version > 0 &&
                     str_equal(event->lines[0].sku, before->line.sku);
    bool same_bucket = event->has_rid && memcmp(event->rid.b, before->rid.b, SHARED_ID_BYTES) == 0;
    pack_number(out, event->type | (same_item ? SAME_ITEM : 0) | (same_bucket ? SAME_BUCKET : 0) |
                         (event->result_follows ? RESULT_FOLLOWS : 0));
    pack_number(out, flags);
    if (same_item) {
        put_differences(out, &event->lines[0], &before->line);
    } else {
        pack_number(out, event->line_count);
        for (unsigned i = 0; i < event->line_count; i++)
            pack_event_line(out, &event->lines[i]);
    }
    put_rest(out, event, flags, now_ms, same_bucket ? SHARED_ID_BYTES : 0);
    remember(before, event);
}

void event_put_epoch(struct buf *out)
{
    event_begin(out, 0);
    event_put(out, &(struct event){.type = EVENT_EPOCH}, 0);
}

/* --- read ------------------------------------------------------------------------------------- */

int event_read(struct event_reader *reader, struct str bytes, int64_t *now_ms)
{
    *reader = (struct event_reader){.in = unpack_begin(bytes)};
    int64_t format = unpack_number(&reader->in);
    if (format != EVENT_FULL && format != EVENT_BRIEF)
        return -1;
    reader->brief = format == EVENT_BRIEF;
    *now_ms = unpack_number(&reader->in);
    return reader->in.bad ? -1 : 0;
}

static void unpack_event_line(struct unpack *in, struct event_line *line)
{
    line->sku = unpack_text(in, SKU_STORED_MAX_BYTES);
    line->quantity = unpack_number(in);
    line->available = unpack_number(in);
    line->held = unpack_number(in);
    line->sold = unpack_number(in);
    line->version = unpack_number(in);
    line->max_per_customer = unpack_number(in);
}

static int64_t take_difference(struct unpack *in, int64_t before)
{
    int64_t number = unpack_bounded(in, 2 * UNITS_MAX);
    int64_t now = before + (number & 1 ? -(number + 1) / 2 : number / 2);
    if (counter_valid(now))
        return now;
    in->bad = true;
    return 0;
}

static void take_differences(struct unpack *in, const struct event_line *before,
                             struct event_line *line)
{
    /* Of a line that no service has written nothing can be told. */
    if (before->version == 0 || !counter_valid(before->available) || !counter_valid(before->held) ||
        !counter_valid(before->sold) || !counter_valid(before->version) ||
        !counter_valid(before->max_per_customer))
        in->bad = true;
    *line = (struct event_line){.sku = before->sku};
    if (in->bad)
        return;
    line->quantity = unpack_number(in);
    line->available = take_difference(in, before->available);
    line->held = take_difference(in, before->held);
    line->sold = take_difference(in, before->sold);
    line->version = take_difference(in, before->version);
    line->max_per_customer = take_difference(in, before->max_per_customer);
}

/* What put_rest() wrote. */
static void take_rest(struct event_reader *reader, struct event *event, int flags, int64_t now_ms,
                      int head)
{
    struct unpack *in = &reader->in;
    size_t id_from = head & SAME_BUCKET ? SHARED_ID_BYTES : 0;
    event->has_rid = flags & HAS_RID;
    if (event->has_rid) {
        memcpy(event->rid.b, reader->before.rid.b, id_from);
        unpack_bytes(in, event->rid.b + id_from, RID_BYTES - id_from);
    }
    if (flags & HAS_EXPIRES)
        event->expires_ms = now_ms + unpack_bounded(in, UNITS_MAX);
    for (size_t i = 0; i < TEXTS; i++) {
        struct str *text = text_at(event, i);
        if (flags & texts[i].flag && !(text == &event->result && event->result_follows))
            *text = unpack_text(in, texts[i].most);
    }
    if (event->result_follows)
        unpack_bytes(in, event->fingerprint, EVENT_FINGERPRINT_BYTES);
    in->bad |= !owner_valid(event->owner) || !traceparent_valid(event->trace);
}

int event_next(struct event_reader *reader, struct arena *arena, int64_t now_ms,
               struct event *event)
{
    struct unpack *in = &reader->in;
    if (in->p == in->end && !in->bad)
        return 0;
    int head = (int)unpack_bounded(in, reader->brief ? HEAD_MAX : EVENT_TYPES - 1);
    int flags = (int)unpack_bounded(in, FLAGS_MAX);
    *event = (struct event){.type = (enum event_type)(head & (SAME_ITEM - 1))};
    event->negative = flags & IS_NEGATIVE;
    event->result_follows = head & RESULT_FOLLOWS;
    event->line_count = head & SAME_ITEM ? 1 : (unsigned)unpack_bounded(in, LINES_MAX);
    in->bad |=
        event->type >= EVENT_TYPES ||
        (event->result_follows && (event->type != EVENT_RESERVE || !(flags & HAS_OPERATION)));
    if (in->bad || event->type == EVENT_NONE)
        return -1;
    event->lines = arena_alloc(arena, event->line_count * sizeof(*event->lines));
    if (!event->lines)
        return -1;
    if (head & SAME_ITEM)
        take_differences(in, &reader->before.line, &event->lines[0]);
    else
        for (unsigned i = 0; i < event->line_count; i++)
            unpack_event_line(in, &event->lines[i]);
    take_rest(reader, event, flags, now_ms, head);
    remember(&reader->before, event);
    return in->bad ? -1 : 1;
}
