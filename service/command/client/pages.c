#include "command/client/pages.h"
#include "command/client/json_raw.h"
#include "printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE  4096
#define CURSOR_MAX 512 /* bytes; a longer one is nobody's */

struct walk {
    struct asker *asker;
    const struct pages *pages;
    struct table table; /* unless --json */
    bool begun;         /* a page was shown */
    int64_t count;      /* elements so far */
    char *cursor;       /* of the next page; NULL: there is none */
};

void pages_put_text(struct table *table, const json_t *of, const char *name)
{
    const json_t *value = json_object_get(of, name);
    if (!value || json_is_null(value))
        table_put(table, (struct str){NULL, 0});
    else if (!json_is_string(value))
        table_put(table, STR("?"));
    else
        table_put(table, (struct str){json_string_value(value), json_string_length(value)});
}

void pages_put_number(struct table *table, const json_t *of, const char *name)
{
    const json_t *value = json_object_get(of, name);
    if (json_is_integer(value))
        table_put_number(table, json_integer_value(value));
    else
        table_put(table, !value || json_is_null(value) ? (struct str){NULL, 0} : STR("?"));
}

void pages_put_filter(struct buf *query, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(query, "&%s=", name);
    http_put_encoded(query, str_of(value));
}

/* An exit status. What could not be written is said by ask_finish(). */
static int print_gathered(const struct asker *asker, struct table *table)
{
    if (table_print(table) != -ENOMEM)
        return ASK_FINE;
    fprintf(stderr, "%s: no memory\n", asker->name);
    return ASK_REFUSED;
}

int pages_print_rows(const struct asker *asker, const json_t *of,
                     const struct table_column *columns, unsigned count,
                     void (*put)(struct table *table, const json_t *element))
{
    struct table table;
    size_t i;
    const json_t *element;
    table_init(&table, stdout, columns, count, table_width(stdout));
    if (!json_is_array(of))
        put(&table, of);
    json_array_foreach(of, i, element)
    {
        put(&table, element);
    }
    int status = print_gathered(asker, &table);
    table_free(&table);
    return status;
}

/* Elements that the next page may have. */
static int64_t wanted(const struct walk *w)
{
    int64_t left = w->pages->limit - w->count;
    return w->pages->limit > 0 && left < w->pages->page ? left : w->pages->page;
}

static int fetch(struct walk *w)
{
    struct buf path;
    buf_init(&path, PATH_SIZE);
    buf_printf(&path, "%s?limit=%" PRId64, w->pages->path, wanted(w));
    buf_puts(&path, buf_str(w->pages->query));
    if (w->cursor) {
        buf_puts(&path, STR("&cursor="));
        http_put_encoded(&path, str_of(w->cursor));
    }
    buf_putc(&path, '\0');
    const struct http_request request = {.method = "GET", .path = buf_str(&path).p};
    int status = path.failed || w->pages->query->failed
                     ? ASK_REFUSED
                     : ask(w->asker, &request, w->pages->member, 0);
    if (path.failed || w->pages->query->failed)
        fprintf(stderr, "%s: the address is longer than %d bytes\n", w->asker->name, PATH_SIZE);
    buf_free(&path);
    return status;
}

static int not_ours(const struct walk *w, const char *what)
{
    fprintf(stderr, "%s: %s answered with %s: is it a stockd?\n", w->asker->name,
            http_client_base(w->asker->http), what);
    return ASK_UNKNOWN;
}

/* Takes next_cursor. A page that leads to itself would be read for ever. */
static int turn_page(struct walk *w)
{
    const json_t *next = json_object_get(w->asker->document, "next_cursor");
    const char *text = json_string_value(next);
    if ((!text && !json_is_null(next)) || (text && strlen(text) > CURSOR_MAX))
        return not_ours(w, "a page without a next_cursor");
    if (text && w->cursor && strcmp(text, w->cursor) == 0)
        return not_ours(w, "a page that leads to itself");
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        return not_ours(w, "more than there is memory for");
    free(w->cursor);
    w->cursor = copy;
    return ASK_FINE;
}

/* Bytes of the answer as they are. */
static void print(struct str text)
{
    fwrite(text.p, 1, text.n, stdout); /* ask_finish() tells what was not written */
}

static void print_elements(const struct walk *w)
{
    struct str list = json_raw_find(buf_str(&w->asker->answer.body), w->pages->member), element;
    bool first = w->count == 0;
    if (!w->begun)
        printf("{\"%s\":[", w->pages->member);
    for (size_t at = 0; json_raw_element(list, &at, &element); first = false) {
        if (!first)
            putchar(',');
        print(element);
    }
}

static void show_page(struct walk *w, const json_t *list)
{
    size_t i;
    const json_t *element;
    if (w->asker->options->json)
        print_elements(w);
    else
        json_array_foreach(list, i, element)
        {
            w->pages->put(&w->table, element);
        }
    w->begun = true;
    w->count += (int64_t)json_array_size(list);
}

static int show_next_page(struct walk *w)
{
    int status = fetch(w);
    if (status != ASK_FINE)
        return status;
    const json_t *list = json_object_get(w->asker->document, w->pages->member);
    if (!json_is_array(list) || json_array_size(list) > (size_t)wanted(w))
        return not_ours(w, "no page of the list");
    show_page(w, list);
    return turn_page(w);
}

/* What the last page has beside its elements: the cursor, how far the ledger is. */
static void close_document(const struct walk *w)
{
    struct str body = buf_str(&w->asker->answer.body), name, value;
    putchar(']');
    for (size_t at = 0; json_raw_member(body, &at, &name, &value);) {
        if (str_equal(name, str_of(w->pages->member)))
            continue;
        printf(",\"%.*s\":", STR_ARG(name));
        print(value);
    }
    puts("}");
}

static bool is_last_page(const struct walk *w)
{
    return !w->cursor || (w->pages->limit > 0 && w->count >= w->pages->limit) || ferror(stdout);
}

static int walk_pages(struct walk *w)
{
    do {
        int status = show_next_page(w);
        if (status != ASK_FINE)
            return status;
    } while (!is_last_page(w));
    return ASK_FINE;
}

static void mention_more(const struct walk *w)
{
    struct buf cursor;
    buf_init(&cursor, 4 * CURSOR_MAX);
    printable_put(&cursor, str_of(w->cursor));
    fprintf(stderr, "%s: there are more: --cursor %.*s goes on\n", w->asker->name,
            STR_ARG(buf_str(&cursor)));
    buf_free(&cursor);
}

static int print_table(struct walk *w)
{
    const struct pages *pages = w->pages;
    table_init(&w->table, stdout, pages->columns, pages->column_count, table_width(stdout));
    int status = walk_pages(w);
    if (status == ASK_FINE)
        status = print_gathered(w->asker, &w->table);
    if (status == ASK_FINE && w->cursor)
        mention_more(w);
    table_free(&w->table);
    return status;
}

static int print_document(struct walk *w)
{
    int status = walk_pages(w);
    if (status == ASK_FINE)
        close_document(w);
    return status;
}

int pages_print(const char *name, const struct ask_options *options, const struct pages *pages)
{
    struct asker asker;
    struct walk w = {.asker = &asker, .pages = pages};
    int status = ask_open(&asker, name, options);
    if (status == ASK_FINE) {
        w.cursor = pages->cursor ? strdup(pages->cursor) : NULL;
        status = ask_finish(&asker, options->json ? print_document(&w) : print_table(&w));
    }
    free(w.cursor);
    ask_close(&asker);
    return status;
}
