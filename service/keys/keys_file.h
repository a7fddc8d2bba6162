/* keys_file.h -- the file that holds the API keys: read by the service, changed by `stockd keys`.
 *
 * Layer: keys, above core. Only its owner may have any right to it. It is never written in place:
 * a new one is made beside it, brought to the disk, and put in its place, so whoever reads sees
 * the one or the other, and so does whoever starts after a loss of power.
 *
 * Invariant: between keys_file_open() and _close() no other process changes it. The lock is on the
 * file itself; one that was put in its place meanwhile is locked anew.
 */
#pragma once

#include "core/access/key_list.h"
#include "private_file.h"

#include <sys/stat.h>

#define KEYS_WHY_SIZE PRIVATE_WHY_SIZE

/* Which file it was, and in which state: another one is there if this has changed. */
struct keys_stamp {
    uint64_t dev, ino, size;
    int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};

/* All zero: there is none. */
struct keys_stamp keys_file_stamp(const char *path);

/* Fills the list. False, with why: to be read behind the path. */
bool keys_file_read(const char *path, struct key_list *list, char why[KEYS_WHY_SIZE]) MUST_CHECK;

/* Without a ledger what clients keep is counted nowhere: whether no quota in the list is of that.
 * False, with why. */
bool keys_can_count(const struct key_list *list, bool ledger, char why[KEYS_WHY_SIZE]) MUST_CHECK;

struct keys_file {
    const char *path;
    int fd; /* open and locked */
    struct key_list *list;
    struct stat found;
};

enum keys_open { KEYS_OPEN_OLD, KEYS_OPEN_OR_MAKE, KEYS_OPEN_OLD_NOW };

/* Locks the file and reads its list, which may then be changed and saved. KEYS_OPEN_OR_MAKE makes
 * one without keys if there is none; KEYS_OPEN_OLD_NOW fails where another process has the lock.
 * path must outlive it. False, with why; there is nothing to close then. */
bool keys_file_open(struct keys_file *file, const char *path, enum keys_open how,
                    char why[KEYS_WHY_SIZE]) MUST_CHECK;

/* Puts the list in the place of what was read, as keys_file_replace(). */
bool keys_file_save(struct keys_file *file, char why[KEYS_WHY_SIZE]) MUST_CHECK;
void keys_file_close(struct keys_file *file);

/* Puts a file with this text, and the owner and rights of `like`, in the place of the one at path,
 * and brings it to the disk. False, with why: it is not sure that it would survive a loss of power,
 * and mostly what was there is as it was. */
bool keys_file_replace(const char *path, struct str text, const struct stat *like,
                       char why[KEYS_WHY_SIZE]) MUST_CHECK;
