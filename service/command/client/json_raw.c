#include "command/client/json_raw.h"

/* The place of what is no blank. */
static size_t skip_blanks(struct str text, size_t at)
{
    while (at < text.n && text.p[at] && strchr(" \t\r\n", text.p[at]))
        at++;
    return at;
}

/* Behind the string that begins here. */
static size_t skip_string(struct str text, size_t at)
{
    for (at++; at < text.n && text.p[at] != '"'; at++)
        at += text.p[at] == '\\';
    return at < text.n ? at + 1 : text.n;
}

/* Behind the value that begins here: what stands between brackets, or up to what ends it. */
static size_t skip_value(struct str text, size_t at)
{
    unsigned depth = 0;
    while (at < text.n) {
        char c = text.p[at];
        bool ends = c == ',' || c == ']' || c == '}';
        if (depth == 0 && (ends || (c && strchr(" \t\r\n", c))))
            break;
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        at++;
    }
    return at;
}

/* Goes to the next part of what `bracket` opens. False: there is none. */
static bool go_to_next(struct str text, char bracket, size_t *at)
{
    size_t here = skip_blanks(text, *at);
    if (here >= text.n || text.p[here] != (*at == 0 ? bracket : ','))
        return false;
    here = skip_blanks(text, here + 1);
    *at = here;
    return here < text.n && text.p[here] != ']' && text.p[here] != '}';
}

static struct str take_value(struct str text, size_t *at)
{
    size_t from = skip_blanks(text, *at);
    *at = skip_value(text, from);
    return (struct str){text.p + from, *at - from};
}

bool json_raw_element(struct str array, size_t *at, struct str *element)
{
    if (!go_to_next(array, '[', at))
        return false;
    *element = take_value(array, at);
    return element->n > 0;
}

bool json_raw_member(struct str object, size_t *at, struct str *name, struct str *value)
{
    if (!go_to_next(object, '{', at) || object.p[*at] != '"')
        return false;
    size_t from = *at + 1, behind = skip_string(object, *at);
    *name = (struct str){object.p + from, behind > from ? behind - from - 1 : 0};
    *at = skip_blanks(object, behind);
    if (*at >= object.n || object.p[*at] != ':')
        return false;
    ++*at;
    *value = take_value(object, at);
    return value->n > 0;
}

struct str json_raw_find(struct str object, const char *name)
{
    struct str found, value;
    size_t at = 0;
    while (json_raw_member(object, &at, &found, &value))
        if (str_equal(found, str_of(name)))
            return value;
    return (struct str){NULL, 0};
}
