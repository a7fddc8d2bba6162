/* proc.h -- processes, temporary directories, ports and waiting, for tests that run servers.
 *
 * Layer: tests. Nothing here calls a cmocka assertion, so all of it may be used in threads and in
 * forked children. What can fail returns 0 or -errno, if it does not say something else.
 *
 * Every program started here gets SIGKILL when the *thread* that started it ends
 * (PR_SET_PDEATHSIG): start programs from the main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TEST_PATH_MAX 96 /* bytes; short enough for the address of a unix socket */

/* A program that a test started. Zeroed = never started. */
struct tproc {
    pid_t pid;      /* 0 once it was waited for */
    int pidfd;      /* readable when it has exited; -1 once it was waited for */
    int out_fd;     /* the reading end of its standard output; -1 once closed */
    int status;     /* as waitpid() gives it; valid when pid is 0 */
    char line[512]; /* what was read of its standard output and not taken yet */
    size_t line_bytes;
};

/* Starts argv[0] (looked up in PATH), standard error appended to the file err_path. Only 0, 1 and 2
 * are inherited. */
int tproc_start(struct tproc *p, const char *const argv[], const char *err_path) MUST_CHECK;

/* The same, with a library that is loaded before the C library; NULL: none. */
int tproc_start_with(struct tproc *p, const char *const argv[], const char *err_path,
                     const char *preload) MUST_CHECK;

/* Waits for a line on standard output that starts with prefix and copies it, without its end, to
 * line. -ETIMEDOUT, or -EPIPE if the program closed its standard output first. */
int tproc_await_line(struct tproc *p, const char *prefix, char *line, size_t size,
                     int timeout_ms) MUST_CHECK;

/* Waits until the program has exited and sets status. 0, or -ETIMEDOUT. Fine to call again. */
int tproc_wait(struct tproc *p, int timeout_ms) MUST_CHECK;

void tproc_signal(const struct tproc *p, int signo);

/* SIGTERM, then SIGKILL when grace_ms have passed. True if SIGTERM was enough and it exited 0. */
bool tproc_stop(struct tproc *p, int grace_ms);

/* SIGKILL, and waits for it. */
void tproc_kill9(struct tproc *p);

/* True while the program runs. */
bool tproc_alive(struct tproc *p);

/* True if a process with this id exists and is not a zombie. */
bool tproc_pid_alive(pid_t pid);

/* A TCP port of 127.0.0.1 that was free a moment ago. */
int tproc_free_port(void);

/* Makes a directory of its own below TMPDIR (/tmp), and removes one with all that it holds; with
 * KEEP_TEST_DIRS in the environment it stays. */
int temp_dir_make(char path[TEST_PATH_MAX]) MUST_CHECK;
void temp_dir_remove(const char *path);

/* Prints the last lines of a file to standard error, for a test that is about to fail. */
void print_tail(const char *path, int lines);

/* The monotonic clock. */
int64_t test_now_ms(void);

/* The pause between two looks of await(). */
void test_pause(void);

/* Looks at cond every few milliseconds until it is true or timeout_ms have passed; says whether it
 * became true. The only way to wait in these tests: there is no bare sleep. */
#define await(cond, timeout_ms)                                                                    \
    __extension__({                                                                                \
        int64_t await_deadline_ = test_now_ms() + (timeout_ms);                                    \
        bool await_met_ = false;                                                                   \
        while (!(await_met_ = (cond)) && test_now_ms() < await_deadline_)                          \
            test_pause();                                                                          \
        await_met_;                                                                                \
    })
