/* commandline.c -- one word at a time; the value of --header may be a word of its own. */
#include "commandline.h"

#include "args.h"

#include <string.h>

/* As one would type it into a shell again. */
static void put_word(struct buf *out, const char *word)
{
    bool plain = *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_=+:,./@%*") == strlen(word);
    buf_puts(out, plain ? STR("") : STR("'"));
    for (; *word; word++)
        buf_put(out, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
    buf_puts(out, plain ? STR("") : STR("'"));
}

/* How many bytes of a word stand before the value of --header; 0 when it is another word, all of
 * them when the value is the next word. */
static size_t before_header(const char *word)
{
    if (strncmp(word, "--header", 8) == 0 && (word[8] == '\0' || word[8] == '='))
        return word[8] ? 9 : 8;
    size_t at = 1 + strspn(word + (word[0] == '-'), "qv");
    return word[0] == '-' && word[at] == 'H' ? at + 1 : 0;
}

char *commandline_text(int argc, char *const *argv)
{
    struct buf line, word;
    buf_init(&line, 64 * 1024);
    buf_init(&word, 16 * 1024);
    buf_puts(&line, STR("stockload"));
    bool hide_next = false;
    for (int i = 1; i < argc; i++) {
        size_t shown = before_header(argv[i]);
        buf_reset(&word);
        if (hide_next)
            buf_puts(&word, STR("***"));
        else if (shown > 0)
            buf_put(&word, argv[i], shown);
        else
            args_put_url(&word, argv[i]);
        if (!hide_next && shown > 0 && argv[i][shown])
            buf_puts(&word, STR("***"));
        buf_putc(&word, '\0');
        hide_next = !hide_next && shown > 0 && !argv[i][shown];
        buf_putc(&line, ' ');
        put_word(&line, word.failed ? "..." : word.p);
    }
    char *text = strndup(buf_str(&line).p, line.n);
    buf_free(&word);
    buf_free(&line);
    return text;
}
