#include "support/past_ledgers.h"
#include "ledger/apply/apply.h"

#include <stdio.h>
#include <stdlib.h>

#define OPERATIONS  3000
#define ENTRIES_MAX 300 /* at a time */

struct past past;
struct arena past_arena;
enum base_engine past_engines[] = {BASE_SQLITE, BASE_POSTGRES};

static struct bases bases;
static struct db *ledgers[BASE_ENGINES];
static char urls[BASE_ENGINES][BASE_URL_SIZE];

struct db *past_ledger_of(void **state)
{
    struct db *db = ledgers[*(enum base_engine *)*state];
    arena_reset(&past_arena);
    assert_int_equal(db_begin_read(db), DB_OK);
    return db;
}

const char *past_url_of(void **state)
{
    return urls[*(enum base_engine *)*state];
}

static void fill(struct db *db)
{
    struct apply apply;
    apply_init(&apply, db, 0);
    for (size_t at = 0; at < past.count; at += ENTRIES_MAX) {
        size_t left = past.count - at;
        enum apply_result result =
            apply_chunk(&apply, past.entries + at, left < ENTRIES_MAX ? left : ENTRIES_MAX);
        if (result != APPLY_DONE)
            fail_msg("%s", apply.why);
    }
    apply_free(&apply);
}

int past_ledgers_begin(void **state)
{
    uint64_t seed = 20261;
    if (getenv("SEED"))
        seed = strtoull(getenv("SEED"), NULL, 10);
    printf("SEED=%llu\n", (unsigned long long)seed);
    arena_init(&past_arena, 1 << 16, 1 << 28);
    past_make(&past, seed, OPERATIONS);
    if (bases_start(&bases) != 0)
        return -1;
    for (enum base_engine e = 0; e < BASE_ENGINES; e++) {
        ledgers[e] = bases_ledger(&bases, e);
        snprintf(urls[e], sizeof(urls[e]), "%s", bases.url);
        fill(ledgers[e]);
    }
    return 0;
}

int past_ledgers_end(void **state)
{
    for (enum base_engine e = 0; e < BASE_ENGINES; e++)
        db_close(ledgers[e]);
    past_free(&past);
    arena_free(&past_arena);
    bases_stop(&bases);
    return 0;
}
