/* text_verdict.c -- the verdict for people: the word, the properties, the witnesses. */
#include "report/text_run.h"

#include "report/page.h"

#define WORD_COLUMNS 13 /* "NOT CHECKED  " */
#define LINE_MAX     (8 * 1024)

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void text_verdict(struct buf *b, const json_t *run)
{
    const json_t *verdict = json_object_get(run, "verdict");
    size_t before = b->n;
    bool known = template_put(b, "{shown:verdict}", verdict);
    assert(known);
    while (b->n - before < WORD_COLUMNS && !b->failed)
        buf_putc(b, ' ');
    page_wrap(b, WORD_COLUMNS, WORD_COLUMNS, str_of(text_at(verdict, "sentence")));
}

void text_properties(struct buf *b, const json_t *run)
{
    json_t *property;
    size_t i;
    page_title(b, "Properties");
    json_array_foreach(template_find(run, "verdict.properties", 18), i, property)
    {
        struct buf line;
        buf_init(&line, LINE_MAX);
        for (size_t n = 0; n < layout_property.count; n++) {
            const struct layout_field *field = &layout_property.field[n];
            if (template_holds(property, field->when) && template_put(&line, field->text, property))
                buf_puts(&line, STR(". "));
        }
        buf_puts(&line, str_of(text_at(property, "title")));
        page_fact(b, text_at(property, "name"), buf_str(&line));
        b->failed |= line.failed;
        buf_free(&line);
    }
}

static void put_more(struct buf *b, const struct layout_fields *fields, const json_t *from)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (!template_holds(from, fields->field[i].when))
            continue;
        buf_puts(b, STR("      "));
        if (template_put(b, fields->field[i].text, from))
            buf_putc(b, '\n');
    }
}

static void put_witness(struct buf *b, size_t number, const json_t *witness)
{
    struct buf line;
    json_t *op;
    size_t i;
    buf_printf(b, "  %2zu. ", number);
    buf_init(&line, LINE_MAX);
    buf_printf(&line, "%s: %s", text_at(witness, "property"), text_at(witness, "text"));
    page_wrap(b, 6, 6, buf_str(&line));
    b->failed |= line.failed;
    buf_free(&line);
    json_array_foreach(json_object_get(witness, "operations"), i, op)
    {
        buf_puts(b, STR("      - "));
        page_wrap(b, 8, 8, str_of(text_at(op, "text")));
    }
    put_more(b, &layout_witness, witness);
}

void text_witnesses(struct buf *b, const json_t *run)
{
    const json_t *verdict = json_object_get(run, "verdict");
    json_t *witness;
    size_t i;
    if (!template_holds(verdict, "witnesses"))
        return;
    page_title(b, "Witnesses");
    json_array_foreach(json_object_get(verdict, "witnesses"), i, witness)
        put_witness(b, i + 1, witness);
    put_more(b, &layout_verdict, verdict);
}
