/* config_file.h -- a file of settings: one `name = value` a line.
 *
 *   # a comment has a line of its own
 *   listen = 127.0.0.1:8080
 *   data-dir = "/srv/with # and blanks at its end "
 *
 * Layer: common. Blanks around name and value do not count; double quotes around a value keep what
 * is in them as it is. The whole file is read at once, so that it is one state of it; its text is
 * wiped when it is closed, since it may hold secrets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_BYTES_MAX (64 * 1024)
#define CONFIG_FILE_LINE_MAX  4096
#define CONFIG_FILE_NAME_MAX  48

struct config_file {
    char *text;
    size_t n, at;        /* bytes in all, and those that were looked at */
    unsigned line;       /* number of the last one looked at */
    bool is_open_to_all; /* others than its owner and group may read it */
};

struct config_entry {
    char name[CONFIG_FILE_NAME_MAX + 1];
    char value[CONFIG_FILE_LINE_MAX + 1];
};

/* False, with why; then there is nothing to close. */
bool config_file_open(struct config_file *file, const char *path, char *why,
                      size_t why_size) MUST_CHECK;
void config_file_close(struct config_file *file);

enum config_found {
    CONFIG_ENTRY,
    CONFIG_END,
    CONFIG_WRONG, /* why says what is wrong with `line`, and what would be right */
};

enum config_found config_file_next(struct config_file *file, struct config_entry *entry, char *why,
                                   size_t why_size) MUST_CHECK;
