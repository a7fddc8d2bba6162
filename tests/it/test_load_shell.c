/* test_load_shell.c -- the load generator as a shell may start it: with too few file descriptors,
 * with closed streams, with files that can not be written, with more processes than requests.
 *
 * Each row is a line for /bin/sh, in which $S is the program, $U the address of a server that tells
 * no lie, and $T a folder for files. It comes to its end with the status and says why.
 */
#include "support/proc.h"
#include "support/shop_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RUN      "$S $U -q --output-format quiet "
#define SOLD_OUT RUN "-n 400 --stock 20 "
#define BOUND_MS 300000

static const struct row {
    const char *name, *line;
    int status;
    const char *says; /* "": nothing; NULL: anything */
} rows[] = {
    {"one request ends a run of many processes", RUN "-p 4 -c 16 -n 1", 2, "is kept in"},
    {"each stream may be closed", "exec <&- >&- 2>&-; " SOLD_OUT, 0, ""},
    {"a closed standard error stays out of the history",
     SOLD_OUT "--history $T/closed 2>&- && $S check $T/closed -q --output-format quiet", 0, ""},
    {"a report to a closed standard output is missed", "$S $U -q -n 400 --stock 20 >&-", 255,
     "the report can not be written"},
    {"a full disk is called by its name", "$S $U -q -n 400 --stock 20 >/dev/full", 255,
     "No space left on device"},
    {"too few descriptors are found out before", "ulimit -n 50; " RUN "-c 200 -p 2", 255,
     "200 connections in 2 processes need 132 open files"},
    {"the soft limit is raised", "ulimit -Sn 50; " SOLD_OUT "-c 100 -p 1", 0, ""},
    {"a folder that is not there is found out before", RUN "-d 10h --html $T/none/f", 255,
     "none/f can not be written: No such file or directory"},
    {"a folder is no file", RUN "-d 10h --hgrm $T", 255, "can not be written: Is a directory"},
    {"a folder is asked without leaving a file behind",
     RUN "-n 1 --html $T/new --token-file $T/none; s=$?; test ! -e $T/new && exit $s", 255,
     "--token-file"},
    {"a run that ends within its warm-up says that nothing was measured",
     "$S $U -q -v -n 400 --stock 20 --warmup 1h 2>/dev/null | grep -q 'nothing: all 400 attempts'",
     0, ""},
    {"a key that cannot be read is named by its option", RUN "-n 1 --key-file $T/none", 255,
     "--key-file"},
    {"a folder is no token", RUN "-n 1 --token-file $T", 255, "Is a directory"},
    {"whoever reads the report may stop, the other files come all the same",
     SOLD_OUT "--history $T/kept && $S report $T/kept --html $T/html | true; grep -q RIGHT $T/html",
     0, NULL},
    {"a history is not overwritten", ": >$T/there; " RUN "--history $T/there", 255,
     "File exists; give the name of a new file"},
    {"a limit on file sizes ends the set-up",
     "ulimit -f 2000; " RUN "-d 10s --scenario zipf --history $T/set-up", 255,
     "the history can not be written: File too large"},
    {"a limit on file sizes is no death of a process",
     "ulimit -f 6000; " RUN "-d 10m --scenario zipf --history $T/load", 255,
     "failed: File too large"},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct tshop shop;
static char dir[TEST_PATH_MAX];

static int start(void **state)
{
    char url[64];
    (void)state;
    if (!getenv("STOCKLOAD") || temp_dir_make(dir) != 0 || tshop_start(&shop, "none", 1) != 0)
        return -1;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", shop.port);
    return setenv("S", getenv("STOCKLOAD"), 1) | setenv("U", url, 1) | setenv("T", dir, 1) |
           setenv("TMPDIR", dir, 1);
}

static int end(void **state)
{
    (void)state;
    bool ended = tshop_stop(&shop);
    temp_dir_remove(dir);
    return ended ? 0 : -1;
}

/* What it wrote to standard error. */
static void read_all(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, size - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
}

static void it_ends_and_says_why(void **state)
{
    const struct row *row = *state;
    const char *const argv[] = {"/bin/sh", "-c", row->line, NULL};
    char path[TEST_PATH_MAX + 32], said[8192];
    struct tproc proc;
    snprintf(path, sizeof(path), "%s/err-%d", dir, (int)(row - rows));
    assert_int_equal(tproc_start(&proc, argv, path), 0);
    int late = tproc_wait(&proc, BOUND_MS);
    if (late)
        tproc_kill9(&proc);
    read_all(path, said, sizeof(said));
    bool right = !late && WIFEXITED(proc.status) && WEXITSTATUS(proc.status) == row->status &&
                 (!row->says || (*row->says ? strstr(said, row->says) != NULL : *said == '\0'));
    if (!right)
        print_error("status %x, it said:\n%s\n", (unsigned)proc.status, said);
    assert_true(right);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = it_ends_and_says_why,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests(tests, start, end);
}
