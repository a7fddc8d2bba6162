#include "keys/keys_file.h"
#include "fail.h"
#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define BESIDE         ".new"
#define LOCK_TRIES     100 /* files that were put in the place of the one that was waited for */
#define SAY_ERRNO(why) fail_with(why, KEYS_WHY_SIZE, "%s", strerror(errno))

/* --- reading ---------------------------------------------------------------------------------- */

static struct keys_stamp stamp_of(const struct stat *found)
{
    return (struct keys_stamp){.dev = found->st_dev,
                               .ino = found->st_ino,
                               .size = (uint64_t)found->st_size,
                               .mtime_s = found->st_mtim.tv_sec,
                               .mtime_ns = found->st_mtim.tv_nsec,
                               .ctime_s = found->st_ctim.tv_sec,
                               .ctime_ns = found->st_ctim.tv_nsec};
}

bool keys_can_count(const struct key_list *list, bool ledger, char why[KEYS_WHY_SIZE])
{
    const struct key_entry *key = ledger ? NULL : key_list_keeping(list);
    return !key || fail_with(why, KEYS_WHY_SIZE,
                             "the quota of \"%s\" limits what it keeps, which is counted in a "
                             "ledger, and this service has --ledger none: give it one, or the "
                             "client a quota of rps and burst alone, by `stockd keys quota`",
                             key->name);
}

struct keys_stamp keys_file_stamp(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? stamp_of(&found) : (struct keys_stamp){0};
}

static bool parse(struct key_list *list, struct str text, char why[KEYS_WHY_SIZE])
{
    struct key_fault fault;
    return key_list_parse(list, text, &fault) ||
           fail_with(why, KEYS_WHY_SIZE, "line %u: %s", fault.line, fault.why);
}

/* made: a file without a byte is one without keys. */
static bool read_list(int fd, struct key_list *list, struct stat *found, bool made,
                      char why[KEYS_WHY_SIZE])
{
    struct buf text;
    buf_init(&text, KEY_LIST_MAX_BYTES + 4096);
    bool good = private_file_read(fd, found, &text, why);
    list->count = 0;
    if (good && !(made && text.n == 0))
        good = parse(list, buf_str(&text), why);
    buf_free(&text);
    return good;
}

bool keys_file_read(const char *path, struct key_list *list, char why[KEYS_WHY_SIZE])
{
    struct stat found;
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* nobody writes to a pipe of that name */
    if (fd < 0)
        return SAY_ERRNO(why);
    bool good = read_list(fd, list, &found, false, why);
    close(fd);
    return good;
}

/* --- changing --------------------------------------------------------------------------------- */

/* Whether the path still leads to what was opened. */
static bool is_in_place(const char *path, int fd)
{
    struct stat opened, there;
    return fstat(fd, &opened) == 0 && stat(path, &there) == 0 && opened.st_dev == there.st_dev &&
           opened.st_ino == there.st_ino;
}

static int open_locked(const char *path, enum keys_open how)
{
    int make = how == KEYS_OPEN_OR_MAKE ? O_CREAT : 0;
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | make, 0600);
        if (fd < 0)
            return -1;
        if (flock(fd, how == KEYS_OPEN_OLD_NOW ? LOCK_EX | LOCK_NB : LOCK_EX) == 0 &&
            is_in_place(path, fd))
            return fd;
        int err = errno;
        close(fd);
        errno = err;
        if (err == EWOULDBLOCK)
            return -1;
    }
    errno = EBUSY;
    return -1;
}

bool keys_file_open(struct keys_file *file, const char *path, enum keys_open how,
                    char why[KEYS_WHY_SIZE])
{
    *file = (struct keys_file){.path = path, .fd = open_locked(path, how)};
    if (file->fd < 0 && errno == ELOOP)
        return fail_with(why, KEYS_WHY_SIZE, "is a symbolic link; name the file that it leads to");
    if (file->fd < 0)
        return SAY_ERRNO(why);
    file->list = malloc(sizeof(*file->list));
    bool made = how == KEYS_OPEN_OR_MAKE;
    bool good = file->list ? read_list(file->fd, file->list, &file->found, made, why)
                           : fail_with(why, KEYS_WHY_SIZE, "out of memory");
    if (!good)
        keys_file_close(file);
    return good;
}

void keys_file_close(struct keys_file *file)
{
    free(file->list);
    close(file->fd); /* the lock goes with it */
}

/* With the rights and the owner that it is to have before it holds anything. */
static int create_like(const char *path, const struct stat *like)
{
    if (unlink(path) != 0 && errno != ENOENT) /* of a process that was killed */
        return -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, like->st_mode & 0700);
    if (fd < 0)
        return -1;
    if (fchmod(fd, like->st_mode & 0700) == 0 &&
        (like->st_uid == geteuid() || fchown(fd, like->st_uid, like->st_gid) == 0))
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

static bool write_all(int fd, struct str text)
{
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0)
            return false;
        text = (struct str){text.p + n, text.n - (size_t)n};
    }
    return fsync(fd) == 0;
}

/* Brings the names in the folder of the path to the disk. */
static bool sync_folder(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof(copy), "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

bool keys_file_replace(const char *path, struct str text, const struct stat *like,
                       char why[KEYS_WHY_SIZE])
{
    char beside[PATH_MAX];
    if ((size_t)snprintf(beside, sizeof(beside), "%s" BESIDE, path) >= sizeof(beside)) {
        errno = ENAMETOOLONG;
        return SAY_ERRNO(why);
    }
    int fd = create_like(beside, like);
    bool good = fd >= 0 && write_all(fd, text);
    if (fd >= 0)
        good = close(fd) == 0 && good;
    good = good && rename(beside, path) == 0;
    if (!good) {
        fail_say(why, KEYS_WHY_SIZE, "%s", strerror(errno));
        unlink(beside);
        return false;
    }
    return sync_folder(path) || SAY_ERRNO(why);
}

bool keys_file_save(struct keys_file *file, char why[KEYS_WHY_SIZE])
{
    struct buf text;
    buf_init(&text, KEY_LIST_MAX_BYTES);
    key_list_write(file->list, &text);
    bool good = text.failed ? fail_with(why, KEYS_WHY_SIZE, "out of memory")
                            : keys_file_replace(file->path, buf_str(&text), &file->found, why);
    buf_free(&text);
    return good;
}
