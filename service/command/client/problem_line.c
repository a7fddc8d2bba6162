#include "command/client/problem_line.h"
#include "printable.h"

#include <string.h>

#define LINE_MAX_BYTES 2000
#define PART_MAX_BYTES 400 /* of a text, before it is made printable */

/* A text of the problem, cut; absent if it has none of that name. */
static struct str part_of(const json_t *document, const char *name)
{
    const json_t *value = json_object_get(document, name);
    struct str text = {json_string_value(value), json_string_length(value)};
    if (text.n > PART_MAX_BYTES) /* in front of a character */
        for (text.n = PART_MAX_BYTES; text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80;)
            text.n--;
    return text;
}

/* The name of the type: what is behind its last slash. */
static struct str problem_name(const json_t *document)
{
    struct str type = part_of(document, "type");
    const char *slash = type.n ? memrchr(type.p, '/', type.n) : NULL;
    if (slash)
        type = (struct str){slash + 1, type.n - (size_t)(slash + 1 - type.p)};
    return type;
}

static void put_problem(struct buf *line, const json_t *document)
{
    struct str field = part_of(document, "field"), detail = part_of(document, "detail");
    if (detail.n == 0)
        detail = part_of(document, "title");
    printable_put(line, problem_name(document));
    if (field.n > 0) {
        buf_puts(line, STR(": "));
        printable_put(line, field);
    }
    if (detail.n > 0) {
        buf_puts(line, STR(": "));
        printable_put(line, detail);
    }
}

void problem_line(char *out, size_t size, const struct http_answer *answer, const json_t *document,
                  const char *base)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    bool problem = answer->status >= 400 && problem_name(document).n > 0;
    if (problem) {
        buf_printf(&line, "%u ", answer->status);
        put_problem(&line, document);
    } else {
        buf_puts(&line, str_of(base));
        buf_printf(&line, " answered %u, and not as stockd does", answer->status);
        if (answer->type[0]) {
            buf_puts(&line, STR(": its answer is "));
            printable_put(&line, str_of(answer->type));
        }
    }
    snprintf(out, size, "%.*s", STR_ARG(buf_str(&line)));
    buf_free(&line);
}
