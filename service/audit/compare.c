#include "audit/compare.h"
#include "clock.h"
#include "fail.h"
#include "ledger/apply/projection.h"

#include <inttypes.h>
#include <stdio.h>

#define VALUE_SIZE 160
#define TEXT_SHOWN 100 /* bytes of a long text */

/* --- items ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    size_t offset;
} counters[] = {
    {"available", offsetof(struct item, available)},
    {"held", offsetof(struct item, held)},
    {"sold", offsetof(struct item, sold)},
    {"max_per_customer", offsetof(struct item, max_per_customer)},
};

static int64_t number_at(const void *of, size_t offset)
{
    int64_t value;
    memcpy(&value, (const char *)of + offset, sizeof(value));
    return value;
}

/* The same version of both, but for restores. */
static bool compare_versions(int64_t redis, int64_t ledger)
{
    return redis == ledger ||
           (ledger > 0 && redis > ledger && (redis - ledger) % PROJECTION_RESTORE_STEP == 0);
}

bool compare_item(const struct item *redis, const struct item *ledger, char text[COMPARE_TEXT_SIZE])
{
    if (ledger->version == 0)
        return fail_with(text, COMPARE_TEXT_SIZE,
                         "is in Redis at version %" PRId64 ", not in the ledger", redis->version);
    if (!compare_versions(redis->version, ledger->version))
        return fail_with(text, COMPARE_TEXT_SIZE,
                         redis->version < ledger->version
                             ? "Redis is at version %" PRId64 ", behind the ledger's %" PRId64
                             : "Redis is at version %" PRId64
                               ", the ledger's last one up to it is %" PRId64,
                         redis->version, ledger->version);
    if (redis->exists != ledger->exists)
        return fail_with(text, COMPARE_TEXT_SIZE,
                         "%s in Redis at version %" PRId64 ", not in the ledger",
                         redis->exists ? "exists" : "is deleted", redis->version);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        int64_t mine = number_at(redis, counters[i].offset);
        int64_t theirs = number_at(ledger, counters[i].offset);
        if (mine == theirs)
            continue;
        return fail_with(text, COMPARE_TEXT_SIZE,
                         "Redis has %s %" PRId64 " at version %" PRId64 ", the ledger %" PRId64,
                         counters[i].name, mine, redis->version, theirs);
    }
    return true;
}

static const char *moment(int64_t ms, char out[CLOCK_RFC3339_SIZE])
{
    if (ms > 0)
        clock_format_rfc3339(ms, out);
    else
        snprintf(out, CLOCK_RFC3339_SIZE, "%s", ms == 0 ? "nothing" : "no time");
    return out;
}

bool compare_places(const struct scan_item *item, char text[COMPARE_TEXT_SIZE])
{
    char a[CLOCK_RFC3339_SIZE], b[CLOCK_RFC3339_SIZE];
    const struct item *is = &item->item;
    bool there = item->found == LAYOUT_FOUND && is->exists;
    int64_t due_ms = item->found == LAYOUT_FOUND ? is->due_ms : 0;
    if (there != item->listed)
        return fail_with(text, COMPARE_TEXT_SIZE,
                         there ? "the set skus does not list the item"
                               : "the set skus lists the item, which does not exist");
    if (item->due_ms != due_ms)
        return fail_with(text, COMPARE_TEXT_SIZE, "the set due says %s, the item %s",
                         moment(item->due_ms, a), moment(due_ms, b));
    if ((item->earliest_ms != 0) != (there && is->held > 0))
        return fail_with(text, COMPARE_TEXT_SIZE, "the item has held %" PRId64 ", its index %s",
                         is->held, item->earliest_ms ? "has deadlines" : "has no deadline");
    bool late = item->earliest_ms != 0 && item->earliest_ms < due_ms;
    bool early = item->earliest_ms > due_ms && is->due_exact;
    if (!late && !early)
        return true;
    return fail_with(text, COMPARE_TEXT_SIZE,
                     "the first deadline in the index is %s, the item says %s",
                     moment(item->earliest_ms, a), moment(due_ms, b));
}

/* --- reservations ----------------------------------------------------------------------------- */

enum type { TYPE_TIME, TYPE_NUMBER, TYPE_TEXT };

struct field {
    const char *name;
    enum type type;
    size_t offset;
};

static const struct field head_fields[] = {
    {"begin", TYPE_TIME, offsetof(struct reservation, created_ms)},
    {"deadline", TYPE_TIME, offsetof(struct reservation, expires_ms)},
    {"end", TYPE_TIME, offsetof(struct reservation, ended_ms)},
    {"customer", TYPE_TEXT, offsetof(struct reservation, customer)},
    {"reference", TYPE_TEXT, offsetof(struct reservation, reference)},
    {"metadata", TYPE_TEXT, offsetof(struct reservation, metadata)},
    {"owner", TYPE_TEXT, offsetof(struct reservation, owner)},
};
static const struct field line_fields[] = {
    {"sku", TYPE_TEXT, offsetof(struct reservation_line, sku)},
    {"quantity", TYPE_NUMBER, offsetof(struct reservation_line, quantity)},
    {"reserved", TYPE_NUMBER, offsetof(struct reservation_line, reserved)},
    {"remaining", TYPE_NUMBER, offsetof(struct reservation_line, remaining)},
    {"version", TYPE_NUMBER, offsetof(struct reservation_line, version)},
};
/* Only where a rereserve came after an expiry. */
static const struct field pair_fields[] = {
    {"expired remaining", TYPE_NUMBER, offsetof(struct reservation_line, expired_remaining)},
    {"expired version", TYPE_NUMBER, offsetof(struct reservation_line, expired_version)},
};
#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static struct str text_field(const void *of, size_t offset)
{
    struct str value;
    memcpy(&value, (const char *)of + offset, sizeof(value));
    return value;
}

static void show_value(const struct field *field, const void *of, char out[VALUE_SIZE])
{
    if (field->type == TYPE_TEXT) {
        struct str value = text_field(of, field->offset);
        if (str_absent(value))
            snprintf(out, VALUE_SIZE, "nothing");
        else
            snprintf(out, VALUE_SIZE, "\"%.*s\"%s",
                     value.n > TEXT_SHOWN ? TEXT_SHOWN : (int)value.n, value.p,
                     value.n > TEXT_SHOWN ? "..." : "");
    } else if (field->type == TYPE_TIME) {
        moment(number_at(of, field->offset), out);
    } else {
        snprintf(out, VALUE_SIZE, "%" PRId64, number_at(of, field->offset));
    }
}

static bool same_fields(const struct field *fields, size_t count, const void *redis,
                        const void *ledger, const char *where, char text[COMPARE_TEXT_SIZE])
{
    for (size_t i = 0; i < count; i++) {
        const struct field *f = &fields[i];
        char mine[VALUE_SIZE], theirs[VALUE_SIZE];
        if (f->type == TYPE_TEXT
                ? str_equal(text_field(redis, f->offset), text_field(ledger, f->offset))
                : number_at(redis, f->offset) == number_at(ledger, f->offset))
            continue;
        show_value(f, redis, mine);
        show_value(f, ledger, theirs);
        return fail_with(text, COMPARE_TEXT_SIZE, "Redis has %s%s %s, the ledger %s", where,
                         f->name, mine, theirs);
    }
    return true;
}

static bool same_lines(const struct reservation *redis, const struct reservation *ledger,
                       char text[COMPARE_TEXT_SIZE])
{
    for (unsigned i = 0; i < redis->line_count; i++) {
        const struct reservation_line *mine = &redis->lines[i], *theirs = &ledger->lines[i];
        char where[32];
        snprintf(where, sizeof(where), "in line %u ", i + 1);
        if (!same_fields(line_fields, COUNT(line_fields), mine, theirs, where, text) ||
            (redis->rereserved &&
             !same_fields(pair_fields, COUNT(pair_fields), mine, theirs, where, text)))
            return false;
    }
    return true;
}

bool compare_reservation(const struct reservation *redis, const struct reservation *ledger,
                         char text[COMPARE_TEXT_SIZE])
{
    if (redis->state != ledger->state || redis->rereserved != ledger->rereserved)
        return fail_with(
            text, COMPARE_TEXT_SIZE, "is %s%s in Redis, %s%s in the ledger",
            reservation_state_name(redis->state), redis->rereserved ? " (rereserved)" : "",
            reservation_state_name(ledger->state), ledger->rereserved ? " (rereserved)" : "");
    if (!same_fields(head_fields, COUNT(head_fields), redis, ledger, "", text))
        return false;
    if (redis->line_count != ledger->line_count)
        return fail_with(text, COMPARE_TEXT_SIZE, "Redis has %u lines, the ledger %u",
                         redis->line_count, ledger->line_count);
    return same_lines(redis, ledger, text);
}

bool compare_presence(const struct reservation *redis, const struct reservation *ledger,
                      int64_t kept_since_ms, char text[COMPARE_TEXT_SIZE])
{
    if (redis && ledger)
        return compare_reservation(redis, ledger, text);
    if (redis)
        return fail_with(text, COMPARE_TEXT_SIZE, "is %s in Redis, not in the ledger",
                         reservation_state_name(redis->state));
    bool needed = ledger && (ledger->state == RESERVATION_HELD || ledger->ended_ms > kept_since_ms);
    if (needed)
        snprintf(text, COMPARE_TEXT_SIZE, "is %s in the ledger, not in Redis",
                 reservation_state_name(ledger->state));
    return !needed;
}

/* --- links ------------------------------------------------------------------------------------ */

static bool has_line(const struct reservation *r, struct str sku)
{
    unsigned i = 0;
    while (i < r->line_count && !str_equal(r->lines[i].sku, sku))
        i++;
    return i < r->line_count;
}

bool compare_link(const struct scan_link *link, char text[COMPARE_TEXT_SIZE])
{
    char a[CLOCK_RFC3339_SIZE], b[CLOCK_RFC3339_SIZE];
    const struct scan_record *record = link->record;
    bool held = record->found == LAYOUT_FOUND && record->r.state == RESERVATION_HELD &&
                has_line(&record->r, link->sku);
    int64_t due_ms = held ? record->r.expires_ms : 0;
    if (link->deadline_ms == due_ms)
        return true;
    return fail_with(text, COMPARE_TEXT_SIZE, "the index of %.*s says %s, the record %s%s",
                     STR_ARG(link->sku), moment(link->deadline_ms, a), moment(due_ms, b),
                     record->found == LAYOUT_MISSING ? ": there is none" : "");
}
