/* test_pool_host.c -- a pool in a program that has a life of its own: signals, children, other
 * pools, and a system with nothing more to give. */
#include "pool/task.h"
#include "support/pool_seen.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int twice(struct str in, struct buf *out)
{
    buf_puts(out, in);
    buf_puts(out, in);
    return 0;
}

static int get_killed(struct str in, struct buf *out)
{
    raise(SIGKILL);
    return -EIO;
}

static struct pool_tasks *new_tasks(size_t workers)
{
    struct pool_tasks_options options = {.name = "task", .workers = workers};
    struct pool_tasks *tasks;
    return pool_tasks_new(&tasks, &options) == 0 ? tasks : NULL;
}

static bool gives(struct pool_tasks *tasks, struct str in, const char *out)
{
    struct pool_result r;
    bool right = pool_apply(tasks, twice, in, &r) == 0 && strcmp(r.bytes, out) == 0;
    pool_results_free(&r, 1);
    return right;
}

/* --- SIGCHLD ---------------------------------------------------------------------------------- */

static void set_sigchld(void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGCHLD, &action, NULL);
}

TEST(an_ignored_sigchld_does_not_hide_how_a_child_ended)
{
    static const struct {
        void (*handler)(int);
        int flags;
    } rows[] = {{SIG_IGN, 0}, {SIG_DFL, SA_NOCLDWAIT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(&seen, 0, sizeof seen);
        set_sigchld(rows[i].handler, rows[i].flags);
        struct pool *pool = pool_seen_one(pool_seen_exit_5, POOL_NEVER, false);
        STEP_UNTIL(pool, seen.exit_count == 1);
        assert_int_equal(seen.exits[0].status, 5);
        pool_free(pool);
        set_sigchld(SIG_DFL, 0);
    }
}

static volatile sig_atomic_t stolen;

static void wait_for_everything(int signo)
{
    int err = errno;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        stolen++;
    errno = err;
}

static void keep_error(void *ctx, uint64_t id, int err, struct str text)
{
    struct buf *kept = ctx;
    buf_puts(kept, text);
}

/* How the worker ended is lost, that it ended is not. */
TEST(a_program_that_waits_for_every_child_leaves_the_pool_in_order)
{
    stolen = 0;
    set_sigchld(wait_for_everything, SA_RESTART);
    struct pool_tasks *tasks = new_tasks(2);
    struct buf kept;
    buf_init(&kept, 200);
    struct pool_task task = {.fn = get_killed, .on_error = keep_error, .ctx = &kept};
    assert_non_null(tasks);
    assert_int_equal(pool_wait_ready(pool_tasks_pool(tasks), LEFTOVER_BOUND_MS), 0);
    assert_int_equal(pool_submit(tasks, &task, NULL), 0);
    assert_int_equal(pool_tasks_step(tasks, 0), 0);
    for (int64_t end_ms = clock_mono_ms() + LEFTOVER_BOUND_MS; stolen == 0; usleep(1000))
        assert_true(clock_mono_ms() < end_ms);
    while (pool_pending(tasks) > 0)
        assert_int_equal(pool_tasks_step(tasks, LEFTOVER_BOUND_MS), 0);
    buf_putc(&kept, '\0');
    assert_non_null(strstr(kept.p, "ended, and its status is lost"));
    buf_free(&kept);
    for (int i = 0; i < 20; i++)
        assert_true(gives(tasks, STR("x"), "xx"));
    pool_terminate(tasks, LEFTOVER_BOUND_MS);
    assert_int_equal(pool_join(tasks, LEFTOVER_BOUND_MS), 0);
    pool_tasks_free(tasks);
    set_sigchld(SIG_DFL, 0);
}

TEST(the_programs_own_children_are_left_to_it)
{
    pid_t own[3];
    int status;
    for (int i = 0; i < 3; i++) {
        own[i] = fork();
        if (own[i] == 0)
            _exit(40 + i);
    }
    struct pool *pool = pool_seen_one(pool_seen_exit_5, POOL_ALWAYS, false);
    STEP_UNTIL(pool, seen.exit_count == 3);
    pool_stop(pool, 0);
    pool_free(pool);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(waitpid(own[i], &status, 0), own[i]);
        assert_int_equal(WEXITSTATUS(status), 40 + i);
    }
}

/* --- other signals ---------------------------------------------------------------------------- */

static volatile sig_atomic_t alarms;

static void count_alarm(int signo)
{
    alarms++;
}

TEST(a_storm_of_signals_disturbs_nothing)
{
    enum { TASKS = 400 };
    static struct str in[TASKS];
    struct pool_result r[TASKS];
    struct sigaction action = {.sa_handler = count_alarm}, before;
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    alarms = 0;
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int round = 0; round < 3; round++) {
        struct pool_tasks *tasks = new_tasks(2);
        assert_non_null(tasks);
        assert_int_equal(pool_wait_ready(pool_tasks_pool(tasks), LEFTOVER_BOUND_MS), 0);
        for (int i = 0; i < TASKS; i++)
            in[i] = STR("ab");
        assert_int_equal(pool_map(tasks, twice, in, TASKS, r), 0);
        for (int i = 0; i < TASKS; i++)
            assert_string_equal(r[i].bytes, "abab");
        pool_results_free(r, TASKS);
        pool_close(tasks);
        assert_int_equal(pool_join(tasks, LEFTOVER_BOUND_MS), 0);
        pool_tasks_free(tasks);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_true(alarms > 0);
}

static int raise_sigint(struct str in, struct buf *out)
{
    raise(SIGINT);
    return twice(in, out);
}

TEST(ctrl_c_ends_no_task)
{
    struct pool_tasks *tasks = new_tasks(1);
    struct pool_result r;
    assert_non_null(tasks);
    assert_int_equal(pool_apply(tasks, raise_sigint, STR("x"), &r), 0);
    pool_results_free(&r, 1);
    pool_tasks_free(tasks);
}

/* --- several pools ---------------------------------------------------------------------------- */

TEST(two_pools_live_side_by_side)
{
    struct pool_tasks *one = new_tasks(2), *other = new_tasks(2);
    struct pool_result r;
    assert_non_null(one);
    assert_non_null(other);
    for (int i = 0; i < 20; i++) {
        assert_true(gives(one, STR("a"), "aa"));
        assert_true(gives(other, STR("b"), "bb"));
    }
    assert_int_equal(pool_apply(one, get_killed, STR(""), &r), -ECHILD);
    pool_results_free(&r, 1);
    assert_true(gives(one, STR("a"), "aa")); /* forked while the other pool was there */
    pool_close(one);
    assert_int_equal(pool_join(one, LEFTOVER_BOUND_MS), 0);
    assert_true(gives(other, STR("b"), "bb"));
    pool_tasks_free(one);
    assert_true(gives(other, STR("b"), "bb"));
    pool_tasks_free(other);
}

static int have_a_pool(struct str in, struct buf *out)
{
    struct pool_tasks *inner = new_tasks(2);
    struct pool_result r;
    if (!inner)
        return -EAGAIN;
    int rc = pool_apply(inner, twice, in, &r);
    buf_puts(out, (struct str){r.bytes, r.n});
    pool_results_free(&r, 1);
    pool_tasks_free(inner);
    return rc;
}

TEST(a_task_may_have_a_pool_of_its_own)
{
    struct pool_tasks *tasks = new_tasks(2);
    struct str in[4] = {STR("a"), STR("b"), STR("c"), STR("d")};
    struct pool_result r[4];
    assert_non_null(tasks);
    assert_int_equal(pool_map(tasks, have_a_pool, in, 4, r), 0);
    assert_string_equal(r[3].bytes, "dd");
    pool_results_free(r, 4);
    pool_tasks_free(tasks);
}

TEST(hundreds_of_pools_leave_nothing)
{
    int before = leftover_count_fds();
    for (int i = 0; i < 200; i++) {
        struct pool_tasks *tasks = new_tasks(2);
        assert_non_null(tasks);
        if (i % 3 == 0)
            assert_true(gives(tasks, STR("x"), "xx"));
        if (i % 3 == 1)
            pool_terminate(tasks, 0);
        pool_tasks_free(tasks);
        assert_int_equal(leftover_count_fds(), before);
    }
}

/* Mappings that other processes see. */
static int count_shared_mappings(void)
{
    char line[512], modes[8];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        count += sscanf(line, "%*s %7s", modes) == 1 && strchr(modes, 's') != NULL;
    fclose(maps);
    return count;
}

/* Nothing there means that nothing can stay behind, in /dev/shm or elsewhere. */
TEST(a_pool_has_no_shared_memory)
{
    int before = count_shared_mappings();
    struct pool_tasks *tasks = new_tasks(2);
    assert_non_null(tasks);
    assert_true(gives(tasks, STR("x"), "xx"));
    assert_int_equal(count_shared_mappings(), before);
    pool_tasks_free(tasks);
}

/* --- nothing more to give --------------------------------------------------------------------- */

static void limit(__rlimit_resource_t resource, rlim_t soft)
{
    struct rlimit l;
    REQUIRE(getrlimit(resource, &l) == 0);
    l.rlim_cur = soft < l.rlim_max ? soft : l.rlim_max;
    REQUIRE(setrlimit(resource, &l) == 0);
}

/* Steps until the first worker is alive, or not. */
static void require_alive(struct pool_tasks *tasks, bool alive)
{
    for (int64_t end_ms = clock_mono_ms() + LEFTOVER_BOUND_MS;
         pool_slot_alive(pool_tasks_pool(tasks), 0) != alive;) {
        REQUIRE(clock_mono_ms() < end_ms);
        REQUIRE(pool_tasks_step(tasks, 100) == 0);
    }
}

/* A worker that was killed stays away while it can not be forked, and comes back after. */
static void lose_and_regain_a_worker(__rlimit_resource_t resource, rlim_t too_few)
{
    struct rlimit before;
    struct pool_tasks *tasks = new_tasks(1);
    REQUIRE(tasks != NULL && getrlimit(resource, &before) == 0);
    REQUIRE(gives(tasks, STR("x"), "xx"));
    limit(resource, too_few);
    pool_signal_slot(pool_tasks_pool(tasks), 0, SIGKILL);
    require_alive(tasks, false);
    struct pool_task task = {.fn = twice};
    REQUIRE(pool_submit(tasks, &task, NULL) == 0);
    for (int64_t end_ms = clock_mono_ms() + 3 * POOL_BACKOFF_FIRST_MS; clock_mono_ms() < end_ms;)
        REQUIRE(pool_tasks_step(tasks, 20) == 0); /* tries more than once */
    REQUIRE(pool_slot_state(pool_tasks_pool(tasks), 0) == POOL_WAITING);
    REQUIRE(pool_pending(tasks) == 1);
    REQUIRE(setrlimit(resource, &before) == 0);
    require_alive(tasks, true);
    REQUIRE(gives(tasks, STR("x"), "xx"));
    REQUIRE(pool_pending(tasks) == 0);
    pool_tasks_free(tasks);
    REQUIRE(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void live_without_more_processes(void)
{
    struct pool_tasks_options options = {.name = "task", .workers = 2};
    struct pool_tasks *tasks;
    if (geteuid() == 0) /* root may have as many as it likes */
        REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    struct rlimit before;
    REQUIRE(getrlimit(RLIMIT_NPROC, &before) == 0);
    limit(RLIMIT_NPROC, 0);
    REQUIRE(pool_tasks_new(&tasks, &options) == -EAGAIN);
    REQUIRE(setrlimit(RLIMIT_NPROC, &before) == 0);
    lose_and_regain_a_worker(RLIMIT_NPROC, 0);
}

TEST(a_fork_that_fails_is_an_error_first_and_tried_again_later)
{
    assert_int_equal(leftover_in_a_process(live_without_more_processes), 0);
}

static void live_without_more_descriptors(void)
{
    struct pool_tasks_options options = {.name = "task", .workers = 20};
    struct pool_tasks *tasks;
    struct rlimit before;
    int fds = leftover_count_fds();
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    limit(RLIMIT_NOFILE, (rlim_t)fds + 9); /* some of them get theirs */
    REQUIRE(pool_tasks_new(&tasks, &options) == -EMFILE);
    REQUIRE(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(leftover_count_fds() == fds);
    lose_and_regain_a_worker(RLIMIT_NOFILE, 3);
    REQUIRE(leftover_count_fds() == fds);
}

TEST(descriptors_that_run_out_are_an_error_first_and_tried_again_later)
{
    assert_int_equal(leftover_in_a_process(live_without_more_descriptors), 0);
}

/* A table may be much larger than what runs at one time. */
static void have_more_slots_than_descriptors(void)
{
    enum { SLOTS = 100 };
    struct pool_slot_options options = {.name = "test", .run = pool_seen_serve, .handshake = true};
    struct pool *pool;
    limit(RLIMIT_NOFILE, 64);
    REQUIRE(pool_new(&pool, SLOTS, NULL) == 0);
    for (int i = 0; i < SLOTS; i++) {
        REQUIRE(pool_add(pool, &options) == i);
        REQUIRE(pool_start_slot(pool, i) == 0);
        REQUIRE(pool_wait_ready(pool, LEFTOVER_BOUND_MS) == 0);
        pool_stop(pool, LEFTOVER_BOUND_MS);
    }
    pool_free(pool);
}

TEST(a_pool_may_have_more_slots_than_descriptors)
{
    assert_int_equal(leftover_in_a_process(have_more_slots_than_descriptors), 0);
}

/* A kernel that has a process for us, and no pidfd. */
static void live_without_pidfds(void)
{
    struct sock_filter refuse[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENFILE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof refuse / sizeof refuse[0], refuse};
    struct pool_tasks_options options = {.name = "task", .workers = 2};
    struct pool_tasks *tasks;
    int fds = leftover_count_fds();
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    REQUIRE(pool_tasks_new(&tasks, &options) == -ENFILE);
    REQUIRE(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    REQUIRE(leftover_count_fds() == fds);
}

TEST(a_child_that_cannot_be_watched_does_not_stay)
{
    assert_int_equal(leftover_in_a_process(live_without_pidfds), 0);
}

EACH_BETWEEN(pool_seen_before, leftover_after)
