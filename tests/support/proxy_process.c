#include "support/proxy_process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3

/* By way of numbers above all that are wanted, so that none is closed before it was moved. */
static void keep_only(int *fds, int count)
{
    for (int i = 0; i < count; i++)
        if ((fds[i] = fcntl(fds[i], F_DUPFD, FIRST_FD + count)) < 0)
            _exit(1);
    for (int i = 0; i < count; i++)
        fds[i] = dup2(fds[i], FIRST_FD + i);
    close_range((unsigned)(FIRST_FD + count), ~0U, 0);
}

pid_t proxy_process_start(int *fds, int count)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    keep_only(fds, count);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    return 0;
}

void proxy_process_end(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0)
        assert(errno == EINTR);
}
