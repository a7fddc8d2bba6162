/* audit_walk.c -- the loop. */
#include "audit/audit_walk.h"
#include "clock.h"
#include "fail.h"
#include "ledger/balance.h"
#include "ledger/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define NAME_SIZE   256
#define POLL_MS     10
#define POLL_MAX_MS 200
#define ROUNDS_MAX  100

/* --- what all share --------------------------------------------------------------------------- */

/* What lies in Redis or SQL may be any bytes; what we print is one line of UTF-8. */
static void printable(struct str text, char *out, size_t size)
{
    size_t n = text.n < size - 1 ? text.n : size - 1;
    bool whole = text.n < size && text_storable(text);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        out[i] = c < ' ' || c == 0x7f || (c > 0x7f && !whole) ? '?' : (char)c;
    }
    out[n] = '\0';
}

void walk_drift(struct audit *audit, enum audit_kind kind, unsigned partition, struct str name,
                const char *text)
{
    char shown_name[NAME_SIZE], shown_text[COMPARE_TEXT_SIZE];
    audit->drift++;
    if (!audit->on_drift)
        return;
    printable(name, shown_name, sizeof(shown_name));
    printable(str_of(text), shown_text, sizeof(shown_text));
    const struct audit_drift drift = {kind, partition, shown_name, shown_text};
    audit->on_drift(audit->user, &drift);
}

void walk_progress(struct audit *audit)
{
    if (audit->on_progress)
        audit->on_progress(audit->user);
}

bool walk_unsure(struct audit *audit, const char *side, const char *why)
{
    audit->side = side;
    return fail_with(audit->why, sizeof(audit->why), "%s", why);
}

bool walk_redis(struct audit *audit, int rc)
{
    if (rc == 0)
        return true;
    return walk_unsure(audit, "Redis", rc == -EIO ? admin_why(audit->admin) : "out of memory");
}

bool walk_sql(struct audit *audit, enum db_result result)
{
    if (result == DB_OK)
        return true;
    const char *why = result == DB_NO_MEMORY ? "out of memory" : db_why(audit->db);
    return walk_unsure(audit, "the ledger", why);
}

bool walk_begin(struct audit *audit)
{
    return walk_sql(audit, db_begin_read(audit->db));
}

bool walk_end(struct audit *audit, enum db_result result)
{
    bool good = walk_sql(audit, result);
    db_rollback(audit->db);
    return good;
}

bool walk_position(struct audit *audit, unsigned partition, struct event_id *at)
{
    return walk_sql(audit, balance_position(audit->db, partition, at));
}

bool walk_tail(struct audit *audit, unsigned partition, struct event_id *tail)
{
    return walk_redis(audit, feed_tail(audit->admin, partition, tail));
}

/* Waits until the ledger is where the stream ends now. */
static bool catch_up(struct walk *walk)
{
    struct audit *audit = walk->audit;
    struct event_id tail, at = {0, 0};
    int64_t deadline_ms = clock_mono_ms() + audit->wait_ms;
    if (!walk_tail(audit, walk->partition, &tail))
        return false;
    for (int64_t pause_ms = POLL_MS;;
         pause_ms = 2 * pause_ms > POLL_MAX_MS ? POLL_MAX_MS : 2 * pause_ms) {
        if (!walk_position(audit, walk->partition, &at))
            return false;
        if (event_id_compare(at, tail) >= 0)
            return true;
        if (clock_mono_ms() >= deadline_ms)
            break;
        struct timespec pause = {.tv_nsec = pause_ms * 1000000};
        nanosleep(&pause, NULL);
        walk_progress(audit);
    }
    return fail_with(
        audit->why, sizeof(audit->why),
        "the ledger is at %" PRId64 "-%" PRId64 " of partition %u and the stream at %" PRId64
        "-%" PRId64 ", and did not get there in %" PRId64
        " ms: the process that brings events into the ledger does not run, or is behind",
        at.epoch, at.seq, walk->partition, tail.epoch, tail.seq, audit->wait_ms);
}

struct rid walk_rid(const struct walk *walk, struct str bytes)
{
    struct rid rid = {.partition = (uint16_t)walk->partition};
    memcpy(rid.b, bytes.p, RID_BYTES);
    return rid;
}

void walk_name(struct walk *walk, enum audit_kind kind, struct str bytes, const char *text)
{
    char name[RID_TEXT_SIZE];
    const struct rid rid = walk_rid(walk, bytes);
    size_t n = rid_format(&rid, name);
    walk_drift(walk->audit, kind, walk->partition, (struct str){name, n}, text);
}

bool walk_first_time(struct walk *walk, struct str kind, struct str name)
{
    uint64_t hash = (str_hash(name) ^ (str_hash(kind) + walk->partition) * 31) | 1;
    uint32_t at = (uint32_t)(hash >> 32) % WALK_NAMED_SLOTS;
    while (walk->named[at] != 0 && walk->named[at] != hash)
        at = (at + 1) % WALK_NAMED_SLOTS;
    if (walk->named[at] == hash)
        return false;
    if (walk->named_count < WALK_NAMED_SLOTS / 2) {
        walk->named[at] = hash;
        walk->named_count++;
    }
    return true;
}

/* --- pages ------------------------------------------------------------------------------------ */

bool walk_pairs(struct walk *walk, struct walk_page *page, const struct str *names, size_t count)
{
    page->count = count;
    page->pairs = arena_zalloc(page->arena, (count + 1) * sizeof(*page->pairs));
    for (size_t i = 0; page->pairs && names && i < count; i++)
        page->pairs[i].name = names[i];
    return page->pairs || walk_sql(walk->audit, DB_NO_MEMORY);
}

struct str *walk_names(struct walk *walk, const struct walk_page *page)
{
    struct str *names = arena_alloc(page->arena, (page->count + 1) * sizeof(*names));
    for (size_t i = 0; names && i < page->count; i++)
        names[i] = page->pairs[i].name;
    if (!names)
        (void)!walk_sql(walk->audit, DB_NO_MEMORY);
    return names;
}

bool walk_turned(struct walk *walk, struct walk_place *place, size_t count, struct str last)
{
    place->done = count < SCAN_PAGE;
    if (count == 0)
        return true;
    if (last.n > sizeof(place->name))
        return walk_unsure(walk->audit, NULL,
                           "there is a name of more than 1,024 bytes, which is not ours");
    memcpy(place->name, last.p, last.n);
    place->n = last.n;
    return true;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool settle_kind(struct walk *walk, const struct walk_kind *kind);

static struct str copy_name(char *out, struct str name)
{
    memmove(out, name.p ? name.p : "", name.n);
    return (struct str){out, name.n};
}

/* While the kept ones are looked at again, slots up to that of the pair are free. */
static bool keep_for_later(struct walk *walk, const struct walk_kind *kind,
                           const struct walk_pair *pair)
{
    size_t *count = &walk->kept_count[kind->kind];
    if (*count == WALK_KEPT_MAX && !settle_kind(walk, kind))
        return false;
    struct walk_kept *kept = &walk->kept[kind->kind][(*count)++];
    assert(pair->name.n <= sizeof(kept->name) && pair->sku.n <= sizeof(kept->sku));
    if (pair->item)
        kept->item = *pair->item;
    kept->pair = (struct walk_pair){.name = copy_name(kept->name, pair->name),
                                    .sku = copy_name(kept->sku, pair->sku),
                                    .item = &kept->item,
                                    .units = pair->units};
    return true;
}

static void say_drift(struct walk *walk, const struct walk_kind *kind, const struct walk_pair *pair,
                      const char *text)
{
    if (kind != &walk_reservation)
        walk_drift(walk->audit, kind->kind, walk->partition, pair->name, text);
    else if (walk_first_time(walk, STR("reservation"), pair->name))
        walk_name(walk, kind->kind, pair->name, text);
}

static bool compare_pairs(struct walk *walk, const struct walk_kind *kind,
                          const struct walk_page *page, bool again)
{
    char text[COMPARE_TEXT_SIZE];
    for (size_t i = 0; i < page->count; i++) {
        const struct walk_pair *pair = &page->pairs[i];
        enum walk_verdict verdict = kind->judge(walk, pair, again, text);
        if (verdict == WALK_DRIFT)
            say_drift(walk, kind, pair, text);
        else if (verdict == WALK_LATER && !keep_for_later(walk, kind, pair))
            return false;
    }
    return true;
}

/* Of items the ledger came first, with the page: Redis can only be where that is, or ahead. */
bool walk_page_of(struct walk *walk, const struct walk_source *source, struct walk_page *page)
{
    const struct walk_kind *kind = source->kind;
    if (page->count > 0 && kind &&
        ((!page->has_ledger && !kind->ask_ledger(walk, page)) ||
         (!page->has_redis && !kind->ask_redis(walk, page, false)) ||
         !compare_pairs(walk, kind, page, false)))
        return false;
    return !source->beside || source->beside(walk, page);
}

bool walk_run(struct walk *walk, const struct walk_source *source, struct arena *arena,
              struct walk_place *place)
{
    while (!place->done) {
        struct walk_page page = {.arena = arena};
        arena_reset(arena);
        if (!source->turn(walk, place, &page) || !walk_page_of(walk, source, &page))
            return false;
        walk_progress(walk->audit);
    }
    return true;
}

/* --- what differed, once more ----------------------------------------------------------------- */

static bool compare_kept_again(struct walk *walk, const struct walk_kind *kind)
{
    struct walk_page page = {.arena = &walk->again};
    arena_reset(&walk->again);
    if (!walk_pairs(walk, &page, NULL, walk->kept_count[kind->kind]))
        return false;
    for (size_t i = 0; i < page.count; i++)
        page.pairs[i] = walk->kept[kind->kind][i].pair;
    walk->kept_count[kind->kind] = 0;
    return (!kind->twice || kind->ask_redis(walk, &page, false)) && catch_up(walk) &&
           kind->ask_ledger(walk, &page) && (!kind->twice || kind->ask_redis(walk, &page, true)) &&
           compare_pairs(walk, kind, &page, true);
}

static bool settle_kind(struct walk *walk, const struct walk_kind *kind)
{
    char why[96];
    for (unsigned round = 0; walk->kept_count[kind->kind] > 0; round++) {
        if (round == ROUNDS_MAX) {
            snprintf(why, sizeof(why), "%zu reservations changed every time they were looked at",
                     walk->kept_count[kind->kind]);
            return walk_unsure(walk->audit, NULL, why);
        }
        if (!compare_kept_again(walk, kind))
            return false;
    }
    return true;
}

bool walk_settle(struct walk *walk)
{
    return settle_kind(walk, &walk_reservation) && settle_kind(walk, &walk_item) &&
           settle_kind(walk, &walk_usage);
}
