#include "report/jsonput.h"
#include "printable.h"

#include <math.h>

#define TEXT_MAX (64 * 1024)

static json_t *put_member(struct jsonput *j, json_t *parent, const char *key, json_t *value)
{
    int rc = key ? json_object_set_new(parent, key, value) : json_array_append_new(parent, value);
    if (rc < 0)
        j->failed = true;
    return rc < 0 ? NULL : value;
}

json_t *jsonput_object(struct jsonput *j, json_t *parent, const char *key)
{
    return put_member(j, parent, key, json_object());
}

json_t *jsonput_array(struct jsonput *j, json_t *parent, const char *key)
{
    return put_member(j, parent, key, json_array());
}

void jsonput_text(struct jsonput *j, json_t *parent, const char *key, struct str text)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    printable_put(&b, text);
    if (b.failed)
        j->failed = true;
    else
        put_member(j, parent, key, json_stringn(buf_str(&b).p, b.n));
    buf_free(&b);
}

void jsonput_text_or_null(struct jsonput *j, json_t *parent, const char *key, struct str text)
{
    if (text.n > 0)
        jsonput_text(j, parent, key, text);
    else
        jsonput_null(j, parent, key);
}

void jsonput_count(struct jsonput *j, json_t *parent, const char *key, uint64_t count)
{
    put_member(j, parent, key, json_integer(count < INT64_MAX ? (json_int_t)count : INT64_MAX));
}

void jsonput_count_if(struct jsonput *j, json_t *parent, const char *key, bool known,
                      uint64_t count)
{
    if (known)
        jsonput_count(j, parent, key, count);
    else
        jsonput_null(j, parent, key);
}

void jsonput_integer(struct jsonput *j, json_t *parent, const char *key, int64_t value)
{
    put_member(j, parent, key, json_integer(value));
}

void jsonput_integer_if(struct jsonput *j, json_t *parent, const char *key, bool known,
                        int64_t value)
{
    if (known)
        jsonput_integer(j, parent, key, value);
    else
        jsonput_null(j, parent, key);
}

void jsonput_number(struct jsonput *j, json_t *parent, const char *key, double value)
{
    put_member(j, parent, key, isfinite(value) ? json_real(value) : json_null());
}

void jsonput_bool(struct jsonput *j, json_t *parent, const char *key, bool value)
{
    put_member(j, parent, key, json_boolean(value));
}

void jsonput_null(struct jsonput *j, json_t *parent, const char *key)
{
    put_member(j, parent, key, json_null());
}

json_t *jsonput_end(const struct jsonput *j, json_t *document)
{
    if (!j->failed)
        return document;
    json_decref(document);
    return NULL;
}
