/* framing_chunk.c -- a body in chunks (RFC 9112 section 7.1), without the blanks that the RFC
 * tolerates around extensions. */
#include "digits.h"
#include "http/conn/framing_state.h"
#include "http/headers.h"

/* RFC 9110 section 5.6.4: what stands in quotes, quoted pairs aside. */
static bool is_quoted_char(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* Eight digits: more overflow in some parsers, and no body is that long. */
static enum framing_state at_size(struct framing *f, unsigned char c)
{
    int digit = digits_hex((char)c);
    if (digit >= 0 && f->index < 8) {
        f->index++;
        f->is.left = f->is.left << 4 | (unsigned)digit;
        return SIZE;
    }
    if (f->index == 0 || (c != '\r' && c != ';'))
        return framing_refused(f, "the size of a chunk is not one to eight hexadecimal digits");
    f->index = 0;
    return c == '\r' ? SIZE_LF : EXTENSION_NAME;
}

static enum framing_state extension_refused(struct framing *f)
{
    return framing_refused(f, "an extension of a chunk is neither a token nor a quoted string");
}

/* Behind a name or a value. */
static enum framing_state end_extension(struct framing *f, unsigned char c)
{
    f->index = 0;
    if (c == ';')
        return EXTENSION_NAME;
    return c == '\r' ? SIZE_LF : extension_refused(f);
}

static enum framing_state at_extension_name(struct framing *f, unsigned char c)
{
    if (token_chars[c]) {
        f->index = 1;
        return EXTENSION_NAME;
    }
    if (f->index == 0)
        return extension_refused(f);
    return c == '=' ? EXTENSION_VALUE : end_extension(f, c);
}

static enum framing_state at_extension_value(struct framing *f, unsigned char c)
{
    if (c == '"')
        return EXTENSION_QUOTED;
    return token_chars[c] ? EXTENSION_TOKEN : extension_refused(f);
}

static enum framing_state at_extension_token(struct framing *f, unsigned char c)
{
    return token_chars[c] ? EXTENSION_TOKEN : end_extension(f, c);
}

static enum framing_state at_extension_quoted(struct framing *f, unsigned char c)
{
    if (c == '"')
        return EXTENSION_END;
    if (c == '\\')
        return EXTENSION_ESCAPED;
    return is_quoted_char(c) ? EXTENSION_QUOTED : extension_refused(f);
}

static enum framing_state at_extension_escaped(struct framing *f, unsigned char c)
{
    return is_quoted_char(c) ? EXTENSION_QUOTED : extension_refused(f);
}

static enum framing_state at_size_lf(struct framing *f, unsigned char c)
{
    if (c != '\n')
        return framing_line_feed(f, c, DATA);
    if (f->is.left > 0)
        return DATA;
    f->is.trailer = true;
    return FIELD_START;
}

static enum framing_state at_data_cr(struct framing *f, unsigned char c)
{
    return c == '\r' ? DATA_LF : framing_refused(f, "a chunk does not end where its size says");
}

static enum framing_state at_data_lf(struct framing *f, unsigned char c)
{
    return framing_line_feed(f, c, SIZE);
}

static const framing_step steps[STATES] = {
    [SIZE] = at_size,
    [EXTENSION_NAME] = at_extension_name,
    [EXTENSION_VALUE] = at_extension_value,
    [EXTENSION_TOKEN] = at_extension_token,
    [EXTENSION_QUOTED] = at_extension_quoted,
    [EXTENSION_ESCAPED] = at_extension_escaped,
    [EXTENSION_END] = end_extension,
    [SIZE_LF] = at_size_lf,
    [DATA_CR] = at_data_cr,
    [DATA_LF] = at_data_lf,
};

enum framing_state framing_chunk_step(struct framing *f, unsigned char c)
{
    return steps[f->state](f, c);
}
