#include "report/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static bool refuse_path(const char *path, int err)
{
    fprintf(stderr, "stockload: %s can not be written: %s\n", path, strerror(err));
    return false;
}

/* For a file that is not there only its folder is asked. */
bool outfile_can_write(const char *path)
{
    char folder[PATH_MAX];
    if (!path || strcmp(path, "-") == 0)
        return true;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (errno == ENXIO)
        return true; /* a pipe that nobody reads yet */
    if (errno != ENOENT || strlen(path) >= sizeof(folder))
        return refuse_path(path, errno);
    snprintf(folder, sizeof(folder), "%s", path);
    return access(dirname(folder), W_OK | X_OK) == 0 || refuse_path(path, errno);
}

bool outfile_write(const char *path, int (*write)(FILE *out, const void *what), const void *what)
{
    bool standard = !path || strcmp(path, "-") == 0;
    FILE *out = standard ? stdout : fopen(path, "w");
    if (!out)
        return refuse_path(path, errno);
    errno = 0;
    int rc = write(out, what);
    if (rc == -EIO && errno)
        rc = -errno; /* why the stream failed */
    if ((standard ? fflush(out) : fclose(out)) != 0 && rc == 0)
        rc = -errno;
    return rc == 0 || refuse_path(standard ? "the report" : path, -rc);
}
