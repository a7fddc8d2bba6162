#include "support/leftover.h"
#include "support/suite.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int fds_before;
static sigset_t mask_before;

int leftover_count_fds(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

int leftover_before(void **state)
{
    fds_before = leftover_count_fds();
    sigprocmask(SIG_SETMASK, NULL, &mask_before);
    return 0;
}

int leftover_after(void **state)
{
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    for (int signo = 1; signo < 32; signo++)
        assert_int_equal(sigismember(&now, signo), sigismember(&mask_before, signo));
    assert_int_equal(leftover_count_fds(), fds_before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, zombie or alive */
    assert_int_equal(errno, ECHILD);
    return 0;
}

int leftover_in_a_process(void (*run)(void))
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        run();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

int leftover_await_end(int pidfd)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    return poll(&end, 1, LEFTOVER_BOUND_MS) == 1 ? 0 : -1;
}
