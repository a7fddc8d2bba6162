/* chaos.c -- random sequences of all that can happen to a Redis that fails over, under load, for as
 * long as is wanted: `make chaos DURATION=3600`. After each one the answers were right, SQL has all
 * of it, and store and ledger are equal.
 *
 * Each sequence has a seed of its own, which is printed: SEED repeats it, and goes on with the ones
 * behind it. KINDS are words that say what may be drawn: of each sort, those that are named, or all
 * if none is.
 *
 *     sentinel cluster   replicated ledger   sqlite postgresql   apart together   scarce plenty
 *     and names of faults
 *
 * and "guarded": what is not apart is over TLS, as a user with few rights.
 */
#include "support/faults_redis.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FAULTS_MOST 4
#define FAULTS_MAX  32

static const char *const engine_names[BASE_ENGINES + 1] = {
    [BASE_SQLITE] = "sqlite", [BASE_POSTGRES] = "postgresql", [BASE_ENGINES] = "no-sql"};
static const char *const place_names[2] = {"together", "apart"};
static const char *const stock_names[2] = {"plenty", "scarce"};

static struct shaken world;

/* --- what may be drawn ------------------------------------------------------------------------ */

static bool is_word(const char *words, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = words; (at = strstr(at, name)); at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' '))
            return true;
    return false;
}

static const char *kinds(void)
{
    const char *given = getenv("KINDS");
    return given ? given : "";
}

/* One of the names that were given, of all if none was. */
static int draw(struct rng *rng, const char *const *names, int count)
{
    int allowed[FAULTS_MAX], n = 0;
    for (int i = 0; i < count; i++)
        if (is_word(kinds(), names[i]))
            allowed[n++] = i;
    return n ? allowed[rng_below(rng, (uint64_t)n)] : (int)rng_below(rng, (uint64_t)count);
}

static struct shaken_opts draw_world(struct rng *rng, uint64_t seed)
{
    struct shaken_opts opts = {.seed = seed};
    opts.kind = (enum shaken_kind)draw(rng, shaken_kind_names, SHAKEN_KINDS);
    opts.level = (enum shaken_level)draw(rng, shaken_level_names, SHAKEN_LEVELS);
    opts.engine =
        (enum base_engine)draw(rng, engine_names, BASE_ENGINES + (opts.level != SHAKEN_LEDGER));
    opts.apart = draw(rng, place_names, 2) == 1 && geteuid() == 0;
    opts.scarce = draw(rng, stock_names, 2) == 1;
    opts.guarded = is_word(kinds(), "guarded") && !opts.apart;
    return opts;
}

static const struct redis_fault *draw_fault(struct rng *rng, const struct shaken_opts *opts)
{
    const struct redis_fault *allowed[FAULTS_MAX];
    int n = 0;
    bool any_named = false;
    for (int i = 0; i < redis_fault_count; i++)
        any_named = any_named || is_word(kinds(), redis_faults[i].name);
    for (int i = 0; i < redis_fault_count; i++)
        if (redis_fault_fits(&redis_faults[i], opts) &&
            (!any_named || is_word(kinds(), redis_faults[i].name)))
            allowed[n++] = &redis_faults[i];
    return n ? allowed[rng_below(rng, (uint64_t)n)] : NULL;
}

/* --- sequences -------------------------------------------------------------------------------- */

/* False: such a world can not be had here, or no fault fits. */
static bool begin(struct rng *rng, uint64_t seed)
{
    struct shaken_opts opts = draw_world(rng, seed);
    printf("SEED=%" PRIu64 ": %s, level %s, %s, %s, %s%s\n", seed, shaken_kind_names[opts.kind],
           shaken_level_names[opts.level], engine_names[opts.engine], place_names[opts.apart],
           stock_names[opts.scarce], opts.guarded ? ", guarded" : "");
    fflush(stdout);
    if (!draw_fault(rng, &opts))
        return false;
    int err = shaken_start(&world, &opts);
    if (err == -ENOSYS) {
        assert_int_equal(shaken_stop(&world), 0);
        return false;
    }
    assert_int_equal(err, 0);
    return true;
}

static bool run_sequence(uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    if (!begin(&rng, seed)) {
        printf("  left out\n");
        return false;
    }
    shaken_load(&world);
    int faults = 1 + (int)rng_below(&rng, FAULTS_MOST);
    for (int i = 0; i < faults; i++)
        assert_true(redis_fault_go_through(draw_fault(&rng, &world.opts), &world));
    shaken_judge(&world);
    printf("  right, and equal\n");
    fflush(stdout);
    assert_int_equal(shaken_stop(&world), 0);
    return true;
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *given = getenv(name);
    return given && *given ? strtoull(given, NULL, 10) : otherwise;
}

static void every_sequence_ends_well(void **state)
{
    uint64_t seed = number("SEED", (uint64_t)test_now_ms());
    int64_t end = test_now_ms() + (int64_t)number("DURATION", 60) * 1000;
    int run = 0;
    do
        run += run_sequence(seed++);
    while (test_now_ms() < end);
    printf("%d sequences, none wrong\n", run);
}

static int stop(void **state)
{
    return shaken_stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_sequence_ends_well, stop),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
