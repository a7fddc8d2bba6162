/* service.c -- see service.h. */
#include "support/service.h"
#include "support/api_keys.h"
#include "support/env_number.h"
#include "support/tls_client.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX         52
#define READY_TIMEOUT_MS 180000
#define STOP_TIMEOUT_MS  180000

/* What a sanitizer, an assert, or the C library's own checks print before a process dies. */
static const char *const crash_words[] = {
    "ERROR: AddressSanitizer",   "ERROR: LeakSanitizer",    "runtime error:", "Assertion `",
    "*** stack smashing",        "*** buffer overflow",     "malloc(): ",     "free(): ",
    "double free or corruption", "WARNING: ThreadSanitizer"};

static bool is_given(const char *const *args, const char *name)
{
    for (; args && *args; args++)
        if (strcmp(*args, name) == 0)
            return true;
    return false;
}

/* It did not come up. */
static int give_up(struct tservice *s, int err)
{
    fprintf(stderr, "stockd did not start: %s\n", strerror(-err));
    print_tail(s->err_path, 30);
    tproc_kill9(&s->proc);
    temp_dir_remove(s->dir);
    s->dir[0] = '\0';
    return err;
}

int tservice_launch(struct tservice *s, const struct tservice_opts *opts)
{
    *s = (struct tservice){.proc = {.pidfd = -1, .out_fd = -1}};
    const char *program = getenv("STOCKD");
    if (!program || !*program) {
        fprintf(stderr, "STOCKD does not name the program to test\n");
        return -ENOENT;
    }
    int err = temp_dir_make(s->dir);
    if (err)
        return err;
    snprintf(s->err_path, sizeof(s->err_path), "%s/stockd.err", s->dir);

    char workers[16], listen[32], cert[512], key[512];
    snprintf(workers, sizeof(workers), "%d",
             opts->workers ? opts->workers : (int)env_number("TEST_WORKERS", 1));
    snprintf(listen, sizeof(listen), "%s:0", opts->on ? opts->on->front : "127.0.0.1");
    const char *argv[ARGS_MAX] = {program,     "serve", "--listen",   listen,
                                  "--workers", workers, "--redis",    opts->redis_url,
                                  "--ledger",  "none",  "--data-dir", s->dir};
    size_t n = 0;
    while (argv[n])
        n++;
    if (opts->on)
        argv[n++] = "--insecure"; /* nobody else is there */
    if (tls_client_folder() && !is_given(opts->extra, "--tls-cert")) {
        snprintf(cert, sizeof(cert), "%s/server.pem", tls_client_folder());
        snprintf(key, sizeof(key), "%s/server.key", tls_client_folder());
        argv[n++] = "--tls-cert";
        argv[n++] = cert;
        argv[n++] = "--tls-key";
        argv[n++] = key;
    }
    if (!is_given(opts->extra, "--request-timeout")) {
        argv[n++] = "--request-timeout";
        argv[n++] = TSERVICE_REQUEST_TIMEOUT;
    }
    if (!is_given(opts->extra, "--startup-timeout")) {
        argv[n++] = "--startup-timeout";
        argv[n++] = TSERVICE_STARTUP_TIMEOUT;
    }
    if (!is_given(opts->extra, "--failed-logins")) { /* bad keys of tests come from one address */
        argv[n++] = "--failed-logins";
        argv[n++] = "0";
    }
    char keys[TEST_PATH_MAX + 16];
    snprintf(keys, sizeof(keys), "%s/api-keys", s->dir);
    if (api_keys_are_on() && !is_given(opts->extra, "--keys-file")) {
        argv[n++] = "--keys-file";
        argv[n++] = keys;
        if (api_keys_write(keys) < 0)
            return give_up(s, -EIO);
    }
    for (const char *const *arg = opts->extra; arg && *arg; arg++) {
        assert(n < ARGS_MAX - 1);
        argv[n++] = *arg;
    }

    thost_enter(opts->on);
    err = tproc_start_with(&s->proc, argv, s->err_path, opts->preload);
    thost_leave(opts->on);
    return err ? give_up(s, err) : 0;
}

int tservice_await_listening(struct tservice *s)
{
    char line[256];
    int err = tproc_await_line(&s->proc, "listening on http", line, sizeof(line), READY_TIMEOUT_MS);
    if (!err) {
        const char *colon = strrchr(line, ':');
        s->port = (int)strtol(colon + 1, NULL, 10);
        if (s->port > 0 && s->port < 65536)
            return 0;
        err = -EPROTO;
    }
    return give_up(s, err);
}

int tservice_start(struct tservice *s, const struct tservice_opts *opts)
{
    int err = tservice_launch(s, opts);
    return err ? err : tservice_await_listening(s);
}

int tservice_log_count(const struct tservice *s, const char *word, const char *other)
{
    char *line = NULL;
    size_t size = 0;
    int found = 0;
    FILE *log = fopen(s->err_path, "re");
    while (log && getline(&line, &size, log) >= 0)
        found += (!word || strstr(line, word)) && (!other || strstr(line, other));
    free(line);
    if (log)
        fclose(log);
    return found;
}

bool tservice_log_clean(const struct tservice *s)
{
    FILE *file = fopen(s->err_path, "re");
    if (!file)
        return true;
    char *line = NULL;
    size_t size = 0;
    bool clean = true;
    while (getline(&line, &size, file) >= 0)
        for (size_t i = 0; i < sizeof(crash_words) / sizeof(*crash_words); i++)
            if (strstr(line, crash_words[i]))
                clean = false;
    free(line);
    fclose(file);
    if (!clean)
        print_tail(s->err_path, 60);
    return clean;
}

bool tservice_stop(struct tservice *s)
{
    if (s->dir[0] == '\0')
        return true;
    bool fine = true;
    if (s->proc.pid > 0 && !tproc_stop(&s->proc, STOP_TIMEOUT_MS)) {
        fprintf(stderr, "stockd did not stop well, wait status 0x%x\n", (unsigned)s->proc.status);
        print_tail(s->err_path, 30);
        fine = false;
    }
    fine = tservice_log_clean(s) && fine;
    temp_dir_remove(s->dir);
    s->dir[0] = '\0';
    return fine;
}

void tservice_kill9(struct tservice *s)
{
    tproc_kill9(&s->proc);
}

/* Reads a small file of /proc into text; true if there was something in it. */
static bool proc_read(pid_t pid, const char *name, char *text, size_t size)
{
    char path[96];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Adds the matching children of pid, and theirs, to pids. */
static int children_add(pid_t pid, const char *role, pid_t *pids, int count, int max)
{
    char name[64];
    char text[1024];
    snprintf(name, sizeof(name), "task/%d/children", (int)pid);
    if (!proc_read(pid, name, text, sizeof(text)))
        return count;
    char *rest = text;
    for (char *word; (word = strtok_r(rest, " \n", &rest));) {
        pid_t child = (pid_t)strtol(word, NULL, 10);
        char comm[64];
        if (!proc_read(child, "comm", comm, sizeof(comm)))
            continue;
        comm[strcspn(comm, "\n")] = '\0';
        if (count < max && (!role || strcmp(comm, role) == 0) && tproc_pid_alive(child))
            pids[count++] = child;
        count = children_add(child, role, pids, count, max);
    }
    return count;
}

int tservice_pids(const struct tservice *s, const char *role, pid_t *pids, int max)
{
    return s->proc.pid > 0 ? children_add(s->proc.pid, role, pids, 0, max) : 0;
}

bool tservice_is_slow(void)
{
    const char *program = getenv("STOCKD");
    return program && (strstr(program, "/asan/") || strstr(program, "/tsan/"));
}
