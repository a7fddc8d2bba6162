/* ledger.c -- events a second into the ledger, SQLite and PostgreSQL.
 *
 * ledger [EVENTS [ENTRIES_A_CHUNK]]: makes the stream of a shop (sales, reservations, most of them
 * confirmed, some with keys) before the clock starts, then applies it to a database of each kind in
 * a temporary directory; both sync at every COMMIT. A chunk is what an applier that is behind takes
 * of such entries, about 1 MiB, unless said. Of PostgreSQL's server it says the processor time too.
 */
#include "clock.h"
#include "ledger/apply/apply.h"
#include "ledger/schema.h"
#include "random.h"
#include "support/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define ITEMS           1000
#define HOT_PERCENT     30 /* of the events are about the first item */
#define EVENTS_AN_ENTRY 64
#define OPEN_MAX        4096
#define STREAM_MAX      ((size_t)1 << 30)
#define START_MS        INT64_C(1795231293825)

struct open_hold {
    struct rid rid;
    unsigned item;
};

struct shop {
    struct rng rng;
    struct event_line items[ITEMS];
    char skus[ITEMS][16];
    struct open_hold open[OPEN_MAX];
    size_t open_count;
    int64_t now_ms;
    struct buf bytes;
    struct event_entry *entries;
    size_t *ends; /* of each entry in bytes */
    size_t entry_count, event_count;
};

/* --- the stream ------------------------------------------------------------------------------- */

static void put_create(struct shop *shop, unsigned i)
{
    struct event_line *item = &shop->items[i];
    snprintf(shop->skus[i], sizeof(shop->skus[i]), "item-%05u", i);
    *item = (struct event_line){.sku = str_of(shop->skus[i]),
                                .quantity = 1000000000,
                                .available = 1000000000,
                                .version = 1};
    struct event event = {.type = EVENT_CREATE, .line_count = 1, .lines = item};
    event_put(&shop->bytes, &event, shop->now_ms);
}

static void put_sale(struct shop *shop, unsigned i)
{
    struct event_line *item = &shop->items[i];
    item->quantity = 1;
    item->available--;
    item->sold++;
    item->version++;
    struct event event = {.type = EVENT_DECREMENT, .line_count = 1, .lines = item};
    event_put(&shop->bytes, &event, shop->now_ms);
}

static void put_reserve(struct shop *shop, unsigned i)
{
    static const char result[96] = {1};
    char key[32];
    struct event_line *item = &shop->items[i];
    struct open_hold *hold = &shop->open[shop->open_count++];
    hold->item = i;
    for (size_t k = 0; k < RID_BYTES; k++)
        hold->rid.b[k] = (uint8_t)rng_next(&shop->rng);
    rid_set_bucket(&hold->rid, rid_bucket_of(shop->now_ms + 600000));
    item->quantity = 1;
    item->available--;
    item->held++;
    item->version++;
    struct event event = {.type = EVENT_RESERVE,
                          .line_count = 1,
                          .lines = item,
                          .has_rid = true,
                          .rid = hold->rid,
                          .expires_ms = shop->now_ms + 600000,
                          .customer = STR("customer-4711")};
    if (rng_below(&shop->rng, 100) < 25) {
        snprintf(key, sizeof(key), "key-%016llx", (unsigned long long)rng_next(&shop->rng));
        event.key = str_of(key);
        event.result = (struct str){result, sizeof(result)};
    }
    event_put(&shop->bytes, &event, shop->now_ms);
}

static void put_end(struct shop *shop, bool sold)
{
    size_t at = rng_below(&shop->rng, shop->open_count);
    struct open_hold hold = shop->open[at];
    struct event_line *item = &shop->items[hold.item];
    shop->open[at] = shop->open[--shop->open_count];
    item->quantity = 1;
    item->held--;
    *(sold ? &item->sold : &item->available) += 1;
    item->version++;
    struct event event = {.type = sold ? EVENT_CONFIRM : EVENT_EXPIRE,
                          .line_count = 1,
                          .lines = item,
                          .has_rid = true,
                          .rid = hold.rid};
    event_put(&shop->bytes, &event, shop->now_ms);
}

static void put_some_event(struct shop *shop)
{
    uint64_t dice = rng_below(&shop->rng, 100);
    unsigned item =
        rng_below(&shop->rng, 100) < HOT_PERCENT ? 0 : (unsigned)rng_below(&shop->rng, ITEMS);
    if (shop->open_count == OPEN_MAX || (dice >= 70 && shop->open_count > 100))
        put_end(shop, dice % 5 != 0);
    else if (dice < 40)
        put_sale(shop, item);
    else
        put_reserve(shop, item);
}

static void end_entry(struct shop *shop)
{
    shop->entries[shop->entry_count] = (struct event_entry){{1, (int64_t)shop->entry_count}, {0}};
    shop->ends[shop->entry_count++] = shop->bytes.n;
}

static bool make_stream(struct shop *shop, size_t events)
{
    size_t entries = events / EVENTS_AN_ENTRY + 16;
    rng_seed(&shop->rng, 20261121);
    buf_init(&shop->bytes, STREAM_MAX);
    shop->entries = calloc(entries, sizeof(*shop->entries));
    shop->ends = calloc(entries, sizeof(*shop->ends));
    if (!shop->entries || !shop->ends)
        return false;
    struct event epoch = {.type = EVENT_EPOCH};
    event_begin(&shop->bytes, 0);
    event_put(&shop->bytes, &epoch, 0);
    end_entry(shop);
    shop->now_ms = START_MS;
    event_begin(&shop->bytes, shop->now_ms);
    for (unsigned i = 0; i < ITEMS; i++)
        put_create(shop, i);
    end_entry(shop);
    for (shop->event_count = ITEMS + 1; shop->event_count < events;) {
        event_begin(&shop->bytes, ++shop->now_ms);
        for (int i = 0; i < EVENTS_AN_ENTRY; i++, shop->event_count++)
            put_some_event(shop);
        end_entry(shop);
    }
    for (size_t i = 0, begin = 0; i < shop->entry_count; begin = shop->ends[i++])
        shop->entries[i].bytes = (struct str){shop->bytes.p + begin, shop->ends[i] - begin};
    return !shop->bytes.failed;
}

/* --- the measure ------------------------------------------------------------------------------ */

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "ledger: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

/* Of this process: the server's part of PostgreSQL is not in it. */
/* Of us, or of those who were waited for. */
static double cpu_us(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int measure(const char *url, const struct shop *shop, size_t chunk)
{
    char err[DB_WHY_SIZE];
    struct db *db;
    struct migrate_report report;
    struct schema_file files[SCHEMA_FILES];
    struct apply apply;
    schema_list(files);
    if (db_open(&db, url, err, sizeof(err)) != DB_OK)
        return complain(url, err);
    if (migrate_run(db, files, SCHEMA_FILES, clock_wall_ms(), &report) != MIGRATE_DONE)
        return complain(url, report.why);
    apply_init(&apply, db, 0);
    int64_t begin_us = clock_mono_us(), longest_us = 0;
    double cpu_begin_us = cpu_us(RUSAGE_SELF);
    for (size_t i = 0; i < shop->entry_count; i += chunk) {
        int64_t chunk_us = clock_mono_us();
        size_t left = shop->entry_count - i;
        if (apply_chunk(&apply, shop->entries + i, left < chunk ? left : chunk) != APPLY_DONE)
            return complain(url, apply.why);
        chunk_us = clock_mono_us() - chunk_us;
        longest_us = chunk_us > longest_us ? chunk_us : longest_us;
    }
    double seconds = (double)(clock_mono_us() - begin_us) / 1e6;
    printf(
        "%-10s  %zu events in %.2f s: %.0f events/s, %.1f us of our CPU each; chunks of %zu, the "
        "longest %.0f ms\n",
        db_engine_name(db), shop->event_count, seconds, (double)shop->event_count / seconds,
        (cpu_us(RUSAGE_SELF) - cpu_begin_us) / (double)shop->event_count, chunk * EVENTS_AN_ENTRY,
        (double)longest_us / 1e3);
    apply_free(&apply);
    db_close(db);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct shop shop;
    static struct tpg pg;
    char dir[TEST_PATH_MAX], url[TEST_PATH_MAX + 32];
    size_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    size_t chunk = argc > 2 ? strtoull(argv[2], NULL, 10) : 256;
    if (events == 0 || chunk == 0 || !make_stream(&shop, events))
        return complain("usage", "ledger [EVENTS [ENTRIES_A_CHUNK]]");
    if (temp_dir_make(dir) != 0)
        return complain("temporary directory", "cannot be made");
    snprintf(url, sizeof(url), "sqlite:%s/ledger.db", dir);
    int status = measure(url, &shop, chunk);
    temp_dir_remove(dir);
    if (tpg_start(&pg) != 0)
        return complain("postgresql", "does not start");
    double server_us = -cpu_us(RUSAGE_CHILDREN);
    status |= measure(pg.url, &shop, chunk);
    tpg_stop(&pg);
    server_us += cpu_us(RUSAGE_CHILDREN);
    printf("postgresql server: %.1f us of CPU an event, its start and end included\n",
           server_us / (double)shop.event_count);
    buf_free(&shop.bytes);
    free(shop.entries);
    free(shop.ends);
    return status;
}
