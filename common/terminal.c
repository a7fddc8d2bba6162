#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What the variable says, if it says anything. */
static const char *said(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

unsigned terminal_width(FILE *stream)
{
    struct winsize size = {0};
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool terminal_moves(FILE *stream)
{
    const char *term = said("TERM");
    return isatty(fileno(stream)) && term && strcmp(term, "dumb") != 0;
}

bool terminal_colours(FILE *stream)
{
    return terminal_moves(stream) && !said("NO_COLOR");
}

bool terminal_utf8(void)
{
    const char *locale = said("LC_ALL");
    locale = locale ? locale : said("LC_CTYPE");
    locale = locale ? locale : said("LANG");
    return locale && (strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8"));
}
