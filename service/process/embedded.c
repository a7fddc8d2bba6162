#include "process/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pool/pool.h"

#define LOCK_TRIES   100
#define LOCK_WAIT_NS (100 * 1000 * 1000)
/* Redis packs records of up to so many bytes, those with texts among them (core/parts.h). */
#define RECORD_PACKED_MAX "256"

static int fail_on_path(char *err, size_t err_size, const char *what, const char *path)
{
    int saved = errno;
    snprintf(err, err_size, "%s %s: %s", what, path, strerror(saved));
    return -1;
}

static bool have_redis_server(void)
{
    const char *path = getenv("PATH");
    char candidate[PATH_MAX];
    while (path && *path) {
        size_t n = strcspn(path, ":");
        snprintf(candidate, sizeof(candidate), "%.*s/redis-server", (int)n, path);
        if (access(candidate, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

/* Of this process and no other: children do not inherit it. */
static int take_service(struct embedded *e, char *err, size_t err_size)
{
    char path[PATH_MAX];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    snprintf(path, sizeof(path), "%.4000s/service", e->dir);
    e->service_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (e->service_fd < 0)
        return fail_on_path(err, err_size, "cannot open", path);
    if (fcntl(e->service_fd, F_SETLK, &lock) == 0)
        return 0;
    if (errno != EACCES && errno != EAGAIN)
        return fail_on_path(err, err_size, "cannot lock", path);
    if (fcntl(e->service_fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        lock.l_pid = 0; /* it has just ended, or is out of sight */
    snprintf(err, err_size,
             "%s is in use by another stockd (process %d); stop that, or give --data-dir another "
             "directory",
             e->dir, (int)lock.l_pid);
    close(e->service_fd);
    return -1;
}

/* What a service that was killed has left behind ends by itself. */
static int take_lock(struct embedded *e, char *err, size_t err_size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.4000s/lock", e->dir);
    e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (e->lock_fd < 0)
        return fail_on_path(err, err_size, "cannot open", path);
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(e->lock_fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = LOCK_WAIT_NS}, NULL);
    }
    snprintf(err, err_size,
             "the Redis of an earlier service still runs in %s, and has not ended within 10 s",
             e->dir);
    close(e->lock_fd);
    return -1;
}

/* A socket's path has 107 bytes at the most; the relative one is shorter. */
static int choose_socket(struct embedded *e, const char *given, char *err, size_t err_size)
{
    int n = snprintf(e->socket, sizeof(e->socket), "%.4000s/redis.sock", e->dir);
    if (n >= 108)
        n = snprintf(e->socket, sizeof(e->socket), "%.4000s/redis.sock", given);
    if (n >= 108) {
        snprintf(err, err_size, "--data-dir %s is too long for the socket in it (107 bytes)",
                 given);
        return -1;
    }
    snprintf(e->url, sizeof(e->url), "unix:%s", e->socket);
    return 0;
}

/* Whoever may write here may put another store or another program's socket in our place. */
static int check_dir(const char *path, char *err, size_t err_size)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return fail_on_path(err, err_size, "cannot enter", path);
    unsigned mode = st.st_mode & 07777;
    if (!S_ISDIR(st.st_mode))
        snprintf(err, err_size, "%s is no directory", path);
    else if (st.st_uid != geteuid())
        snprintf(err, err_size,
                 "%s belongs to user %u, and stockd runs as user %u: chown it, or give --data-dir "
                 "another one",
                 path, (unsigned)st.st_uid, (unsigned)geteuid());
    else if (mode & (S_IWGRP | S_IWOTH))
        snprintf(err, err_size,
                 "%s has mode %04o, so %s may write in it; right is 0700 (chmod 700 %s)", path,
                 mode, mode & S_IWOTH ? "everybody" : "its group", path);
    else
        return 0;
    return -1;
}

/* Made if it is not there. */
static int own_dir(const char *path, char *err, size_t err_size)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fail_on_path(err, err_size, "cannot make", path);
    return check_dir(path, err, err_size);
}

/* Earlier versions left the ledger's files for everybody to read. */
static int hide_ledger(const struct embedded *e, char *err, size_t err_size)
{
    static const char *const files[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm"};
    char path[PATH_MAX];
    struct stat st;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%.4000s/%s", e->dir, files[i]);
        if (stat(path, &st) == 0 && (st.st_mode & 077) && chmod(path, 0600) < 0)
            return fail_on_path(err, err_size, "cannot change the mode of", path);
    }
    return 0;
}

/* Every transaction, unless less was asked for: at everysec a Redis that is killed while its disk
 * is busy loses what was answered, and comes back with less than the ledger has. */
static const char *fsync_of(enum store_durability level)
{
    return level == DURABILITY_MEMORY || level == DURABILITY_EVERYSEC ? "everysec" : "always";
}

int embedded_prepare(struct embedded *e, const struct config *config, char *err, size_t err_size)
{
    char redis_dir[PATH_MAX];
    *e = (struct embedded){.fsync = fsync_of((enum store_durability)config->durability)};
    if (!have_redis_server()) {
        snprintf(err, err_size,
                 "redis-server was not found in PATH; install it (Debian: apt-get "
                 "install redis-server) or give --redis URL");
        return -1;
    }
    if (own_dir(config->data_dir, err, err_size) < 0)
        return -1;
    if (!realpath(config->data_dir, e->dir))
        return fail_on_path(err, err_size, "cannot enter", config->data_dir);
    snprintf(redis_dir, sizeof(redis_dir), "%.4000s/redis", e->dir);
    if (own_dir(redis_dir, err, err_size) < 0 || hide_ledger(e, err, err_size) < 0)
        return -1;
    if (choose_socket(e, config->data_dir, err, err_size) < 0)
        return -1;
    if (take_service(e, err, err_size) < 0)
        return -1;
    return take_lock(e, err, err_size);
}

/* Also the program that this process becomes does not get it. */
static void keep_from(int signo)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, signo);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

int embedded_run(struct pool_child *child, void *arg)
{
    struct embedded *e = arg;
    char dir[PATH_MAX];
    snprintf(dir, sizeof(dir), "%.4000s/redis", e->dir);
    /* Control-C in a terminal is for the master, too. */
    (void)setpgid(0, 0);
    keep_from(SIGTERM);
    if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0) /* standard output belongs to the ready line */
        return EXIT_FAILURE;
    const char *const argv[] = {"redis-server",
                                "--port",
                                "0",
                                "--unixsocket",
                                e->socket,
                                "--unixsocketperm",
                                "700",
                                "--dir",
                                dir,
                                "--appendonly",
                                "yes",
                                "--appendfsync",
                                e->fsync,
                                "--save",
                                "",
                                "--maxmemory-policy",
                                "noeviction",
                                "--hash-max-listpack-value",
                                RECORD_PACKED_MAX,
                                "--daemonize",
                                "no",
                                "--loglevel",
                                "warning",
                                "--logfile",
                                "redis.log",
                                NULL};
    execvp(argv[0], (char *const *)(uintptr_t)argv); /* exec changes none of them */
    log_event(LOG_ERROR, "cannot start redis-server", LOG_ERRNO(errno));
    return POOL_EXIT_FATAL;
}
