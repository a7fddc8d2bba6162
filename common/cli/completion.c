#include "cli/completion.h"

#include <string.h>

enum completion_value completion_value(const struct arg_spec *spec)
{
    if (spec->type == ARG_BOOL)
        return COMPLETION_NONE;
    if (spec->type == ARG_ENUM)
        return COMPLETION_CHOICE;
    if (spec->type == ARG_CONFIG || (spec->metavar && strcmp(spec->metavar, "FILE") == 0))
        return COMPLETION_FILE;
    return spec->metavar && strcmp(spec->metavar, "DIR") == 0 ? COMPLETION_FOLDER : COMPLETION_TEXT;
}

bool completion_negatable(const struct arg_spec *spec)
{
    return spec->type == ARG_BOOL && spec->default_text && strcmp(spec->default_text, "yes") == 0;
}

struct str completion_gist(const char *text)
{
    size_t n = 0;
    while (text[n] && text[n] != ';' && (text[n] != '.' || (text[n + 1] && text[n + 1] != ' ')))
        n++;
    return (struct str){text, n};
}

void completion_put_quoted(FILE *out, struct str text, const char *marks)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\'')
            fputs("'\\''", out);
        else
            fprintf(out, "%s%c", strchr(marks, text.p[i]) ? "\\" : "", text.p[i]);
    }
}
