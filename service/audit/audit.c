#include "audit/audit.h"
#include "audit/audit_walk.h"
#include "clock.h"
#include "ledger/balance.h"
#include "ledger/identity.h"
#include "ledger/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGE_BLOCK_BYTES ((size_t)256 << 10)
#define PAGE_MAX_BYTES   ((size_t)64 << 20)
#define NAME_SIZE        256
#define POLL_MS          10
#define POLL_MAX_MS      200

void audit_init(struct audit *audit, struct admin *admin, struct db *db)
{
    *audit = (struct audit){.admin = admin,
                            .db = db,
                            .wait_ms = AUDIT_WAIT_MS,
                            .reservation_retention_ms = AUDIT_RETENTION_MS};
}

void audit_free(struct audit *audit)
{
    free(audit->positions);
    audit->positions = NULL;
}

const char *audit_kind_name(enum audit_kind kind)
{
    static const char *const names[AUDIT_KINDS] = {
        [AUDIT_STORE] = "partition", [AUDIT_ITEM] = "item",   [AUDIT_RESERVATION] = "reservation",
        [AUDIT_SHARE] = "customer",  [AUDIT_INDEX] = "index", [AUDIT_LEDGER] = "ledger",
    };
    return names[kind];
}

const char *audit_result_name(enum audit_result result)
{
    static const char *const names[] = {"equal", "drift", "unsure"};
    return names[result];
}

/* --- what the parts share --------------------------------------------------------------------- */

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

static bool unsure(struct audit *audit, const char *side, const char *why)
{
    audit->side = side;
    snprintf(audit->why, sizeof(audit->why), "%s", why);
    return false;
}

bool walk_remember(struct audit *audit, struct walk_place *place, struct str name)
{
    if (name.n > sizeof(place->bytes))
        return unsure(audit, NULL, "there is a name of more than 1,024 bytes, which is not ours");
    memcpy(place->bytes, name.p, name.n);
    place->n = name.n;
    return true;
}

bool walk_redis(struct audit *audit, int rc)
{
    if (rc == 0)
        return true;
    return unsure(audit, "Redis", rc == -EIO ? admin_why(audit->admin) : "out of memory");
}

bool walk_sql(struct audit *audit, enum db_result result)
{
    if (result == DB_OK)
        return true;
    const char *why = result == DB_NO_MEMORY ? "out of memory" : db_why(audit->db);
    return unsure(audit, "the ledger", why);
}

static bool read_position(struct audit *audit, unsigned partition, struct feed_id *at)
{
    return walk_sql(audit, balance_position(audit->db, partition, &at->epoch, &at->seq));
}

static bool read_tail(struct audit *audit, unsigned partition, struct feed_id *tail)
{
    return walk_redis(audit, feed_tail(audit->admin, partition, tail));
}

bool walk_catch_up(struct walk *walk)
{
    struct audit *audit = walk->audit;
    struct feed_id tail, at = {0, 0};
    int64_t deadline_ms = clock_mono_ms() + audit->wait_ms;
    if (!read_tail(audit, walk->partition, &tail))
        return false;
    for (int64_t pause_ms = POLL_MS;;
         pause_ms = 2 * pause_ms > POLL_MAX_MS ? POLL_MAX_MS : 2 * pause_ms) {
        if (!read_position(audit, walk->partition, &at))
            return false;
        if (feed_id_compare(at, tail) >= 0)
            return true;
        if (clock_mono_ms() >= deadline_ms)
            break;
        struct timespec pause = {.tv_nsec = pause_ms * 1000000};
        nanosleep(&pause, NULL);
        walk_progress(audit);
    }
    snprintf(audit->why, sizeof(audit->why),
             "the ledger is at %" PRId64 "-%" PRId64 " of partition %u and the stream at %" PRId64
             "-%" PRId64 ", and did not get there in %" PRId64
             " ms: the process that brings events into the ledger does not run, or is behind",
             at.epoch, at.seq, walk->partition, tail.epoch, tail.seq, audit->wait_ms);
    return false;
}

/* --- meeting ---------------------------------------------------------------------------------- */

static bool know_ledger(struct audit *audit)
{
    struct identity identity;
    if (identity_read(audit->db, &identity) != IDENTITY_KNOWN)
        return unsure(audit, "the ledger", identity.why);
    snprintf(audit->ledger_id, sizeof(audit->ledger_id), "%s", identity.ledger_id);
    return true;
}

/* Which partitions there are: as meta says or, if Redis has none, as far as the ledger has any. */
static bool know_partitions(struct audit *audit)
{
    struct meta meta;
    if (!walk_redis(audit, meta_look(audit->admin, 0, &meta) ? 0 : -EIO))
        return false;
    bool there = !meta_missing(&meta);
    if (there && strcmp(meta.v[META_LEDGER], audit->ledger_id) != 0) {
        char why[AUDIT_WHY_SIZE];
        snprintf(why, sizeof(why),
                 "the store in Redis writes to ledger %s, but --ledger leads to ledger %s",
                 meta.v[META_LEDGER], audit->ledger_id);
        return unsure(audit, NULL, why);
    }
    audit->partitions = (unsigned)strtoul(meta.v[META_PARTITIONS], NULL, 10);
    if (!there && !walk_sql(audit, balance_partitions(audit->db, &audit->partitions)))
        return false;
    if (audit->partitions == 0 && !there)
        return unsure(audit, NULL, "Redis holds no store and the ledger no events");
    if (audit->partitions == 0 || audit->partitions > PARTITIONS_MAX)
        return unsure(audit, NULL, "the store in Redis has no valid number of partitions");
    return true;
}

static bool know_position(struct audit *audit, unsigned partition)
{
    struct meta meta;
    struct audit_position *p = &audit->positions[partition];
    char text[COMPARE_TEXT_SIZE], name[16];
    snprintf(name, sizeof(name), "%u", partition);
    if (!read_position(audit, partition, &p->ledger) ||
        !walk_redis(audit, meta_look(audit->admin, partition, &meta) ? 0 : -EIO) ||
        !read_tail(audit, partition, &p->stream))
        return false;
    bool there = !meta_missing(&meta);
    p->epoch = meta_epoch(&meta);
    snprintf(p->state, sizeof(p->state), "%s", there ? meta.v[META_STATE] : "missing");
    if (!there && p->ledger.epoch > 0)
        walk_drift(audit, AUDIT_STORE, partition, str_of(name),
                   "Redis holds no store, but the ledger has events");
    if (!there || feed_id_compare(p->stream, p->ledger) >= 0)
        return true;
    snprintf(text, sizeof(text),
             "the stream ends at %" PRId64 "-%" PRId64 ", before the ledger's %" PRId64 "-%" PRId64
             ": Redis has lost what came last",
             p->stream.epoch, p->stream.seq, p->ledger.epoch, p->ledger.seq);
    walk_drift(audit, AUDIT_STORE, partition, str_of(name), text);
    return true;
}

enum audit_result audit_meet(struct audit *audit)
{
    if (!know_ledger(audit) || !know_partitions(audit))
        return AUDIT_UNSURE;
    audit->positions = calloc(audit->partitions, sizeof(*audit->positions));
    if (!audit->positions)
        return unsure(audit, NULL, "out of memory"), AUDIT_UNSURE;
    for (unsigned p = 0; p < audit->partitions; p++)
        if (!know_position(audit, p))
            return AUDIT_UNSURE;
    return audit->drift > 0 ? AUDIT_DRIFT : AUDIT_EQUAL;
}

/* --- running ---------------------------------------------------------------------------------- */

static bool walk_all(struct walk *walk)
{
    for (unsigned p = 0; p < walk->audit->partitions; p++) {
        walk->partition = p;
        if (!walk_reservations(walk) || !walk_items(walk))
            return false;
    }
    return walk_strays(walk) && walk_balance(walk->audit);
}

enum audit_result audit_run(struct audit *audit)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    if (!walk)
        return unsure(audit, NULL, "out of memory"), AUDIT_UNSURE;
    walk->audit = audit;
    arena_init(&walk->page, PAGE_BLOCK_BYTES, PAGE_MAX_BYTES);
    arena_init(&walk->inner, PAGE_BLOCK_BYTES, PAGE_MAX_BYTES);
    arena_init(&walk->again, PAGE_BLOCK_BYTES, PAGE_MAX_BYTES);
    arena_init(&walk->names, PAGE_BLOCK_BYTES, PAGE_MAX_BYTES);
    bool whole = walk_all(walk);
    arena_free(&walk->page);
    arena_free(&walk->inner);
    arena_free(&walk->again);
    arena_free(&walk->names);
    free(walk);
    if (audit->drift > 0)
        return AUDIT_DRIFT;
    return whole ? AUDIT_EQUAL : AUDIT_UNSURE;
}
