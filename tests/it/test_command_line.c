/* test_command_line.c -- both programs as somebody types them: what is answered to what is wrong,
 * what shells complete, what the manual's tools say of the pages.
 *
 * Each row is a line for /bin/sh, in which $D is stockd, $L stockload, and $T an empty folder. It
 * ends with the status, and what it wrote is as told. A row for a tool that is not there is left
 * out, and says so.
 */
#include "support/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define BOUND_MS 180000
#define BASH     "bash tests/support/complete.bash "
#define ZSH      "zsh -f tests/support/complete.zsh "
#define FISH     "fish --no-config tests/support/complete.fish "

/* What a command writes to a terminal, with the codes made visible. */
#define TERMINAL(term, set) "TERM=" term " " set " script -qec "
#define PLAIN               " /dev/null </dev/null | tr -d '\\r' | sed 's/\\x1b/<ESC>/g' "

static const struct row {
    const char *name, *line;
    int status;
    const char *out; /* all of standard output; NULL: anything */
    const char *err; /* all of standard error */
    const char *needs;
} rows[] = {
    /* What is wrong: one line, for a person. */
    {"a mistyped command", "$D serv", 64, "",
     "stockd: \"serv\": no such command; did you mean serve?\n", NULL},
    {"a mistyped command of stockload", "$L runn", 254, "",
     "stockload: \"runn\": no such command; did you mean run?\n", NULL},
    {"a mistyped option", "$D serve --workrs 3", 64, "",
     "stockd serve: --workrs: no such option; did you mean --workers?\n", NULL},
    {"a mistyped option without a command", "$D --workrs 3", 64, "",
     "stockd: --workrs: no such option; did you mean --workers?\n", NULL},
    {"an address that is none", "$D serve --listen nonsense --data-dir $T/d", 64, "",
     "stockd serve: --listen nonsense: must be ADDR:PORT, as 127.0.0.1:8080\n", NULL},
    {"an address for all the world", "$D --listen 0.0.0.0:0 --data-dir $T/d", 64, "",
     "stockd: --listen 0.0.0.0:0 is not a loopback address; that needs "
     "keys (--keys-file), clients with certificates (--tls-client-ca), or --insecure\n",
     NULL},
    {"a Redis that is none", "$D serve --redis nonsense", 64, "",
     "stockd serve: --redis: unknown scheme: those are redis, redis+sentinel, redis+cluster, each "
     "with rediss for TLS, and unix; a Redis URL is redis://[user:pass@]host:port[/db] or "
     "unix:/path.sock\n",
     NULL},
    {"a file of settings", "printf 'workers = 2\\nworkrs = 3\\n' >$T/c; cd $T; $D serve --config c",
     64, "", "stockd serve: c:2: workrs: no such option; did you mean workers?\n", NULL},
    {"nothing is no load", "$L 2>/dev/null", 254, "", "", NULL},
    {"nothing gets help", "$L 2>&1 >/dev/null | head -n 1", 0,
     "stockload: load for a stock service, and proof that its answers were right\n", "", NULL},
    /* Help and versions. */
    {"versions are the same everywhere",
     "a=$($D -V) && test \"$a\" = \"$($D --version)\" && test \"$a\" = \"$($D version)\" && "
     "test \"$a\" = \"$($D items get -V)\" && $L -V | grep -q '^stockload '",
     0, "", "", NULL},
    {"no colour where it goes to a file", "$D help | grep -c \"$(printf '\\033')\"", 1, "0\n", "",
     NULL},
    {"help stands out on a terminal",
     TERMINAL("xterm", "") "'$D help'" PLAIN "| grep -c '<ESC>.1mUsage'", 0, "1\n", "", NULL},
    {"a mistake stands out on a terminal",
     TERMINAL("xterm", "") "'$D serv'" PLAIN "| grep -c '^<ESC>.1;31mstockd:<ESC>.0m \"serv\"'", 0,
     "1\n", "", NULL},
    {"nothing stands out where nothing is to",
     TERMINAL("xterm", "NO_COLOR=1") "'$D help; $D serv'" PLAIN "| grep -c '<ESC>'", 1, "0\n", "",
     NULL},
    {"nothing stands out on a terminal that cannot",
     TERMINAL("dumb", "") "'$D help; $D serv'" PLAIN "| grep -c '<ESC>'", 1, "0\n", "", NULL},
    {"help is as narrow as the terminal",
     TERMINAL("dumb",
              "") "'stty cols 50; $D serve --help'" PLAIN
                  "| awk '{ if (length > n) n = length } END { print (n > 45 && n <= 50) }'",
     0, "1\n", "", NULL},
    {"help is no wider than can be read",
     TERMINAL("dumb",
              "") "'stty cols 200; $D serve --help'" PLAIN
                  "| awk '{ if (length > n) n = length } END { print (n > 90 && n <= 100) }'",
     0, "1\n", "", NULL},
    {"json ends with a newline",
     "$D audit --redis redis://127.0.0.1:1 --ledger sqlite:$T/none --json | tail -c 3; "
     "zcat tests/kept/history/format-5.gz >$T/h; $L report $T/h -q --output-format json | tail -c "
     "2",
     0, "\n}\n}\n", NULL, NULL},
    {"a file of settings is read by serve and audit alike",
     "printf 'workers = 2\\nredis = redis://127.0.0.1:1\\nledger = sqlite:'$T'/none\\n' >$T/both; "
     "$D audit --config $T/both",
     2, NULL, NULL, NULL},
    /* Shells. */
    {"bash: commands", BASH "$D i", 0, "items\n", "", NULL},
    {"bash: commands below", BASH "$D items ''", 0, "list\nget\nset\nadjust\n", "", NULL},
    {"bash: options", BASH "$D serve --log-", 0, "--log-format\n--log-level\n--log-level-file\n",
     "", NULL},
    {"bash: choices", BASH "$D serve --log-format ''", 0, "logfmt\njson\n", "", NULL},
    {"bash: choices behind =", BASH "$L run --output-format = c", 0, "csv\n", "", NULL},
    {"bash: switches", BASH "$D --no-led", 0, "--no-ledger-apply\n", "", NULL},
    {"bash: files", ": >$T/f; " BASH "$L check $T/", 0, NULL, "", NULL},
    {"bash: values that nobody knows", BASH "$D serve --listen ''", 0, "\n", "", NULL},
    {"bash: help", BASH "$L help cap", 0, "capacity\n", "", NULL},
    {"zsh: commands", ZSH "$D 'stockd rest'", 0, "stockd restore \n", "", "zsh"},
    {"zsh: commands below", ZSH "$D 'stockd items adj'", 0, "stockd items adjust \n", "", "zsh"},
    {"zsh: options", ZSH "$D 'stockd serve --log-fo'", 0, "stockd serve --log-format=\n", "",
     "zsh"},
    {"zsh: choices", ZSH "$L 'stockload run --output-format=c'", 0,
     "stockload run --output-format=csv \n", "", "zsh"},
    {"fish: commands", FISH "$D 'stockd rest'", 0, "restore\n", "", "fish"},
    {"fish: commands below", FISH "$D 'stockd items adj'", 0, "adjust\n", "", "fish"},
    {"fish: options", FISH "$D 'stockd serve --log-fo'", 0, "--log-format\n", "", "fish"},
    {"fish: choices", FISH "$L 'stockload run --output-format c'", 0, "csv\n", "", "fish"},
    {"a shell that nobody knows", "$D completion tcsh", 64, "",
     "stockd completion: \"tcsh\": unexpected; give stockd completion bash|zsh|fish\n", NULL},
    /* Manual pages. */
    {"mandoc has nothing to say of the pages",
     "for p in $D $L; do $p man 1 | mandoc -Tlint && $p man 5 | mandoc -Tlint || exit 1; done", 0,
     "", "", "mandoc"},
    {"pages have the day that they are told",
     "SOURCE_DATE_EPOCH=86400 $D man 1 | grep -c '^.TH.* 1970-01-02 '", 0, "1\n", "", NULL},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static char dir[TEST_PATH_MAX];

static int start(void **state)
{
    (void)state;
    if (!getenv("STOCKD") || !getenv("STOCKLOAD") || temp_dir_make(dir) != 0)
        return -1;
    return setenv("D", getenv("STOCKD"), 1) | setenv("L", getenv("STOCKLOAD"), 1) |
           setenv("T", dir, 1) | setenv("HOME", dir, 1);
}

static int end(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

static void read_all(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, size - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
}

/* The status of a line for the shell; -1: it did not end. */
static int run_line(const char *line, const char *err_path)
{
    const char *const argv[] = {"/bin/sh", "-c", line, NULL};
    struct tproc proc;
    assert_int_equal(tproc_start(&proc, argv, err_path), 0);
    if (tproc_wait(&proc, BOUND_MS)) {
        tproc_kill9(&proc);
        return -1;
    }
    return WIFEXITED(proc.status) ? WEXITSTATUS(proc.status) : -1;
}

static void it_answers(void **state)
{
    const struct row *row = *state;
    char line[4096], out_path[TEST_PATH_MAX + 8], err_path[TEST_PATH_MAX + 8];
    static char out[64 * 1024], err[8192];
    snprintf(out_path, sizeof(out_path), "%s/.out", dir);
    snprintf(err_path, sizeof(err_path), "%s/.err", dir);
    snprintf(line, sizeof(line), "command -v %s >/dev/null", row->needs);
    if (row->needs && run_line(line, err_path) != 0) {
        print_message("left out: there is no %s\n", row->needs);
        skip();
    }
    snprintf(line, sizeof(line), "exec >$T/.out 2>$T/.err; %s", row->line);
    int status = run_line(line, err_path);
    read_all(out_path, out, sizeof(out));
    read_all(err_path, err, sizeof(err));
    if (status != row->status)
        fail_msg("status %d\n%s%s", status, out, err);
    if (row->out)
        assert_string_equal(out, row->out);
    if (row->err)
        assert_string_equal(err, row->err);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = it_answers,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests(tests, start, end);
}
