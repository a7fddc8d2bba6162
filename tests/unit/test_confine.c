/* test_confine.c -- what each kind of process may no longer do, tried in a process that has given
 * it up, and what it still can. */
#include "process/confine.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { P = 1 << CONFINE_PARENT, W = 1 << CONFINE_WORKER, K = 1 << CONFINE_KEEPER };
enum { L = 1 << CONFINE_LEDGER, O = 1 << CONFINE_PORT, H = 1 << CONFINE_HOOKS };
#define CHILDREN (W | K | L | O | H)

static int err_of(long rc)
{
    return rc < 0 ? errno : 0;
}

static int try_exec(void)
{
    static char name[] = "true";
    char *const argv[] = {name, NULL};
    return err_of(execve("/bin/true", argv, NULL)); /* does not come back where it may */
}

static int try_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return err_of(pid < 0 ? -1 : waitpid(pid, NULL, 0));
}

static int try_kill(void)
{
    return err_of(kill(getppid(), 0));
}

static int try_ptrace(void)
{
    return err_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_setuid(void)
{
    return err_of(setuid(getuid()));
}

static int try_unshare(void)
{
    return err_of(unshare(CLONE_NEWNET));
}

static int try_new_call(void)
{
    return err_of(syscall(100000));
}

static int try_socket(void)
{
    return err_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int try_packets(void)
{
    return err_of(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int try_listen(void)
{
    int rc = err_of(listen(-1, 1));
    return rc == EBADF ? 0 : rc;
}

static int try_reading(void)
{
    return err_of(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static int try_writing(void)
{
    return err_of(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static int try_removing(void)
{
    int rc = err_of(unlink("/dev/null/none"));
    return rc == ENOTDIR ? 0 : rc;
}

static int try_limits_of_others(void)
{
    return err_of(prlimit(getppid(), RLIMIT_CORE, NULL, NULL));
}

static void *nothing(void *arg)
{
    return arg;
}

static int try_thread(void)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, nothing, NULL);
    return rc ? rc : pthread_join(thread, NULL);
}

/* May: all kinds that succeed. The others get the errors of confine.h. */
static const struct {
    const char *what;
    int (*try)(void);
    int may;
} tries[] = {
    {"run a program", try_exec, P},
    {"fork", try_fork, P},
    {"signal its parent", try_kill, P},
    {"look at limits of its parent", try_limits_of_others, P},
    {"trace", try_ptrace, 0},
    {"change its user", try_setuid, 0},
    {"make a namespace", try_unshare, 0},
    {"make a call that no kernel has", try_new_call, 0},
    {"make a socket", try_socket, P | W | K | L | H},
    {"listen", try_listen, P | W | O},
    {"open a file to read", try_reading, P | CHILDREN},
    {"open a file to write", try_writing, P | W | K | L | H},
    {"remove a file", try_removing, P | W | K | L | H},
    {"start a thread", try_thread, P | CHILDREN},
};
#define TRIES (sizeof(tries) / sizeof(tries[0]))

#define NOT_CONFINED 255

/* The errno of a try in a process of that kind, which it tells by its status. */
static int result_of(enum confine_kind kind, int (*try)(void))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || confine_calls(kind) < 0)
            _exit(NOT_CONFINED);
        _exit(try());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status)); /* nobody is killed for trying */
    assert_int_not_equal(WEXITSTATUS(status), NOT_CONFINED);
    return WEXITSTATUS(status);
}

TEST(each_kind_may_do_what_it_needs_and_no_more)
{
    if (!confine_is_built())
        skip();
    for (int kind = 0; kind < CONFINE_KINDS; kind++)
        for (size_t i = 0; i < TRIES; i++) {
            int rc = result_of((enum confine_kind)kind, tries[i].try);
            bool may = tries[i].may & 1 << kind;
            int wrong = kind == CONFINE_PARENT && tries[i].try != try_new_call ? EPERM : ENOSYS;
            if (rc != (may ? 0 : wrong))
                fail_msg("kind %d: to %s gives %d", kind, tries[i].what, rc);
        }
}

/* Needs rights, so it may fail for want of them as well. */
TEST(no_kind_but_the_parent_gets_at_packets)
{
    if (!confine_is_built())
        skip();
    for (int kind = CONFINE_WORKER; kind < CONFINE_KINDS; kind++)
        assert_int_equal(result_of((enum confine_kind)kind, try_packets), ENOSYS);
}

/* As redis-server: what the parent gives up stays given up. */
static int try_as_child_of_parent(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(try_unshare() == EPERM && try_fork() == 0 && try_exec() != 0);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

TEST(what_the_parent_runs_is_confined_and_can_still_fork_and_run)
{
    if (!confine_is_built())
        skip();
    assert_int_equal(result_of(CONFINE_PARENT, try_as_child_of_parent), 0);
}

/* abort() must still end a process by its signal, or a broken assertion would go unseen; so it must
 * where nothing is confined. */
TEST(what_is_confined_can_still_abort)
{
    for (int kind = CONFINE_WORKER; kind < CONFINE_KINDS; kind++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                confine_calls((enum confine_kind)kind) < 0)
                _exit(NOT_CONFINED);
            abort();
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
    }
}
