#include "support/reply_text.h"
#include "buf.h"

#include <ctype.h>
#include <stdlib.h>

#define TEXT_MAX_BYTES (1u << 20)

static const char *skip_blanks(const char *text)
{
    while (*text == ' ')
        text++;
    return text;
}

static bool is_marked(const char *word)
{
    return (*word == ':' && (isdigit((unsigned char)word[1]) || word[1] == '-')) ||
           (*word == '-' && isupper((unsigned char)word[1]));
}

static void put_word(struct buf *out, const char *word, size_t n)
{
    bool empty = n == 2 && word[0] == '"', marked = is_marked(word);
    if (n == 1 && *word == '_') {
        buf_puts(out, STR("$-1\r\n"));
        return;
    }
    if (marked)
        buf_putc(out, *word);
    else
        buf_printf(out, "$%zu\r\n", empty ? 0 : n);
    for (size_t i = marked; i < n && !empty; i++)
        buf_putc(out, word[i] == '~' ? ' ' : word[i] == '|' ? '\n' : word[i]);
    buf_puts(out, STR("\r\n"));
}

/* One value; where it ends. */
static const char *put_value(struct buf *out, const char *text);

static const char *put_array(struct buf *out, const char *text)
{
    struct buf inside;
    size_t count = 0;
    buf_init(&inside, TEXT_MAX_BYTES);
    for (text = skip_blanks(text); *text != ']'; text = skip_blanks(text)) {
        if (!*text)
            abort();
        text = put_value(&inside, text);
        count++;
    }
    buf_printf(out, "*%zu\r\n", count);
    buf_put(out, inside.p, inside.n);
    buf_free(&inside);
    return text + 1;
}

static const char *put_value(struct buf *out, const char *text)
{
    if (*text == '[')
        return put_array(out, text + 1);
    size_t n = strcspn(text, " []");
    put_word(out, text, n);
    return text + n;
}

redisReply *reply_of_text(const char *text)
{
    struct buf resp;
    void *reply = NULL;
    redisReader *reader = redisReaderCreate();
    buf_init(&resp, TEXT_MAX_BYTES);
    const char *end = put_value(&resp, skip_blanks(text));
    if (!reader || *skip_blanks(end) || resp.failed ||
        redisReaderFeed(reader, (const char *)resp.p, resp.n) != REDIS_OK ||
        redisReaderGetReply(reader, &reply) != REDIS_OK || !reply)
        abort();
    redisReaderFree(reader);
    buf_free(&resp);
    return reply;
}
