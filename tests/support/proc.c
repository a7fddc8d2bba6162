/* proc.c -- see proc.h. */
#include "support/proc.h"
#include "random.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT_FIRST 10240
#define PORTS      20000
#define PORT_TRIES 1000

int64_t test_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void test_pause(void)
{
    struct timespec three_ms = {.tv_nsec = 3000000};
    nanosleep(&three_ms, NULL);
}

/* Runs in the child, between fork and exec: only calls that are safe there. */
static void child_run(const char *const argv[], const char *err_path, int out_fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(127);
    int null_fd = open("/dev/null", O_RDONLY);
    int err_fd = open(err_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (null_fd < 0 || err_fd < 0)
        _exit(127);
    dup2(null_fd, 0);
    dup2(out_fd, 1);
    dup2(err_fd, 2);
    close_range(3, ~0U, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    dprintf(2, "cannot run %s: %m\n", argv[0]);
    _exit(127);
}

int tproc_start(struct tproc *p, const char *const argv[], const char *err_path)
{
    *p = (struct tproc){.pidfd = -1, .out_fd = -1};
    int out[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child_run(argv, err_path, out[1], parent);
    int err = errno;
    close(out[1]);
    if (pid < 0) {
        close(out[0]);
        return -err;
    }
    p->pid = pid;
    p->out_fd = out[0];
    p->pidfd = pidfd_open(pid, 0);
    if (p->pidfd < 0) {
        err = errno;
        tproc_kill9(p);
        return -err;
    }
    return 0;
}

int tproc_start_with(struct tproc *p, const char *const argv[], const char *err_path,
                     const char *preload)
{
    char before[256], options[300];
    const char *was = getenv("ASAN_OPTIONS");
    if (!preload)
        return tproc_start(p, argv, err_path);
    snprintf(before, sizeof(before), "%s", was ? was : "");
    /* A sanitizer's library would insist on being the first. */
    snprintf(options, sizeof(options), "%s:verify_asan_link_order=0", before);
    setenv("ASAN_OPTIONS", options, 1);
    setenv("LD_PRELOAD", preload, 1);
    int err = tproc_start(p, argv, err_path);
    unsetenv("LD_PRELOAD");
    setenv("ASAN_OPTIONS", before, 1);
    return err;
}

/* Takes the next whole line out of p->line. */
static bool line_take(struct tproc *p, char *line, size_t size)
{
    char *end = memchr(p->line, '\n', p->line_bytes);
    if (!end)
        return false;
    size_t n = (size_t)(end - p->line);
    snprintf(line, size, "%.*s", (int)n, p->line);
    p->line_bytes -= n + 1;
    memmove(p->line, end + 1, p->line_bytes);
    return true;
}

int tproc_await_line(struct tproc *p, const char *prefix, char *line, size_t size, int timeout_ms)
{
    int64_t deadline = test_now_ms() + timeout_ms;
    for (;;) {
        while (line_take(p, line, size))
            if (strncmp(line, prefix, strlen(prefix)) == 0)
                return 0;
        int64_t left = deadline - test_now_ms();
        if (left <= 0 || p->line_bytes == sizeof(p->line))
            return -ETIMEDOUT;
        struct pollfd fd = {.fd = p->out_fd, .events = POLLIN};
        if (poll(&fd, 1, (int)left) <= 0)
            continue;
        ssize_t n = read(p->out_fd, p->line + p->line_bytes, sizeof(p->line) - p->line_bytes);
        if (n <= 0)
            return -EPIPE;
        p->line_bytes += (size_t)n;
    }
}

static void proc_forget(struct tproc *p)
{
    p->pid = 0;
    if (p->pidfd >= 0)
        close(p->pidfd);
    if (p->out_fd >= 0)
        close(p->out_fd);
    p->pidfd = p->out_fd = -1;
}

int tproc_wait(struct tproc *p, int timeout_ms)
{
    if (p->pid == 0)
        return 0;
    int64_t deadline = test_now_ms() + timeout_ms;
    struct pollfd fd = {.fd = p->pidfd, .events = POLLIN};
    while (poll(&fd, 1, (int)(deadline > test_now_ms() ? deadline - test_now_ms() : 0)) <= 0)
        if (test_now_ms() >= deadline)
            return -ETIMEDOUT;
    while (waitpid(p->pid, &p->status, 0) < 0)
        assert(errno == EINTR);
    proc_forget(p);
    return 0;
}

void tproc_signal(const struct tproc *p, int signo)
{
    if (p->pid > 0)
        kill(p->pid, signo);
}

bool tproc_stop(struct tproc *p, int grace_ms)
{
    tproc_signal(p, SIGTERM);
    if (tproc_wait(p, grace_ms) == 0)
        return WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0;
    tproc_kill9(p);
    return false;
}

void tproc_kill9(struct tproc *p)
{
    if (p->pid <= 0)
        return;
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &p->status, 0) < 0)
        assert(errno == EINTR);
    proc_forget(p);
}

bool tproc_alive(struct tproc *p)
{
    return p->pid > 0 && tproc_wait(p, 0) == -ETIMEDOUT;
}

bool tproc_pid_alive(pid_t pid)
{
    char path[64];
    char text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    const char *state = strrchr(text, ')'); /* "123 (name) S ..." */
    return state && state[1] == ' ' && state[2] != 'Z' && state[2] != 'X';
}

/* Below the range that the kernel gives to connections, so that none takes the port before the
 * server does; at random, so that programs that run at the same time seldom ask for the same. */
int tproc_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        uint16_t random;
        random_bytes(&random, sizeof(random));
        at.sin_port = htons((uint16_t)(PORT_FIRST + random % PORTS));
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(fd >= 0);
        int err = bind(fd, (struct sockaddr *)&at, sizeof(at));
        close(fd);
        if (err == 0)
            return ntohs(at.sin_port);
    }
    abort(); /* none of a thousand was free */
}

int temp_dir_make(char path[TEST_PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(path, TEST_PATH_MAX, "%s/stockd-it.XXXXXX", base && *base ? base : "/tmp");
    if (n >= TEST_PATH_MAX - 16) /* a socket's name must still fit */
        return -ENAMETOOLONG;
    return mkdtemp(path) ? 0 : -errno;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    return remove(path);
}

void temp_dir_remove(const char *path)
{
    if (*path && !getenv("KEEP_TEST_DIRS"))
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void print_tail(const char *path, int lines)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    char tail[4096];
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fseek(file, size > (long)sizeof(tail) ? size - (long)sizeof(tail) : 0, SEEK_SET);
    size_t n = fread(tail, 1, sizeof(tail), file);
    fclose(file);
    size_t from = n;
    while (from > 0 && lines >= 0)
        if (tail[--from] == '\n')
            lines--;
    fprintf(stderr, "--- the end of %s\n%.*s\n---\n", path, (int)(n - from), tail + from);
}
