#include "private_file.h"
#include "fail.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define OTHERS (S_IRWXG | S_IRWXO)
#define PIECE  4096 /* bytes */

static bool is_private(const struct stat *found, char why[PRIVATE_WHY_SIZE])
{
    if (!S_ISREG(found->st_mode))
        return fail_with(why, PRIVATE_WHY_SIZE, "is no file");
    return (found->st_mode & OTHERS) == 0 ||
           fail_with(why, PRIVATE_WHY_SIZE,
                     "has mode %04o, so others than its owner may use it; right is 0600",
                     (unsigned)found->st_mode & 07777);
}

bool private_file_read(int fd, struct stat *found, struct buf *text, char why[PRIVATE_WHY_SIZE])
{
    char *room;
    ssize_t n = 1;
    if (fstat(fd, found) != 0)
        return fail_with(why, PRIVATE_WHY_SIZE, "%s", strerror(errno));
    if (!is_private(found, why))
        return false;
    while (n > 0 && (room = buf_reserve(text, PIECE))) {
        n = read(fd, room, PIECE);
        if (n > 0)
            buf_commit(text, (size_t)n);
    }
    if (n < 0)
        return fail_with(why, PRIVATE_WHY_SIZE, "%s", strerror(errno));
    return !text->failed || fail_with(why, PRIVATE_WHY_SIZE, "is too long");
}
