/* test_refused_steps.c -- whatever command of the keeper's, the ledger process' and the audit's
 * connection Redis refuses, with whatever word: the next tries do all of the work, and once.
 *
 * The steps are called as those processes call them, here and one after the other, so that each of
 * their commands can be refused in turn, those too that a running service sends once an hour.
 */
#include "core/event.h"
#include "core/record.h"
#include "log.h"
#include "store/admin/admin.h"
#include "store/admin/feed.h"
#include "store/admin/scan.h"
#include "store/meta.h"
#include "support/refuseproxy.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRIES_MAX  4  /* of a tour with one refusal */
#define AGAIN_MS   30 /* a Redis in trouble is left alone for a moment */
#define OPEN_MS    30000
#define STEPS_MAX  400 /* commands of a tour; reaching it means that it has no end */
#define HOUR_MS    INT64_C(3600000)
#define PARTITIONS 2

static struct tredis redis;
static struct refuse_proxy proxy;
static struct store_config config;
static struct store_shared shared;
static struct admin *admin;

/* --- what lies in Redis ----------------------------------------------------------------------- */

static redisContext *direct;

static void run(int type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(direct, format, args);
    va_end(args);
    assert_non_null(reply);
    if (reply->type != type)
        print_error("%s: type %d, %s\n", format, reply->type, reply->str ? reply->str : "");
    assert_int_equal(reply->type, type);
    freeReplyObject(reply);
}

static int64_t now_ms(void)
{
    redisReply *reply = redisCommand(direct, "TIME");
    assert_non_null(reply);
    int64_t ms = strtoll(reply->element[0]->str, NULL, 10) * 1000;
    freeReplyObject(reply);
    return ms;
}

/* A record in the bucket of a deadline; ended_ms 0: still held. */
static void put_record(unsigned partition, int64_t expires_ms, int64_t ended_ms)
{
    static uint8_t serial;
    struct buf bytes;
    struct reservation_line line = {.sku = STR("x"), .quantity = 1, .version = 1};
    struct reservation r = {.state = ended_ms ? RESERVATION_RELEASED : RESERVATION_HELD,
                            .created_ms = expires_ms - 1000,
                            .expires_ms = expires_ms,
                            .ended_ms = ended_ms,
                            .line_count = 1,
                            .lines = &line};
    rid_set_bucket(&r.id, rid_bucket_of(expires_ms));
    r.id.b[RID_BYTES - 1] = ++serial;
    buf_init(&bytes, 4096);
    record_encode(&bytes, &r);
    run(REDIS_REPLY_INTEGER, "HSET {p%u}:resv:%" PRId64 " %b %b", partition, rid_bucket(&r.id),
        r.id.b, (size_t)RID_BYTES, bytes.p, bytes.n);
    run(REDIS_REPLY_INTEGER, "ZADD {p%u}:buckets %" PRId64 " %" PRId64, partition,
        rid_bucket(&r.id), rid_bucket(&r.id));
    buf_free(&bytes);
}

static void put_event_of(int epoch, int64_t at_ms)
{
    struct buf bytes;
    struct event_line line = {.sku = STR("x"), .available = 1, .version = 1};
    struct event event = {.type = EVENT_CREATE, .line_count = 1, .lines = &line};
    buf_init(&bytes, 4096);
    event_begin(&bytes, at_ms);
    event_put(&bytes, &event, at_ms);
    run(REDIS_REPLY_STRING, "XADD {p0}:events %d-* e %b", epoch, bytes.p, bytes.n);
    buf_free(&bytes);
}

static void put_event(int64_t at_ms)
{
    put_event_of(1000000, at_ms);
}

static int64_t number(const char *command)
{
    return tredis_int(&redis, command);
}

/* --- the rig ---------------------------------------------------------------------------------- */

static void rig_start(bool ledger)
{
    char err[256];
    assert_int_equal(tredis_start(&redis, NULL), 0);
    assert_int_equal(refuse_proxy_start(&proxy, &redis), 0);
    direct = tredis_connect(&redis);
    assert_non_null(direct);
    config = (struct store_config){.redis_url = proxy.url,
                                   .partitions = PARTITIONS,
                                   .event_retention_ms = 1000,
                                   .reservation_retention_ms = 1000,
                                   .durability = DURABILITY_MEMORY,
                                   .ledger = ledger};
    memset(&shared, 0, sizeof(shared));
    admin = admin_new(&config, &shared, err, sizeof(err));
    assert_non_null(admin);
}

static int rig_stop(void **state)
{
    (void)state;
    if (admin)
        admin_free(admin);
    if (direct)
        redisFree(direct);
    admin = NULL;
    direct = NULL;
    refuse_proxy_stop(&proxy);
    tredis_stop(&redis);
    return 0;
}

/* --- tours ------------------------------------------------------------------------------------ */

/* All that one process does on its connection. False: something was refused. */
typedef bool tour_fn(void);
typedef void check_fn(void);

static void step(tour_fn *prepare, tour_fn *tour, check_fn *check, enum refuse_word word, int k)
{
    char name[REFUSE_NAME_SIZE];
    assert_true(prepare());
    struct refuse_rule rule = {.word = word, .first = k, .count = 1};
    refuse_proxy_arm(&proxy, &rule);
    int tries = 1;
    while (!tour() && tries <= TRIES_MAX) {
        int64_t again_ms = test_now_ms() + AGAIN_MS;
        assert_true(await(test_now_ms() >= again_ms, 2 * AGAIN_MS));
        tries++;
    }
    refuse_proxy_last(&proxy, name);
    if (tries > TRIES_MAX)
        print_error("%s to command %d (%s): %d tries were not enough: %s\n", refuse_word_name(word),
                    k, name, TRIES_MAX, admin_why(admin));
    assert_true(tries <= TRIES_MAX);
    refuse_proxy_disarm(&proxy);
    check();
}

/* Refuses every command in turn, with every word. */
static void sweep(tour_fn *prepare, tour_fn *tour, check_fn *check)
{
    for (int word = 0; word < REFUSE_WORDS; word++) {
        int k = 0;
        do {
            step(prepare, tour, check, (enum refuse_word)word, ++k);
            assert_true(k < STEPS_MAX);
        } while (refuse_proxy_refused(&proxy) > 0);
        print_message("%s: %d commands refused in turn\n", refuse_word_name((enum refuse_word)word),
                      k - 1);
        assert_true(k > 1);
    }
}

/* --- the keeper ------------------------------------------------------------------------------- */

static int64_t epoch_before;

/* A Redis that was restarted, with old records, old events and an item that is due. */
static bool prepare_keeper(void)
{
    const char *why;
    int64_t now = now_ms();
    admin_hang_up(admin);
    run(REDIS_REPLY_STATUS, "FLUSHALL");
    memset(&shared, 0, sizeof(shared));
    assert_true(await(admin_open(admin, &why) == ADMIN_OK, OPEN_MS)); /* after the last refusal */
    run(REDIS_REPLY_INTEGER, "HSET {p0}:meta run_id before epoch 1000000");
    epoch_before = number("HGET {p0}:meta epoch");
    run(REDIS_REPLY_INTEGER, "DEL {p0}:events");
    for (int i = 0; i < 8; i++)
        put_event(now - HOUR_MS);
    put_event(now + HOUR_MS);
    put_record(0, now - 3 * HOUR_MS, now - 2 * HOUR_MS);
    put_record(0, now - 3 * HOUR_MS, 0);
    put_record(0, now - 5 * HOUR_MS, now - 2 * HOUR_MS);
    put_record(1, now - 3 * HOUR_MS, now - 2 * HOUR_MS);
    run(REDIS_REPLY_INTEGER, "ZADD {p0}:due %lld x", (long long)now - 1000);
    admin_hang_up(admin);
    return true;
}

static bool tour_keeper(void)
{
    const char *why;
    struct arena arena;
    struct str names[4];
    struct scan_audit audit;
    int64_t events = 0, oldest_ms = 0, now;
    if (admin_open(admin, &why) != ADMIN_OK || (now = admin_now_ms(admin, 0)) < 0)
        return false;
    arena_init(&arena, 4096, 1 << 20);
    bool fine = admin_due(admin, 0, now, &arena, names, 4, &oldest_ms) == 1 &&
                admin_look_at_memory(admin) == 0 && admin_look_at_replicas(admin) == 0 &&
                scan_last_audit(admin, &audit) == 0 && feed_trim_old(admin, 0, now, &events) == 0 &&
                admin_trim_records(admin, 0, now) >= 0 && admin_trim_records(admin, 1, now) >= 0;
    arena_free(&arena);
    return fine;
}

static void check_keeper(void)
{
    assert_int_equal(number("HGET {p0}:meta epoch"), epoch_before + 1);
    /* the last old event, the young one, the epoch's */
    assert_int_equal(number("XLEN {p0}:events"), 3);
    assert_int_equal(number("ZCARD {p0}:buckets"), 1);
    assert_int_equal(number("ZCARD {p1}:buckets"), 0);
    redisReply *keys = redisCommand(direct, "KEYS {p?}:resv:*");
    assert_non_null(keys);
    assert_int_equal(keys->elements, 1);
    freeReplyObject(keys);
}

static void every_command_of_the_keeper_may_be_refused(void **state)
{
    (void)state;
    rig_start(false);
    sweep(prepare_keeper, tour_keeper, check_keeper);
}

/* --- a new store ------------------------------------------------------------------------------ */

static bool prepare_nothing(void)
{
    admin_hang_up(admin);
    run(REDIS_REPLY_STATUS, "FLUSHALL");
    memset(&shared, 0, sizeof(shared));
    return true;
}

static bool tour_first_start(void)
{
    const char *why;
    return admin_open(admin, &why) == ADMIN_OK;
}

static void check_first_start(void)
{
    for (unsigned p = 0; p < PARTITIONS; p++) {
        redisReply *store = redisCommand(direct, "HGET {p%u}:meta store", p);
        assert_non_null(store);
        assert_int_equal(store->type, REDIS_REPLY_STRING);
        assert_int_equal(strtoull(store->str, NULL, 16), shared.store_id);
        freeReplyObject(store);
    }
    assert_int_equal(number("XLEN {p0}:events") + number("XLEN {p1}:events"), PARTITIONS);
}

/* All partitions are made, or none: a part of them would be taken for a loss, for ever. */
static void every_command_of_a_first_start_may_be_refused(void **state)
{
    (void)state;
    rig_start(false);
    sweep(prepare_nothing, tour_first_start, check_first_start);
}

/* --- old events ------------------------------------------------------------------------------- */

/* Redis was started again and again since the first of them. */
static void old_events_go_whatever_their_epoch(void **state)
{
    const char *why;
    int64_t events = 0;
    (void)state;
    rig_start(false);
    assert_int_equal(admin_open(admin, &why), ADMIN_OK); /* the first event of epoch 1 */
    int64_t now = now_ms();
    for (int epoch = 1; epoch <= 3; epoch++)
        for (int i = 0; i < 5; i++)
            put_event_of(epoch, i == 0 && epoch > 1 ? 0 : now - HOUR_MS);
    put_event_of(3, now + HOUR_MS);
    put_event_of(4, 0);
    put_event_of(4, now + HOUR_MS);
    assert_int_equal(feed_trim_old(admin, 0, now, &events), 0);
    assert_int_equal(events, 19);
    assert_int_equal(number("XLEN {p0}:events"), 4); /* the last old one, and all that are young */
    assert_int_equal(feed_trim_old(admin, 0, now + 2 * HOUR_MS, &events), 0);
    assert_int_equal(number("XLEN {p0}:events"), 1);
}

/* --- old records ------------------------------------------------------------------------------ */

/* One partition keeps more old buckets than a call looks at: their holds were extended. */
static void old_records_go_whatever_other_partitions_keep(void **state)
{
    const char *why;
    (void)state;
    rig_start(false);
    assert_int_equal(admin_open(admin, &why), ADMIN_OK);
    int64_t now = now_ms();
    for (int i = 0; i < 6; i++)
        put_record(0, now - (3 + i) * HOUR_MS, 0);
    put_record(1, now - 3 * HOUR_MS, now - 2 * HOUR_MS);
    for (int i = 0; i < 10; i++)
        for (unsigned p = 0; p < PARTITIONS; p++)
            assert_true(admin_trim_records(admin, p, now) >= 0);
    assert_int_equal(number("ZCARD {p0}:buckets"), 6);
    assert_int_equal(number("ZCARD {p1}:buckets"), 0);
}

/* --- the ledger process ----------------------------------------------------------------------- */

static struct event_id taken;

static bool prepare_ledger(void)
{
    const char *why;
    admin_hang_up(admin);
    run(REDIS_REPLY_STATUS, "FLUSHALL");
    memset(&shared, 0, sizeof(shared));
    snprintf(shared.ledger_id, sizeof(shared.ledger_id), "abc");
    shared.ledger_known = true;
    assert_true(await(admin_connect(admin, &why) == ADMIN_OK, OPEN_MS));
    for (unsigned p = 0; p < PARTITIONS; p++)
        assert_int_equal(admin_open_partition(admin, p, ADMIN_CREATE, &why), ADMIN_OK);
    run(REDIS_REPLY_INTEGER, "HSET {p1}:meta run_id before");
    for (int i = 0; i < 4; i++)
        put_event(now_ms());
    taken = (struct event_id){0, 0};
    admin_hang_up(admin);
    return true;
}

/* Takes what there is of partition 0, opens partition 1 and closes it again. */
static bool tour_ledger(void)
{
    static struct feed feed;
    const char *why;
    const unsigned first = 0;
    const struct event_ends none = {.count = 0};
    const struct event_id from = {0, 0}; /* there is an entry behind it: nobody waits */
    struct event_id tail;
    if (admin_connect(admin, &why) != ADMIN_OK)
        return false;
    feed_init(&feed, admin);
    enum admin_result opened = admin_open_partition(admin, 1, ADMIN_RENEW, &why);
    bool fine = admin_open_partition(admin, 0, ADMIN_LOOK, &why) == ADMIN_OK &&
                (opened == ADMIN_OK || opened == ADMIN_CLOSED) && feed_tail(admin, 0, &tail) == 0 &&
                feed_read(&feed, 0, taken, 100) == 0;
    if (fine && feed.count > 0)
        taken = feed.entries[feed.count - 1].id;
    fine = fine && event_id_compare(taken, tail) == 0 &&
           feed_applied(admin, 0, taken, &none) == 0 && feed_trim(admin, 0, taken) == 0 &&
           feed_wait(admin, &first, &from, 1, 1) == 0;
    enum admin_result closed =
        fine ? admin_close_partition(admin, 1, "closed: by the test", &why) : ADMIN_DOWN;
    feed_free(&feed);
    return closed == ADMIN_OK || closed == ADMIN_CLOSED;
}

static void check_ledger(void)
{
    assert_int_equal(number("XLEN {p0}:events"), 1);
    assert_int_equal(number("EXISTS {p0}:applied"), 1);
    assert_int_equal(number("HGET {p1}:meta epoch"), 2);
    redisReply *state = redisCommand(direct, "HGET {p1}:meta state");
    assert_non_null(state);
    assert_string_equal(state->str, "closed: by the test");
    freeReplyObject(state);
}

static void every_command_of_the_ledger_process_may_be_refused(void **state)
{
    (void)state;
    rig_start(true);
    sweep(prepare_ledger, tour_ledger, check_ledger);
}

/* --- the audit's reads ------------------------------------------------------------------------ */

static bool prepare_audit(void)
{
    int64_t now = now_ms();
    prepare_ledger();
    run(REDIS_REPLY_STATUS, "SET {p0}:item:x %s", "1 6 0 4 7 0 1 0 3");
    run(REDIS_REPLY_INTEGER, "ZADD {p0}:skus 0 x");
    run(REDIS_REPLY_INTEGER, "HSET {p0}:cust:x c 1");
    put_record(0, now - HOUR_MS, now - HOUR_MS);
    return true;
}

static bool scan_all(struct arena *arena)
{
    char cursor[ADMIN_CURSOR_SIZE] = "0";
    struct meta meta;
    struct scan_item *items, item;
    struct scan_usage *shares;
    struct scan_record *records;
    struct str *names, customer = STR("c");
    struct scan_audit audit = {.result = 0};
    int64_t *buckets;
    size_t count, strangers = 0;
    if (!meta_look(admin, 0, &meta) || scan_names(admin, arena, 0, STR(""), 10, &names, &count) < 0)
        return false;
    assert_int_equal(count, 1);
    struct str sku = names[0];
    if (scan_items(admin, arena, 0, names, count, &items) < 0 ||
        scan_buckets(admin, arena, 0, -1, 10, &buckets, &count) < 0)
        return false;
    assert_int_equal(count, 1);
    if (scan_records(admin, arena, 0, buckets[0], cursor, &records, &count, &strangers) < 0)
        return false;
    assert_int_equal(count, 1);
    struct rid id = records[0].id;
    struct rid *rids;
    snprintf(cursor, sizeof(cursor), "0");
    struct scan_link link = {.id = id, .sku = sku};
    return scan_records_named(admin, arena, 0, &id, 1, &records) == 0 &&
           scan_holds(admin, arena, 0, sku, cursor, &rids, &count, &strangers) == 0 &&
           scan_links(admin, arena, 0, &link, 1) == 0 &&
           scan_usage(admin, arena, 0, sku, cursor, &item, &shares, &count) == 0 &&
           scan_usage_named(admin, arena, 0, sku, &customer, 1, &item, &shares) == 0 &&
           scan_keep_audit(admin, &audit) == 0;
}

static bool tour_audit(void)
{
    const char *why;
    struct arena arena;
    if (admin_connect(admin, &why) != ADMIN_OK)
        return false;
    arena_init(&arena, 4096, 1 << 20);
    bool fine = scan_all(&arena);
    arena_free(&arena);
    return fine;
}

static void check_audit(void)
{
    assert_int_equal(number("HGET {p0}:audit result"), 0);
}

static void every_command_of_the_audit_may_be_refused(void **state)
{
    (void)state;
    rig_start(true);
    sweep(prepare_audit, tour_audit, check_audit);
}

int main(void)
{
    log_configure(LOG_LOGFMT, LOG_ERROR);
#define STEPS_TEST(name) cmocka_unit_test_teardown(name, rig_stop)
    const struct CMUnitTest tests[] = {
        STEPS_TEST(every_command_of_the_keeper_may_be_refused),
        STEPS_TEST(every_command_of_a_first_start_may_be_refused),
        STEPS_TEST(old_events_go_whatever_their_epoch),
        STEPS_TEST(old_records_go_whatever_other_partitions_keep),
        STEPS_TEST(every_command_of_the_ledger_process_may_be_refused),
        STEPS_TEST(every_command_of_the_audit_may_be_refused),
    };
    return cmocka_run_group_tests_name("refused steps", tests, NULL, NULL);
}
