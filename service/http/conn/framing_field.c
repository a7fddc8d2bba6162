/* framing_field.c -- the header fields that say where a request ends, or whether it is the last. */
#include "http/conn/framing_state.h"
#include "http/headers.h"

#define NAME_OF(literal)                                                                           \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
static const struct str field_names[FIELDS] = {
    [HOST] = NAME_OF("host"),
    [CONTENT_LENGTH] = NAME_OF("content-length"),
    [TRANSFER_ENCODING] = NAME_OF("transfer-encoding"),
    [CONNECTION] = NAME_OF("connection"),
    [COOKIE] = NAME_OF("cookie"),
};

static enum framing_state end_host(struct framing *f, struct str value)
{
    struct host host;
    if (f->is.hosts++ > 0)
        return framing_refused(f, "Host comes twice");
    if (f->is.absolute && !str_equal_caseless(value, (struct str){f->authority, f->authority_n}))
        return framing_refused(f, "Host is another than in the request target");
    return host_parse(value, &host) ? FIELD_START : framing_refused(f, "Host is no host");
}

/* To the letter: the library takes blanks behind the number for a part of it. */
static enum framing_state end_content_length(struct framing *f, struct str value)
{
    if (f->is.has_length)
        return framing_refused(f, "Content-Length comes twice");
    if (value.n < 1 || value.n > 18)
        return framing_refused(f, "Content-Length is no number");
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return framing_refused(f, "Content-Length is no number");
        f->is.left = f->is.left * 10 + (uint64_t)(value.p[i] - '0');
    }
    f->is.has_length = true;
    return FIELD_START;
}

static enum framing_state end_transfer_encoding(struct framing *f, struct str value)
{
    bool good = str_equal_caseless(value, STR("chunked"));
    if (!good || f->is.chunked)
        return framing_refused(f, "the only Transfer-Encoding taken is chunked");
    f->is.chunked = true;
    return FIELD_START;
}

static enum framing_state end_connection(struct framing *f, struct str value)
{
    while (value.n > 0) {
        const char *comma = memchr(value.p, ',', value.n);
        struct str word = {value.p, comma ? (size_t)(comma - value.p) : value.n};
        size_t used = comma ? word.n + 1 : word.n;
        value = (struct str){value.p + used, value.n - used};
        word = str_trim(word);
        if (str_equal_caseless(word, STR("close")))
            f->is.closes = true;
        else if (str_equal_caseless(word, STR("keep-alive")))
            f->is.keeps = true;
    }
    return FIELD_START;
}

enum framing_state framing_end_field(struct framing *f, enum framing_field field, struct str value)
{
    bool frames = field == HOST || field == CONTENT_LENGTH || field == TRANSFER_ENCODING;
    if (frames && f->is.trailer)
        return framing_refused(f, "a trailer has a field that frames the request");
    switch (field) {
    case HOST: return end_host(f, str_trim(value));
    case CONTENT_LENGTH: return end_content_length(f, value);
    case TRANSFER_ENCODING: return end_transfer_encoding(f, value);
    case CONNECTION: return end_connection(f, value);
    default: return FIELD_START;
    }
}

enum framing_field framing_field_of(struct str name)
{
    for (int i = HOST; i < FIELDS; i++)
        if (str_equal_caseless(name, field_names[i]))
            return (enum framing_field)i;
    return NO_FIELD;
}
