#include "config_file.h"
#include "fail.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the file --------------------------------------------------------------------------------- */

/* Reads until the end or until there is no more room. 0 or -errno. */
static int read_all(int fd, struct config_file *file)
{
    while (file->n <= CONFIG_FILE_BYTES_MAX) {
        ssize_t got = read(fd, file->text + file->n, CONFIG_FILE_BYTES_MAX + 1 - file->n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : 0;
        file->n += (size_t)got;
    }
    return 0;
}

static bool read_config_text(int fd, struct config_file *file, char *why, size_t why_size)
{
    struct stat about;
    int rc = fstat(fd, &about) < 0 ? -errno : read_all(fd, file);
    if (rc < 0)
        return fail_with(why, why_size, "can not be read: %s", strerror(-rc));
    if (file->n > CONFIG_FILE_BYTES_MAX)
        return fail_with(why, why_size, "is no file of settings: it has more than %d bytes",
                         CONFIG_FILE_BYTES_MAX);
    file->is_open_to_all = S_ISREG(about.st_mode) && (about.st_mode & S_IROTH);
    return true;
}

bool config_file_open(struct config_file *file, const char *path, char *why, size_t why_size)
{
    *file = (struct config_file){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_with(why, why_size, "can not be read: %s", strerror(errno));
    file->text = malloc(CONFIG_FILE_BYTES_MAX + 1);
    bool ok = file->text ? read_config_text(fd, file, why, why_size)
                         : fail_with(why, why_size, "no memory");
    close(fd);
    if (!ok)
        config_file_close(file);
    return ok;
}

void config_file_close(struct config_file *file)
{
    if (file->text)
        explicit_bzero(file->text, file->n);
    free(file->text);
    *file = (struct config_file){0};
}

/* --- its lines -------------------------------------------------------------------------------- */

/* Without its end, which may be that of another system. */
static struct str next_line(struct config_file *file)
{
    struct str line = {file->text + file->at, file->n - file->at};
    const char *end = memchr(line.p, '\n', line.n);
    line.n = end ? (size_t)(end - line.p) : line.n;
    file->at += line.n + (end != NULL);
    file->line++;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool parse_name(struct str text, struct config_entry *entry, char *why, size_t why_size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < text.n; i++)
        if (!memchr(letters, text.p[i], sizeof(letters) - 1))
            return fail_with(why, why_size, "what stands before = is no name; write name = value");
    if (text.n == 0)
        return fail_with(why, why_size, "there is no name before =; write name = value");
    if (text.p[0] == '-')
        return fail_with(why, why_size, "a name is written without the dashes of its flag");
    if (text.n > CONFIG_FILE_NAME_MAX)
        return fail_with(why, why_size, "no name is as long as that");
    memcpy(entry->name, text.p, text.n);
    entry->name[text.n] = '\0';
    return true;
}

/* Where " #" begins a comment, or so it seems. */
static bool has_comment(struct str text)
{
    for (size_t i = 1; i < text.n; i++)
        if (text.p[i] == '#' && (text.p[i - 1] == ' ' || text.p[i - 1] == '\t'))
            return true;
    return false;
}

static bool parse_value(struct str text, struct config_entry *entry, char *why, size_t why_size)
{
    bool quoted = text.n > 0 && text.p[0] == '"';
    if (quoted && (text.n == 1 || memchr(text.p + 1, '"', text.n - 1) != text.p + text.n - 1))
        return fail_with(why, why_size,
                         "%s: the value begins with a double quote; end it with one, and have no "
                         "other in it",
                         entry->name);
    if (quoted)
        text = (struct str){text.p + 1, text.n - 2};
    else if (text.n == 0)
        return fail_with(why, why_size,
                         "%s: the value is missing; leave the line out for the default",
                         entry->name);
    else if (text.p[0] == '#' || has_comment(text))
        return fail_with(why, why_size,
                         "%s: a comment has a line of its own; a value with \" #\" in it stands in "
                         "double quotes",
                         entry->name);
    memcpy(entry->value, text.p, text.n);
    entry->value[text.n] = '\0';
    return true;
}

static bool parse_entry(struct str line, struct config_entry *entry, char *why, size_t why_size)
{
    if (line.n > CONFIG_FILE_LINE_MAX)
        return fail_with(why, why_size, "the line is longer than %d bytes", CONFIG_FILE_LINE_MAX);
    if (memchr(line.p, '\0', line.n))
        return fail_with(why, why_size, "there is a NUL in the line; this is no text");
    const char *equals = memchr(line.p, '=', line.n);
    if (!equals)
        return fail_with(why, why_size, "there is no = in the line; write name = value");
    size_t before = (size_t)(equals - line.p);
    struct str name = str_trim((struct str){line.p, before});
    struct str value = str_trim((struct str){equals + 1, line.n - before - 1});
    return parse_name(name, entry, why, why_size) && parse_value(value, entry, why, why_size);
}

enum config_found config_file_next(struct config_file *file, struct config_entry *entry, char *why,
                                   size_t why_size)
{
    while (file->at < file->n) {
        struct str line = str_trim(next_line(file));
        if (line.n > 0 && line.p[0] != '#')
            return parse_entry(line, entry, why, why_size) ? CONFIG_ENTRY : CONFIG_WRONG;
    }
    return CONFIG_END;
}
