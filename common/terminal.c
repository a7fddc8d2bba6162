#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int terminal_width(FILE *stream)
{
    struct winsize size = {0};
    int fd = fileno(stream); /* a stream of memory has none */
    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return TERMINAL_WIDTH;
    return size.ws_col;
}

bool terminal_has_colour(FILE *stream)
{
    const char *term = getenv("TERM"), *refused = getenv("NO_COLOR");
    int fd = fileno(stream);
    return fd >= 0 && isatty(fd) && term && *term && strcmp(term, "dumb") != 0 &&
           !(refused && *refused);
}
