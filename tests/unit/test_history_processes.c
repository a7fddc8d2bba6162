/* test_history_processes.c -- several writers, killed writers, and no room to write. */
#include "support/history_file.h"
#include "support/suite.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT_TRY 77 /* exit status of a child that may not do what it needs */

static void child_writes(uint32_t worker, uint32_t count)
{
    struct history_writer w;
    history_writer_open(&w, file.history, worker, worker + 1);
    for (uint32_t seq = 0; seq < count; seq++)
        history_finish(put_op(&w, worker, seq, 1 + seq % 5), OUTCOME_OK, 200, DETAIL_NONE, 0, seq);
    history_writer_close(&w);
    _exit(0);
}

HISTORY_TEST(writers_of_several_processes_do_not_mix)
{
    enum { CHILDREN = 4, OPS = 25000 };
    pid_t pids[CHILDREN];
    for (uint32_t i = 0; i < CHILDREN; i++)
        if ((pids[i] = fork()) == 0)
            child_writes(i, OPS);
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    history_file_read();
    uint32_t next[CHILDREN] = {0}, slot;
    struct history_pass pass = history_pass(&file.reader);
    while (history_next(&pass, &slot) == SLOT_OP) {
        uint32_t worker = pass.chunk->worker;
        assert_true(worker < CHILDREN);
        assert_int_equal(pass.chunk->life, worker + 1);
        assert_int_equal(pass.chunk->pid, pids[worker]);
        assert_op(history_op_at(&file.reader, slot), worker, next[worker], 1 + next[worker] % 5);
        next[worker]++;
    }
    assert_end(&pass);
    for (int i = 0; i < CHILDREN; i++)
        assert_int_equal(next[i], OPS);
}

/* A number that this process and its children see alike. */
static _Atomic uint32_t *shared_counter(void)
{
    void *at =
        mmap(NULL, sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    return at;
}

/* Writes for ever, and says after each operation how many it has finished. */
static void child_writes_on(uint32_t worker, _Atomic uint32_t *finished)
{
    struct history_writer w;
    history_writer_open(&w, file.history, worker, 0);
    for (uint32_t seq = 0;; *finished = ++seq)
        history_finish(put_op(&w, worker, seq, 1 + seq % 7), OUTCOME_OK, 200, DETAIL_NONE, 0, seq);
}

HISTORY_TEST(a_killed_process_loses_nothing_that_it_finished)
{
    _Atomic uint32_t *finished = shared_counter();
    for (uint32_t life = 0; life < 20; life++) {
        *finished = 0;
        uint32_t wanted = 100 + life * 1777;
        pid_t pid = fork();
        if (pid == 0)
            child_writes_on(life, finished);
        while (*finished < wanted)
            sched_yield();
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        uint32_t slot, seq = 0, known = *finished;
        history_file_read();
        struct history_pass pass = history_pass(&file.reader);
        while (history_next(&pass, &slot) == SLOT_OP) {
            const struct history_op *op = history_op_at(&file.reader, slot);
            if (pass.chunk->worker != life)
                continue;
            if (seq < known)
                assert_op(op, life, seq, 1 + seq % 7);
            if (seq < known)
                assert_int_equal(history_outcome(op), OUTCOME_OK);
            seq++;
        }
        assert_end(&pass);
        assert_in_range(seq, known, known + 1);
        history_unread(&file.reader);
    }
    munmap(finished, sizeof *finished);
}

HISTORY_TEST(a_reader_sees_whole_slots_while_they_are_written)
{
    _Atomic uint32_t *finished = shared_counter();
    pid_t pid = fork();
    if (pid == 0)
        child_writes_on(1, finished);
    while (*finished == 0)
        sched_yield();
    history_file_read();
    for (uint32_t seen = 0; seen < 100000;) {
        uint32_t slot, before = *finished;
        assert_int_equal(history_refresh(&file.reader, file.path), 0);
        struct history_pass pass = history_pass(&file.reader);
        for (seen = 0; history_next(&pass, &slot) == SLOT_OP; seen++) {
            const struct history_op *op = history_op_at(&file.reader, slot);
            assert_int_equal(op->lines, 1 + seen % 7);
            if (history_outcome(op) == OUTCOME_OK)
                assert_op(op, 1, seen, 1 + seen % 7);
        }
        assert_end(&pass);
        assert_true(seen >= before);
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    munmap(finished, sizeof *finished);
}

static int fill(struct history_writer *w)
{
    for (;;) {
        int rc = history_reserve(w, 1);
        if (rc < 0)
            return rc;
        history_begin(w, 1)->begin_ns = 1;
    }
}

/* Fills the history up to the limit, is refused twice, and goes on when there is room again. */
static int child_meets_limit(void)
{
    struct rlimit limit = {HISTORY_HEADER_BYTES + 2 * HISTORY_CHUNK_BYTES + 4096, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    struct history_writer w;
    history_writer_open(&w, file.history, 0, 0);
    if (fill(&w) != -EFBIG || fill(&w) != -EFBIG || history_facts(file.history)->chunks != 2)
        return 1;
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (history_reserve(&w, 1) != 0)
        return 2;
    history_begin(&w, 1)->client = 9;
    return 0;
}

HISTORY_TEST(a_limit_of_file_size_is_an_error_and_no_signal)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_meets_limit());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    history_file_read();
    struct history_pass pass = history_pass(&file.reader);
    for (uint32_t i = 0; i < 2 * (HISTORY_CHUNK_SLOTS - 1); i++)
        assert_int_equal(next_op(&pass)->client, 0);
    assert_int_equal(next_op(&pass)->client, 9);
    assert_end(&pass);
}

/* In a mount namespace of its own, so that the small disk goes away with the child. */
static int child_meets_full_disk(void)
{
    struct history_facts facts = {.run = "r"};
    struct history *h;
    struct history_writer w;
    char full[80];
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", file.dir, "tmpfs", 0, "size=2m") < 0)
        return CANNOT_TRY;
    snprintf(full, sizeof full, "%s/full", file.dir);
    if (history_create(&h, full, &facts) < 0)
        return 1;
    history_writer_open(&w, h, 0, 0);
    if (fill(&w) != -ENOSPC || fill(&w) != -ENOSPC || history_facts(h)->chunks != 1)
        return 2;
    if (history_put_id(&w, 1, STR("x")) != -ENOSPC)
        return 3;
    if (history_read(&file.reader, full, file.err, sizeof file.err) < 0)
        return 4;
    uint32_t count = 0, slot;
    struct history_pass pass = history_pass(&file.reader);
    while (history_next(&pass, &slot) == SLOT_OP)
        count++;
    history_unread(&file.reader);
    history_writer_close(&w);
    history_close(h);
    return count == HISTORY_CHUNK_SLOTS - 1 && pass.broken == 0 ? 0 : 5;
}

HISTORY_TEST(a_full_disk_is_an_error_and_no_signal)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child_meets_full_disk());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_TRY)
        skip(); /* mounting is not permitted here */
    assert_int_equal(status, 0);
}
