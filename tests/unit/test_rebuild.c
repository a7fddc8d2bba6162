/* test_rebuild.c -- which store may be built anew, and what a page of one says to Redis. */
#include "restore/scene.h"
#include "store/admin/rebuild.h"
#include "store/meta.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the verdict ------------------------------------------------------------------------------ */

#define LEDGER "0123456789abcdef0123456789abcdef"
#define OTHER  "ffffffffffffffffffffffffffffffff"

/* A partition as found. SQL is at 3-10; state NULL: no meta. */
struct found {
    const char *state;
    struct event_id tail;
    int64_t unapplied;
};

#define AT_END                                                                                     \
    {                                                                                              \
        3, 10                                                                                      \
    }
#define BEFORE                                                                                     \
    {                                                                                              \
        3, 9                                                                                       \
    }
#define PAST                                                                                       \
    {                                                                                              \
        3, 12                                                                                      \
    }

static struct scene_part parts[2];
static char why[SCENE_WHY_SIZE];

static struct scene_part part_of(const struct found *found)
{
    struct scene_part part = {.sql = {.id = {3, 10}},
                              .tail = found->tail,
                              .unapplied = found->unapplied,
                              .first = {3, 11},
                              .last = found->tail};
    if (!found->state)
        return part;
    snprintf(part.meta.v[META_FORMAT_F], META_VALUE_SIZE, "%d", META_FORMAT);
    snprintf(part.meta.v[META_PARTITIONS], META_VALUE_SIZE, "2");
    snprintf(part.meta.v[META_STORE], META_VALUE_SIZE, "00000000000000aa");
    snprintf(part.meta.v[META_LEDGER], META_VALUE_SIZE, LEDGER);
    snprintf(part.meta.v[META_EPOCH], META_VALUE_SIZE, "3");
    snprintf(part.meta.v[META_STATE], META_VALUE_SIZE, "%s", found->state);
    return part;
}

static struct scene scene_of(const struct found *one, const struct found *other)
{
    struct scene scene = {.partitions = 2, .parts = parts};
    snprintf(scene.ledger_id, sizeof(scene.ledger_id), LEDGER);
    parts[0] = part_of(one);
    parts[1] = part_of(other);
    return scene;
}

static const struct found sound = {"open", AT_END, 0}, busy = {"open", PAST, 2},
                          gone = {NULL, {0, 0}, 0}, left = {NULL, PAST, 2},
                          lost = {"lost: SQL has more", BEFORE, 0}, behind = {"open", BEFORE, 0},
                          begun = {"closed: restore 0123456789abcdef", {0, 0}, 0},
                          shut = {"closed: by a person", AT_END, 0},
                          shut_busy = {"closed: ledger: a gap", PAST, 2},
                          halted = {VERDICT_HALTED, AT_END, 0},
                          opening = {"closed: opening 0123456789abcdef", BEFORE, 0},
                          deposed = {"closed: deposed: epoch 3 ...", BEFORE, 0};

static const struct {
    const struct found *one, *other;
    enum verdict plain, discard, only_lost;
} cases[] = {
    {&sound, &sound, VERDICT_SOUND, VERDICT_SOUND, VERDICT_SOUND},
    {&busy, &busy, VERDICT_SOUND, VERDICT_SOUND, VERDICT_SOUND},
    {&gone, &gone, VERDICT_RESTORE, VERDICT_RESTORE, VERDICT_RESTORE},
    {&left, &gone, VERDICT_UNAPPLIED, VERDICT_RESTORE, VERDICT_UNAPPLIED},
    {&lost, &lost, VERDICT_RESTORE, VERDICT_RESTORE, VERDICT_RESTORE},
    {&lost, &sound, VERDICT_HALT, VERDICT_HALT, VERDICT_HALT},
    {&lost, &busy, VERDICT_HALT, VERDICT_HALT, VERDICT_HALT},
    {&lost, &halted, VERDICT_RESTORE, VERDICT_RESTORE, VERDICT_RESTORE},
    {&behind, &sound, VERDICT_HALT, VERDICT_HALT, VERDICT_HALT},
    {&begun, &begun, VERDICT_RESTORE, VERDICT_RESTORE, VERDICT_RESTORE},
    {&shut, &shut, VERDICT_RESTORE, VERDICT_RESTORE, VERDICT_CLOSED},
    {&shut, &lost, VERDICT_RESTORE, VERDICT_RESTORE, VERDICT_CLOSED},
    {&shut, &sound, VERDICT_HALT, VERDICT_HALT, VERDICT_CLOSED},
    {&shut_busy, &shut, VERDICT_UNAPPLIED, VERDICT_RESTORE, VERDICT_CLOSED},
    {&shut_busy, &lost, VERDICT_UNAPPLIED, VERDICT_RESTORE, VERDICT_CLOSED},
    {&opening, &sound, VERDICT_HALT, VERDICT_HALT, VERDICT_CLOSED},
    {&opening, &lost, VERDICT_RESTORE, VERDICT_RESTORE, VERDICT_CLOSED},
    {&deposed, &deposed, VERDICT_RESTORE, VERDICT_RESTORE, VERDICT_CLOSED},
};

TEST(each_store_has_its_verdict)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int turned = 0; turned < 2; turned++) {
            struct scene scene = turned ? scene_of(cases[i].other, cases[i].one)
                                        : scene_of(cases[i].one, cases[i].other);
            const enum verdict got[] = {verdict_of(&scene, false, false, why),
                                        verdict_of(&scene, true, false, why),
                                        verdict_of(&scene, false, true, why)};
            const enum verdict must[] = {cases[i].plain, cases[i].discard, cases[i].only_lost};
            for (size_t k = 0; k < 3; k++)
                if (got[k] != must[k])
                    fail_msg("case %zu, turned %d, way %zu: %d, not %d", i, turned, k, (int)got[k],
                             (int)must[k]);
        }
}

TEST(what_would_be_lost_is_named)
{
    struct scene scene = scene_of(&gone, &left);
    assert_int_equal(verdict_of(&scene, false, false, why), VERDICT_UNAPPLIED);
    assert_non_null(strstr(why, "2 entries"));
    assert_non_null(strstr(why, "partition 1: 3-11 to 3-12"));
    assert_non_null(strstr(why, "--discard-unapplied"));
}

TEST(a_store_of_others_is_refused)
{
    static const struct {
        enum meta_field field;
        const char *value, *word;
    } wrong[] = {{META_LEDGER, OTHER, OTHER},
                 {META_LEDGER, "none", "--ledger none"},
                 {META_FORMAT_F, "3", "format 3"},
                 {META_PARTITIONS, "3", "3 partitions"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct scene scene = scene_of(&gone, &lost);
        snprintf(parts[1].meta.v[wrong[i].field], META_VALUE_SIZE, "%s", wrong[i].value);
        assert_int_equal(verdict_of(&scene, true, false, why), VERDICT_REFUSED);
        assert_non_null(strstr(why, wrong[i].word));
    }
}

TEST(without_a_past_there_is_nothing_to_restore)
{
    struct scene scene = scene_of(&gone, &gone);
    parts[0].sql = parts[1].sql = (struct checkpoint){.id = {0, -1}};
    assert_int_equal(verdict_of(&scene, false, false, why), VERDICT_REFUSED);
    assert_non_null(strstr(why, "nothing to restore"));
}

/* --- pages ------------------------------------------------------------------------------------ */

static struct rebuild rebuild;
static struct admin *admin;
static struct store_shared shared;
static const struct store_config config = {.redis_url = "redis://127.0.0.1:1", .partitions = 2};

static int begin_page(void **state)
{
    char err[128];
    admin = admin_new(&config, &shared, err, sizeof(err));
    rebuild_init(&rebuild, admin, 2, LEDGER, 4, 1);
    return admin ? 0 : -1;
}

static int end_page(void **state)
{
    rebuild_free(&rebuild);
    admin_free(admin);
    return 0;
}

/* The words of the page with blanks between, without what frames them. Bytes that no text has are
 * dots. */
static const char *words(void)
{
    static char out[4096];
    size_t n = 0;
    for (const char *p = rebuild.page.p, *end = p + rebuild.page.n; p < end;) {
        size_t bytes = strtoul(p + 1, NULL, 10);
        bool is_word = *p == '$';
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        if (!is_word)
            continue;
        for (size_t i = 0; i < bytes; i++)
            out[n++] = p[i] >= ' ' && p[i] <= '~' ? p[i] : '.';
        out[n++] = ' ';
        p += bytes + 2;
    }
    out[n] = '\0';
    return out;
}

TEST_BETWEEN(a_new_store_is_closed_under_a_name_of_its_own, begin_page, end_page)
{
    struct rebuild second;
    rebuild_init(&second, admin, 2, LEDGER, 4, 2);
    assert_true(meta_restoring(&rebuild.meta));
    assert_int_equal(meta_epoch(&rebuild.meta), 4);
    assert_string_equal(rebuild.meta.v[META_LEDGER], LEDGER);
    assert_string_not_equal(rebuild.meta.v[META_STORE], second.meta.v[META_STORE]);
    assert_string_not_equal(rebuild.meta.v[META_STATE], second.meta.v[META_STATE]);
    rebuild_free(&second);
}

TEST_BETWEEN(a_held_reservation_is_in_its_bucket_and_its_indexes, begin_page, end_page)
{
    struct reservation_line lines[] = {
        {.sku = STR("apple"), .quantity = 2, .reserved = 2, .version = 3},
        {.sku = STR("pear"), .quantity = 1, .reserved = 1, .version = 9}};
    struct reservation r = {.id = {.partition = 1, .b = "\0\0\2ABCDEFGHIJK"},
                            .created_ms = 1000,
                            .expires_ms = 2000,
                            .line_count = 2,
                            .lines = lines};
    assert_int_equal(rebuild_reservation(&rebuild, &r), REBUILD_OK);
    const char *page = words();
    assert_non_null(strstr(page, "MULTI HSET {p1}:resv:2 ...ABCDEFGHIJK "));
    assert_non_null(strstr(page, "ZADD {p1}:buckets 2 2 "));
    assert_non_null(strstr(page, "ZADD {p1}:holds:apple 2000 ...ABCDEFGHIJK "));
    assert_non_null(strstr(page, "ZADD {p1}:holds:pear 2000 ...ABCDEFGHIJK "));
    assert_int_equal(rebuild.commands, 4);

    r.state = RESERVATION_RELEASED;
    r.ended_ms = 1500;
    assert_int_equal(rebuild_reservation(&rebuild, &r), REBUILD_OK);
    assert_int_equal(rebuild.commands, 5); /* the bucket is known, nothing is held */
}

TEST_BETWEEN(items_are_listed_by_name_and_by_deadline, begin_page, end_page)
{
    const struct store_listed items[] = {
        {STR("apple"), {.exists = true, .available = 4, .held = 1, .version = 7, .due_ms = 99}},
        {STR("pear"), {.exists = true, .available = 5, .version = 8, .due_exact = true}},
        {STR("fig"), {.version = 9, .due_exact = true}}};
    assert_int_equal(rebuild_items(&rebuild, 0, items, 3), REBUILD_OK);
    assert_string_equal(words(), "MULTI MSET {p0}:item:apple 1 4 1 0 7 0 0 99 1 "
                                 "{p0}:item:pear 1 5 0 0 8 0 0 0 3 {p0}:item:fig 1 0 0 0 9 0 0 0 2 "
                                 "ZADD {p0}:skus 0 apple 0 pear ZADD {p0}:due 99 apple ");
}

TEST_BETWEEN(results_expire_and_shares_count, begin_page, end_page)
{
    assert_int_equal(rebuild_operation(&rebuild, 0, STR("key-1"), STR("bytes"), 5000), REBUILD_OK);
    assert_int_equal(rebuild_share(&rebuild, 1, STR("apple"), STR("ann"), 3), REBUILD_OK);
    assert_string_equal(words(),
                        "MULTI SET {p0}:op:key-1 bytes PXAT 5000 HSET {p1}:cust:apple ann 3 ");
}
