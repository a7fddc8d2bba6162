/* postgres.c -- see postgres.h. */
#include "support/postgres.h"

#include <errno.h>
#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX         32
#define CHILDREN_MAX     64
#define READY_TIMEOUT_MS 180000
#define PATH_SIZE        (TEST_PATH_MAX + 32)

/* Debian keeps the programs of every version in a directory of its own, out of PATH. The newest. */
static int find_program(const char *name, char *path, size_t size)
{
    char pattern[96];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "/usr/lib/postgresql/*/bin/%s", name);
    if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc == 0)
        return -ENOENT;
    snprintf(path, size, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return 0;
}

static const struct passwd *unprivileged(void)
{
    const struct passwd *user = getpwnam("postgres");
    return user ? user : getpwnam("nobody");
}

/* Puts what makes root somebody else before the command. setpriv names the signal again since the
 * kernel forgets it when the user changes. */
static size_t put_user(const char **argv)
{
    static char uid[16], gid[16];
    size_t n = 0;
    const struct passwd *user = unprivileged();
    if (geteuid() != 0 || !user)
        return 0;
    snprintf(uid, sizeof(uid), "%u", (unsigned)user->pw_uid);
    snprintf(gid, sizeof(gid), "%u", (unsigned)user->pw_gid);
    argv[n++] = "setpriv";
    argv[n++] = "--reuid";
    argv[n++] = uid;
    argv[n++] = "--regid";
    argv[n++] = gid;
    argv[n++] = "--clear-groups";
    argv[n++] = "--pdeathsig";
    argv[n++] = "KILL";
    return n;
}

static int spawn(struct tpg *pg, struct tproc *proc, const char *const *args)
{
    char program[96], err_path[PATH_SIZE];
    const char *argv[ARGS_MAX];
    size_t n = put_user(argv);
    int err = find_program(args[0], program, sizeof(program));
    if (err != 0)
        return err;
    argv[n++] = program;
    for (size_t i = 1; args[i]; i++)
        argv[n++] = args[i];
    argv[n] = NULL;
    snprintf(err_path, sizeof(err_path), "%s/err", pg->dir);
    return tproc_start(proc, argv, err_path);
}

static int fail_with_log(const struct tpg *pg, int err)
{
    char err_path[PATH_SIZE];
    snprintf(err_path, sizeof(err_path), "%s/err", pg->dir);
    print_tail(err_path, 20);
    return err;
}

/* --- the cluster ------------------------------------------------------------------------------ */

static int write_file(const char *dir, const char *name, const char *text)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "we");
    if (!file)
        return -errno;
    fputs(text, file);
    if (fclose(file) != 0)
        return -errno;
    const struct passwd *user = unprivileged();
    return geteuid() == 0 && user && chown(path, user->pw_uid, user->pw_gid) != 0 ? -errno : 0;
}

static int make_cluster(struct tpg *pg)
{
    char data[PATH_SIZE], password[PATH_SIZE];
    struct tproc initdb;
    const struct passwd *user = unprivileged();
    if (geteuid() == 0 && user && chown(pg->dir, user->pw_uid, user->pw_gid) != 0)
        return -errno;
    int err = write_file(pg->dir, "password", TPG_PASSWORD "\n");
    snprintf(data, sizeof(data), "%s/data", pg->dir);
    snprintf(password, sizeof(password), "%s/password", pg->dir);
    const char *args[] = {"initdb",    "-D",     data,    "-U",          "stockd",
                          "--no-sync", "-A",     "trust", "--auth-host", "scram-sha-256",
                          "--pwfile",  password, "-E",    "UTF8",        "--locale",
                          "C",         NULL};
    if (err == 0)
        err = spawn(pg, &initdb, args);
    if (err == 0)
        err = tproc_wait(&initdb, READY_TIMEOUT_MS);
    if (err == 0 && initdb.status != 0)
        err = -EIO;
    return err;
}

/* --- the server ------------------------------------------------------------------------------- */

/* One statement in a database of the server. */
static int command(const struct tpg *pg, const char *database, const char *sql)
{
    char text[TEST_PATH_MAX + 128];
    snprintf(text, sizeof(text),
             "host=%s port=%d user=stockd dbname=%s connect_timeout=5 "
             "options=-cclient_min_messages=warning",
             pg->dir, pg->port, database);
    PGconn *connection = PQconnectdb(text);
    PGresult *answer = PQstatus(connection) == CONNECTION_OK ? PQexec(connection, sql) : NULL;
    ExecStatusType status = PQresultStatus(answer);
    PQclear(answer);
    PQfinish(connection);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : -EIO;
}

int tpg_restart(struct tpg *pg)
{
    char data[PATH_SIZE], port[16];
    snprintf(data, sizeof(data), "%s/data", pg->dir);
    snprintf(port, sizeof(port), "%d", pg->port);
    const char *args[] = {"postgres",
                          "-D",
                          data,
                          "-p",
                          port,
                          "-k",
                          pg->dir,
                          "-c",
                          "listen_addresses=127.0.0.1",
                          "-c",
                          "max_connections=32",
                          NULL};
    int err = spawn(pg, &pg->proc, args);
    if (err != 0)
        return err;
    bool ready = await(command(pg, "postgres", "SELECT 1") == 0 || !tproc_alive(&pg->proc),
                       READY_TIMEOUT_MS);
    return ready && tproc_alive(&pg->proc) ? 0 : fail_with_log(pg, -ETIMEDOUT);
}

int tpg_start(struct tpg *pg)
{
    *pg = (struct tpg){.proc = {.pidfd = -1, .out_fd = -1}};
    int err = temp_dir_make(pg->dir);
    if (err == 0)
        err = make_cluster(pg);
    if (err != 0) {
        fail_with_log(pg, err);
        tpg_stop(pg);
        return err;
    }
    pg->port = tproc_free_port();
    /* Longer than a service would wait to be connected: the machine may be busy. */
    snprintf(pg->url, sizeof(pg->url),
             "postgresql:///stockd?host=%s&port=%d&user=stockd&connect_timeout=60", pg->dir,
             pg->port);
    err = tpg_restart(pg);
    if (err == 0)
        err = tpg_reset(pg);
    if (err != 0)
        tpg_stop(pg);
    return err;
}

int tpg_reset(const struct tpg *pg)
{
    int err = command(pg, "postgres", "DROP DATABASE IF EXISTS stockd WITH (FORCE)");
    return err ? err : command(pg, "postgres", "CREATE DATABASE stockd");
}

/* The processes that the server has started for its clients and for itself. */
static size_t read_children(pid_t pid, pid_t children[CHILDREN_MAX])
{
    char path[64];
    size_t n = 0;
    int child;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    while (file && n < CHILDREN_MAX && fscanf(file, "%d", &child) == 1)
        children[n++] = child;
    if (file)
        fclose(file);
    return n;
}

void tpg_kill9(struct tpg *pg)
{
    pid_t children[CHILDREN_MAX];
    if (pg->proc.pid <= 0)
        return;
    tproc_signal(&pg->proc, SIGSTOP); /* it would start new ones */
    size_t n = read_children(pg->proc.pid, children);
    for (size_t i = 0; i < n; i++)
        kill(children[i], SIGKILL);
    tproc_kill9(&pg->proc);
    for (size_t i = 0; i < n; i++)
        (void)await(!tproc_pid_alive(children[i]), READY_TIMEOUT_MS);
}

void tpg_stop(struct tpg *pg)
{
    if (pg->proc.pid > 0) {
        /* SIGINT is the fast shutdown: SIGTERM would wait for clients. */
        tproc_signal(&pg->proc, SIGINT);
        if (tproc_wait(&pg->proc, READY_TIMEOUT_MS) != 0)
            tproc_kill9(&pg->proc);
    }
    temp_dir_remove(pg->dir);
    pg->dir[0] = '\0';
}
