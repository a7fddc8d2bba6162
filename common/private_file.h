/* private_file.h -- a file with secrets, which nobody but its owner may have any right to.
 *
 * Layer: common.
 */
#pragma once

#include "buf.h"

#include <sys/stat.h>

#define PRIVATE_WHY_SIZE 256

/* Appends all that the open file holds, as far as `text` takes it, and says in *found which file it
 * is. False, with why, to be read behind its path: others than its owner may use it, it is no file,
 * too long, or cannot be read. */
bool private_file_read(int fd, struct stat *found, struct buf *text,
                       char why[PRIVATE_WHY_SIZE]) MUST_CHECK;
