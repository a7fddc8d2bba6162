/* test_query_pool.c -- questions to a database, in threads, that do not hold up the loop that asks.
 */
#include "ledger/query/query_pool.h"
#include "support/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define QUESTIONS 8

static const struct db_statement forty_two = {.kind = DB_ONE, .types = "", .head = "SELECT 42"};
static const struct db_statement nonsense = {
    .kind = DB_ONE, .types = "", .head = "SELECT a FROM nowhere"};

static uv_loop_t loop;
static struct query_pool *pool;
static char dir[TEST_PATH_MAX], url[TEST_PATH_MAX + 32];
static uv_sem_t gate;                  /* held questions wait for it */
static atomic_int inside, most, asked; /* now, at once, ever */
static int answered;

struct question {
    struct query q;
    bool held;
    const struct db_statement *statement;
    int64_t found;
    int turn; /* the how many-th to be asked */
    uv_thread_t thread;
    bool done;
};

static int keep(void *context, const struct db_value *row, size_t count)
{
    *(int64_t *)context = row[0].as.number;
    return 0;
}

static enum db_result ask(struct query *q, struct db *db)
{
    struct question *question = (struct question *)q;
    question->turn = atomic_fetch_add(&asked, 1);
    int now = atomic_fetch_add(&inside, 1) + 1;
    int seen = atomic_load(&most);
    while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
        ;
    if (question->held)
        uv_sem_wait(&gate);
    atomic_fetch_sub(&inside, 1);
    question->thread = uv_thread_self();
    return db_run(db, question->statement, NULL, 1, keep, &question->found, NULL);
}

static void done(struct query *q)
{
    ((struct question *)q)->done = true;
    answered++;
}

static void make(struct question *question, bool held)
{
    *question = (struct question){.held = held, .statement = &forty_two};
    question->q.ask = ask;
    question->q.done = done;
}

static int setup(void **state)
{
    if (temp_dir_make(dir) != 0 || uv_loop_init(&loop) != 0 || uv_sem_init(&gate, 0) != 0)
        return -1;
    snprintf(url, sizeof(url), "sqlite:%s/pool.db", dir);
    atomic_store(&inside, 0);
    atomic_store(&most, 0);
    atomic_store(&asked, 0);
    answered = 0;
    pool = query_pool_new(&loop, url);
    return pool ? 0 : -1;
}

static int teardown(void **state)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    query_pool_free(pool);
    uv_sem_destroy(&gate);
    temp_dir_remove(dir);
    return uv_loop_close(&loop);
}

static void a_question_is_asked_in_a_thread_and_answered_on_the_loop(void **state)
{
    struct question one;
    uv_thread_t self = uv_thread_self();
    make(&one, false);
    assert_true(query_pool_idle(pool));
    assert_true(query_pool_ask(pool, &one.q));
    assert_false(one.done);
    assert_false(query_pool_idle(pool));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(one.done);
    assert_true(query_pool_idle(pool));
    assert_int_equal(one.q.result, DB_OK);
    assert_int_equal(one.found, 42);
    assert_false(uv_thread_equal(&self, &one.thread));
}

static void questions_share_the_connections_in_turn(void **state)
{
    struct question all[QUESTIONS];
    for (int i = 0; i < QUESTIONS; i++) {
        make(&all[i], i < QUERY_POOL_CONNECTIONS);
        assert_true(query_pool_ask(pool, &all[i].q));
    }
    assert_true(await(atomic_load(&inside) == QUERY_POOL_CONNECTIONS, 20000));
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(answered, 0);
    /* One lets its connection go: the others take turns in it. */
    uv_sem_post(&gate);
    while (answered < QUESTIONS - QUERY_POOL_CONNECTIONS + 1)
        uv_run(&loop, UV_RUN_ONCE);
    for (int i = QUERY_POOL_CONNECTIONS; i < QUESTIONS; i++) {
        assert_true(all[i].done);
        assert_int_equal(all[i].turn, i);
    }
    for (int i = 1; i < QUERY_POOL_CONNECTIONS; i++)
        uv_sem_post(&gate);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(answered, QUESTIONS);
    assert_int_equal(atomic_load(&most), QUERY_POOL_CONNECTIONS);
}

static void only_so_many_may_wait(void **state)
{
    static struct question all[QUERY_POOL_CONNECTIONS + QUERY_POOL_WAITING_MAX], late;
    enum { ALL = QUERY_POOL_CONNECTIONS + QUERY_POOL_WAITING_MAX };
    make(&late, false);
    for (int i = 0; i < ALL; i++) {
        make(&all[i], i < QUERY_POOL_CONNECTIONS);
        assert_true(query_pool_ask(pool, &all[i].q));
    }
    assert_false(query_pool_ask(pool, &late.q));
    for (int i = 0; i < QUERY_POOL_CONNECTIONS; i++)
        uv_sem_post(&gate);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(answered, ALL);
    assert_false(late.done);
    assert_true(query_pool_ask(pool, &late.q));
}

static void what_still_waits_can_be_taken_back(void **state)
{
    struct question all[QUESTIONS];
    for (int i = 0; i < QUESTIONS; i++) {
        make(&all[i], i < QUERY_POOL_CONNECTIONS);
        assert_true(query_pool_ask(pool, &all[i].q));
    }
    assert_false(query_pool_withdraw(&all[0].q));
    assert_true(query_pool_withdraw(&all[QUERY_POOL_CONNECTIONS].q)); /* the first that waits, */
    assert_true(query_pool_withdraw(&all[QUESTIONS - 1].q));          /* the last, */
    assert_true(query_pool_withdraw(&all[QUESTIONS - 3].q));          /* and one between */
    assert_true(query_pool_ask(pool, &all[QUESTIONS - 1].q));
    for (int i = 0; i < QUERY_POOL_CONNECTIONS; i++)
        uv_sem_post(&gate);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(answered, QUESTIONS - 2);
    assert_false(all[QUERY_POOL_CONNECTIONS].done);
    assert_false(all[QUESTIONS - 3].done);
    assert_true(all[QUESTIONS - 1].done);
    assert_true(query_pool_idle(pool));
}

static enum db_result answer_of(const struct db_statement *statement, char why[DB_WHY_SIZE])
{
    struct question one;
    make(&one, false);
    one.statement = statement;
    assert_true(query_pool_ask(pool, &one.q));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(one.done);
    snprintf(why, DB_WHY_SIZE, "%s", one.q.why);
    return one.q.result;
}

static void a_failure_says_why_and_the_next_question_tries_anew(void **state)
{
    char why[DB_WHY_SIZE];
    const char *file = url + strlen("sqlite:");
    assert_int_equal(mkdir(file, 0700), 0);
    assert_int_equal(answer_of(&forty_two, why), DB_WRONG);
    assert_non_null(strstr(why, "unable to open"));
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(answer_of(&forty_two, why), DB_OK);
    assert_string_equal(why, "");
    assert_int_equal(answer_of(&nonsense, why), DB_WRONG);
    assert_non_null(strstr(why, "nowhere"));
    assert_int_equal(answer_of(&forty_two, why), DB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_question_is_asked_in_a_thread_and_answered_on_the_loop,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(questions_share_the_connections_in_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(only_so_many_may_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(what_still_waits_can_be_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_says_why_and_the_next_question_tries_anew, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
